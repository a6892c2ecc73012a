//! Blocks of names, and names in an inode.

use crate::blob::{Bytes, Endian};
use crate::format::unix::inodes::Name;
use crate::problem::Fault;

/// Bytes of an entry (u32 hash, u32 inode, u16 length of the name, u8 type), and of a piece of a name.
const ENTRY: u64 = 11;
const PIECE: u64 = 8;

/// Entries of a block of 4096 bytes.
const ENTRIES: u64 = 214;

/// How names are laid out: a bit for each entry, some bytes, the entries, and for each one piece of a name; long names take the pieces of
/// the entries behind them.
pub(super) struct Layout {
    entries: u64,
    entries_at: u64,
    names_at: u64,
}

impl Layout {
    /// Of a block.
    pub(super) const BLOCK: Self = Self { entries: ENTRIES, entries_at: 30, names_at: 30 + ENTRIES * ENTRY };

    /// Of `size` bytes of an inode: as many as fit.
    pub(super) fn inline(size: u64) -> Self {
        let entries = size.saturating_mul(8) / ((ENTRY + PIECE) * 8 + 1);
        let names_at = size.saturating_sub(entries.saturating_mul(PIECE));
        Self { entries, entries_at: names_at.saturating_sub(entries.saturating_mul(ENTRY)), names_at }
    }

    /// Adds the names in `block`.
    pub(super) fn names(&self, block: Bytes<'_>, names: &mut Vec<Name<u32>>) -> Result<(), Fault> {
        let mut index = 0;
        while index < self.entries {
            let used = block.u8(index / 8)? & 1_u8.rotate_left(u32::try_from(index % 8).unwrap_or(0)) != 0;
            let at = self.entries_at.saturating_add(index.saturating_mul(ENTRY));
            let length = u64::from(block.u16(at.saturating_add(8), Endian::Little)?);
            if !used || length == 0 {
                index = index.saturating_add(1);
                continue;
            }
            if length > 255 {
                return Err(Fault::corrupt("a name of more than 255 bytes"));
            }
            let name = block.get(self.names_at.saturating_add(index.saturating_mul(PIECE)), length)?;
            names.push((name.to_vec(), block.u32(at.saturating_add(4), Endian::Little)?));
            index = index.saturating_add(length.div_ceil(PIECE));
        }
        Ok(())
    }
}
