//! Fonts: TrueType and OpenType.

use crate::blob::{Bytes, Endian};
use crate::format::simple::Leaf;
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// TrueType and OpenType.
pub(super) static SFNT: Leaf = Leaf {
    spec: &Spec {
        id: "sfnt",
        name: "TrueType or OpenType font",
        kind: Kind::Media,
        magics: &[Magic::start(&[0, 1, 0, 0]), Magic::anywhere(b"OTTO"), Magic::start(b"true")],
        leaf: true,
        references: &["https://learn.microsoft.com/typography/opentype/spec/otff"],
        limitations: &["collections (ttcf)", "TrueType fonts in the middle of other bytes"],
    },
    reach,
};

/// Magic, u16 number of tables, and three numbers that follow from it; then for each table four letters, u32 CRC, u32 offset, u32 length;
/// big-endian.
fn reach(input: Bytes<'_>) -> Result<u64, Rejected> {
    let count = input.u16(4, Endian::Big)?;
    let log = u32::from(count).checked_ilog2().ok_or(Rejected("no tables"))?;
    let range = 16_u16.checked_shl(log).unwrap_or(0);
    if count > 64 || input.u16(6, Endian::Big)? != range || u32::from(input.u16(8, Endian::Big)?) != log {
        return Err(Rejected("header"));
    }
    let mut end = 0;
    for index in 0..u64::from(count) {
        let at = index.saturating_mul(16).saturating_add(12);
        if !input.array::<4>(at)?.iter().all(|byte| matches!(byte, b' '..=b'~')) {
            return Err(Rejected("tables"));
        }
        let (offset, length) = (input.u32(at.saturating_add(8), Endian::Big)?, input.u32(at.saturating_add(12), Endian::Big)?);
        end = end.max(u64::from(offset).saturating_add(length.into()));
    }
    Ok(end.next_multiple_of(4))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::simple::tests::whole_and_in_junk;
    use crate::format::testing::carve;

    #[test]
    fn they_reach_to_their_end() {
        whole_and_in_junk(&SFNT, include_bytes!("../../../fixtures/sfnt/example.ttf"));
        assert_eq!(carve(&SFNT, b"OTTO is a name, and this is a text about it, is it not? It is.", 0), None);
    }
}
