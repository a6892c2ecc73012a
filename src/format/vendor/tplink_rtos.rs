//! TP-Link's header of devices that run VxWorks or another small system.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// TP-Link RTOS firmware.
pub(super) static TPLINK_RTOS: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "tplink-rtos",
    name: "TP-Link RTOS firmware",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"\0\x14\x2f\xc0")],
    leaf: false,
    references: &["https://github.com/ReFirmLabs/binwalk/blob/master/src/structures/tplink.rs"],
    limitations: &["what is not known of the header, its hash too, is not verified"],
};

/// The header; all numbers big endian:
///
/// ```text
///  0 magic   4 unknown   14 "IMG0"   18 size of the image from here minus 8   1c model, u16   1e its revision, u8   1f unknown to 94
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    if !bytes.has(0x14, b"IMG0") {
        return Err(Rejected("the second magic"));
    }
    let length = u64::from(bytes.u32(0x18, Endian::Big)?).saturating_add(0x14);
    let mut image = Image::new(length, 0x94);
    image.part("image", Span::between(0x94, length));
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{ROOTFS, holds};

    #[test]
    fn the_image_comes_out() {
        holds(&TPLINK_RTOS, include_bytes!("../../../fixtures/tplink-rtos/router.bin"), &[("image", ROOTFS)]);
    }
}
