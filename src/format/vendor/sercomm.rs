//! The "sErCoMm" block in the images and in the flash of devices that Sercomm makes for NETGEAR, Linksys and others: hardware and version.

use crate::blob::{Bytes, Span};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// Sercomm's product block.
pub(super) static SERCOMM: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "sercomm",
    name: "Sercomm product block",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"sErCoMm")],
    leaf: true,
    references: &["https://github.com/openwrt/firmware-utils/blob/master/src/mksercommfw.c"],
    limitations: &["the checksum at the end of 512 bytes of header is not verified: where the image ends is not said"],
};

/// The block:
///
/// ```text
///  0 "sErCoMm"   7 version, 4 bytes   b hardware, 34 bytes   2d its revision, 10 bytes   37 version of the software   3f "sErCoMm"
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    if !bytes.has(0x3f, b"sErCoMm") {
        return Err(Rejected("the second magic"));
    }
    let mut image = Image::new(0x46, 0x45);
    image.known(Span::new(0, 0x46)).fact("header.board", 0xb, 34).fact("header.version", 0x2d, 10);
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack};

    #[test]
    fn it_names_the_hardware() {
        let image = include_bytes!("../../../fixtures/sercomm/router.img");
        let unpacked = unpack(&SERCOMM, image);
        assert_eq!((carve(&SERCOMM, image, 0), unpacked.files.len()), (Some(0x46), 0));
        assert_eq!(unpacked.fact("header.board").unwrap(), "EXP");
        survives_damage(&SERCOMM, image);
        assert_eq!(carve(&SERCOMM, &b"sErCoMm is a word".repeat(9), 0), None);
    }
}
