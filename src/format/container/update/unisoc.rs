//! Unisoc (Spreadtrum): the package of the flashing tool, and images with a hash.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec, utf16_part_text};
use crate::problem::Rejected;

static PAC_SPEC: Spec = Spec {
    id: "unisoc-pac",
    name: "Unisoc firmware package (PAC)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"B\0P\0_\0R\0")],
    leaf: false,
    references: &["https://github.com/divinebird/pacextractor/blob/master/pacextractor.c"],
    limitations: &["packages of more than 4 GiB", "the CRCs are not verified"],
};

static DHTB_SPEC: Spec = Spec {
    id: "dhtb",
    name: "Unisoc image with a hash (DHTB)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"DHTB\x01\0\0\0")],
    leaf: false,
    references: &["https://github.com/osm0sis/dhtbsign"],
    limitations: &[],
};

/// PAC.
pub(in crate::format) static PAC: Header = Header { spec: &PAC_SPEC, read: pac };
/// DHTB.
pub(in crate::format) static DHTB: Header = Header { spec: &DHTB_SPEC, read: dhtb };

/// Text in UTF-16, up to a NUL.
fn name(bytes: Bytes<'_>, at: u64, units: u64) -> String {
    let units = (0..units).map_while(|unit| bytes.u16(at.saturating_add(unit.saturating_mul(2)), Endian::Little).ok());
    utf16_part_text(units.take_while(|unit| *unit != 0))
}

/// The header, 2124 bytes; all numbers little endian, text UTF-16:
///
/// ```text
///  0 version[24] "BP_R1.0.0"   30 size   34 product[256]   234 firmware[256]   434 number of files   438 offset of their list   844 magic 0xfffafffa
/// ```
///
/// A file: size of this entry, id\[256\], file name\[256\], version\[256\], 604 size, 608 flags, 60c check, 610 offset.
fn pac(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let word = |at| bytes.u32(at, Endian::Little).map(u64::from);
    let (length, count, list) = (word(0x30)?, word(0x434)?, word(0x438)?);
    if !(1..=512).contains(&count) || !(0x43c..1 << 20).contains(&list) || length < list {
        return Err(Rejected("size, or list of files"));
    }
    let mut found = Image::of(length);
    let mut entry = list;
    for index in 0..count {
        let at = |field: u64| entry.saturating_add(field);
        let size = word(entry)?;
        let file = Span::new(word(at(0x610))?, word(at(0x604))?);
        if !(0x614..=0x4000).contains(&size) || (file.length > 0 && file.end() > length) {
            return Err(Rejected("a file"));
        }
        let names = [name(bytes, at(0x204), 256), name(bytes, at(4), 256), index.to_string()];
        if file.start > 0 {
            found.part(names.into_iter().find(|name| !name.is_empty()).unwrap_or_default(), file);
        }
        entry = entry.saturating_add(size);
    }
    Ok(found)
}

/// 512 bytes: magic, SHA-256 of the image, 8 zeros, size u32 little endian, zeros; then the image.
fn dhtb(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let image = Span::new(512, bytes.u32(48, Endian::Little)?.into());
    if bytes.array(40)? != [0; 8] || bytes.get(52, 460)?.iter().any(|byte| *byte != 0) || image.length == 0 {
        return Err(Rejected("padding or size"));
    }
    let mut found = Image::of(image.end());
    found.part("image", image);
    found.sha256("the SHA-256 of the image", 8, image);
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::header::testing::{damaged, opens};
    use crate::problem::Code;

    #[test]
    fn files_and_images_come_out() {
        let unpacked = opens(&PAC, include_bytes!("../../../../fixtures/unisoc-pac/firmware.pac"), &["fdl1.bin", "boot.img"]);
        assert!(unpacked.file("fdl1.bin").starts_with(b"\x7fELF"));
        let image = include_bytes!("../../../../fixtures/dhtb/boot.img");
        opens(&DHTB, image, &["image"]);
        assert_eq!(damaged(&DHTB, image, 600), [Code::Checksum]);
    }
}
