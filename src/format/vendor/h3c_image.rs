//! H3C's images of switches: a package of files, each with a header of its own.

use crate::blob::{Bytes, Endian, Span};
use crate::codec::crc::crc16_xmodem;
use crate::format::header::{Header, Image, over};
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// H3C image.
pub(super) static H3C_IMAGE: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "h3c-image",
    name: "H3C firmware",
    kind: Kind::Container,
    magics: &[Magic::start(b"\0\0\0\x01\0\0\0")],
    leaf: false,
    references: &["https://github.com/openwrt/firmware-utils/blob/master/src/mkh3cimg.c"],
    limitations: &["the signature is not verified"],
};

/// Bytes of the header of the package, and of that of a file.
const PACKAGE: u64 = 0x1824;
const FILE: u64 = 0x154;

/// The header of the package; all numbers big endian:
///
/// ```text
///  0 1   4 number of files   8 product   c device   10 date   18 CRC of the package, u16   1a 2, u16   1c size without this header
/// 20 128 files: type, offset, size, CRC, version, mask   c20 signature, 3072 bytes   1820 CRC of this header
/// ```
///
/// That of a file: 4 CRC of it   8 type   18 size without padding   68 description, 224 bytes   148 size   14c CRC of the file
/// 150 how it is compressed: 2 for LZMA as 7z has it. All CRCs are the 16-bit one of XMODEM.
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let word = |at| bytes.u32(at, Endian::Big).map(u64::from);
    let count = word(4)?;
    if !(1..=128).contains(&count) || bytes.u16(0x1a, Endian::Big)? != 2 {
        return Err(Rejected("the number of files"));
    }
    if crc(&[bytes.get(0, 0x1820)?]) != bytes.get(0x1820, 4)? {
        return Err(Rejected("the CRC of the header"));
    }
    let mut image = Image::new(PACKAGE.saturating_add(word(0x1c)?), PACKAGE);
    for index in 0..count {
        let at = index.saturating_mul(24).saturating_add(0x20);
        let start = word(at.saturating_add(4))?;
        let inside = |offset: u64| start.saturating_add(offset);
        let (Ok(size), Ok(padded)) = (word(inside(0x18)), word(inside(0x148))) else { continue };
        image.fact("header.name", inside(0x68), 224);
        let data = inside(FILE);
        image.sum("a file", inside(0x14c), bytes.get(inside(0x14c), 4)?, crc, over(data, data.saturating_add(padded)));
        image.known(Span::new(start, FILE)).part(format!("file-{index}"), Span::new(data, size));
    }
    Ok(image)
}

/// The CRC that XMODEM made known, in 32 bits.
fn crc(pieces: &[&[u8]]) -> Vec<u8> {
    u32::from(crc16_xmodem(pieces)).to_be_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{KERNEL, ROOTFS, holds, unpack, verifies};

    #[test]
    fn files_come_out() {
        let image = include_bytes!("../../../fixtures/h3c-image/switch.bin");
        holds(&H3C_IMAGE, image, &[("file-0", KERNEL), ("file-1", ROOTFS)]);
        assert_eq!(unpack(&H3C_IMAGE, image).fact("header.name").unwrap(), "example kernel");
        verifies(&H3C_IMAGE, image, &[0x1a00]);
    }
}
