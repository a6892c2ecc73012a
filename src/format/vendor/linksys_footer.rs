//! The footer behind the images of Linksys routers: which model they are for.

use crate::blob::{Bytes, Span};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// Linksys footer.
pub(super) static LINKSYS_FOOTER: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "linksys-footer",
    name: "Linksys firmware footer",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b".LINKSYS.")],
    leaf: true,
    references: &["https://github.com/openwrt/openwrt/blob/main/scripts/linksys-image.sh"],
    limitations: &["the CRC of the image before it is not verified: where that begins is not said"],
};

/// The footer, 256 bytes of text and NULs:
///
/// ```text
///  0 ".LINKSYS."   9 version, "01000409"   11 model, 15 bytes   20 CRC of all before, eight hexadecimal digits   28 more of the same
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let digits = [bytes.get(9, 8)?, bytes.get(0x20, 8)?].concat();
    let model = bytes.get(0x11, 15)?;
    if !digits.iter().all(u8::is_ascii_hexdigit) || !model.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        return Err(Rejected("the model or the CRC"));
    }
    // All of it is known: there is nothing left over to hand out.
    let mut image = Image::new(256, 255);
    image.known(Span::new(0, 256)).fact("header.product", 0x11, 15);
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{holds, unpack};

    #[test]
    fn it_names_the_model() {
        let image = include_bytes!("../../../fixtures/linksys-footer/footer.bin");
        holds(&LINKSYS_FOOTER, image, &[]);
        assert_eq!(unpack(&LINKSYS_FOOTER, image).fact("header.product").unwrap(), "EX1900AC");
    }
}
