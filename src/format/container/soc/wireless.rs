//! Small chips with a radio: Winner Micro W800, Realtek Ameba.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image, is_name};
use crate::format::{Kind, Magic, Spec, crc32};
use crate::problem::{Fault, Rejected};

static WINNER_SPEC: Spec = Spec {
    id: "winner-micro-image",
    name: "Winner Micro image",
    kind: Kind::Container,
    magics: &[Magic::anywhere(&[0x9f, 0xff, 0xff, 0xa0])],
    leaf: false,
    references: &["https://github.com/openharmony/device_soc_winnermicro"],
    limitations: &["signatures are not verified"],
};

static AMEBA_SPEC: Spec = Spec {
    id: "realtek-ameba-image",
    name: "Realtek Ameba image",
    kind: Kind::Container,
    magics: &[Magic::anywhere(&[0x99, 0x99, 0x96, 0x96, 0x3f, 0xcc, 0x66, 0xfc]), Magic::anywhere(b"81958711")],
    leaf: false,
    references: &["https://github.com/Ameba-AIoT/ameba-rtos-d"],
    limitations: &["images of the first generation (RTL8195A, RTL8710), whose header is another, are not recognized"],
};

/// W800.
pub(in crate::format) static WINNER: Header = Header { spec: &WINNER_SPEC, read: winner };
/// Ameba D and later.
pub(in crate::format) static AMEBA: Header = Header { spec: &AMEBA_SPEC, read: ameba };

/// The header, 64 bytes; all numbers little endian:
///
/// ```text
///  0 magic 0xa0ffff9f   4 what it is (bits 0 to 3), encrypted (4), signed (8), compressed (16)   8 address   c size   10 address of the header
/// 18 CRC of the image   1c number of the update   20 version[16]   3c CRC of the header
/// ```
fn winner(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let word = |at| bytes.u32(at, Endian::Little);
    let image = Span::new(64, word(12)?.into());
    let (found, expected) = (crc32(bytes.get(0, 60)?), word(60)?);
    // Tools leave out the last inversion.
    if (found != expected && !found != expected) || image.length == 0 || !is_name(bytes, 32, 16) {
        return Err(Rejected("CRC of the header, size or version"));
    }
    let mut found = Image::of(image.end());
    found.fact("header.version", 32, 16);
    match word(4)? & 0x10 {
        0 => found.part("image", image),
        _ => found.faulty("image", image, Fault::Encrypted("encrypted with a key of the maker's".to_owned())),
    };
    let expected = word(24)?;
    found.check("the CRC of the image", 24, 0, move |bytes| {
        let found = crc32(bytes.part(image)?.0);
        Ok(found == expected || !found == expected)
    });
    Ok(found)
}

/// The header, 32 bytes; all numbers little endian: one of two marks\[8\], size, address, 16 bytes of 0xff.
fn ameba(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let image = Span::new(32, bytes.u32(8, Endian::Little)?.into());
    if bytes.array(16)? != [0xff; 16] || image.length == 0 || image.length > 64 << 20 {
        return Err(Rejected("unused bytes or size"));
    }
    let mut found = Image::of(image.end());
    found.part("image", image);
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::header::testing::{damaged, opens};
    use crate::problem::Code;

    #[test]
    fn images_come_out() {
        let image = include_bytes!("../../../../fixtures/winner-micro-image/app.img");
        let unpacked = opens(&WINNER, image, &["image"]);
        assert_eq!(unpacked.fact("header.version").unwrap(), "W800-1.2.3");
        assert!(unpacked.file("image").starts_with(b"\x7fELF"));
        assert_eq!(damaged(&WINNER, image, 200), [Code::Checksum]);
        let unpacked = opens(&AMEBA, include_bytes!("../../../../fixtures/realtek-ameba-image/image2.bin"), &["image"]);
        assert!(unpacked.file("image").starts_with(b"\x7fELF"));
    }
}
