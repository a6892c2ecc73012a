//! Files of compress(1), `.Z`. They have no end but that of the file.

use crate::codec::Codec;
use crate::format::simple::Packed;
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// compress.
pub(super) static COMPRESS: Packed = Packed {
    spec: &Spec {
        id: "compress",
        name: "compress (.Z)",
        kind: Kind::Compression,
        magics: &[Magic::start(&[0x1f, 0x9d])],
        leaf: false,
        references: &["https://github.com/vapier/ncompress/blob/main/compress.c"],
        limitations: &["codes of 9 bits at most", "in the middle of other bytes, as nothing says where it ends"],
    },
    codec: Codec::Lzw,
    // u8: bits of the longest code, 80: block mode. The first code stands for a byte, so its ninth bit is 0.
    header: |input| match input.array::<5>(0)? {
        [_, _, flags, _, code] if flags & 0x60 == 0 && (10..=16).contains(&(flags & 0x1f)) && code & 1 == 0 => Ok(()),
        _ => Err(Rejected("flags")),
    },
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack};

    #[test]
    fn files() {
        let packed = include_bytes!("../../../fixtures/compress/story.Z");
        let unpacked = unpack(&COMPRESS, packed);
        assert_eq!(unpacked.file(""), include_bytes!("../../../fixtures/content/tree/story.txt"));
        assert_eq!(carve(&COMPRESS, b"\x1f\x9d\x90 is how they start", 0), None);
        survives_damage(&COMPRESS, packed);
    }
}
