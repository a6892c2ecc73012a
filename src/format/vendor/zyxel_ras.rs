//! Zyxel's header of an erase block before the root file system and kernel of later routers, such as NBG6617 and EMG2926.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image, over, sums};
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// Zyxel RAS image.
pub(super) static ZYXEL_RAS: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "zyxel-ras",
    name: "Zyxel firmware (RAS)",
    kind: Kind::Container,
    magics: &[Magic::start(&[0xff; 64]).at(0x80)],
    leaf: false,
    references: &["https://github.com/openwrt/firmware-utils/blob/master/src/mkrasimage.c"],
    limitations: &["images whose header is not of 64 KiB"],
};

/// Bytes of the header, and those that its checksum is of.
const HEADER: u64 = 0x1_0000;
const SUMMED: u64 = 0x800;

/// The header, padded with ff; all numbers big endian:
///
/// ```text
///  0 checksum of the root file system   4 its size   8 version, 32 bytes   28 checksum of 800 bytes of header, with the first one here
/// 2c model, 64 bytes   6c checksum of the kernel, or ff   70 its size, or ff
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let root_sum = bytes.get(0, 4)?;
    if checksum(&[bytes.get(0, 0x28)?, root_sum, bytes.get(0x2c, SUMMED.saturating_sub(0x2c))?]) != bytes.get(0x28, 4)? {
        return Err(Rejected("the checksum of the header"));
    }
    let rootfs = Span::new(HEADER, bytes.u32(4, Endian::Big)?.into());
    let size = bytes.u32(0x70, Endian::Big)?;
    let kernel = Span::new(rootfs.end(), if size == u32::MAX { 0 } else { size.into() });
    let mut image = Image::new(kernel.end(), HEADER);
    image.fact("header.version", 8, 32).fact("header.product", 0x2c, 64);
    image.sum("the root file system", 0, root_sum, checksum, over(rootfs.start, rootfs.end()));
    if kernel.length > 0 {
        image.sum("the kernel", 0x6c, bytes.get(0x6c, 4)?, checksum, over(kernel.start, kernel.end()));
    }
    image.part("rootfs", rootfs).part("kernel", kernel);
    Ok(image)
}

/// All bytes added up, folded to 16 bits, as System V's sum does.
fn checksum(pieces: &[&[u8]]) -> Vec<u8> {
    let sum = sums::bytes(pieces).fold(0_u32, |sum, byte| sum.wrapping_add(byte.into()));
    let once = (sum & 0xffff).wrapping_add(sum >> 16);
    (once & 0xffff).wrapping_add(once >> 16).to_be_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{KERNEL, ROOTFS, holds, unpack, verifies};

    #[test]
    fn root_and_kernel_come_out() {
        let image = include_bytes!("../../../fixtures/zyxel-ras/router.bin");
        holds(&ZYXEL_RAS, image, &[("rootfs", ROOTFS), ("kernel", KERNEL)]);
        assert_eq!(unpack(&ZYXEL_RAS, image).fact("header.product").unwrap(), "EXG6617");
        verifies(&ZYXEL_RAS, image, &[0x1_0100, image.len() - 1]);
    }
}
