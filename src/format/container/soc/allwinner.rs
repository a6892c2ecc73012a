//! Allwinner: images of the flashing tools, and boot loaders as the boot ROM reads them.

use super::word_sum;
use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image, is_name};
use crate::format::{Kind, Magic, Spec, part_text};
use crate::problem::Rejected;

static IMAGEWTY_SPEC: Spec = Spec {
    id: "imagewty",
    name: "Allwinner firmware (IMAGEWTY)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"IMAGEWTY")],
    leaf: false,
    references: &["https://github.com/Ithamar/awutils/blob/master/imagewty.h"],
    limitations: &["images whose headers are encrypted are not recognized"],
};

static EGON_SPEC: Spec = Spec {
    id: "allwinner-egon",
    name: "Allwinner boot ROM image (eGON)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"eGON.BT0").at(4), Magic::anywhere(b"eGON.BT1").at(4)],
    leaf: false,
    references: &["https://linux-sunxi.org/EGON", "https://github.com/u-boot/u-boot/blob/master/include/sunxi_image.h"],
    limitations: &[],
};

static TOC0_SPEC: Spec = Spec {
    id: "allwinner-toc0",
    name: "Allwinner secure boot image (TOC0)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"TOC0.GLH\0\x98\x11\x89")],
    leaf: false,
    references: &["https://linux-sunxi.org/TOC0"],
    limitations: &["certificates and signatures are handed over, not verified"],
};

static TOC1_SPEC: Spec = Spec {
    id: "allwinner-toc1",
    name: "Allwinner boot package (TOC1)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(&[0x00, 0x98, 0x11, 0x89]).at(16)],
    leaf: false,
    references: &["https://linux-sunxi.org/TOC1"],
    limitations: &["certificates are handed over, not verified"],
};

/// Firmware.
pub(in crate::format) static IMAGEWTY: Header = Header { spec: &IMAGEWTY_SPEC, read: imagewty };
/// First stage.
pub(in crate::format) static EGON: Header = Header { spec: &EGON_SPEC, read: egon };
/// First stage, signed.
pub(in crate::format) static TOC0: Header = Header { spec: &TOC0_SPEC, read: toc0 };
/// Later stages.
pub(in crate::format) static TOC1: Header = Header { spec: &TOC1_SPEC, read: toc1 };

/// The header, 1024 bytes; all numbers little endian:
///
/// ```text
///  0 magic "IMAGEWTY"   8 version of the header, 0x100 or 0x300   c its size   10 address   14 version   18 size of the image   1c 1024
/// 38 number of files (version 0x100), 3c (version 0x300)
/// ```
///
/// A file, 1024 bytes: size of its name, 1024, main type\[8\], subtype\[16\], and
///
/// ```text
/// 20 unknown   24 size stored, 28 size, 2c offset, 30 unknown, 34 name[256]   (version 0x100)
/// 20 unknown   24 name[256], 124 size stored, 12c size, 134 offset            (version 0x300)
/// ```
fn imagewty(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let word = |at| bytes.u32(at, Endian::Little).map(u64::from);
    let (count, name, size, offset) = match word(8)? {
        0x100 => (word(0x38)?, 0x34_u64, 0x28_u64, 0x2c_u64),
        0x300 => (word(0x3c)?, 0x24, 0x12c, 0x134),
        _ => return Err(Rejected("version")),
    };
    let length = word(0x18)?;
    if count == 0 || count > 512 || length < count.saturating_add(1).saturating_mul(1024) {
        return Err(Rejected("number of files or size"));
    }
    let mut image = Image::of(length);
    for index in 0..count {
        let entry = index.saturating_add(1).saturating_mul(1024);
        let at = |field: u64| entry.saturating_add(field);
        let file = Span::new(word(at(offset))?, word(at(size))?);
        if word(at(4))? != 1024 || file.end() > length || bytes.text(at(16), 16)?.iter().any(|byte| !(b' '..=b'~').contains(byte)) {
            return Err(Rejected("a file"));
        }
        let label = match bytes.text(at(name), 256)? {
            b"" => bytes.text(at(16), 16)?,
            label => label,
        };
        image.part(part_text(label.trim_ascii()), file);
    }
    Ok(image)
}

/// What the sum of the words is taken with in place of itself.
const STAMP: u32 = 0x5f0a_6c39;

/// A sum of all words at `at`, of `length` bytes from the start on.
fn sum_check(image: &mut Image, at: u64, length: u64) {
    image.check("the checksum", at, 0, move |bytes| {
        let found = bytes.u32(at, Endian::Little)?;
        Ok(word_sum(bytes.get(0, length)?).wrapping_sub(found).wrapping_add(STAMP) == found)
    });
}

