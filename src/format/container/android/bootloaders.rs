//! Packages of boot loaders that Android devices are flashed with.

use crate::blob::{Bytes, Endian, Span};
use crate::format::layout::{Laid, Layout, is_name};
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

/// BOOTLDR!
pub(in crate::format) static BOOTLDR: Laid = Laid { spec: &BOOTLDR_SPEC, read: bootldr };
/// Meta image.
pub(in crate::format) static META: Laid = Laid { spec: &META_SPEC, read: meta };

/// All numbers little endian: magic, number of images, offset of the first, size of all; an image: name\[64\], size. They follow each other.
fn bootldr(bytes: Bytes<'_>) -> Result<Layout, Rejected> {
    let word = |at| bytes.u32(at, Endian::Little).map(u64::from);
    let (count, first) = (word(8)?, word(12)?);
    if !(1..=64).contains(&count) || first < count.saturating_mul(68).saturating_add(20) {
        return Err(Rejected("number of images or offset"));
    }
    let mut layout = Layout::new(first);
    for index in 0..count {
        let entry = index.saturating_mul(68).saturating_add(20);
        let image = Span::new(layout.length, word(entry.saturating_add(64))?);
        if !is_name(bytes, entry, 64) || bytes.u8(entry)? == 0 || image.end() > 1 << 30 {
            return Err(Rejected("an image"));
        }
        layout.part(part_text(bytes.text(entry, 64)?), image);
        layout.length = image.end();
    }
    Ok(layout)
}

/// All numbers little endian: magic, version u16 u16, version of the image\[64\], size of this header u16, size of the list u16; an image:
/// partition\[72\], offset, size.
fn meta(bytes: Bytes<'_>) -> Result<Layout, Rejected> {
    let half = |at| bytes.u16(at, Endian::Little).map(u64::from);
    let (header, list) = (half(72)?, half(74)?);
    if !(76..=4096).contains(&header) || list == 0 || list % 80 != 0 || !is_name(bytes, 8, 64) {
        return Err(Rejected("sizes or version"));
    }
    let mut layout = Layout::new(header.saturating_add(list));
    layout.text("header.version", 8, 64);
    let end = layout.length;
    for index in 0..list / 80 {
        let entry = header.saturating_add(index.saturating_mul(80));
        let word = |at: u64| bytes.u32(entry.saturating_add(at), Endian::Little).map(u64::from);
        let image = Span::new(word(72)?, word(76)?);
        if !is_name(bytes, entry, 72) || (image.length > 0 && (image.start < end || image.end() > 1 << 30)) {
            return Err(Rejected("an image"));
        }
        layout.length = layout.length.max(image.end());
        layout.part(part_text(bytes.text(entry, 72)?), image);
    }
    Ok(layout)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::layout::testing::opens;

    #[test]
    fn images_have_names() {
        let unpacked = opens(&BOOTLDR, include_bytes!("../../../../fixtures/android-bootldr/bootloader.img"), &["sbl1", "tz"]);
        assert!(unpacked.file("tz").starts_with(b"\x7fELF"));
        let unpacked = opens(&META, include_bytes!("../../../../fixtures/android-meta/bootloader.img"), &["sbl1", "tz"]);
        assert_eq!(unpacked.fact("header.version").unwrap(), "EX100-1.0");
    }
}
