//! Meraki's header of access points' and gateways' images in flash.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// Meraki firmware.
pub(super) static MERAKI: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "meraki",
    name: "Meraki firmware",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"\x8e\x73\xed\x8a\0\0\x04\0")],
    leaf: false,
    references: &["https://github.com/openwrt/firmware-utils/blob/master/src/mkmerakifw.c"],
    limitations: &["the SHA-1 of the image is not verified"],
};

/// Bytes of the header.
const HEADER: u64 = 0x400;

/// The header; all numbers big endian:
///
/// ```text
///  0 magic 8e73ed8a   4 size of the header   8 size of the image   c SHA-1 of it   20 the same magic and no more, or a1f0beef with
/// 24 60001   28 where in header and image the kernel is   2c the first RAM disk   30 the device tree   rest ff
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let word = |at| bytes.u32(at, Endian::Big).map(u64::from);
    let end = HEADER.saturating_add(word(8)?);
    let parted = match word(0x20)? {
        0xa1f0_beef => true,
        0x8e73_ed8a => false,
        _ => return Err(Rejected("the second magic")),
    };
    let mut image = Image::new(end, HEADER);
    let mut starts = vec![(HEADER, "image")];
    if parted {
        let offsets = [(word(0x28)?, "kernel"), (word(0x2c)?, "ramdisk"), (word(0x30)?, "device-tree")];
        starts.extend(offsets.into_iter().filter(|(start, _)| (HEADER..end).contains(start)));
        starts.retain(|(_, name)| *name != "image" || !offsets.iter().any(|(start, _)| *start == HEADER));
    }
    starts.sort_unstable();
    let ends = starts.iter().skip(1).map(|(start, _)| *start).chain([end]);
    for ((start, name), end) in starts.iter().zip(ends) {
        image.part(*name, Span::between(*start, end));
    }
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{KERNEL, ROOTFS, holds};

    #[test]
    fn the_parts_come_out() {
        holds(&MERAKI, include_bytes!("../../../fixtures/meraki/access-point.bin"), &[("image", KERNEL)]);
        let parted = include_bytes!("../../../fixtures/meraki/gateway.bin");
        let tree = include_bytes!("../../../fixtures/dtb/board.dtb");
        holds(&MERAKI, parted, &[("device-tree", tree), ("kernel", KERNEL), ("ramdisk", ROOTFS)]);
    }
}
