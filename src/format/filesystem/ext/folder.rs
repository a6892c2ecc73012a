//! Directory blocks.

use crate::blob::{Bytes, Endian, to_u64};

/// The names in one block of a directory, and whether the block breaks off. Index blocks of hashed directories look like blocks
/// without a name, so that all blocks can be read alike.
///
/// An entry: `inode` u32, `rec_len` u16, `name_len` u8, `file_type` u8, name. Without types `name_len` has 16 bits. Inode 0 is a free
/// place or a checksum.
pub(super) fn names(block: Bytes<'_>, types: bool) -> (Vec<(u32, &[u8])>, bool) {
    let (mut found, mut at) = (Vec::new(), 0_u64);
    while at.saturating_add(8) <= block.len() {
        let (Ok(inode), Ok(record)) = (block.u32(at, Endian::Little), block.u16(at.saturating_add(4), Endian::Little)) else {
            return (found, true);
        };
        // 65536 does not fit 16 bits.
        let record = if block.len() == 0x1_0000 && matches!(record, 0 | 0xffff) { 0x1_0000 } else { u64::from(record) };
        let length = if types {
            block.u8(at.saturating_add(6)).map(u64::from)
        } else {
            block.u16(at.saturating_add(6), Endian::Little).map(u64::from)
        };
        let end = at.saturating_add(record);
        if record < 8 || record % 4 != 0 || end > block.len() {
            return (found, true);
        }
        if inode != 0 {
            match length.and_then(|length| block.get(at.saturating_add(8), length)) {
                Ok(name) if (1..=255).contains(&name.len()) && at.saturating_add(8).saturating_add(to_u64(name.len())) <= end => {
                    found.push((inode, name));
                }
                _ => return (found, true),
            }
        }
        at = end;
    }
    (found, false)
}

/// A name below a folder.
pub(super) fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}
