//! The tag of 256 bytes that Broadcom's boot loader CFE wants before the images of its DSL routers.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image, over, sums};
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// Broadcom 63xx image tag.
pub(super) static BCM63XX_TAG: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "bcm63xx-tag",
    name: "Broadcom 63xx firmware",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"Broadcom Corporatio").at(4)],
    leaf: false,
    references: &["https://github.com/openwrt/firmware-utils/blob/master/src/bcm_tag.h"],
    limitations: &["images whose tag names another company"],
};

/// Bytes of the tag.
const TAG: u64 = 256;

/// The tag; numbers are decimal digits, checksums are big endian CRCs without their last inversion:
///
/// ```text
///  0 version, 4 bytes   4 company, 20 bytes   18 its line   26 chip, 6 bytes   2c board, 16 bytes   3c 1 if big endian   3e size
/// 48 address of the boot loader   54 its size   5e address of the root file system   6a its size   74 address of the kernel
/// 80 its size   d8 CRC of the image   dc CRC of the root file system   e0 CRC of the kernel   ec CRC of the tag up to here
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    if sums::crc32_register(&[bytes.get(0, 0xec)?]) != bytes.get(0xec, 4)? {
        return Err(Rejected("the CRC of the tag"));
    }
    let number = |at, length| {
        let digits = bytes.text(at, length).ok().and_then(|digits| std::str::from_utf8(digits).ok()).unwrap_or_default();
        digits.trim().parse::<u64>().unwrap_or(0)
    };
    let length = TAG.saturating_add(number(0x3e, 10));
    let named = [("boot-loader", 0x48, 0x54), ("rootfs", 0x5e, 0x6a), ("kernel", 0x74, 0x80)];
    let parts: Vec<_> = named.map(|(name, address, size)| (name, number(address, 12), number(size, 10))).into();
    let base = parts.iter().filter(|(.., size)| *size > 0).map(|(_, address, _)| *address).min().unwrap_or(0);
    let mut image = Image::new(length, TAG);
    image.fact("header.board", 0x2c, 16).fact("header.product", 0x26, 6);
    image.sum("the image", 0xd8, &bytes.u32(0xd8, Endian::Big)?.to_be_bytes(), sums::crc32_register, over(TAG, length));
    let span = |address: u64, size| Span::new(address.saturating_sub(base).saturating_add(TAG), size);
    let fit = parts.iter().all(|(_, address, size)| *size == 0 || span(*address, *size).end() <= length);
    if !fit || base == 0 {
        image.part("image", Span::between(TAG, length));
        return Ok(image);
    }
    for (name, address, size) in parts {
        image.part(name, span(address, size));
    }
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{KERNEL, ROOTFS, holds, unpack, verifies};

    #[test]
    fn root_and_kernel_come_out() {
        let image = include_bytes!("../../../fixtures/bcm63xx-tag/modem.bin");
        holds(&BCM63XX_TAG, image, &[("rootfs", ROOTFS), ("kernel", KERNEL)]);
        assert_eq!(unpack(&BCM63XX_TAG, image).fact("header.board").unwrap(), "EX963");
        verifies(&BCM63XX_TAG, image, &[0x120, image.len() - 1]);
    }
}
