//! D-Link's header with the model and the board as text and the image as a typed value, of routers such as DIR-825.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image, over, sums};
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// D-Link TLV firmware.
pub(super) static DLINK_TLV: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "dlink-tlv",
    name: "D-Link firmware (typed values)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"\x64\x80\x19\x40")],
    leaf: false,
    references: &["https://github.com/ReFirmLabs/binwalk/blob/master/src/structures/dlink_tlv.rs"],
    limitations: &[],
};

/// The header; numbers are little endian:
///
/// ```text
///  0 magic   4 model, 32 bytes   24 board, 32 bytes   44 unknown   4c MD5 of the image as text, or nothing
/// 6c type of the value, 1   70 its size   74 the image
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let payload = Span::new(0x74, bytes.u32(0x70, Endian::Little)?.into());
    let named = |at| bytes.text(at, 32).is_ok_and(|text| !text.is_empty() && text.iter().all(u8::is_ascii_graphic));
    if bytes.u32(0x6c, Endian::Little)? != 1 || payload.length == 0 || !named(4) || !named(0x24) {
        return Err(Rejected("the type, or the names"));
    }
    let mut image = Image::new(payload.end(), 0x74);
    image.fact("header.product", 4, 32).fact("header.board", 0x24, 32);
    let hash = bytes.get(0x4c, 32)?;
    if hash.iter().all(u8::is_ascii_hexdigit) {
        image.sum("the image", 0x4c, &hash.to_ascii_lowercase(), md5_text, over(payload.start, payload.end()));
    }
    image.part("image", payload);
    Ok(image)
}

/// MD5 as text.
fn md5_text(pieces: &[&[u8]]) -> Vec<u8> {
    sums::md5(pieces).iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{KERNEL, holds, unpack, verifies};

    const IMAGE: &[u8] = include_bytes!("../../../fixtures/dlink-tlv/router.bin");

    #[test]
    fn the_image_comes_out() {
        holds(&DLINK_TLV, IMAGE, &[("image", KERNEL)]);
        assert_eq!(unpack(&DLINK_TLV, IMAGE).fact("header.product").unwrap(), "EX-825");
        verifies(&DLINK_TLV, IMAGE, &[IMAGE.len() - 1]);
    }
}
