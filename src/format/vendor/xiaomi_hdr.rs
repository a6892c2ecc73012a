//! HDR1 and HDR2: Xiaomi's images of routers: files with headers of their own, and a signature.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image, over, sums};
use crate::format::{Kind, Magic, Spec, path_text};
use crate::problem::Rejected;

/// Xiaomi HDR1 or HDR2.
pub(super) static XIAOMI_HDR: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "xiaomi-hdr",
    name: "Xiaomi router firmware (HDR1, HDR2)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"HDR1"), Magic::anywhere(b"HDR2")],
    leaf: false,
    references: &[
        "https://github.com/openwrt/firmware-utils/blob/master/src/xiaomifw.c",
        "https://github.com/onekey-sec/unblob/blob/main/python/unblob/handlers/archive/xiaomi/hdr.py",
    ],
    limitations: &["the RSA signature is handed over, not verified"],
};

/// Bytes of the header of a file.
const FILE: u64 = 0x30;

/// The header; all numbers little endian:
///
/// ```text
///  0 magic   4 where the signature is   8 CRC from c to the end, without its last inversion   HDR1: e device, u16   10 offsets of files
/// HDR2: 10 device, 8 bytes   18 region, 8 bytes   30 offsets of files; eight in both, unused ones 0
/// file: 0 babe   4 place in flash   8 size   c type, u16   10 name, 32 bytes   30 data   signature: size, then 12 bytes of 0, data
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let word = |at: u64| bytes.u32(at, Endian::Little).map(u64::from);
    let newer = bytes.has(3, b"2");
    let (offsets, header) = if newer { (0x30_u64, 0x50_u64) } else { (0x10, 0x30) };
    let signature = word(4)?;
    let first = word(offsets)?;
    if signature < header || !(header..0x1_0000).contains(&first) || word(first)? != 0xbabe {
        return Err(Rejected("the offsets"));
    }
    let signed = Span::new(signature.saturating_add(16), word(signature).unwrap_or(0x100));
    if signed.length > 0x1000 {
        return Err(Rejected("the signature"));
    }
    let end = if signed.length == 0 { signature.saturating_add(16) } else { signed.end() };
    let mut image = Image::new(end, header);
    if newer {
        image.fact("header.board", 0x10, 8);
    }
    image.sum("the image", 8, &bytes.u32(8, Endian::Little)?.to_be_bytes(), sums::crc32_register, over(12, end));
    for offset in (offsets..header).step_by(4) {
        let at = word(offset)?;
        if at == 0 {
            break;
        }
        // Where the image is cut, the rest of its files is not there.
        if word(at).is_ok_and(|magic| magic != 0xbabe) {
            return Err(Rejected("the header of a file"));
        }
        let (Ok(size), Ok(name)) = (word(at.saturating_add(8)), bytes.text(at.saturating_add(0x10), 32)) else { break };
        let data = Span::new(at.saturating_add(FILE), size);
        image.known(Span::new(at, FILE)).part(path_text(name), data);
    }
    image.known(Span::new(signature, 16)).part("signature", signed);
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{KERNEL, ROOTFS, holds, unpack, verifies};

    #[test]
    fn files_and_signature_come_out() {
        let parts: &[(&str, &[u8])] = &[("uImage.bin", KERNEL), ("root.squashfs", ROOTFS), ("signature", &[0x5a; 256])];
        let image = include_bytes!("../../../fixtures/xiaomi-hdr/hdr1.bin");
        holds(&XIAOMI_HDR, image, parts);
        verifies(&XIAOMI_HDR, image, &[8, 0x80, image.len() - 1]);
        let newer = include_bytes!("../../../fixtures/xiaomi-hdr/hdr2.bin");
        holds(&XIAOMI_HDR, newer, parts);
        assert_eq!(unpack(&XIAOMI_HDR, newer).fact("header.board").unwrap(), "EX70");
    }
}
