//! Where the blocks of a file are: a list of extents in the inode, or a tree of them.

use super::inode::{Detail, Keeping};
use super::superblock::Superblock;
use crate::blob::{Bytes, Endian};
use crate::format::unix::inodes::Inode;
use crate::limits::Effort;
use crate::problem::Fault;

/// Bytes of an extent.
const SIZE: u64 = 16;

/// Levels of a tree, of which XFS makes five at most.
const DEEPEST: u16 = 9;

/// Blocks of a file that are in a row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extent {
    /// The first one of the file.
    pub(super) logical: u64,
    /// Its number on the disk.
    pub(super) block: u64,
    pub(super) count: u64,
    /// Allocated, but never written: zeros.
    pub(super) unwritten: bool,
}

impl Extent {
    /// 128 bits, big endian: 1 unwritten, 54 logical block, 52 block, 21 blocks.
    fn read(bytes: Bytes<'_>) -> Result<Self, Fault> {
        let (high, low) = (bytes.u64(0, Endian::Big)?, bytes.u64(8, Endian::Big)?);
        Ok(Self {
            logical: (high & !(1 << 63)) >> 9,
            block: ((high & 0x1ff) << 43) | (low >> 21),
            count: low & 0x1f_ffff,
            unwritten: high >> 63 != 0,
        })
    }
}

/// All extents of a file, in order. Returns why they are not all.
pub(super) fn read(
    image: Bytes<'_>,
    superblock: &Superblock,
    inode: &Inode<Detail<'_>>,
    effort: &mut Effort<'_>,
) -> (Vec<Extent>, Option<Fault>) {
    let mut found = Vec::new();
    let result = match inode.detail.keeping {
        Keeping::Extents => list(inode.detail.fork, 0, inode.detail.extents, &mut found),
        Keeping::Tree => Tree { image, superblock, effort, found: &mut found }.root(inode.detail.fork),
        _ => Err(Fault::corrupt("no extents where some should be")),
    };
    found.sort_by_key(|extent| extent.logical);
    (found, result.err())
}

fn list(bytes: Bytes<'_>, at: u64, count: u64, found: &mut Vec<Extent>) -> Result<(), Fault> {
    for index in 0..count {
        let extent = bytes.get(index.saturating_mul(SIZE).saturating_add(at), SIZE)?;
        found.push(Extent::read(Bytes(extent))?);
    }
    Ok(())
}

struct Tree<'a, 's, 'e, 'b> {
    image: Bytes<'a>,
    superblock: &'s Superblock,
    effort: &'e mut Effort<'b>,
    found: &'s mut Vec<Extent>,
}

impl Tree<'_, '_, '_, '_> {
    /// In the inode: u16 level, u16 entries, and as many keys of 8 bytes and numbers of blocks as there is room for.
    fn root(&mut self, fork: Bytes<'_>) -> Result<(), Fault> {
        let (level, count) = (fork.u16(0, Endian::Big)?, fork.u16(2, Endian::Big)?);
        if level == 0 || level > DEEPEST {
            return Err(Fault::corrupt("the tree of extents has no levels, or too many"));
        }
        let room = fork.len().saturating_sub(4) / SIZE;
        self.children(fork, room.saturating_mul(8).saturating_add(4), count, level)
    }

    fn children(&mut self, bytes: Bytes<'_>, at: u64, count: u16, level: u16) -> Result<(), Fault> {
        let mut fault = None;
        for index in 0..u64::from(count) {
            let number = bytes.u64(index.saturating_mul(8).saturating_add(at), Endian::Big)?;
            match self.block(number, level.saturating_sub(1)) {
                Err(limit @ Fault::Exceeded(_)) => return Err(limit),
                other => fault = fault.or(other.err()),
            }
        }
        fault.map_or(Ok(()), Err)
    }

    /// A block: "BMAP" or "BMA3", u16 level, u16 entries, 16 bytes of neighbours; with checksums 48 bytes more.
    fn block(&mut self, number: u64, level: u16) -> Result<(), Fault> {
        let size = self.superblock.block_size;
        self.effort.spend(size)?;
        let at = self.superblock.block_at(number).ok_or_else(|| Fault::corrupt(format!("there is no block {number:#x}")))?;
        let bytes = Bytes(self.image.get(at, size)?);
        let magic: &[u8] = if self.superblock.checked { b"BMA3" } else { b"BMAP" };
        if !bytes.has(0, magic) || bytes.u16(4, Endian::Big)? != level {
            return Err(Fault::corrupt("a block of the tree of extents is none"));
        }
        let header = if self.superblock.checked { 72 } else { 24_u64 };
        let count = bytes.u16(6, Endian::Big)?;
        if level == 0 {
            return list(bytes, header, count.into(), self.found);
        }
        let room = size.saturating_sub(header) / SIZE;
        self.children(bytes, room.saturating_mul(8).saturating_add(header), count, level)
    }
}
