//! NETGEAR CHK: the header in which its routers with Broadcom chips get their firmware.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image, over, over_but, sums};
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// NETGEAR CHK.
pub(super) static NETGEAR_CHK: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "netgear-chk",
    name: "NETGEAR firmware (CHK)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"*#$^\0\0\0")],
    leaf: false,
    references: &["https://github.com/openwrt/firmware-utils/blob/master/src/mkchkimg.c"],
    limitations: &[],
};

/// The header; all numbers big endian:
///
/// ```text
///  0 magic "*#$^"   4 size of the header   8 region and version, a byte each   10 checksum of the kernel   14 of the root file system
/// 18 size of the kernel   1c of the root file system   20 checksum of both   24 of the header, itself counted as 0   28 board
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let word = |at| bytes.u32(at, Endian::Big);
    let header = u64::from(word(4)?);
    let kernel = Span::new(header, word(0x18)?.into());
    let rootfs = Span::new(kernel.end(), word(0x1c)?.into());
    let board = bytes.get(0x28, header.saturating_sub(0x28))?;
    if !(0x2a..=0x80).contains(&header) || !board.iter().all(|byte| matches!(byte, b' '..=b'~' | 0)) {
        return Err(Rejected("the board"));
    }
    let mut image = Image::new(rootfs.end(), header);
    image.fact("header.board", 0x28, header.saturating_sub(0x28));
    let mut sum = |what, at, over| Ok::<_, Rejected>(_ = image.sum(what, at, bytes.get(at, 4)?, checksum, over));
    sum("the header", 0x24, over_but(0, 0x24, &[0; 4], header))?;
    sum("the kernel", 0x10, over(kernel.start, kernel.end()))?;
    if rootfs.length > 0 {
        sum("the root file system", 0x14, over(rootfs.start, rootfs.end()))?;
    }
    sum("the image", 0x20, over(kernel.start, rootfs.end()))?;
    image.part("kernel", kernel).part("rootfs", rootfs);
    Ok(image)
}

/// Two sums, of the bytes and of those sums, each folded to 16 bits.
fn checksum(pieces: &[&[u8]]) -> Vec<u8> {
    let (mut first, mut second) = (0_u32, 0_u32);
    for byte in sums::bytes(pieces) {
        first = first.wrapping_add(u32::from(byte));
        second = second.wrapping_add(first);
    }
    let fold = |sum: u32| {
        let once = (sum & 0xffff).wrapping_add(sum >> 16);
        once.wrapping_add(once >> 16) & 0xffff
    };
    (fold(second) << 16 | fold(first)).to_be_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{KERNEL, ROOTFS, holds, unpack, verifies};

    const IMAGE: &[u8] = include_bytes!("../../../fixtures/netgear-chk/router.chk");

    #[test]
    fn kernel_and_root_come_out() {
        holds(&NETGEAR_CHK, IMAGE, &[("kernel", KERNEL), ("rootfs", ROOTFS)]);
        assert_eq!(unpack(&NETGEAR_CHK, IMAGE).fact("header.board").unwrap(), "U12H000T00_EXAMPLE");
        verifies(&NETGEAR_CHK, IMAGE, &[8, 0x60, IMAGE.len() - 1]);
    }

    #[test]
    fn a_kernel_alone_is_an_image() {
        let alone = include_bytes!("../../../fixtures/netgear-chk/kernel.chk");
        holds(&NETGEAR_CHK, alone, &[("kernel", KERNEL)]);
    }
}
