//! Translated texts of programs.

use crate::blob::{Bytes, Endian};
use crate::format::simple::Leaf;
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// gettext.
pub(super) static GETTEXT_MO: Leaf = Leaf {
    spec: &Spec {
        id: "gettext-mo",
        name: "Translations (gettext .mo)",
        kind: Kind::Media,
        magics: &[Magic::anywhere(&[0xde, 0x12, 0x04, 0x95]), Magic::anywhere(&[0x95, 0x04, 0x12, 0xde])],
        leaf: true,
        references: &["https://www.gnu.org/software/gettext/manual/html_node/MO-Files.html"],
        limitations: &[],
    },
    reach,
};

/// Magic, u32 revision, u32 number of texts, u32 and u32 offsets of the tables of them and of their translations, u32 size of a hash table,
/// u32 its offset. Tables hold u32 length and u32 offset of each text, which a NUL ends.
fn reach(input: Bytes<'_>) -> Result<u64, Rejected> {
    let endian = if input.u8(0)? == 0x95 { Endian::Big } else { Endian::Little };
    let word = |at: u64| input.u32(at, endian).map(u64::from);
    let (revision, count) = (word(4)?, word(8)?);
    if !matches!(revision, 0 | 1 | 0x1_0000 | 0x1_0001) || !(1..=1 << 20).contains(&count) {
        return Err(Rejected("header"));
    }
    let mut end = word(24)?.saturating_add(word(20)?.saturating_mul(4));
    for table in [word(12)?, word(16)?] {
        // Texts stand in the order of their table, so the last one is the last.
        let last = table.saturating_add(count.saturating_sub(1).saturating_mul(8));
        let text = word(last.saturating_add(4))?.saturating_add(word(last)?);
        if table < 28 || text > 1 << 28 || input.u8(text).is_ok_and(|byte| byte != 0) {
            return Err(Rejected("texts"));
        }
        end = end.max(text.saturating_add(1));
    }
    Ok(end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::simple::tests::whole_and_in_junk;
    use crate::format::testing::carve;

    #[test]
    fn they_reach_to_their_end() {
        whole_and_in_junk(&GETTEXT_MO, include_bytes!("../../../fixtures/gettext-mo/example.mo"));
        assert_eq!(carve(&GETTEXT_MO, b"\xde\x12\x04\x95 is how they begin, and this is a text, is it not?", 0), None);
    }
}
