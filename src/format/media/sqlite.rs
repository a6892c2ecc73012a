//! SQLite databases.

use crate::blob::{Bytes, Endian};
use crate::format::simple::Leaf;
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// SQLite.
pub(super) static SQLITE: Leaf = Leaf {
    spec: &Spec {
        id: "sqlite",
        name: "SQLite database",
        kind: Kind::Media,
        magics: &[Magic::anywhere(b"SQLite format 3\0")],
        leaf: true,
        references: &["https://www.sqlite.org/fileformat2.html"],
        limitations: &["databases written by versions before 3.7.0, which do not say how long they are"],
    },
    reach,
};

/// Magic, u16 page size (1 is 65536), u8 and u8 versions 1 or 2, u8 reserved, u8 64, u8 32, u8 32; at 28 u32 number of pages; big-endian.
fn reach(input: Bytes<'_>) -> Result<u64, Rejected> {
    let page = match input.u16(16, Endian::Big)? {
        1 => 1 << 16,
        size => u64::from(size),
    };
    let pages = u64::from(input.u32(28, Endian::Big)?);
    let versions = (input.u8(18)?, input.u8(19)?);
    if !page.is_power_of_two() || page < 512 || pages == 0 || versions.0 > 2 || versions.1 > 2 || input.array::<3>(21)? != [64, 32, 32] {
        return Err(Rejected("header"));
    }
    Ok(pages.saturating_mul(page))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::simple::tests::whole_and_in_junk;
    use crate::format::testing::carve;

    #[test]
    fn they_reach_to_their_end() {
        whole_and_in_junk(&SQLITE, include_bytes!("../../../fixtures/sqlite/settings.db"));
        assert_eq!(carve(&SQLITE, b"SQLite format 3\0 is how databases begin, and this is a text", 0), None);
    }
}
