//! Rockchip: what its boot loader reads from partitions of their own: the next stages, and resources such as the device tree.

use super::{BLOCK, REFERENCES, rk_crc};
use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image, is_name};
use crate::format::{Kind, Magic, Spec, path_text};
use crate::problem::Rejected;

static STAGE_SPEC: Spec = Spec {
    id: "rockchip-stage",
    name: "Rockchip boot stage (U-Boot or trusted OS)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"LOADER  "), Magic::anywhere(b"TOS     ")],
    leaf: false,
    references: REFERENCES,
    limitations: &["the signature is not verified"],
};

static TRUST_SPEC: Spec = Spec {
    id: "rockchip-trust",
    name: "Rockchip trust image",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"BL3X")],
    leaf: false,
    references: REFERENCES,
    limitations: &["hashes and signature are not verified"],
};

static RESOURCE_SPEC: Spec = Spec {
    id: "rockchip-resource",
    name: "Rockchip resource image",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"RSCE")],
    leaf: false,
    references: REFERENCES,
    limitations: &["the hashes of newer images are not verified"],
};

/// U-Boot or trusted OS.
pub(in crate::format) static STAGE: Header = Header { spec: &STAGE_SPEC, read: stage };
/// Trust.
pub(in crate::format) static TRUST: Header = Header { spec: &TRUST_SPEC, read: trust };
/// Resources.
pub(in crate::format) static RESOURCE: Header = Header { spec: &RESOURCE_SPEC, read: resource };

/// 2048 bytes; all numbers little endian: magic\[8\], version, 0, address, size, CRC of the image, size of the hash, hash\[32\]; then the image.
fn stage(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let word = |at| bytes.u32(at, Endian::Little);
    let image = Span::new(2048, word(20)?.into());
    if word(12)? != 0 || !matches!(word(28)?, 0 | 20 | 32) || image.length == 0 || image.length > 64 << 20 {
        return Err(Rejected("sizes or reserved word"));
    }
    let mut found = Image::of(image.end());
    found.part(if bytes.has(0, b"TOS") { "tos" } else { "u-boot" }, image);
    found.sum32("the CRC of the image", 24, word(24)?, image, rk_crc);
    Ok(found)
}

/// All numbers little endian: magic "BL3X", version, flags, place of the signature in words u16 and number of stages u16; at 320 48 bytes for
/// each stage, hash\[32\] and address; the signature, 256 bytes; 16 bytes for each stage: name\[4\], first block, blocks.
fn trust(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let half = |at| bytes.u16(at, Endian::Little).map(u64::from);
    let (signature, count) = (half(12)?.saturating_mul(4), half(14)?);
    if !(1..=16).contains(&count) || signature != count.saturating_mul(48).saturating_add(800) {
        return Err(Rejected("number of stages, or place of the signature"));
    }
    let mut found = Image::of(2048);
    for index in 0..count {
        let entry = signature.saturating_add(256).saturating_add(index.saturating_mul(16));
        let word = |at: u64| bytes.u32(entry.saturating_add(at), Endian::Little).map(u64::from);
        let stage = Span::new(word(4)?.saturating_mul(BLOCK), word(8)?.saturating_mul(BLOCK));
        if !bytes.has(entry, b"BL3") || stage.start < 2048 || stage.end() > 64 << 20 {
            return Err(Rejected("a stage"));
        }
        found.length = found.length.max(stage.end());
        // A stage may have several segments.
        found.part(format!("{}-{index}", path_text(bytes.get(entry, 4)?).to_ascii_lowercase()), stage);
    }
    Ok(found)
}

/// One block; all numbers little endian: magic "RSCE", version u16 u16, blocks of this header u8, block of the list u8, blocks of an entry u8,
/// entries u32. An entry: "ENTR", path\[220\] (in old ones 256), hash\[32\], size of the hash u32, 104 first block, 108 size.
fn resource(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let (header, list, size) = (bytes.u8(8)?, u64::from(bytes.u8(9)?), u64::from(bytes.u8(10)?));
    let count = u64::from(bytes.u32(12, Endian::Little)?);
    if header != 1 || list != 1 || size != 1 || !(1..=1024).contains(&count) {
        return Err(Rejected("sizes or number of entries"));
    }
    let mut found = Image::of(count.saturating_add(1).saturating_mul(BLOCK));
    for index in 0..count {
        let entry = index.saturating_add(list).saturating_mul(BLOCK);
        let word = |at: u64| bytes.u32(entry.saturating_add(at), Endian::Little).map(u64::from);
        let content = Span::new(word(0x104)?.saturating_mul(BLOCK), word(0x108)?);
        if !bytes.has(entry, b"ENTR") || !is_name(bytes, entry.saturating_add(4), 220) || content.end() > 1 << 28 {
            return Err(Rejected("an entry"));
        }
        found.length = found.length.max(content.end().next_multiple_of(BLOCK));
        found.part(path_text(bytes.text(entry.saturating_add(4), 220)?), content);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::header::testing::{damaged, opens};
    use crate::problem::Code;

    #[test]
    fn stages_and_resources_come_out() {
        let image = include_bytes!("../../../../../fixtures/rockchip-stage/uboot.img");
        let unpacked = opens(&STAGE, image, &["u-boot"]);
        assert!(unpacked.file("u-boot").starts_with(b"\x7fELF"));
        assert_eq!(damaged(&STAGE, image, 2100), [Code::Checksum]);
        let unpacked = opens(&TRUST, include_bytes!("../../../../../fixtures/rockchip-trust/trust.img"), &["bl31-0", "bl32-1"]);
        assert!(unpacked.file("bl31-0").starts_with(b"\x7fELF"));
        let unpacked =
            opens(&RESOURCE, include_bytes!("../../../../../fixtures/rockchip-resource/resource.img"), &["rk-kernel.dtb", "logo.bmp"]);
        assert!(unpacked.file("rk-kernel.dtb").starts_with(&[0xd0, 0x0d, 0xfe, 0xed]));
    }
}
