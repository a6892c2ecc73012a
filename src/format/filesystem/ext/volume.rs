//! Blocks and inodes by their numbers.

use super::inode::Inode;
use super::journal::Replayed;
use super::superblock::Superblock;
use crate::blob::{Bytes, Endian, Span};
use crate::problem::Fault;

/// How often the blocks of an image may be shared by files on average: deduplicated images share some, hostile ones all.
const SHARING: u64 = 16;

/// A file system being read.
#[derive(Debug)]
pub(super) struct Volume<'a> {
    /// All of its bytes, or what there is of them.
    pub(super) image: Bytes<'a>,
    /// How it is laid out.
    pub(super) superblock: Superblock,
    /// Blocks of which the journal has newer copies.
    pub(super) replayed: Replayed,
    /// Index and folder blocks that may still be read: in a sound image each belongs to one file, so there are not more than blocks.
    blocks_left: u64,
    bytes_left: u64,
}

impl<'a> Volume<'a> {
    /// The file system with this superblock in these bytes.
    pub(super) fn new(image: Bytes<'a>, superblock: Superblock) -> Self {
        let blocks_left = image.len().checked_div(superblock.block_size).unwrap_or(0);
        Self { image, superblock, replayed: Replayed::new(), blocks_left, bytes_left: image.len().saturating_mul(SHARING) }
    }

    /// The span of `count` blocks.
    pub(super) fn span(&self, block: u64, count: u64) -> Span {
        let size = self.superblock.block_size;
        Span::new(block.saturating_mul(size), count.saturating_mul(size))
    }

    /// The block that has the newest content of a block.
    pub(super) fn newest(&self, number: u64) -> u64 {
        self.replayed.get(&number).copied().unwrap_or(number)
    }

    /// The same for a place in a block.
    fn newest_at(&self, at: u64) -> u64 {
        let size = self.superblock.block_size;
        let block = at.checked_div(size).unwrap_or(0);
        self.span(self.newest(block), 1).start.saturating_add(at.saturating_sub(self.span(block, 1).start))
    }

    /// A block of an extent tree, of pointers or of a folder.
    pub(super) fn index_block(&mut self, number: u64) -> Result<Bytes<'a>, Fault> {
        if number == 0 || number >= self.superblock.blocks {
            return Err(Fault::corrupt(format!("block {number} is outside of the file system")));
        }
        self.blocks_left = self.blocks_left.checked_sub(1).ok_or_else(|| Fault::corrupt("more index blocks than blocks"))?;
        Ok(self.image.part(self.span(self.newest(number), 1))?)
    }

    /// Counts content of `length` bytes.
    pub(super) fn pay(&mut self, length: u64) -> Result<(), Fault> {
        let left = self.bytes_left.checked_sub(length.min(self.image.len()));
        self.bytes_left = left.ok_or_else(|| Fault::corrupt("too many files share the same blocks"))?;
        Ok(())
    }

    /// Where the inode table of `group` stands.
    pub(super) fn inode_table(&self, group: u64) -> Result<u64, Fault> {
        let at = self.newest_at(self.superblock.descriptor_at(group));
        let low = self.image.u32(at.saturating_add(8), Endian::Little)?;
        let high = if self.superblock.descriptor_size >= 64 { self.image.u32(at.saturating_add(0x28), Endian::Little)? } else { 0 };
        let block = u64::from(high).saturating_mul(1 << 32).saturating_add(low.into());
        if block == 0 || block >= self.superblock.blocks {
            return Err(Fault::corrupt(format!("the inode table of group {group} is outside of the file system")));
        }
        Ok(self.span(block, 1).start)
    }

    /// Whether `bg_flags` say that the inode table of `group` holds nothing.
    pub(super) fn is_unwritten(&self, group: u64) -> bool {
        let at = self.newest_at(self.superblock.descriptor_at(group)).saturating_add(0x12);
        self.superblock.tables_may_be_unwritten() && self.image.u16(at, Endian::Little).is_ok_and(|flags| flags & 1 != 0)
    }

    /// The inode with this number.
    pub(super) fn inode(&self, number: u32) -> Result<Inode<'a>, Fault> {
        if number == 0 || number > self.superblock.inodes {
            return Err(Fault::corrupt(format!("there is no inode {number}")));
        }
        let index = number.saturating_sub(1);
        let group = index.checked_div(self.superblock.inodes_per_group).unwrap_or(0);
        let rest = index.saturating_sub(group.saturating_mul(self.superblock.inodes_per_group));
        let size = self.superblock.inode_size;
        let at = self.inode_table(group.into())?.saturating_add(size.saturating_mul(rest.into()));
        let at = self.newest_at(at);
        Ok(Inode::new(number, at, self.image.part(Span::new(at, size))?))
    }
}
