//! Amlogic: the package of the flashing tool.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image, is_name};
use crate::format::{Kind, Magic, Spec, crc32, part_text};
use crate::problem::Rejected;

static SPEC: Spec = Spec {
    id: "amlogic-package",
    name: "Amlogic upgrade package",
    kind: Kind::Container,
    magics: &[Magic::anywhere(&[0x56, 0x19, 0xb5, 0x27]).at(8)],
    leaf: false,
    references: &["https://github.com/hardkernel/u-boot", "https://github.com/khadas/utils"],
    limitations: &[],
};

/// Upgrade package.
pub(in crate::format) static PACKAGE: Header = Header { spec: &SPEC, read };

static RESOURCE_SPEC: Spec = Spec {
    id: "amlogic-resource",
    name: "Amlogic resource image",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"AML_RES!").at(8)],
    leaf: false,
    references: &["https://github.com/hardkernel/u-boot"],
    limitations: &["the CRC of the image is not verified"],
};

/// Pictures that the boot loader shows.
pub(in crate::format) static RESOURCE: Header = Header { spec: &RESOURCE_SPEC, read: resource };

/// The header, 64 bytes, little endian: CRC, version 1 or 2, magic "AML_RES!", size, number of items, alignment 16. An item, 64 bytes: magic
/// 0x27051956, CRC of this, 8 size, c offset, 10 entry point, 14 offset of the next item, 18 CRC, 1c what it is, 20 name\[32\].
fn resource(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let word = |at: u64| bytes.u32(at, Endian::Little).map(u64::from);
    let (length, count) = (word(16)?, word(20)?);
    if !matches!(word(4)?, 1 | 2) || !(1..=256).contains(&count) || word(24)? != 16 || length < 128 {
        return Err(Rejected("version, size, number of items or alignment"));
    }
    let mut image = Image::of(length);
    let mut entry = 64_u64;
    for _ in 0..count {
        let at = |field: u64| entry.saturating_add(field);
        let item = Span::new(word(at(12))?, word(at(8))?);
        if word(entry)? != 0x2705_1956 || item.end() > length || !is_name(bytes, at(32), 32) {
            return Err(Rejected("an item"));
        }
        image.part(part_text(bytes.text(at(32), 32)?), item);
        entry = word(at(20))?;
        if entry == 0 {
            break;
        }
    }
    Ok(image)
}

/// The header, 64 bytes; all numbers little endian:
///
/// ```text
///  0 CRC of all that follows, without the last inversion   4 version, 1 or 2   8 magic 0x27b51956   c size u64   14 alignment   18 items
/// ```
///
/// An item, of 128 bytes in version 1 and of 576 in version 2, whose names have 32 and 256 bytes:
///
/// ```text
///  0 id   4 type   8 offset inside u64   10 offset u64   18 size u64   20 main type, sub type   then verified u32, copy of another u16, of which u16
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let word = |at| bytes.u32(at, Endian::Little);
    let number = |at| bytes.u64(at, Endian::Little);
    let (width, size) = match word(4)? {
        1 => (32, 128_u64),
        2 => (256, 576),
        _ => return Err(Rejected("version")),
    };
    let (length, count) = (number(12)?, u64::from(word(24)?));
    if !(1..=256).contains(&count) || length > 1 << 36 || length < count.saturating_mul(size) {
        return Err(Rejected("size or number of items"));
    }
    let mut image = Image::of(length);
    for index in 0..count {
        let entry = index.saturating_mul(size).saturating_add(64);
        let at = |field: u64| entry.saturating_add(field);
        let item = Span::new(number(at(16))?, number(at(24))?);
        let kinds = [at(32), at(32).saturating_add(width)];
        if item.end() > length || !kinds.iter().all(|kind| is_name(bytes, *kind, width)) {
            return Err(Rejected("an item"));
        }
        let [main, sub] = [bytes.text(at(32), width)?, bytes.text(at(32).saturating_add(width), width)?];
        // A copy of another item has the bytes of that one.
        if bytes.u16(at(36).saturating_add(width.saturating_mul(2)), Endian::Little)? == 0 {
            image.part(format!("{}.{}", part_text(sub), part_text(main)), item);
        }
    }
    let expected = word(0)?;
    image.check("the CRC of the package", 0, 0, move |bytes| {
        let found = crc32(bytes.get(4, length.saturating_sub(4))?);
        Ok(found == expected || !found == expected)
    });
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::header::testing::{damaged, opens};
    use crate::problem::Code;

    #[test]
    fn pictures_come_out() {
        let image = include_bytes!("../../../../fixtures/amlogic-resource/logo.img");
        let unpacked = opens(&RESOURCE, image, &["bootup", "upgrade"]);
        assert!(unpacked.file("upgrade").starts_with(b"\x7fELF"));
    }

    #[test]
    fn items_come_out() {
        for image in [
            include_bytes!("../../../../fixtures/amlogic-package/v1.img").as_slice(),
            include_bytes!("../../../../fixtures/amlogic-package/v2.img"),
        ] {
            let unpacked = opens(&PACKAGE, image, &["DDR.USB", "boot.PARTITION", "boot.VERIFY"]);
            assert!(unpacked.file("boot.PARTITION").starts_with(b"\x7fELF"));
            assert_eq!(damaged(&PACKAGE, image, image.len() - 100), [Code::Checksum]);
        }
    }
}
