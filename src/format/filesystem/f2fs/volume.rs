//! Nodes, folders and files by their numbers.

use super::checkpoint::Checkpoint;
use super::folder::Layout;
use super::inode::{self, Detail};
use super::superblock::{BLOCK, Superblock};
use crate::blob::{Bytes, Span};
use crate::format::unix::inodes::{Inode, Name, Volume, finish};
use crate::limits::{Budget, Effort, Output};
use crate::problem::Fault;

/// A file system being read.
pub(super) struct F2fs<'a, 'b> {
    pub(super) image: Bytes<'a>,
    pub(super) superblock: Superblock,
    checkpoint: Checkpoint,
    pub(super) effort: Effort<'b>,
}

impl<'a, 'b> F2fs<'a, 'b> {
    pub(super) fn new(image: Bytes<'a>, superblock: Superblock, checkpoint: Checkpoint, budget: &'b Budget) -> Self {
        Self { image, superblock, checkpoint, effort: Effort::new(budget, image.len()) }
    }

    /// The block with this number.
    pub(super) fn block(&mut self, number: u64) -> Result<Bytes<'a>, Fault> {
        self.effort.spend(BLOCK)?;
        if number < self.superblock.main || number >= self.superblock.blocks {
            return Err(Fault::corrupt(format!("there is no block {number}")));
        }
        Ok(Bytes(self.image.get(number.saturating_mul(BLOCK), BLOCK)?))
    }

    /// The block of the node with this number, and where it stands.
    pub(super) fn node(&mut self, number: u32) -> Result<(Bytes<'a>, u64), Fault> {
        let block = self.checkpoint.block_of(self.image, &self.superblock, number)?;
        Ok((self.block(block)?, block.saturating_mul(BLOCK)))
    }
}

impl<'a> Volume for F2fs<'a, '_> {
    type Number = u32;
    type Detail = Detail<'a>;

    fn inode(&mut self, number: u32) -> Result<Inode<Detail<'a>>, Fault> {
        let (node, at) = self.node(number)?;
        inode::read(&self.superblock, node, number, at)
    }

    fn names(&mut self, folder: &Inode<Detail<'a>>, names: &mut Vec<Name<u32>>) -> Result<(), Fault> {
        if folder.detail.encrypted {
            return Err(Fault::Encrypted("its names are encrypted".to_owned()));
        }
        if folder.detail.inline_names {
            let inline = Bytes(folder.detail.inline.unwrap_or_default());
            return Layout::inline(inline.len()).names(inline, names);
        }
        let (blocks, mut fault) = self.blocks_of(folder);
        for (_, number) in blocks {
            let read = self.block(number.into()).and_then(|block| Layout::BLOCK.names(block, names));
            match read {
                Err(limit @ Fault::Exceeded(_)) => return Err(limit),
                other => fault = fault.or(other.err()),
            }
        }
        fault.map_or(Ok(()), Err)
    }

    fn place(&mut self, inode: &Inode<Detail<'a>>) -> Option<Span> {
        if inode.detail.encrypted || inode.detail.compression.is_some() {
            return None;
        }
        if inode.detail.inline.is_some() {
            return None;
        }
        let (blocks, fault) = self.blocks_of(inode);
        let (_, first) = *blocks.first()?;
        let in_row = (0_u64..)
            .zip(&blocks)
            .all(|(index, (place, number))| *place == index && u64::from(*number) == u64::from(first).saturating_add(index));
        let span = Span::new(u64::from(first).saturating_mul(BLOCK), inode.size);
        let all = crate::blob::to_u64(blocks.len()) == inode.size.div_ceil(BLOCK);
        (fault.is_none() && in_row && all && self.block(first.into()).is_ok() && span.end() <= self.image.len()).then_some(span)
    }

    fn content(&mut self, inode: &Inode<Detail<'a>>, output: &mut Output<'_>) -> Result<(), Fault> {
        if inode.detail.encrypted {
            self.write_blocks(inode, output)?;
            return Err(Fault::Encrypted("the content is encrypted".to_owned()));
        }
        match inode.detail.inline {
            Some(inline) => {
                output.push(Bytes(inline).up_to(0, inode.size))?;
                Ok(finish(output, inode.size)?)
            }
            None => self.write_blocks(inode, output),
        }
    }
}
