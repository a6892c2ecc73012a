//! Folders and content, however they are laid out.

use std::collections::BTreeMap;

use super::inode::{self, Detail, Layout};
use super::superblock::Superblock;
use crate::blob::{Blob, Bytes, Endian, Span, to_u64};
use crate::format::unix::inodes::{Inode, Name, Volume, finish, put};
use crate::limits::{Budget, Effort, Output};
use crate::problem::Fault;

/// Bytes of an entry of a folder.
const ENTRY: u64 = 12;

/// What a chunk begins with that is a hole.
const HOLE: u32 = u32::MAX;

/// A file system being read.
pub(super) struct Erofs<'a, 'b> {
    pub(super) image: Bytes<'a>,
    pub(super) superblock: Superblock,
    /// Blocks that stand on other devices.
    elsewhere: BTreeMap<u64, u64>,
    pub(super) effort: Effort<'b>,
    /// The content of the packed inode, once it was wanted, or why it cannot be had.
    pub(super) packed: Option<(Blob, Option<Fault>)>,
}

impl<'a, 'b> Erofs<'a, 'b> {
    /// The file system with this superblock in these bytes.
    pub(super) fn new(image: Bytes<'a>, superblock: Superblock, budget: &'b Budget) -> Self {
        let elsewhere = superblock.elsewhere(image);
        Self { image, superblock, elsewhere, effort: Effort::new(budget, image.len()), packed: None }
    }

    fn is_elsewhere(&self, block: u64) -> bool {
        self.elsewhere.range(..=block).next_back().is_some_and(|(_, end)| block < *end)
    }

    /// The runs of content that is not compressed: where each begins in the file and where it stands, and whether all is there.
    fn runs(&self, inode: &Inode<Detail>) -> (Vec<(u64, Span)>, Option<Fault>) {
        let mut runs = Vec::new();
        let fault = match inode.detail.layout {
            Layout::Chunks => self.chunks(inode, &mut runs).err(),
            _ => self.flat(inode, &mut runs).err(),
        };
        (runs, fault)
    }

    fn flat(&self, inode: &Inode<Detail>, runs: &mut Vec<(u64, Span)>) -> Result<(), Fault> {
        let size = self.superblock.block_size;
        let blocks = inode.size.div_ceil(size);
        let inline = inode.detail.layout == Layout::Inline;
        let in_blocks = if inline { blocks.saturating_sub(1).saturating_mul(size) } else { inode.size };
        if in_blocks > 0 {
            let first = u64::from(inode.detail.word);
            if self.is_elsewhere(first) {
                return Err(Fault::unsupported("the content is on another device"));
            }
            runs.push((0, Span::new(first.saturating_mul(size), in_blocks)));
        }
        if in_blocks < inode.size {
            runs.push((in_blocks, Span::new(inode.detail.end, inode.size.saturating_sub(in_blocks))));
        }
        Ok(())
    }

    /// The word of the inode: bits 0 to 4 the logarithm of the blocks of a chunk, bit 5 whether each has 8 bytes (u16 0, u16 device,
    /// u32 block) and not only its block.
    fn chunks(&self, inode: &Inode<Detail>, runs: &mut Vec<(u64, Span)>) -> Result<(), Fault> {
        let chunk = self.superblock.block_size.checked_shl(inode.detail.word & 0x1f).unwrap_or(0);
        let unit = if inode.detail.word & 0x20 == 0 { 4 } else { 8_u64 };
        let base = inode.detail.end.saturating_add(unit).saturating_sub(1) & !unit.saturating_sub(1);
        let count = inode.size.div_ceil(chunk.max(1));
        let mut fault = None;
        for index in 0..count {
            let at = base.saturating_add(index.saturating_mul(unit));
            let block = self.image.u32(at.saturating_add(unit).saturating_sub(4), Endian::Little)?;
            let device = if unit == 8 { self.image.u16(at.saturating_add(2), Endian::Little)? } else { 0 };
            if block == HOLE {
                continue;
            }
            if device != 0 || self.is_elsewhere(block.into()) {
                fault = Some(Fault::unsupported("a part of the content is on another device"));
                continue;
            }
            let start = index.saturating_mul(chunk);
            let length = chunk.min(inode.size.saturating_sub(start));
            let place = Span::new(u64::from(block).saturating_mul(self.superblock.block_size), length);
            match runs.last_mut() {
                Some((first, span)) if span.end() == place.start && first.saturating_add(span.length) == start => {
                    span.length = span.length.saturating_add(length)
                }
                _ => runs.push((start, place)),
            }
        }
        fault.map_or(Ok(()), Err)
    }

