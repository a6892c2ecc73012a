//! CyberTAN's header before the TRX images of Linksys routers: the board as four letters, "W54G" and the like.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// CyberTAN BIN header.
pub(super) static CYBERTAN_BIN: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "cybertan-bin",
    name: "CyberTAN firmware (Linksys and others)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"U2ND").at(14)],
    leaf: false,
    references: &["https://openwrt.org/docs/techref/header", "https://github.com/ReFirmLabs/binwalk/blob/master/src/structures/binhdr.rs"],
    limitations: &[],
};

/// Bytes of the header.
const HEADER: u64 = 32;

/// The header; what follows it is TRX, which says how long it is:
///
/// ```text
///  0 board, four letters   4 0   8 date: year, month, day   b version, 3 bytes   e "U2ND"   12 hardware   13 to 20 numbers
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let board = bytes.get(0, 4)?;
    if !board.iter().all(u8::is_ascii_graphic) || bytes.u32(4, Endian::Little)? != 0 || !bytes.has(HEADER, b"HDR0") {
        return Err(Rejected("the board, or what follows"));
    }
    let payload = Span::new(HEADER, bytes.u32(36, Endian::Little)?.into());
    let mut image = Image::new(payload.end(), HEADER);
    image.fact("header.board", 0, 4).part("image.trx", payload);
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{holds, unpack};

    #[test]
    fn the_image_comes_out() {
        let image = include_bytes!("../../../fixtures/cybertan-bin/router.bin");
        holds(&CYBERTAN_BIN, image, &[("image.trx", include_bytes!("../../../fixtures/trx/router.trx"))]);
        assert_eq!(unpack(&CYBERTAN_BIN, image).fact("header.board").unwrap(), "EX54");
    }
}
