//! CSYS: Edimax's header of routers with Ralink chips.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image, over, sums};
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// Edimax CSYS.
pub(super) static EDIMAX_CSYS: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "edimax-csys",
    name: "Edimax firmware (CSYS)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"CSYS")],
    leaf: false,
    references: &["https://github.com/openwrt/firmware-utils/blob/master/src/mkedimaximg.c"],
    limitations: &["images whose magic is not CSYS"],
};

/// Bytes of the header.
const HEADER: u64 = 20;

/// The header; numbers are little endian in nearly all devices:
///
/// ```text
///  0 magic "CSYS"   4 address   8 place in flash   c model, four letters   10 size of what follows, checksum included
/// ```
///
/// All 16-bit words of what follows come to 0.
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let model = bytes.get(12, 4)?;
    let endian = if bytes.u32(16, Endian::Little)? < bytes.u32(16, Endian::Big)? { Endian::Little } else { Endian::Big };
    let [address, place, size] = [bytes.u32(4, endian)?, bytes.u32(8, endian)?, bytes.u32(16, endian)?].map(u64::from);
    if !model.iter().all(u8::is_ascii_alphanumeric) || !address.is_multiple_of(16) || place > LARGEST {
        return Err(Rejected("the model or where it goes"));
    }
    if size < 4 || !size.is_multiple_of(2) || size > LARGEST {
        return Err(Rejected("the size"));
    }
    let end = HEADER.saturating_add(size);
    let mut image = Image::new(end, HEADER);
    image.fact("header.board", 12, 4);
    let digest = if endian == Endian::Little { sums::little_words_to_zero } else { sums::words_to_zero };
    image.sum("the image", end.saturating_sub(2), &[0, 0], digest, over(HEADER, end));
    image.part("image", Span::between(HEADER, end.saturating_sub(2))).known(Span::between(end.saturating_sub(2), end));
    Ok(image)
}

/// More bytes than the flash of these devices has.
const LARGEST: u64 = 64 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{KERNEL, holds, unpack, verifies};

    #[test]
    fn the_image_comes_out() {
        let image = include_bytes!("../../../fixtures/edimax-csys/router.bin");
        holds(&EDIMAX_CSYS, image, &[("image", KERNEL)]);
        assert_eq!(unpack(&EDIMAX_CSYS, image).fact("header.board").unwrap(), "EX68");
        verifies(&EDIMAX_CSYS, image, &[0x20, image.len() - 1]);
    }
}
