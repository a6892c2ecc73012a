//! Descriptions of terminals.

use crate::blob::{Bytes, Endian};
use crate::format::simple::Leaf;
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// terminfo.
pub(super) static TERMINFO: Leaf = Leaf {
    spec: &Spec {
        id: "terminfo",
        name: "Terminal description",
        kind: Kind::Media,
        magics: &[Magic::start(&[0x1a, 0x01]), Magic::start(&[0x1e, 0x02])],
        leaf: true,
        references: &["https://man7.org/linux/man-pages/man5/term.5.html"],
        limitations: &["in the middle of other bytes"],
    },
    reach,
};

/// u16 magic, u16 length of names, u16 number of booleans, of numbers, of texts, u16 length of all texts; little-endian. Names, booleans as
/// bytes, padding, numbers of 16 or 32 bits, offsets of texts, texts. What has no fixed place may follow.
fn reach(input: Bytes<'_>) -> Result<u64, Rejected> {
    let half = |index: u64| input.u16(index.saturating_mul(2), Endian::Little).map(u64::from);
    let (names, booleans, numbers, offsets, texts) = (half(1)?, half(2)?, half(3)?, half(4)?, half(5)?);
    let names_text = input.get(12, names)?.split_last().ok_or(Rejected("names"))?;
    if *names_text.0 != 0
        || names > 512
        || !names_text.1.iter().all(|byte| matches!(byte, b' '..=b'~'))
        || booleans > 128
        || numbers > 128
        || offsets > 1024
    {
        return Err(Rejected("header"));
    }
    let width = if input.u8(0)? == 0x1e { 4 } else { 2 };
    let fixed = names.saturating_add(booleans).saturating_add(12).next_multiple_of(2);
    let end = fixed.saturating_add(numbers.saturating_mul(width)).saturating_add(offsets.saturating_mul(2)).saturating_add(texts);
    if input.len() < end { Err(Rejected("lengths")) } else { Ok(input.len().min(end.saturating_add(EXTENDED))) }
}

/// What may follow.
const EXTENDED: u64 = 4096;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::simple::tests::whole;
    use crate::format::testing::carve;

    #[test]
    fn they_reach_to_their_end() {
        whole(&TERMINFO, include_bytes!("../../../fixtures/terminfo/example"));
        assert_eq!(carve(&TERMINFO, b"\x1a\x01\x10\0 is how they begin, and this is a text, is it not?", 0), None);
    }
}
