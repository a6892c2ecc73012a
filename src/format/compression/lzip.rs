//! lzip files, one member or several in a row.

use crate::codec::Codec;
use crate::format::simple::Packed;
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// lzip.
pub(super) static LZIP: Packed = Packed {
    spec: &Spec {
        id: "lzip",
        name: "lzip",
        kind: Kind::Compression,
        magics: &[Magic::anywhere(b"LZIP\x01")],
        leaf: false,
        references: &["https://www.nongnu.org/lzip/manual/lzip_manual.html#File-format"],
        limitations: &["version 0, which was never released"],
    },
    codec: Codec::Lzip,
    // u8 dictionary size, then LZMA data: a zero byte.
    header: |input| if (12..=29).contains(&(input.u8(5)? & 0x1f)) && input.u8(6)? == 0 { Ok(()) } else { Err(Rejected("dictionary size")) },
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack_at};

    #[test]
    fn files_in_the_middle_of_other_bytes() {
        let packed = include_bytes!("../../../fixtures/lzip/story.lz");
        let image = [b"before".as_slice(), packed, b"after"].concat();
        let unpacked = unpack_at(&LZIP, &image, 6);
        assert_eq!(unpacked.file(""), include_bytes!("../../../fixtures/content/tree/story.txt"));
        assert_eq!(carve(&LZIP, &image, 6), Some(packed.len().try_into().unwrap()));
        assert_eq!(carve(&LZIP, b"LZIP\x01\x0c\0 is how an lzip file starts, and this is none", 0), None);
        survives_damage(&LZIP, packed);
    }
}
