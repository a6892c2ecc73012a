//! Ubiquiti's images of AirOS, EdgeMAX and UniFi devices: parts with names and checksums, and a checksum or signature at the end.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image, over, sums};
use crate::format::{Kind, Magic, Spec, part_text};
use crate::problem::Rejected;

/// Ubiquiti firmware.
pub(super) static UBIQUITI: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "ubiquiti",
    name: "Ubiquiti firmware",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"UBNT"), Magic::anywhere(b"OPEN"), Magic::anywhere(b"GEOS")],
    leaf: false,
    references: &["https://github.com/openwrt/firmware-utils/blob/master/src/fw.h"],
    limitations: &["the RSA signature of newer images is handed over, not verified"],
};

/// Bytes of the header, of that of a part, and of what follows a part.
const HEADER: u64 = 268;
const PART: u64 = 56;
const TAIL: u64 = 8;

/// More parts than any image has.
const MOST: usize = 64;

/// The image; all numbers big endian:
///
/// ```text
///  0 magic   4 version, 256 bytes   104 CRC of both   108 0
/// parts: 0 "PART"   4 name, 16 bytes   20 address   24 number   28 place in flash   2c entry point   30 size   34 room in flash
/// 38 data   then the CRC of part and header   then 0   at last: "END.", CRC of all before, 0; or "ENDS", 256 bytes of signature, 0
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    if sums::crc32(&[bytes.get(0, 260)?]) != bytes.get(260, 4)? {
        return Err(Rejected("the CRC of the header"));
    }
    let (mut at, mut parts) = (HEADER, Vec::new());
    while parts.len() < MOST && !bytes.has(at, b"END") && bytes.get(at, PART).is_ok() && is_part(bytes.up_to(at, 4)) {
        let size = bytes.u32(at.saturating_add(0x30), Endian::Big)?;
        let data = Span::new(at.saturating_add(PART), size.into());
        parts.push((at, data));
        at = data.end().saturating_add(TAIL);
    }
    let tail = if bytes.has(at, b"ENDS") { Span::new(at.saturating_add(4), 256) } else { Span::new(at, 0) };
    let end = if tail.length > 0 { tail.end().saturating_add(4) } else { at.saturating_add(if bytes.has(at, b"END.") { 12 } else { 0 }) };
    let mut image = Image::new(end, HEADER);
    image.fact("header.version", 4, 256);
    for (header, data) in parts {
        if let Ok(stored) = bytes.get(data.end(), 4) {
            image.sum("a part", data.end(), stored, sums::crc32, over(header, data.end()));
        }
        let name = part_text(bytes.text(header.saturating_add(4), 16)?);
        image.known(Span::new(header, PART)).known(Span::new(data.end(), TAIL)).part(name, data);
    }
    if bytes.has(at, b"END.") {
        let sum = at.saturating_add(4);
        image.sum("the image", sum, bytes.get(sum, 4)?, sums::crc32, over(0, at));
    }
    image.known(Span::between(at, end)).part("signature", tail);
    Ok(image)
}

/// Four capital letters: PART in nearly all images, EXEC, FILE or others in some.
fn is_part(magic: &[u8]) -> bool {
    magic.iter().all(u8::is_ascii_uppercase)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{KERNEL, ROOTFS, holds, unpack, verifies};

    #[test]
    fn parts_come_out() {
        let image = include_bytes!("../../../fixtures/ubiquiti/bridge.bin");
        holds(&UBIQUITI, image, &[("kernel", KERNEL), ("rootfs", ROOTFS)]);
        assert_eq!(unpack(&UBIQUITI, image).fact("header.version").unwrap(), "EX.ar7240.v1.2.3.1755");
        verifies(&UBIQUITI, image, &[0x150, 0x200, image.len() - 12 - 20]);
        let signed = include_bytes!("../../../fixtures/ubiquiti/signed.bin");
        holds(&UBIQUITI, signed, &[("kernel", KERNEL), ("signature", &[0x5a; 256])]);
    }
}
