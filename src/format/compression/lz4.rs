//! LZ4 frames, one or several in a row.

use crate::blob::Blob;
use crate::codec::Codec;
use crate::format::{Carved, Format, Kind, Magic, Spec, carve_stream};
use crate::limits::Budget;
use crate::problem::Rejected;

/// LZ4 frames.
#[derive(Debug)]
pub(super) struct Lz4;

static SPEC: Spec = Spec {
    id: "lz4",
    name: "LZ4 frame",
    kind: Kind::Compression,
    magics: &[Magic::anywhere(&[0x04, 0x22, 0x4d, 0x18])],
    leaf: false,
    references: &["https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md"],
    limitations: &["frames that need a dictionary"],
};

impl Format for Lz4 {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, budget: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let input = blob.bytes().tail(start);
        carve_stream(Codec::Lz4, String::new(), input, budget)
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
        let packed = pipe("lz4", &["-c"], &data);
        let image = [b"before".as_slice(), &packed, b"after"].concat();
        let unpacked = unpack_at(&Lz4, &image, 6);
        assert_eq!((unpacked.file("") == data, unpacked.problems), (true, vec![]));
        assert_eq!(carve(&Lz4, &image, 6), Some(u64::try_from(packed.len()).unwrap()));
        survives_damage(&Lz4, &packed);
    }

    #[test]
    fn look_alikes_are_refused() {
        assert_eq!(carve(&Lz4, b"\x04\x22\x4d\x18\x64\x40 and then nothing of it", 0), None);
    }
}
