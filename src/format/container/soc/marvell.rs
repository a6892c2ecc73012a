//! Marvell: what the boot ROMs of Kirkwood, Dove and Armada read.

use super::word_sum;
use crate::blob::{Bytes, Endian, Span};
use crate::format::header::sums::byte_sum;
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

static SPEC: Spec = Spec {
    id: "kwbimage",
    name: "Marvell boot ROM image (kwbimage)",
    kind: Kind::Container,
    magics: &[
        Magic::start(&[0x4d]),
        Magic::start(&[0x5a]),
        Magic::start(&[0x69]),
        Magic::start(&[0x78]),
        Magic::start(&[0x8b]),
        Magic::start(&[0x9c]),
        Magic::start(&[0xae]),
    ],
    leaf: false,
    references: &["https://github.com/u-boot/u-boot/blob/master/tools/kwbimage.h"],
    limitations: &["only at the start of a flash image, for want of a magic", "keys and signatures of the secure header are not verified"],
};

/// kwbimage, version 0 or 1.
pub(in crate::format) static KWBIMAGE: Header = Header { spec: &SPEC, read };

/// The header; all numbers little endian:
///
/// ```text
///  0 what it boots from u8   4 size of the image with its checksum   8 version u8   9 size of all headers, high and low u8 u16 (version 1)
///  c offset of the image   10 address   14 entry point   1e more headers follow u8   1f sum of the bytes of the header u8
/// ```
///
/// The sum of the words of the image is its last word. Headers that follow in version 1: type u8, size u8 u16, content, more u8 and 3 bytes.
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let word = |at| bytes.u32(at, Endian::Little).map(u64::from);
    let (size, source, extended) = (word(4)?, word(12)?, bytes.u8(0x1e)? & 1 == 1);
    let (headers, summed) = match bytes.u8(8)? {
        0 => (if extended { 0x200 } else { 0x20 }, 0x20),
        1 => {
            let size = u64::from(bytes.u8(9)?) << 16 | u64::from(bytes.u16(10, Endian::Little)?);
            (size, size)
        }
        _ => return Err(Rejected("version")),
    };
    let sum = bytes.u8(0x1f)?;
    let found = byte_sum(bytes.get(0, summed)?).wrapping_sub(sum.into());
    if !(0x20..=0x4_0000).contains(&headers) || found.to_le_bytes().first() != Some(&sum) {
        return Err(Rejected("the sum of the header"));
    }
    // SATA counts in blocks; over the serial line and over PCI the image simply follows.
    let start = match (bytes.u8(0)?, source) {
        (0x78, blocks) => blocks.saturating_mul(512),
        (_, 0 | 0xffff_ffff) => headers,
        (_, offset) => offset,
    };
    let image = Span::new(start, size.saturating_sub(4));
    if size < 8 || size % 4 != 0 || start < headers || image.end().saturating_add(4) > bytes.len() {
        return Err(Rejected("size or place of the image"));
    }
    // There is no magic: the sum of the image must fit too.
    if word_sum(bytes.part(image)?.0) != bytes.u32(image.end(), Endian::Little)? {
        return Err(Rejected("the sum of the image"));
    }
    let mut found = Image::of(image.end().saturating_add(4));
    if extended && summed == headers {
        optional(bytes, headers, &mut found)?;
    }
    found.part("image", image);
    Ok(found)
}

/// Hands out the code that runs before the image is loaded: it sets up memory.
fn optional(bytes: Bytes<'_>, headers: u64, found: &mut Image) -> Result<(), Rejected> {
    let mut at = 0x20_u64;
    for index in 0..64_u32 {
        let place = |offset: u64| at.saturating_add(offset);
        let size = u64::from(bytes.u8(place(1))?) << 16 | u64::from(bytes.u16(place(2), Endian::Little)?);
        let end = place(size);
        if size < 8 || end > headers {
            return Err(Rejected("a header that follows"));
        }
        if bytes.u8(at)? == 2 {
            // The number of arguments, and the arguments, stand before the code.
            let arguments = u64::from(bytes.u8(place(4))?).saturating_mul(4);
            found.part(format!("binary-{index}"), Span::between(place(8).saturating_add(arguments), end.saturating_sub(4)));
        }
        if bytes.u8(end.saturating_sub(4))? & 1 == 0 {
            break;
        }
        at = end;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack};

    #[test]
    fn image_and_code_come_out() {
        for (image, parts) in [
            (include_bytes!("../../../../fixtures/kwbimage/v0.kwb").as_slice(), ["image"].as_slice()),
            (include_bytes!("../../../../fixtures/kwbimage/v1.kwb"), &["binary-0", "image"]),
        ] {
            let unpacked = unpack(&KWBIMAGE, image);
            assert_eq!(unpacked.names(), parts);
            assert!(unpacked.file("image").starts_with(b"\x7fELF"));
            assert_eq!(unpacked.problems, []);
            survives_damage(&KWBIMAGE, image);
            let mut broken = image.to_vec();
            broken[800] ^= 1;
            assert_eq!(carve(&KWBIMAGE, &broken, 0), None);
        }
        assert_eq!(carve(&KWBIMAGE, &b"Zebra is a text that begins with a letter of the boot ROM".repeat(20), 0), None);
    }
}
