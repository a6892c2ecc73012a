//! Listings of folders.

use super::inode::{Listing, Reference};
use super::metadata::{Cursor, Reader};
use crate::blob::{Bytes, Endian, to_u64};
use crate::problem::Fault;

/// The most entries under one header.
const MOST_ENTRIES: u32 = 256;

/// Bytes of the longest listing that is read: more than half a million names.
const LONGEST_LISTING: u32 = 64 << 20;

/// Listings are held until their folder is done, all along a path, so they cost more than bytes that are read and forgotten.
const HELD: u64 = 16;

/// A name and where its inode is.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: Vec<u8>,
    pub(super) inode: Reference,
}

impl Reader<'_> {
    /// The entries of a folder, in the order of the image, and why they are not all there, if they are not.
    pub(super) fn list(&mut self, listing: &Listing) -> (Vec<Entry>, Option<Fault>) {
        let (mut bytes, size) = (Vec::new(), listing.size.saturating_sub(3).min(LONGEST_LISTING));
        let mut cursor = Cursor::new(self.superblock.directory_table, listing.block.into(), listing.offset);
        let mut read = self.append(&mut cursor, size.into(), &mut bytes);
        if let Err(limit) = self.effort.spend(to_u64(bytes.len()).saturating_mul(HELD)) {
            read = Err(limit.into());
            bytes.clear();
        }
        let mut entries = Vec::new();
        let parsed = parse(Bytes(&bytes), self.endian, &mut entries);
        (entries, read.err().or(parsed.err()))
    }
}

/// Runs of a header `u32 count - 1, u32 start_block, u32 inode_number` and `count` entries, whose inodes are all in the block at
/// `start_block`: `u16 offset, i16 inode_number, u16 type, u16 size - 1` and the name.
fn parse(bytes: Bytes<'_>, endian: Endian, entries: &mut Vec<Entry>) -> Result<(), Fault> {
    let mut at = 0_u64;
    while at < bytes.len() {
        let (count, block) = (bytes.u32(at, endian)?, bytes.u32(at.saturating_add(4), endian)?);
        if count >= MOST_ENTRIES {
            return Err(Fault::corrupt(format!("a directory header that counts {count} entries and one")));
        }
        at = at.saturating_add(12);
        for _ in 0..=count {
            let offset = bytes.u16(at, endian)?;
            let size = u64::from(bytes.u16(at.saturating_add(6), endian)?).saturating_add(1);
            let name = bytes.get(at.saturating_add(8), size)?;
            entries.push(Entry { name: name.to_vec(), inode: Reference::new(block.into(), offset) });
            at = at.saturating_add(8).saturating_add(size);
        }
    }
    Ok(())
}
