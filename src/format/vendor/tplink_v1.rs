//! TP-Link's first header, 512 bytes before kernel, root file system and sometimes boot loader of routers with Atheros chips.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image, over_but, sums};
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// TP-Link firmware, header version 1.
pub(super) static TPLINK_V1: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "tplink-v1",
    name: "TP-Link firmware, header version 1",
    kind: Kind::Container,
    magics: &[
        Magic::anywhere(b"\x01\0\0\0TP-LINK Technologies"),
        Magic::anywhere(b"\x02\0\0\0TP-LINK Technologies"),
        Magic::anywhere(b"\x01\0\0\0OpenWrt\0"),
    ],
    leaf: false,
    references: &[
        "https://github.com/openwrt/firmware-utils/blob/master/src/mktplinkfw.c",
        "https://github.com/rampageX/firmware-mod-kit/blob/master/src/tpl-tool/doc/Image_layout",
    ],
    limitations: &["the second hash of the header, whose use is not known, is not verified"],
};

/// What stands in the place of the hash while it is computed.
const SALT: &[u8; 16] = b"\xdc\xd7\x3a\xa5\xc3\x95\x98\xfb\xdd\xf9\xe7\xf4\x0e\xae\x47\x38";

/// The same for images with a boot loader.
const SALT_WITH_BOOT_LOADER: &[u8; 16] = b"\x8c\xef\x33\x5b\xd5\xc5\xce\xfa\xa7\x9c\x28\xda\xb2\xe9\x0f\x42";

/// The header; all numbers big endian:
///
/// ```text
///  0 version, 1 or 2, in the first byte   4 vendor, 24 bytes   1c version, 36 bytes   40 product   44 its revision   48 region
/// 4c MD5 of the image with a salt in its place   5c 0   60 another MD5   70 0   74 load address   78 entry point
/// 7c size of the image; 0 where kernel and root file system are one   80 offset and size of the kernel   88 of the root file system
/// 90 of the boot loader   98 version: three u16   9e padding to 200
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let word = |at| bytes.u32(at, Endian::Big).map(u64::from);
    let span = |at: u64| Ok::<_, Rejected>(Span::new(word(at)?, word(at.saturating_add(4))?));
    let (kernel, rootfs, loader) = (span(0x80)?, span(0x88)?, span(0x90)?);
    if kernel.start < HEADER || word(0x5c)? != 0 || word(0x70)? != 0 {
        return Err(Rejected("the kernel, or fields that are 0"));
    }
    let stated = word(0x7c)?;
    let length = if stated == 0 { kernel.end().max(rootfs.end()) } else { stated };
    let mut image = Image::new(length, HEADER);
    image.fact("header.vendor", 4, 24).fact("header.version", 0x1c, 36);
    image.part("kernel", kernel).part("rootfs", rootfs).part("boot-loader", loader);
    let stored = bytes.get(0x4c, 16)?;
    if stored.iter().any(|byte| *byte != 0) {
        let salt: &[u8] = if loader.length == 0 { SALT } else { SALT_WITH_BOOT_LOADER };
        // Some tools leave out the padding at the end of the image, and count without it.
        image.sum("the image", 0x4c, stored, sums::md5, over_but(0, 0x4c, salt, length.min(bytes.len())));
    }
    Ok(image)
}

const HEADER: u64 = 0x200;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{KERNEL, ROOTFS, holds, unpack, verifies};

    const IMAGE: &[u8] = include_bytes!("../../../fixtures/tplink-v1/router.bin");

    #[test]
    fn kernel_and_root_come_out() {
        holds(&TPLINK_V1, IMAGE, &[("kernel", KERNEL), ("rootfs", ROOTFS)]);
        assert_eq!(unpack(&TPLINK_V1, IMAGE).fact("header.vendor").unwrap(), "TP-LINK Technologies");
        verifies(&TPLINK_V1, IMAGE, &[0x4c, 0x230, IMAGE.len() - 1]);
    }
}
