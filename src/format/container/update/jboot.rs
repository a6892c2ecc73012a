//! JBOOT: the boot loader of many D-Link routers, and the three headers that it knows.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image, is_name};
use crate::format::{Kind, Magic, Spec, crc32};
use crate::problem::Rejected;

const REFERENCES: &[&str] = &["https://git.openwrt.org/project/firmware-utils.git", "https://github.com/anphsw/openbinboy"];

static ARM_SPEC: Spec = Spec {
    id: "jboot-arm",
    name: "JBOOT firmware",
    kind: Kind::Container,
    magics: &[Magic::anywhere(&[0x42, 0x48, 2, 0, 0, 0, 4, 4]).at(64)],
    leaf: false,
    references: REFERENCES,
    limitations: &[],
};

static STAG_SPEC: Spec = Spec {
    id: "jboot-stag",
    name: "JBOOT kernel (STAG)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(&[4, 4, 0x24, 0x2b]), Magic::anywhere(&[0xff, 4, 0x24, 0x2b])],
    leaf: false,
    references: REFERENCES,
    limitations: &[],
};

static SCH2_SPEC: Spec = Spec {
    id: "jboot-sch2",
    name: "JBOOT kernel (SCH2)",
    kind: Kind::Container,
    magics: &[
        Magic::anywhere(&[0x24, 0x21, 0, 2]),
        Magic::anywhere(&[0x24, 0x21, 1, 2]),
        Magic::anywhere(&[0x24, 0x21, 2, 2]),
        Magic::anywhere(&[0x24, 0x21, 3, 2]),
    ],
    leaf: false,
    references: REFERENCES,
    limitations: &["kernels in JBOOT's own compression (JZ) are handed over as they are"],
};

/// Firmware.
pub(in crate::format) static ARM: Header = Header { spec: &ARM_SPEC, read: arm };
/// Kernel, outer header.
pub(in crate::format) static STAG: Header = Header { spec: &STAG_SPEC, read: stag };
/// Kernel, inner header.
pub(in crate::format) static SCH2: Header = Header { spec: &SCH2_SPEC, read: sch2 };

/// The sum of all 16-bit words, little endian, with every carry added in again.
fn checksum(bytes: &[u8]) -> u16 {
    let words = Bytes(bytes);
    let sum = (0..words.len() / 2)
        .fold(0_u64, |sum, index| sum.saturating_add(words.u16(index.saturating_mul(2), Endian::Little).map_or(0, u64::from)));
    // The odd byte at the end counts itself less 255.
    let odd = if bytes.len() % 2 == 1 { bytes.last().map_or(0, |byte| u64::from(*byte)) } else { 0xff };
    let mut sum = sum.saturating_add(odd).saturating_sub(0xff);
    while sum > 0xffff {
        sum = (sum & 0xffff).saturating_add(sum >> 16);
    }
    u16::try_from(sum).unwrap_or(0)
}

/// The header, 80 bytes; all numbers little endian:
///
/// ```text
///  0 id of the device[12]   c range u16   e checksum of the data u16   1a 1 u8   1b 0 u8   1c timestamp   20 where to erase, how much
/// 28 where to write, how much   40 0x4842 u16   42 version 2 u16   46 section 4 u8   47 information 4 u8   4e checksum of the header u16
/// ```
fn arm(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let word = |at| bytes.u32(at, Endian::Little);
    let zero = bytes.array(16)? == [0; 10] && bytes.array(48)? == [0; 16];
    let data = Span::new(80, word(44)?.into());
    if !zero || bytes.array(26)? != [1, 0] || data.length == 0 || word(44)? > word(36)?.max(1 << 28) || !is_name(bytes, 0, 12) {
        return Err(Rejected("fixed fields, id or size"));
    }
    let mut image = Image::of(data.end());
    image.fact("header.product", 0, 12);
    image.part("data", data);
    let expected = bytes.u16(14, Endian::Little)?;
    image.check("the checksum of the data", 14, 0, move |bytes| Ok(checksum(bytes.part(data)?.0) == expected));
    Ok(image)
}

/// The header, 16 bytes; all numbers little endian: mark u8 (0xff as it is delivered), id 4 u8, magic 0x2b24 u16, timestamp, size, checksum of the
/// image u16, checksum of the header u16.
fn stag(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let data = Span::new(16, bytes.u32(8, Endian::Little)?.into());
    let header = bytes.get(0, 14)?;
    // The mark changes when the image is installed; the checksum does not follow.
    let sums = [0xff, 4].map(|mark| checksum(&[&[mark], header.get(1..).unwrap_or_default()].concat()));
    if data.length < 40 || data.length > 64 << 20 || !sums.contains(&bytes.u16(14, Endian::Little)?) {
        return Err(Rejected("size or checksum"));
    }
    let mut image = Image::of(data.end());
    image.part("kernel", data);
    let expected = bytes.u16(12, Endian::Little)?;
    image.check("the checksum of the kernel", 12, 0, move |bytes| Ok(checksum(bytes.part(data)?.0) == expected));
    Ok(image)
}

/// The header, 40 bytes; all numbers little endian:
///
/// ```text
///  0 magic 0x2124 u16   2 compression u8   3 version 2 u8   4 entry point   8 size of the kernel, c its CRC   10 address
/// 14 where the root file system stands in flash, 18 its size, 1c its CRC   20 CRC of the header without itself   24 size of the header u16
/// 26 size of the command line u16
/// ```
fn sch2(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let word = |at| bytes.u32(at, Endian::Little);
    let header = [bytes.get(0, 32)?, &[0; 4], bytes.get(36, 4)?].concat();
    let data = Span::new(40, word(8)?.into());
    if bytes.u16(36, Endian::Little)? != 40 || crc32(&header) != word(32)? || data.length == 0 {
        return Err(Rejected("size or CRC of the header"));
    }
    let mut image = Image::of(data.end());
    image.part("kernel", data);
    image.sum32("the CRC of the kernel", 12, word(12)?, data, crc32);
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::header::testing::{damaged, opens};
    use crate::problem::Code;

    #[test]
    fn headers_come_off() {
        let image = include_bytes!("../../../../fixtures/jboot-arm/factory.bin");
        let unpacked = opens(&ARM, image, &["data"]);
        assert_eq!(unpacked.fact("header.product").unwrap(), "DLK6E0000001");
        assert_eq!(damaged(&ARM, image, 400), [Code::Checksum]);
        let inner = unpacked.file("data").to_vec();
        let unpacked = opens(&STAG, &inner, &["kernel"]);
        assert_eq!(damaged(&STAG, &inner, 400), [Code::Checksum]);
        let inner = unpacked.file("kernel").to_vec();
        let unpacked = opens(&SCH2, &inner, &["kernel"]);
        assert!(unpacked.file("kernel").starts_with(&[0x5d, 0, 0]));
        assert_eq!(damaged(&SCH2, &inner, 400), [Code::Checksum]);
    }
}
