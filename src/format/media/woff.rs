//! Fonts for the web, versions 1 and 2.

use crate::blob::{Bytes, Endian};
use crate::format::simple::Leaf;
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// WOFF.
pub(super) static WOFF: Leaf = Leaf {
    spec: &Spec {
        id: "woff",
        name: "Web font (WOFF)",
        kind: Kind::Media,
        magics: &[Magic::anywhere(b"wOFF"), Magic::anywhere(b"wOF2")],
        leaf: true,
        references: &["https://www.w3.org/TR/WOFF/", "https://www.w3.org/TR/WOFF2/"],
        limitations: &["what is compressed inside"],
    },
    reach,
};

/// Magic, magic of the font, u32 length, u16 number of tables, u16 0; big-endian.
fn reach(input: Bytes<'_>) -> Result<u64, Rejected> {
    let (font, length, tables) = (input.array::<4>(4)?, input.u32(8, Endian::Big)?, input.u16(12, Endian::Big)?);
    if !matches!(&font, [0, 1, 0, 0] | b"OTTO" | b"true" | b"ttcf") || !(1..=64).contains(&tables) || input.u16(14, Endian::Big)? != 0 {
        return Err(Rejected("header"));
    }
    if length < 48 { Err(Rejected("length")) } else { Ok(length.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::simple::tests::whole_and_in_junk;
    use crate::format::testing::carve;

    #[test]
    fn they_reach_to_their_end() {
        whole_and_in_junk(&WOFF, include_bytes!("../../../fixtures/woff/example.woff"));
        assert_eq!(carve(&WOFF, b"wOFF is the magic of web fonts, and this is a text", 0), None);
    }
}
