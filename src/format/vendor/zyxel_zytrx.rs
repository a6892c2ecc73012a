//! Zyxel's images of LTE and 5G routers (NR7101, LTE3301 and others): a header with texts before the image.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image, over, over_but, sums};
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// Zyxel firmware with a 0RDH header.
pub(super) static ZYXEL_ZYTRX: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "zyxel-zytrx",
    name: "Zyxel LTE router firmware (0RDH)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"0RDH")],
    leaf: false,
    references: &["https://github.com/openwrt/firmware-utils/blob/master/src/zytrx.c"],
    limitations: &["the checksum of the kernel is not verified: how it is made is not published"],
};

/// The header; all numbers big endian:
///
/// ```text
///   0 magic "0RDH"   4 size of the header   8 size of all   c CRC-32 of the image   10 two versions, 32 bytes each   50 size of the image
///  60 code, 164 bytes   104 chip, 8   10c board, 16   11c model   128 two versions, 32 each   16c checksum of the kernel
/// 174 CRC-32 of the header, 0 in its place   178 nothing
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let word = |at| bytes.u32(at, Endian::Big).map(u64::from);
    let (header, total) = (word(4)?, word(8)?);
    let data = Span::new(header, word(0x50)?);
    if header != 0x17c || data.length == 0 || data.end() != total {
        return Err(Rejected("the sizes"));
    }
    let mut image = Image::new(total, header);
    image.fact("header.board", 0x10c, 16).fact("header.version", 0x128, 32);
    image.sum("the header", 0x174, bytes.get(0x174, 4)?, sums::crc32_register, over_but(0, 0x174, &[0; 4], header));
    image.sum("the image", 0xc, bytes.get(0xc, 4)?, sums::crc32_register, over(header, total));
    image.part("image", data);
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{KERNEL, holds, unpack, verifies};

    #[test]
    fn the_image_comes_out() {
        let image = include_bytes!("../../../fixtures/zyxel-zytrx/router.bin");
        holds(&ZYXEL_ZYTRX, image, &[("image", KERNEL)]);
        verifies(&ZYXEL_ZYTRX, image, &[0x20, 0x17c]);
        assert_eq!(unpack(&ZYXEL_ZYTRX, image).fact("header.board").unwrap(), "EX7101");
    }
}