    fn write_runs(&mut self, inode: &Inode<Detail>, output: &mut Output<'_>) -> Result<(), Fault> {
        let (runs, mut fault) = self.runs(inode);
        for (start, span) in runs {
            self.effort.spend(span.length.min(self.image.len()))?;
            let bytes = self.image.up_to(span.start, span.length);
            put(output, start, bytes, inode.size)?;
            if to_u64(bytes.len()) < span.length {
                fault = fault.or(Some(Fault::Truncated("blocks of the file are behind the end of the image".to_owned())));
            }
        }
        match fault {
            Some(fault) => Err(fault),
            None => Ok(finish(output, inode.size)?),
        }
    }

    /// Adds the names in one block of a folder. Entries: u64 inode, u16 where the name begins, u8 type, u8 0; the names follow.
    fn names_of(block: Bytes<'_>, names: &mut Vec<Name<u64>>) -> Result<(), Fault> {
        let first = u64::from(block.u16(8, Endian::Little)?);
        if first < ENTRY || first % ENTRY != 0 || first > block.len() {
            return Err(Fault::corrupt("a part of it is broken"));
        }
        for index in 0..first / ENTRY {
            let at = index.saturating_mul(ENTRY);
            let start = u64::from(block.u16(at.saturating_add(8), Endian::Little)?);
            let next = at.saturating_add(ENTRY);
            let end = if next < first { u64::from(block.u16(next.saturating_add(8), Endian::Little)?) } else { block.len() };
            if start < first || end < start {
                return Err(Fault::corrupt("names overlap"));
            }
            names.push((block.text(start, end.saturating_sub(start))?.to_vec(), block.u64(at, Endian::Little)?));
        }
        Ok(())
    }
}

impl Volume for Erofs<'_, '_> {
    type Number = u64;
    type Detail = Detail;

    fn inode(&mut self, number: u64) -> Result<Inode<Detail>, Fault> {
        inode::read(self.image, &self.superblock, number)
    }

    fn names(&mut self, folder: &Inode<Detail>, names: &mut Vec<Name<u64>>) -> Result<(), Fault> {
        let mut output = Output::new(self.effort.budget(), self.image.len());
        let mut result = self.content(folder, &mut output);
        let content = Bytes(output.as_slice());
        let mut at = 0;
        while at < content.len() {
            let block = Bytes(content.up_to(at, self.superblock.folder_block));
            result = result.and(Self::names_of(block, names));
            at = at.saturating_add(self.superblock.folder_block);
        }
        result
    }

    fn place(&mut self, inode: &Inode<Detail>) -> Option<Span> {
        if matches!(inode.detail.layout, Layout::Full | Layout::Compact) {
            return None;
        }
        let (runs, fault) = self.runs(inode);
        let [(0, span)] = runs.as_slice() else { return None };
        (fault.is_none() && span.length == inode.size).then_some(*span)
    }

    fn content(&mut self, inode: &Inode<Detail>, output: &mut Output<'_>) -> Result<(), Fault> {
        match inode.detail.layout {
            Layout::Full | Layout::Compact => self.write_extents(inode, output),
            _ => self.write_runs(inode, output),
        }
    }
}
