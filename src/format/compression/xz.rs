//! xz, one stream or several in a row.

use crate::blob::{Blob, Bytes, Endian};
use crate::codec::{Codec, crc32};
use crate::format::{Carved, Format, Kind, Magic, Spec, carve_stream};
use crate::limits::Budget;
use crate::problem::Rejected;

/// xz.
#[derive(Debug)]
pub(super) struct Xz;

static SPEC: Spec = Spec {
    id: "xz",
    name: "xz",
    kind: Kind::Compression,
    magics: &[Magic::anywhere(&[0xfd, b'7', b'z', b'X', b'Z', 0])],
    leaf: false,
    references: &["https://tukaani.org/xz/xz-file-format.txt"],
    limitations: &["dictionaries above 1 GiB"],
};

impl Format for Xz {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, budget: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let input = blob.bytes().tail(start);
        let flags = Bytes(input).get(6, 2)?;
        if Bytes(input).u32(8, Endian::Little)? != crc32(flags) || !flags.starts_with(&[0]) {
            return Err(Rejected("the checksum of the header does not fit"));
        }
        carve_stream(Codec::Xz, String::new(), input, budget)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::testing::{noise, pipe};
    use crate::format::testing::{carve, survives_damage, unpack_at};

    #[test]
    fn streams_in_the_middle_of_other_bytes() {
        if crate::testing::lacking(&["xz"]) {
            return;
        }
        let data = noise(50_000);
        let packed = pipe("xz", &["-c"], &data);
        let image = [b"before".as_slice(), &packed, b"after"].concat();
        let unpacked = unpack_at(&Xz, &image, 6);
        assert_eq!((unpacked.file("") == data, unpacked.problems), (true, vec![]));
        assert_eq!(carve(&Xz, &image, 6), Some(u64::try_from(packed.len()).unwrap()));
        survives_damage(&Xz, &packed);
    }

    #[test]
    fn look_alikes_are_refused() {
        if crate::testing::lacking(&["xz"]) {
            return;
        }
        assert_eq!(carve(&Xz, b"\xfd7zXZ\0 and then nothing of it", 0), None);
        assert_eq!(carve(&Xz, &pipe("xz", &["-c"], b"text")[..20], 0), None);
    }
}
