//! Inodes, folders and content.

use super::extents::{self, Extent};
use super::folder;
use super::inode::{self, Detail, Keeping};
use super::superblock::Superblock;
use crate::blob::{Bytes, Endian, Span, to_u64};
use crate::format::unix::inodes::{Inode, Name, Volume, finish, put};
use crate::limits::{Budget, Effort, Output};
use crate::problem::Fault;

/// Where in a folder its index begins: names stand before.
const INDEX: u64 = 1 << 35;

/// Bytes before each block of the target of a link, if there are checksums: "XSLM", u32 offset, u32 bytes, and more.
const LINK_HEADER: u64 = 56;

/// A file system being read.
pub(super) struct Xfs<'a, 'b> {
    image: Bytes<'a>,
    superblock: Superblock,
    effort: Effort<'b>,
}

impl<'a, 'b> Xfs<'a, 'b> {
    pub(super) fn new(image: Bytes<'a>, superblock: Superblock, budget: &'b Budget) -> Self {
        Self { image, superblock, effort: Effort::new(budget, image.len()) }
    }

    fn extents(&mut self, inode: &Inode<Detail<'a>>) -> (Vec<Extent>, Option<Fault>) {
        extents::read(self.image, &self.superblock, inode, &mut self.effort)
    }

    /// The bytes of an extent, or of what of it is there.
    fn bytes_of(&mut self, extent: &Extent, most: u64) -> Result<Bytes<'a>, Fault> {
        let at = self.superblock.block_at(extent.block).ok_or_else(|| Fault::corrupt(format!("there is no block {:#x}", extent.block)))?;
        let length = extent.count.saturating_mul(self.superblock.block_size).min(most);
        self.effort.spend(length.min(self.image.len()))?;
        Ok(Bytes(self.image.up_to(at, length)))
    }

    fn write(&mut self, inode: &Inode<Detail<'a>>, output: &mut Output<'_>) -> Result<(), Fault> {
        let (extents, mut fault) = self.extents(inode);
        for extent in extents.iter().filter(|extent| !extent.unwritten) {
            let start = extent.logical.saturating_mul(self.superblock.block_size);
            let most = inode.size.saturating_sub(start);
            match self.bytes_of(extent, most) {
                Err(limit @ Fault::Exceeded(_)) => return Err(limit),
                Err(broken) => fault = fault.or(Some(broken)),
                Ok(bytes) => {
                    put(output, start, bytes.0, inode.size)?;
                    if bytes.len() < extent.count.saturating_mul(self.superblock.block_size).min(most) {
                        fault = fault.or(Some(Fault::Truncated("blocks of the file are behind the end of the image".to_owned())));
                    }
                }
            }
        }
        match fault {
            Some(fault) => Err(fault),
            None => Ok(finish(output, inode.size)?),
        }
    }

    /// The target of a link: with checksums each block begins with a header.
    fn target(&mut self, inode: &Inode<Detail<'a>>, output: &mut Output<'_>) -> Result<(), Fault> {
        let (extents, fault) = self.extents(inode);
        for extent in &extents {
            let bytes = self.bytes_of(extent, u64::MAX)?;
            for block in bytes.0.chunks(crate::blob::to_usize(self.superblock.block_size)).map(Bytes) {
                let left = inode.size.saturating_sub(output.len());
                // mkfs.xfs itself leaves the header out.
                if block.has(0, b"XSLM") {
                    output.push(block.up_to(LINK_HEADER, u64::from(block.u32(8, Endian::Big)?).min(left)))?;
                } else {
                    output.push(block.up_to(0, left))?;
                }
            }
        }
        fault.map_or(Ok(()), Err)
    }
}

impl<'a> Volume for Xfs<'a, '_> {
    type Number = u64;
    type Detail = Detail<'a>;

    fn inode(&mut self, number: u64) -> Result<Inode<Detail<'a>>, Fault> {
        self.effort.spend(self.superblock.inode_size)?;
        inode::read(self.image, &self.superblock, number)
    }

    fn names(&mut self, folder: &Inode<Detail<'a>>, names: &mut Vec<Name<u64>>) -> Result<(), Fault> {
        if folder.detail.keeping == Keeping::Local {
            return folder::short(folder.detail.fork, self.superblock.types, names);
        }
        let (extents, mut fault) = self.extents(folder);
        let (size, disk_block) = (self.superblock.folder_block, self.superblock.block_size);
        // Blocks of a folder are larger than those of the disk at times, and in pieces.
        let mut pending: Vec<u8> = Vec::new();
        for extent in extents.iter().filter(|extent| extent.logical.saturating_mul(disk_block) < INDEX) {
            let bytes = self.bytes_of(extent, u64::MAX)?;
            if pending.is_empty() && bytes.len().checked_rem(size) == Some(0) {
                for block in bytes.0.chunks(crate::blob::to_usize(size)) {
                    fault = folder::block(Bytes(block), self.superblock.types, names).err().or(fault);
                }
                continue;
            }
            pending.extend_from_slice(bytes.0);
            while to_u64(pending.len()) >= size {
                let rest = pending.split_off(crate::blob::to_usize(size));
                fault = folder::block(Bytes(&pending), self.superblock.types, names).err().or(fault);
                pending = rest;
            }
        }
        fault.map_or(Ok(()), Err)
    }

    fn place(&mut self, inode: &Inode<Detail<'a>>) -> Option<Span> {
        if inode.detail.realtime || inode.detail.keeping != Keeping::Extents {
            return None;
        }
        let (extents, fault) = self.extents(inode);
        let [extent] = extents.as_slice() else { return None };
        let length = extent.count.saturating_mul(self.superblock.block_size);
        let span = Span::new(self.superblock.block_at(extent.block)?, inode.size);
        let whole = fault.is_none() && extent.logical == 0 && !extent.unwritten && length >= inode.size;
        (whole && span.end() <= self.image.len()).then_some(span)
    }

    fn content(&mut self, inode: &Inode<Detail<'a>>, output: &mut Output<'_>) -> Result<(), Fault> {
        if inode.detail.realtime {
            return Err(Fault::unsupported("the content is on the realtime device"));
        }
        let link = inode.mode & 0o170_000 == 0o120_000;
        match inode.detail.keeping {
            Keeping::Local => Ok(output.push(inode.detail.fork.up_to(0, inode.size))?),
            Keeping::Extents if link && self.superblock.checked => self.target(inode, output),
            _ => self.write(inode, output),
        }
    }
}
