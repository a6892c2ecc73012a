//! Listings of folders.

use super::inode::{Listing, Reference};
use super::layout::ListingLayout;
use super::metadata::{Cursor, Reader};
use crate::blob::{Bytes, Endian, to_u64};
use crate::problem::Fault;

/// The most entries under one header.
const MOST_ENTRIES: u64 = 256;

/// Bytes of the longest listing that is read: more than half a million names.
const LONGEST_LISTING: u64 = 64 << 20;

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
        let (layout, endian) = (&self.superblock.layout.listing, self.superblock.endian);
        let (mut bytes, size) = (Vec::new(), listing.size.saturating_sub(layout.extra).min(LONGEST_LISTING));
        let mut cursor = Cursor::new(self.superblock.directory_table, listing.block.into(), listing.offset);
        let mut read = self.append(&mut cursor, size, &mut bytes);
        if let Err(limit) = self.effort.spend(to_u64(bytes.len()).saturating_mul(HELD)) {
            read = Err(limit.into());
            bytes.clear();
        }
        let mut entries = Vec::new();
        let parsed = parse(Bytes(&bytes), layout, endian, &mut entries);
        (entries, read.err().or(parsed.err()))
    }
}

/// Runs of a header, which counts its entries and says in which metadata block their inodes all are, and of entries with their names.
fn parse(bytes: Bytes<'_>, layout: &ListingLayout, endian: Endian, entries: &mut Vec<Entry>) -> Result<(), Fault> {
    let (header, count, block) = layout.header;
    let (fixed, offset, size) = layout.entry;
    let mut at = 0_u64;
    while at < bytes.len() {
        let head = bytes.get(at, header).map(Bytes)?;
        let (count, block) = (count.read(head, endian)?, block.read(head, endian)?);
        if count >= MOST_ENTRIES {
            return Err(Fault::corrupt(format!("a directory header that counts {count} entries and one")));
        }
        at = at.saturating_add(header);
        for _ in 0..=count {
            let entry = bytes.get(at, fixed).map(Bytes)?;
            let offset = u16::try_from(offset.read(entry, endian)?).unwrap_or(u16::MAX);
            let size = size.read(entry, endian)?.saturating_add(1);
            let name = bytes.get(at.saturating_add(fixed), size)?;
            entries.push(Entry { name: name.to_vec(), inode: Reference::new(block, offset) });
            at = at.saturating_add(fixed).saturating_add(size);
        }
    }
    Ok(())
}
