//! Zstandard, one frame or several in a row.

use crate::blob::Blob;
use crate::codec::Codec;
use crate::format::{Carved, Format, Kind, Magic, Spec, carve_stream};
use crate::limits::Budget;
use crate::problem::Rejected;

/// Zstandard.
#[derive(Debug)]
pub(super) struct Zstd;

static SPEC: Spec = Spec {
    id: "zstd",
    name: "Zstandard",
    kind: Kind::Compression,
    magics: &[Magic::anywhere(&[0x28, 0xb5, 0x2f, 0xfd])],
    leaf: false,
    references: &["https://www.rfc-editor.org/rfc/rfc8878"],
    limitations: &["frames that need a dictionary", "windows above 1 GiB"],
};

impl Format for Zstd {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, budget: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let input = blob.bytes().tail(start);
        // Frame_Header_Descriptor, RFC 8878 section 3.1.1.1.1: bit 3 is reserved.
        if input.get(4).is_none_or(|descriptor| descriptor & 8 != 0) {
            return Err(Rejected("the reserved bit is set"));
        }
        let carved = carve_stream(Codec::Zstd, String::new(), input, budget)?;
        if start > 0 && carved.payload.as_ref().is_none_or(|payload| payload.output.is_empty()) {
            return Err(Rejected("a frame of nothing in the middle of other bytes"));
        }
        Ok(carved)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::testing::{noise, pipe};
    use crate::format::testing::{carve, survives_damage, unpack_at};

    #[test]
    fn streams_in_the_middle_of_other_bytes() {
        if crate::testing::lacking(&["zstd"]) {
            return;
        }
        let data = noise(50_000);
        let packed = pipe("zstd", &["-c"], &data);
        let image = [b"before".as_slice(), &packed, b"after"].concat();
        let unpacked = unpack_at(&Zstd, &image, 6);
        assert_eq!((unpacked.file("") == data, unpacked.problems), (true, vec![]));
        assert_eq!(carve(&Zstd, &image, 6), Some(u64::try_from(packed.len()).unwrap()));
        survives_damage(&Zstd, &packed);
    }

    #[test]
    fn look_alikes_are_refused() {
        assert_eq!(carve(&Zstd, b"\x28\xb5\x2f\xfd and then nothing of it", 0), None);
    }
}
