//! Reads the tables: chains of compressed metadata blocks, each decompressed when it is first wanted.

use std::rc::Rc;

use super::coding::{Coding, detect};
use super::superblock::{METADATA_SIZE, Superblock};
use crate::blob::{Bytes, Span, to_u64, to_usize};
use crate::limits::{Budget, Effort};
use crate::problem::Fault;

/// Metadata blocks kept: listings and inodes are read in turn, and neighbours share blocks.
const METADATA_KEPT: usize = 64;

/// Bytes of decompressed fragments kept.
const FRAGMENT_BYTES_KEPT: u64 = 16 << 20;

/// Set in the header of a metadata block that stands as it is.
const RAW: u16 = 0x8000;

/// An image, and what of it was decompressed last.
pub(super) struct Reader<'a> {
    pub(super) image: Bytes<'a>,
    pub(super) superblock: Superblock,
    pub(super) coding: Coding,
    pub(super) effort: Effort<'a>,
    pub(super) fragments: Cache<Result<Rc<Vec<u8>>, Fault>>,
    metadata: Cache<Result<Rc<Block>, Fault>>,
}

/// A metadata block, decompressed.
struct Block {
    bytes: Vec<u8>,
    /// Where the next one starts.
    next: u64,
}

/// A place in a table.
#[derive(Debug, Clone)]
pub(super) struct Cursor {
    /// Where the metadata block starts in the image.
    block: u64,
    /// Bytes into what it holds.
    offset: usize,
    /// Where the table ends in the image.
    end: u64,
}

impl Cursor {
    /// `offset` bytes into what the metadata block holds that starts `block` bytes into `table`.
    pub(super) fn new(table: Span, block: u64, offset: u16) -> Self {
        Self { block: table.start.saturating_add(block), offset: offset.into(), end: table.end() }
    }

    /// Where the metadata block starts in the image.
    pub(super) fn block(&self) -> u64 {
        self.block
    }
}

impl<'a> Reader<'a> {
    pub(super) fn new(image: Bytes<'a>, superblock: Superblock, budget: &'a Budget) -> Self {
        let kept = FRAGMENT_BYTES_KEPT.checked_div(superblock.block_size.into()).unwrap_or(0);
        let mut reader = Self {
            image: Bytes(image.up_to(0, superblock.bytes_used)),
            coding: Coding::Whole(superblock.codec),
            effort: Effort::new(budget, image.len()),
            fragments: Cache::new(to_usize(kept.max(4))),
            metadata: Cache::new(METADATA_KEPT),
            superblock,
        };
        reader.coding = reader.actual_coding();
        reader
    }

    /// Vendors compress with LZMA and leave "zlib" in the superblock, so what the first block of the inode table says goes first.
    fn actual_coding(&self) -> Coding {
        let Ok((span, false)) = self.stored(self.superblock.inode_table.start) else { return self.coding };
        let input = self.image.up_to(span.start, span.length);
        detect(input, &self.superblock, self.image.len()).unwrap_or(self.coding)
    }

    /// Where the content of the metadata block at `start` is stored, and whether it is stored as it is. The header is one `u16`: bit 15
    /// says that it is, the others count the bytes that follow.
    fn stored(&self, start: u64) -> Result<(Span, bool), Fault> {
        let header = self.image.u16(start, self.superblock.lengths)?;
        let length = u64::from(header & !RAW);
        if length == 0 || length > METADATA_SIZE {
            return Err(Fault::corrupt(format!("a metadata block of {length} bytes at {start:#x}")));
        }
        Ok((Span::new(start.saturating_add(2).saturating_add(self.superblock.gap), length), header & RAW != 0))
    }

    fn block(&mut self, start: u64) -> Result<Rc<Block>, Fault> {
        if let Some(block) = self.metadata.get(start) {
            return block.clone();
        }
        self.effort.spend(METADATA_SIZE)?;
        let block = self.read_block(start);
        self.metadata.put(start, block.clone());
        block
    }

