//! MediaTek: what the boot ROM reads, and the header of the parts that later stages load.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image, is_name};
use crate::format::{Kind, Magic, Spec, part_text};
use crate::problem::Rejected;

const REFERENCES: &[&str] = &["https://github.com/u-boot/u-boot/blob/master/tools/mtk_image.h"];

static PART_SPEC: Spec = Spec {
    id: "mediatek-part",
    name: "MediaTek image with a header",
    kind: Kind::Container,
    magics: &[Magic::anywhere(&[0x88, 0x16, 0x88, 0x58])],
    leaf: false,
    references: REFERENCES,
    limitations: &["certificates that follow as parts of their own are handed over, not verified"],
};

static GFH_SPEC: Spec = Spec {
    id: "mediatek-gfh",
    name: "MediaTek preloader (GFH)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"MMM\x01\x38\0\0\0FILE_INFO")],
    leaf: false,
    references: REFERENCES,
    limitations: &["signatures other than SHA-256 are handed over, not verified"],
};

static BOOT_SPEC: Spec = Spec {
    id: "mediatek-boot",
    name: "MediaTek boot device header",
    kind: Kind::Container,
    magics: &[
        Magic::anywhere(b"EMMC_BOOT\0\0\0"),
        Magic::anywhere(b"SF_BOOT\0\0\0\0\0"),
        Magic::anywhere(b"SDMMC_BOOT\0\0"),
        Magic::anywhere(b"BOOTLOADER!\0V006NFIINFO\0"),
    ],
    leaf: false,
    references: REFERENCES,
    limitations: &["newer headers of NAND flash, with other parity, are not recognized; the preloader behind them is"],
};

/// Part with a header.
pub(in crate::format) static PART: Header = Header { spec: &PART_SPEC, read: part };
/// Preloader.
pub(in crate::format) static GFH: Header = Header { spec: &GFH_SPEC, read: gfh };
/// What the boot ROM reads first.
pub(in crate::format) static BOOT: Header = Header { spec: &BOOT_SPEC, read: boot };

/// 512 bytes; all numbers little endian: magic 0x58881688, size, name\[32\], address, mode, and in newer ones 30 magic 0x58891689, 34 size of the
/// header. What is not used is 0xff, or zero.
fn part(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let word = |at| bytes.u32(at, Endian::Little).map(u64::from);
    let header = if word(0x30)? == 0x5889_1689 { word(0x34)? } else { 512 };
    let (size, rest) = (word(4)?, bytes.get(0x1c0, 64)?);
    let unused = rest.iter().all(|byte| *byte == 0xff) || rest.iter().all(|byte| *byte == 0);
    if header != 512 || !unused || !(1..=1 << 29).contains(&size) || !is_name(bytes, 8, 32) || bytes.text(8, 32)?.is_empty() {
        return Err(Rejected("name, sizes or unused bytes"));
    }
    let data = Span::new(header, size);
    let mut image = Image::of(data.end());
    image.fact("header.name", 8, 32);
    image.part(part_text(bytes.text(8, 32)?), data);
    Ok(image)
}

/// A row of headers, each: magic "MMM", version, size u16, type u16. The first is type 0, 56 bytes; all numbers little endian:
///
/// ```text
///  8 "FILE_INFO"   18 type of file u16   1a flash u8   1b signature u8: 1 SHA-256   1c address   20 size of all   24 most
/// 28 size of all headers   2c size of the signature at the end   30 first instruction
/// ```
fn gfh(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let word = |at| bytes.u32(at, Endian::Little).map(u64::from);
    let (length, header, signature) = (word(0x20)?, word(0x28)?, word(0x2c)?);
    if !(56..=1 << 16).contains(&header) || length > 64 << 20 || header.saturating_add(signature) > length {
        return Err(Rejected("sizes"));
    }
    let mut at = 0;
    let mut image = Image::of(length);
    // The list of headers says who the customer is, if anybody.
    while at < header && bytes.has(at, b"MMM") {
        let size = u64::from(bytes.u16(at.saturating_add(4), Endian::Little)?);
        if bytes.u16(at.saturating_add(6), Endian::Little)? == 8 && size >= 48 {
            image.fact("header.vendor", at.saturating_add(12), 32);
        }
        if size < 8 {
            break;
        }
        at = at.saturating_add(size);
    }
    let end = length.saturating_sub(signature);
    image.part("preloader", Span::between(header, end));
    if bytes.u8(0x1b)? == 1 && signature == 32 {
        image.sha256("the SHA-256 of the preloader", end, Span::new(0, end));
    } else {
        image.part("signature", Span::new(end, signature));
    }
    Ok(image)
}

/// A name, and what stands where; in NAND flash both begin a page, and count pages, else the second is at 200 and counts bytes. All numbers
/// are little endian: name "BRLYT"\[8\], version, size of both headers, size of all, magic "BBBB", type.
fn boot(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let nand = bytes.has(0, b"BOOTLOADER!");
    let (place, unit) =
        if nand { (u64::from(bytes.u16(0x1a, Endian::Little)?), u64::from(bytes.u16(0x1a, Endian::Little)?)) } else { (0x200, 1) };
    let word = |at: u64| bytes.u32(place.saturating_add(at), Endian::Little).map(|size| u64::from(size).saturating_mul(unit));
    let (header, length) = (word(12)?, word(16)?);
    let known = bytes.has(place, b"BRLYT\0\0\0") && bytes.has(place.saturating_add(20), b"BBBB");
    if !known || header < 0x220 || length <= header || length > 64 << 20 {
        return Err(Rejected("no layout behind the header"));
    }
    let mut image = Image::of(length);
    image.part("loader", Span::between(header, length));
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::header::testing::{damaged, opens};
    use crate::problem::Code;

    #[test]
    fn parts_have_names() {
        let unpacked = opens(&PART, include_bytes!("../../../../fixtures/mediatek-part/lk.img"), &["U-Boot"]);
        assert!(unpacked.file("U-Boot").starts_with(b"\x7fELF"));
    }

    #[test]
    fn the_loader_is_taken_out_of_its_headers() {
        let image = include_bytes!("../../../../fixtures/mediatek-boot/emmc.bin");
        let unpacked = opens(&BOOT, image, &["loader"]);
        let loader = unpacked.file("loader");
        let unpacked = opens(&GFH, loader, &["preloader"]);
        assert!(unpacked.file("preloader").starts_with(b"\x7fELF"));
        assert_eq!(damaged(&GFH, loader, 1000), [Code::Checksum]);
        let unpacked = opens(&BOOT, include_bytes!("../../../../fixtures/mediatek-boot/nand.bin"), &["loader"]);
        assert!(unpacked.file("loader").starts_with(b"MMM\x01"));
    }
}
