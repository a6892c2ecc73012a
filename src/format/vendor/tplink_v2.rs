//! TP-Link's second header, of routers with MediaTek, Lantiq and later Qualcomm chips: versions 2 and 3.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image, over_but, sums};
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// TP-Link firmware, header version 2 or 3.
pub(super) static TPLINK_V2: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "tplink-v2",
    name: "TP-Link firmware, header version 2 or 3",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"\x02\0\0\0ver. "), Magic::anywhere(b"\x03\0\0\0ver. ")],
    leaf: false,
    references: &["https://github.com/openwrt/firmware-utils/blob/master/src/mktplinkfw2.c"],
    limitations: &["the second hash of the header, which is a signature in some images, is not verified"],
};

/// What stands in the place of the hash while it is computed.
const SALT: &[u8; 16] = b"\xdc\xd7\x3a\xa5\xc3\x95\x98\xfb\xdc\xf9\xe7\xf4\x0e\xae\x47\x37";

/// The same for images with a boot loader.
const SALT_WITH_BOOT_LOADER: &[u8; 16] = b"\x8c\xef\x33\x5f\xd5\xc5\xce\xfa\xac\x9c\x28\xda\xb2\xe9\x0f\x42";

/// The header; all numbers big endian but for the first:
///
/// ```text
///  0 version, 2 or 3, little endian   4 version, 48 bytes of text and 0xff   34 product   38 its revision   3c more of that
/// 40 MD5 of the image with a salt in its place   50 0   54 another MD5   64 ffffffff   68 load address   6c entry point
/// 70 size of the image   74 offset and size of the kernel   7c of the root file system   84 of the boot loader   8c 55aa
/// 8e second version: two bytes   90 a5   91 version: three bytes   94 padding to 200
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let word = |at| bytes.u32(at, Endian::Big).map(u64::from);
    let span = |at: u64| Ok::<_, Rejected>(Span::new(word(at)?, word(at.saturating_add(4))?));
    if !bytes.has(0x8c, &[0x55, 0xaa]) || bytes.u8(0x90)? != 0xa5 {
        return Err(Rejected("fixed bytes"));
    }
    let (kernel, mut rootfs, loader) = (span(0x74)?, span(0x7c)?, span(0x84)?);
    // Where kernel and root file system are one, these were never written.
    if rootfs.start == 0xffff_ffff {
        rootfs = Span::new(kernel.end(), 0);
    }
    if kernel.start < HEADER {
        return Err(Rejected("the kernel"));
    }
    let length = word(0x70)?;
    let mut image = Image::new(length, HEADER);
    image.fact("header.version", 4, 48);
    image.part("kernel", kernel).part("rootfs", rootfs);
    if loader.start >= HEADER {
        image.part("boot-loader", loader);
    }
    let salt: &[u8] = if loader.length == 0 { SALT } else { SALT_WITH_BOOT_LOADER };
    image.sum("the image", 0x40, bytes.get(0x40, 16)?, sums::md5, over_but(0, 0x40, salt, length.min(bytes.len())));
    Ok(image)
}

const HEADER: u64 = 0x200;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{KERNEL, ROOTFS, holds, unpack, verifies};

    const IMAGE: &[u8] = include_bytes!("../../../fixtures/tplink-v2/router.bin");

    #[test]
    fn kernel_and_root_come_out() {
        holds(&TPLINK_V2, IMAGE, &[("kernel", KERNEL), ("rootfs", ROOTFS)]);
        assert_eq!(unpack(&TPLINK_V2, IMAGE).fact("header.version").unwrap(), "ver. 2.0");
        verifies(&TPLINK_V2, IMAGE, &[0x40, 0x230, IMAGE.len() - 1]);
    }
}
