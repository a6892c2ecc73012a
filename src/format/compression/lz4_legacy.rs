//! LZ4 as `lz4 -l` and the Linux kernel write it.

use crate::blob::Blob;
use crate::codec::Codec;
use crate::format::{Carved, Format, Kind, Magic, Spec, carve_stream};
use crate::limits::Budget;
use crate::problem::Rejected;

/// LZ4 legacy streams.
#[derive(Debug)]
pub(super) struct Lz4Legacy;

static SPEC: Spec = Spec {
    id: "lz4-legacy",
    name: "LZ4 legacy",
    kind: Kind::Compression,
    magics: &[Magic::anywhere(&[0x02, 0x21, 0x4c, 0x18])],
    leaf: false,
    references: &["https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md#legacy-frame"],
    limitations: &[],
};

impl Format for Lz4Legacy {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, budget: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let input = blob.bytes().tail(start);
        carve_stream(Codec::Lz4Legacy, String::new(), input, budget)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::testing::{noise, pipe};
    use crate::format::testing::{carve, survives_damage, unpack_at};

    #[test]
    fn streams_in_the_middle_of_other_bytes() {
        if crate::testing::lacking(&["lz4"]) {
            return;
        }
        let data = noise(50_000);
        let packed = pipe("lz4", &["-c", "-l"], &data);
        let image = [b"before".as_slice(), &packed, b"after"].concat();
        let unpacked = unpack_at(&Lz4Legacy, &image, 6);
        assert_eq!((unpacked.file("") == data, unpacked.problems), (true, vec![]));
        assert_eq!(carve(&Lz4Legacy, &image, 6), Some(u64::try_from(packed.len()).unwrap()));
        survives_damage(&Lz4Legacy, &packed);
    }

    #[test]
    fn look_alikes_are_refused() {
        assert_eq!(carve(&Lz4Legacy, b"\x02\x21\x4c\x18\x20\0\0\0 and then nothing of it", 0), None);
        assert_eq!(carve(&Lz4Legacy, b"\x02\x21\x4c\x18", 0), None);
    }
}
