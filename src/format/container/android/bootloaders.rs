//! Packages of boot loaders that Android devices are flashed with.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image, is_name};
use crate::format::{Kind, Magic, Spec, part_text};
use crate::problem::Rejected;

static BOOTLDR_SPEC: Spec = Spec {
    id: "android-bootldr",
    name: "Android boot loader package (BOOTLDR!)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"BOOTLDR!")],
    leaf: false,
    references: &["https://android.googlesource.com/device/lge/mako/+/android-4.2.2_r1/releasetools.py"],
    limitations: &[],
};

static META_SPEC: Spec = Spec {
    id: "android-meta",
    name: "Android boot loader package (Little Kernel's meta image)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(&[0x3c, 0xd6, 0x1a, 0xce])],
    leaf: false,
    references: &["https://git.codelinaro.org/clo/la/kernel/lk/-/blob/lk.lnx.1.0/app/aboot/meta_format.h"],
    limitations: &[],
};

static FUGU_SPEC: Spec = Spec {
    id: "android-bootldr-asus",
    name: "ASUS boot loader package (BOOTLDR!)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"BOOTLDR!")],
    leaf: false,
    references: &["https://android.googlesource.com/device/asus/fugu/+/android-8.1.0_r5/releasetools.py"],
    limitations: &[],
};

static IMGDATA_SPEC: Spec = Spec {
    id: "android-imgdata",
    name: "LG boot pictures (IMGDATA)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"IMGDATA!")],
    leaf: false,
    references: &["https://github.com/NVISOsecurity/nexus_5_bootloader_unpacker/blob/master/imgdata_tool.c"],
    limitations: &["pictures are handed over as they are, in LG's own run-length coding"],
};

/// BOOTLDR! of ASUS.
pub(in crate::format) static FUGU: Header = Header { spec: &FUGU_SPEC, read: fugu };
/// IMGDATA!
pub(in crate::format) static IMGDATA: Header = Header { spec: &IMGDATA_SPEC, read: imgdata };

/// What ASUS's package holds, by the magics of its parts.
const FUGU_PARTS: [(&[u8], &str); 3] = [(b"IFWI!!!!", "ifwi.bin"), (b"DROIDBT!", "droidboot.img"), (b"SPLASHS!", "splashscreen.img")];

/// All numbers little endian: magic, revision u16, 0 u16, 0; parts, each: magic\[8\], size, flags u8 (1 valid), 3 reserved, bytes.
fn fugu(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    if !matches!(bytes.u16(8, Endian::Little)?, 2..=9) || bytes.array(10)? != [0; 6] {
        return Err(Rejected("revision or reserved bytes"));
    }
    let mut found = Image::of(16);
    for (magic, name) in FUGU_PARTS {
        let at = found.length;
        if bytes.has(at, magic) {
            let part = Span::new(at.saturating_add(16), bytes.u32(at.saturating_add(8), Endian::Little)?.into());
            found.part(name, part);
            found.length = part.end();
        }
    }
    if found.length == 16 { Err(Rejected("no part")) } else { Ok(found) }
}

/// All numbers little endian: magic, unknown, number of pictures, 8 bytes; a picture: name\[16\], width, height, column, row, offset, size.
fn imgdata(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let count = u64::from(bytes.u32(12, Endian::Little)?);
    let first = count.saturating_mul(40).saturating_add(24);
    if !(1..=256).contains(&count) {
        return Err(Rejected("number of pictures"));
    }
    let mut found = Image::of(first);
    for index in 0..count {
        let entry = index.saturating_mul(40).saturating_add(24);
        let word = |at: u64| bytes.u32(entry.saturating_add(at), Endian::Little).map(u64::from);
        let picture = Span::new(word(32)?, word(36)?);
        if !is_name(bytes, entry, 16) || picture.start < first || picture.end() > 1 << 28 || word(16)?.max(word(20)?) > 1 << 14 {
            return Err(Rejected("a picture"));
        }
        found.length = found.length.max(picture.end());
        found.part(part_text(bytes.text(entry, 16)?), picture);
    }
    Ok(found)
}

/// BOOTLDR!
pub(in crate::format) static BOOTLDR: Header = Header { spec: &BOOTLDR_SPEC, read: bootldr };
/// Meta image.
pub(in crate::format) static META: Header = Header { spec: &META_SPEC, read: meta };

/// All numbers little endian: magic, number of images, offset of the first, size of all; an image: name\[64\], size. They follow each other.
fn bootldr(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let word = |at| bytes.u32(at, Endian::Little).map(u64::from);
    let (count, first) = (word(8)?, word(12)?);
    if !(1..=64).contains(&count) || first < count.saturating_mul(68).saturating_add(20) {
        return Err(Rejected("number of images or offset"));
    }
    let mut found = Image::of(first);
    for index in 0..count {
        let entry = index.saturating_mul(68).saturating_add(20);
        let image = Span::new(found.length, word(entry.saturating_add(64))?);
        if !is_name(bytes, entry, 64) || bytes.u8(entry)? == 0 || image.end() > 1 << 30 {
            return Err(Rejected("an image"));
        }
        found.part(part_text(bytes.text(entry, 64)?), image);
        found.length = image.end();
    }
    Ok(found)
}

/// All numbers little endian: magic, version u16 u16, version of the image\[64\], size of this header u16, size of the list u16; an image:
/// partition\[72\], offset, size.
fn meta(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let half = |at| bytes.u16(at, Endian::Little).map(u64::from);
    let (header, list) = (half(72)?, half(74)?);
    if !(76..=4096).contains(&header) || list == 0 || list % 80 != 0 || !is_name(bytes, 8, 64) {
        return Err(Rejected("sizes or version"));
    }
    let mut found = Image::of(header.saturating_add(list));
    found.fact("header.version", 8, 64);
    let end = found.length;
    for index in 0..list / 80 {
        let entry = header.saturating_add(index.saturating_mul(80));
        let word = |at: u64| bytes.u32(entry.saturating_add(at), Endian::Little).map(u64::from);
        let image = Span::new(word(72)?, word(76)?);
        if !is_name(bytes, entry, 72) || (image.length > 0 && (image.start < end || image.end() > 1 << 30)) {
            return Err(Rejected("an image"));
        }
        found.length = found.length.max(image.end());
        found.part(part_text(bytes.text(entry, 72)?), image);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::header::testing::opens;

    #[test]
    fn images_have_names() {
        let unpacked = opens(&BOOTLDR, include_bytes!("../../../../fixtures/android-bootldr/bootloader.img"), &["sbl1", "tz"]);
        assert!(unpacked.file("tz").starts_with(b"\x7fELF"));
        let unpacked =
            opens(&FUGU, include_bytes!("../../../../fixtures/android-bootldr-asus/bootloader.img"), &["ifwi.bin", "droidboot.img"]);
        assert!(unpacked.file("droidboot.img").starts_with(b"\x7fELF"));
        opens(&IMGDATA, include_bytes!("../../../../fixtures/android-imgdata/imgdata.img"), &["boot", "charger"]);
        let unpacked = opens(&META, include_bytes!("../../../../fixtures/android-meta/bootloader.img"), &["sbl1", "tz"]);
        assert_eq!(unpacked.fact("header.version").unwrap(), "EX100-1.0");
    }
}