    fn read_block(&self, start: u64) -> Result<Rc<Block>, Fault> {
        let (span, raw) = self.stored(start)?;
        let input = self.image.part(span)?.0;
        let bytes = if raw { Ok(input.to_vec()) } else { self.coding.block(input, METADATA_SIZE) };
        let bytes = bytes.map_err(|fault| Fault::corrupt(format!("metadata block at {start:#x}: {fault}")))?;
        Ok(Rc::new(Block { bytes, next: span.end() }))
    }

    /// Hands at most `most` bytes from `cursor` to `take`, as many as one block holds, and moves on. Hands over at least one byte.
    fn chunk(&mut self, cursor: &mut Cursor, most: u64, take: &mut dyn FnMut(&[u8])) -> Result<u64, Fault> {
        loop {
            if cursor.block >= cursor.end {
                return Err(Fault::corrupt(format!("a read past the end of the table at {:#x}", cursor.end)));
            }
            let block = self.block(cursor.block)?;
            let bytes = block.bytes.get(cursor.offset..);
            let bytes = bytes.ok_or_else(|| Fault::corrupt(format!("a read past the end of the metadata block at {:#x}", cursor.block)))?;
            if bytes.is_empty() {
                (cursor.block, cursor.offset) = (block.next, 0);
                continue;
            }
            let bytes = Bytes(bytes).up_to(0, most);
            self.effort.spend(to_u64(bytes.len()))?;
            take(bytes);
            cursor.offset = cursor.offset.saturating_add(bytes.len());
            return Ok(to_u64(bytes.len()));
        }
    }

    /// The place `cursor` as it is referred to from elsewhere: metadata block, counted from the start of `table`, and bytes into it.
    pub(super) fn position(&mut self, cursor: &Cursor, table: Span) -> Result<(u64, u16), Fault> {
        let block = self.block(cursor.block)?;
        let (start, offset) = if cursor.offset < block.bytes.len() { (cursor.block, cursor.offset) } else { (block.next, 0) };
        Ok((start.saturating_sub(table.start), u16::try_from(offset).unwrap_or(u16::MAX)))
    }

    /// Appends `length` bytes from `cursor` to `bytes`: what there is of them, if there are less.
    pub(super) fn append(&mut self, cursor: &mut Cursor, length: u64, bytes: &mut Vec<u8>) -> Result<(), Fault> {
        let mut missing = length;
        while missing > 0 {
            let got = self.chunk(cursor, missing, &mut |chunk| bytes.extend_from_slice(chunk))?;
            missing = missing.saturating_sub(got);
        }
        Ok(())
    }

    /// Moves `cursor` on by `length` bytes.
    pub(super) fn skip(&mut self, cursor: &mut Cursor, length: u64) -> Result<(), Fault> {
        let mut missing = length;
        while missing > 0 {
            missing = missing.saturating_sub(self.chunk(cursor, missing, &mut |_| ())?);
        }
        Ok(())
    }

    /// The next `N` bytes.
    pub(super) fn take<const N: usize>(&mut self, cursor: &mut Cursor) -> Result<[u8; N], Fault> {
        let mut bytes = [0; N];
        let mut filled = 0_usize;
        while filled < N {
            let rest = bytes.get_mut(filled..).unwrap_or_default();
            let most = to_u64(rest.len());
            let mut copy = |chunk: &[u8]| rest.iter_mut().zip(chunk).for_each(|(to, from)| *to = *from);
            filled = filled.saturating_add(to_usize(self.chunk(cursor, most, &mut copy)?));
        }
        Ok(bytes)
    }
}

/// The most recently used of what was made from the bytes at an offset.
pub(super) struct Cache<T> {
    most: usize,
    /// Least recently used first.
    entries: Vec<(u64, T)>,
}

impl<T> Cache<T> {
    fn new(most: usize) -> Self {
        Self { most, entries: Vec::new() }
    }

    pub(super) fn get(&mut self, start: u64) -> Option<&T> {
        let index = self.entries.iter().rposition(|(key, _)| *key == start)?;
        self.entries.get_mut(index..)?.rotate_left(1);
        self.entries.last().map(|(_, value)| value)
    }

    pub(super) fn put(&mut self, start: u64, value: T) {
        if self.entries.len() >= self.most {
            self.entries.remove(0);
        }
        self.entries.push((start, value));
    }
}