/// The header; all numbers little endian:
///
/// ```text
///  0 a branch over the header   4 magic "eGON.BT0"   c checksum   10 size   14 "SPL" and its version   20 offset of the name of the device tree
/// ```
fn egon(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let word = |at| bytes.u32(at, Endian::Little);
    let length = u64::from(word(16)?);
    // Of ARM, of AArch64, and of RISC-V.
    let branch = word(0)?;
    let jumps = branch.wrapping_shr(24) == 0xea || branch.wrapping_shr(26) == 5 || branch & 0x7f == 0x6f;
    if !jumps || length % 4 != 0 || !(64..=4 << 20).contains(&length) {
        return Err(Rejected("no branch, or size"));
    }
    let mut image = Image::of(length);
    let name = u64::from(word(0x20)?);
    if bytes.has(20, b"SPL") && (32..512).contains(&name) && bytes.u8(23)? >= 2 {
        image.fact("header.board", name, 32);
    }
    image.part("code", Span::between(32, length));
    sum_check(&mut image, 12, length);
    Ok(image)
}

/// The header, 48 bytes; all numbers little endian: name\[8\], magic 0x89119800, checksum, serial, status, items, size, platform\[4\],
/// reserved\[8\], "MIE;". An item, 32 bytes: id, offset, size, status, type, address, reserved, "IIE;".
fn toc0(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let word = |at| bytes.u32(at, Endian::Little).map(u64::from);
    let (count, length) = (word(24)?, word(28)?);
    if !bytes.has(44, b"MIE;") || !(1..=32).contains(&count) || length > 4 << 20 {
        return Err(Rejected("number of items, size or end"));
    }
    let mut image = Image::of(length);
    for index in 0..count {
        let entry = index.saturating_mul(32).saturating_add(48);
        let item = Span::new(word(entry.saturating_add(4))?, word(entry.saturating_add(8))?);
        let id = word(entry)?;
        if !bytes.has(entry.saturating_add(28), b"IIE;") || item.end() > length {
            return Err(Rejected("an item"));
        }
        match id {
            0x1_0101 => image.part("certificate", item),
            0x1_0202 => image.part("firmware", item),
            0x1_0303 => image.part("key", item),
            id => image.part(format!("item-{id:#x}"), item),
        };
    }
    sum_check(&mut image, 12, length);
    Ok(image)
}

/// The header, 64 bytes: name\[16\], magic 0x89119800, checksum, serial, status, items, size, version, reserved, "MIE;" at 60. An item, 368
/// bytes: name\[64\], offset, size, encrypted, type, address, index, reserved, "IIE;".
fn toc1(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let word = |at| bytes.u32(at, Endian::Little).map(u64::from);
    let (count, length) = (word(32)?, word(36)?);
    if !bytes.has(60, b"MIE;") || !(1..=64).contains(&count) || length > 64 << 20 || !is_name(bytes, 0, 16) {
        return Err(Rejected("name, number of items, size or end"));
    }
    let mut image = Image::of(length);
    image.fact("header.name", 0, 16);
    for index in 0..count {
        let entry = index.saturating_mul(368).saturating_add(64);
        let item = Span::new(word(entry.saturating_add(64))?, word(entry.saturating_add(68))?);
        if !bytes.has(entry.saturating_add(364), b"IIE;") || item.end() > length || !is_name(bytes, entry, 64) {
            return Err(Rejected("an item"));
        }
        image.part(part_text(bytes.text(entry, 64)?), item);
    }
    sum_check(&mut image, 20, length);
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::header::testing::{damaged, opens};
    use crate::problem::Code;

    #[test]
    fn firmware_comes_apart() {
        let old = include_bytes!("../../../../fixtures/imagewty/v1.img");
        let unpacked = opens(&IMAGEWTY, old, &["sys_config.fex", "boot.fex"]);
        assert!(unpacked.file("boot.fex").starts_with(b"\x7fELF"));
        opens(&IMAGEWTY, include_bytes!("../../../../fixtures/imagewty/v3.img"), &["sys_config.fex", "boot.fex"]);
    }

    #[test]
    fn boot_stages_come_apart() {
        let image = include_bytes!("../../../../fixtures/allwinner-egon/spl.bin");
        let unpacked = opens(&EGON, image, &["code"]);
        assert_eq!(unpacked.fact("header.board").unwrap(), "example-router-100");
        assert_eq!(damaged(&EGON, image, 500), [Code::Checksum]);
        let image = include_bytes!("../../../../fixtures/allwinner-toc0/toc0.bin");
        opens(&TOC0, image, &["key", "certificate", "firmware"]);
        assert_eq!(damaged(&TOC0, image, image.len() - 100), [Code::Checksum]);
        let image = include_bytes!("../../../../fixtures/allwinner-toc1/package.bin");
        opens(&TOC1, image, &["u-boot", "dtb"]);
        assert_eq!(damaged(&TOC1, image, 1500), [Code::Checksum]);
    }
}
