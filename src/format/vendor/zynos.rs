//! ZyNOS objects: what Zyxel's own system, and the boot loaders of its older routers and switches, are made of.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image, over, sums};
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// ZyNOS object.
pub(super) static ZYNOS: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "zynos",
    name: "Zyxel ZyNOS object",
    kind: Kind::Container,
    magics: &[
        Magic::anywhere(b"SIG\x01").at(6),
        Magic::anywhere(b"SIG\x02").at(6),
        Magic::anywhere(b"SIG\x03").at(6),
        Magic::anywhere(b"SIG\x04").at(6),
        Magic::anywhere(b"SIG\x05").at(6),
        Magic::anywhere(b"SIG\x07").at(6),
        Magic::anywhere(b"SIG\x81").at(6),
        Magic::anywhere(b"SIG\x82").at(6),
    ],
    leaf: false,
    references: &["https://github.com/openwrt/firmware-utils/blob/master/src/zynos.h", "http://www.ixo.de/info/zyxel_uclinux"],
    limitations: &["the memory map is not read: objects inside an object are found by their own headers"],
};

/// Bytes of the header.
const HEADER: u64 = 48;

/// More bytes than the flash of these devices has.
const LARGEST: u64 = 64 << 20;

/// The header; all numbers big endian:
///
/// ```text
///  0 address   4 unknown   6 "SIG"   9 type   a size when unpacked   e size when compressed   12 flags: 80 compressed, 40 the first
/// checksum is there, 20 the second   13 unknown   14 checksum of the unpacked bytes   16 of the compressed ones   18 version, 15 bytes
/// 27 address of the memory map   2b unknown, 5 bytes
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let flags = bytes.u8(0x12)?;
    let is_compressed = flags & 0x80 != 0;
    let size = u64::from(bytes.u32(if is_compressed { 0xe } else { 0xa }, Endian::Big)?);
    let version = bytes.get(0x18, 15)?;
    let text = version.iter().take_while(|byte| **byte != 0);
    let named = text.clone().all(|byte| matches!(byte, b' '..=b'~')) && version.iter().skip(text.count()).all(|byte| *byte == 0);
    // An object without a version is one that is compressed.
    let told = version.first() != Some(&0) || (is_compressed && u64::from(bytes.u32(0xa, Endian::Big)?) > size && flags & 0x1f == 0);
    if !named || !told || !(16..LARGEST).contains(&size) || bytes.u32(0, Endian::Big)? == 0 {
        return Err(Rejected("the version or the size"));
    }
    let payload = Span::new(HEADER, size);
    let mut image = Image::new(payload.end(), HEADER);
    image.fact("header.version", 0x18, 15);
    let (wanted, at) = if is_compressed { (0x20, 0x16) } else { (0x40, 0x14) };
    if flags & wanted != 0 {
        image.sum("the object", at, bytes.get(at, 2)?, checksum, over(payload.start, payload.end()));
    }
    image.part("object", payload);
    Ok(image)
}

/// The sum of all 16-bit words that the Internet Protocol makes too.
fn checksum(pieces: &[&[u8]]) -> Vec<u8> {
    let mut all = sums::bytes(pieces);
    let mut sum = 0_u32;
    while let Some(first) = all.next() {
        sum = sum.wrapping_add(u16::from_be_bytes([first, all.next().unwrap_or(0)]).into());
        sum = (sum & 0xffff).wrapping_add(sum >> 16);
    }
    sum.to_be_bytes().get(2..).unwrap_or_default().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{KERNEL, holds, unpack, verifies};

    #[test]
    fn the_object_comes_out() {
        let image = include_bytes!("../../../fixtures/zynos/router.bin");
        holds(&ZYNOS, image, &[("object", KERNEL)]);
        assert_eq!(unpack(&ZYNOS, image).fact("header.version").unwrap(), "V3.40(EX.1)");
        verifies(&ZYNOS, image, &[0x14, 0x40, image.len() - 1]);
    }
}
