//! zlib streams, RFC 1950.

use crate::blob::{Blob, Bytes, Endian};
use crate::codec::Codec;
use crate::format::{Carved, Format, Kind, Magic, Payload, Spec};
use crate::limits::Budget;
use crate::problem::Rejected;

/// zlib.
#[derive(Debug)]
pub(super) struct Zlib;

static SPEC: Spec = Spec {
    id: "zlib",
    name: "zlib",
    kind: Kind::Compression,
    // CM = 8 with the window that all encoders take, for each of the four compression levels
    magics: &[
        Magic::anywhere(&[0x78, 0x01]),
        Magic::anywhere(&[0x78, 0x5e]),
        Magic::anywhere(&[0x78, 0x9c]),
        Magic::anywhere(&[0x78, 0xda]),
    ],
    leaf: false,
    references: &["https://www.rfc-editor.org/rfc/rfc1950", "https://www.rfc-editor.org/rfc/rfc1951"],
    limitations: &["broken streams: two bytes of magic prove nothing", "streams of less than 64 bytes", "preset dictionaries"],
};

/// Less than this is not worth the false alarms.
const LEAST: u64 = 64;

impl Format for Zlib {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    /// The magic stands somewhere in every few pages of any data, so only a whole stream with the right checksum counts. A stream that
    /// went on to a limit was real as well.
    fn carve<'b>(&self, blob: &Blob, start: u64, budget: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let input = Bytes(blob.bytes().tail(start));
        plausible(input)?;
        let stream = Codec::Zlib.stream(input.0, budget);
        let bomb = stream.fault.as_ref().is_some_and(|fault| fault.is_limit()) && stream.output.len() > 1 << 20;
        if stream.output.len() < LEAST || (stream.fault.is_some() && !bomb) {
            return Err(Rejected("no whole stream"));
        }
        Ok(Carved { length: stream.consumed, payload: Some(Payload { name: String::new(), output: stream.output, fault: stream.fault }) })
    }
}

/// Whether the first block may be one, RFC 1951 section 3.2.3 on: refuses most that is none before anything is set up to inflate it.
fn plausible(input: Bytes<'_>) -> Result<(), Rejected> {
    let bits = input.u16(2, Endian::Little)?;
    match (bits >> 1) & 3 {
        0 if input.u16(3, Endian::Little)? != !input.u16(5, Endian::Little)? => Err(Rejected("LEN and NLEN differ")),
        2 if (bits >> 3) & 31 > 29 || (bits >> 8) & 31 > 29 => Err(Rejected("too many codes")),
        3 => Err(Rejected("reserved block type")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::codec::testing::noise;
    use crate::format::testing::{carve, survives_damage, unpack_at};

    fn packed(data: &[u8], level: u32) -> Vec<u8> {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::new(level));
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn streams_in_the_middle_of_other_bytes() {
        let data = noise(50_000);
        for level in [0, 1, 3, 6, 9] {
            let packed = packed(&data, level);
            let image = [b"before".as_slice(), &packed, b"after"].concat();
            let unpacked = unpack_at(&Zlib, &image, 6);
            assert_eq!((unpacked.file("") == data, unpacked.problems), (true, vec![]));
            assert_eq!(carve(&Zlib, &image, 6), Some(u64::try_from(packed.len()).unwrap()));
        }
        survives_damage(&Zlib, &packed(&data, 6));
    }

    #[test]
    fn look_alikes_are_refused() {
        let data = noise(50_000);
        let mut wrong = packed(&data, 6);
        *wrong.last_mut().unwrap() ^= 1;
        assert_eq!(carve(&Zlib, &wrong, 0), None);
        assert_eq!(carve(&Zlib, &wrong[..20_000], 0), None);
        assert_eq!(carve(&Zlib, &packed(b"short", 6), 0), None);
        assert_eq!(carve(&Zlib, &[0x78, 0x9c], 0), None);
    }
}
