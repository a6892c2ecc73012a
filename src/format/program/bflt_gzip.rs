//! bFLT programs whose body, or data, is compressed: the program comes out as it would be otherwise.

use crate::blob::{Blob, Bytes};
use crate::codec::Codec;
use crate::format::program::bflt::{GZIP, GZIP_DATA, HEADER, Header};
use crate::format::{Carved, Format, Kind, LEAST_BROKEN_STREAM, Magic, Payload, Spec};
use crate::limits::{Budget, Output};
use crate::problem::Rejected;

/// Compressed bFLT.
#[derive(Debug)]
pub(super) struct BfltGzip;

static SPEC: Spec = Spec {
    id: "bflt-gzip",
    name: "bFLT, compressed",
    kind: Kind::Program,
    magics: &[Magic::anywhere(b"bFLT\0\0\0\x04"), Magic::anywhere(b"bFLT\0\0\0\x02")],
    leaf: false,
    references: &["https://github.com/torvalds/linux/blob/master/fs/binfmt_flat.c"],
    limitations: &[],
};

impl Format for BfltGzip {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, budget: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let input = Bytes(blob.bytes().tail(start));
        let header = Header::read(input)?;
        if !header.packed() {
            return Err(Rejected("not packed"));
        }
        let plain = if header.flags & GZIP == 0 { header.data } else { HEADER };
        let mut stream = Codec::Gzip.stream(input.tail(plain), budget);
        if stream.output.len() < LEAST_BROKEN_STREAM && stream.fault.is_some() {
            return Err(Rejected("no gzip stream"));
        }
        let mut output = Output::new(budget, input.len());
        let head = input.get(0, plain)?;
        // Nothing is packed in it any more.
        let flags = (header.flags & !(GZIP | GZIP_DATA)).to_be_bytes();
        let parts = [Bytes(head).up_to(0, 36), &flags, Bytes(head).tail(40), stream.output.as_slice()];
        stream.fault = parts.iter().try_for_each(|part| output.push(part)).err().map(Into::into).or(stream.fault);
        let length = stream.consumed.saturating_add(plain);
        Ok(Carved { length, payload: Some(Payload { name: String::new(), output, fault: stream.fault }) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::simple::tests::whole_and_in_junk;
    use crate::format::testing::{carve, unpack};

    #[test]
    fn the_program_comes_out_as_it_was() {
        let program = include_bytes!("../../../fixtures/bflt/example.bflt").as_slice();
        let whole = include_bytes!("../../../fixtures/bflt-gzip/whole.bflt").as_slice();
        let data = include_bytes!("../../../fixtures/bflt-gzip/data.bflt").as_slice();
        for image in [whole, data] {
            whole_and_in_junk(&BfltGzip, image);
            let unpacked = unpack(&BfltGzip, image);
            assert_eq!((unpacked.file("") == program, unpacked.problems), (true, vec![]));
        }
        assert_eq!(carve(&BfltGzip, program, 0), None);
    }
}
