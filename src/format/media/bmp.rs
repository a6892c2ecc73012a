//! Bitmaps of Windows.

use crate::blob::{Bytes, Endian};
use crate::format::simple::Leaf;
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// BMP.
pub(super) static BMP: Leaf = Leaf {
    spec: &Spec {
        id: "bmp",
        name: "BMP picture",
        kind: Kind::Media,
        magics: &[Magic::anywhere(b"BM")],
        leaf: true,
        references: &["https://learn.microsoft.com/windows/win32/gdi/bitmap-storage"],
        limitations: &[],
    },
    reach,
};

/// Magic, u32 size, u32 0, u32 offset of the picture; u32 size of what follows, i32 width, i32 height, u16 planes 1, u16 bits per pixel;
/// little-endian. The oldest kind, of 12 bytes, has u16 for both.
fn reach(input: Bytes<'_>) -> Result<u64, Rejected> {
    let size = u64::from(input.u32(2, Endian::Little)?);
    let (picture, header) = (u64::from(input.u32(10, Endian::Little)?), u64::from(input.u32(14, Endian::Little)?));
    let planes: u64 = if header == 12 { 22 } else { 26 };
    let known = matches!(header, 12 | 40 | 52 | 56 | 64 | 108 | 124)
        && matches!(input.u16(planes.saturating_add(2), Endian::Little)?, 1 | 4 | 8 | 16 | 24 | 32);
    if !known || input.u32(6, Endian::Little)? != 0 || input.u16(planes, Endian::Little)? != 1 {
        return Err(Rejected("header"));
    }
    if picture < header.saturating_add(14) || picture > 1 << 16 || size <= picture {
        return Err(Rejected("sizes"));
    }
    Ok(size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::simple::tests::whole_and_in_junk;
    use crate::format::testing::carve;

    #[test]
    fn they_reach_to_their_end() {
        whole_and_in_junk(&BMP, include_bytes!("../../../fixtures/bmp/logo.bmp"));
        assert_eq!(carve(&BMP, b"BM is the magic of bitmaps, and this is a text, is it not?", 0), None);
    }
}
