//! Inodes: what a file is, and where its content stands.

use super::metadata::{Cursor, Reader};
use crate::blob::Bytes;
use crate::format::{Attributes, EntryKind, path_text};
use crate::problem::Fault;

/// Longest target of a symbolic link that any system follows.
const LONGEST_TARGET: u32 = 65_536;

/// No fragment.
const NONE: u32 = u32::MAX;

/// Where an inode stands: the metadata block, counted from the start of the inode table, and the byte in what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Reference(pub(super) u64);

impl Reference {
    pub(super) fn new(block: u64, offset: u16) -> Self {
        Self(block.saturating_mul(0x1_0000) | u64::from(offset))
    }

    pub(super) fn block(self) -> u64 {
        self.0 >> 16
    }

    pub(super) fn offset(self) -> u16 {
        let [low, high, ..] = self.0.to_le_bytes();
        u16::from_le_bytes([low, high])
    }
}

/// One inode.
#[derive(Debug)]
pub(super) struct Inode {
    pub(super) number: u32,
    pub(super) attributes: Attributes,
    pub(super) content: Content,
}

/// What an inode is of.
#[derive(Debug)]
pub(super) enum Content {
    Directory(Listing),
    File(File),
    Other(EntryKind),
}

/// Where the entries of a folder are.
#[derive(Debug, Clone)]
pub(super) struct Listing {
    /// Metadata block, counted from the start of the directory table.
    pub(super) block: u32,
    /// Bytes into what it holds.
    pub(super) offset: u16,
    /// Bytes of all entries and three more: for `.` and `..`, which are not stored.
    pub(super) size: u32,
    /// Entries of the index that follows the inode.
    indexes: u16,
}

/// Where the content of a file is.
#[derive(Debug, Clone)]
pub(super) struct File {
    /// Where its first block starts in the image.
    pub(super) start: u64,
    pub(super) size: u64,
    /// Its last bytes, if they are kept with those of others: entry of the fragment table, bytes into that fragment.
    pub(super) fragment: Option<(u32, u32)>,
    /// Where the sizes of its blocks are listed.
    pub(super) sizes: Cursor,
}

impl File {
    /// How many sizes are listed for blocks of `block_size` bytes.
    pub(super) fn blocks(&self, block_size: u32) -> u64 {
        let block_size = u64::from(block_size.max(1));
        let whole = self.size.checked_div(block_size).unwrap_or(0);
        let rest = self.size.checked_rem(block_size).unwrap_or(0);
        if rest > 0 && self.fragment.is_none() { whole.saturating_add(1) } else { whole }
    }
}

impl Reader<'_> {
    /// The inode at `reference`, and the place after the part of it that was read.
    ///
    /// ```text
    ///  0 u16 inode_type    4 u16 uid (index)     8 u32 mtime
    ///  2 u16 mode          6 u16 guid (index)   12 u32 inode_number
    /// ```
    pub(super) fn inode(&mut self, reference: Reference, ids: &[u32]) -> Result<(Inode, Cursor), Fault> {
        let mut cursor = Cursor::new(self.superblock.inode_table, reference.block(), reference.offset());
        let header: [u8; 16] = self.take(&mut cursor)?;
        let header = Bytes(&header);
        let half = |at| header.u16(at, self.endian);
        let (kind, mode, uid, gid) = (half(0)?, half(2)?, half(4)?, half(6)?);
        let (mtime, number) = (header.u32(8, self.endian)?, header.u32(12, self.endian)?);
        let content = self.content(kind, &mut cursor)?;
        let id = |index: u16| ids.get(usize::from(index)).copied();
        let attributes =
            Attributes { mode: Some(file_type(kind) | u32::from(mode & 0o7777)), uid: id(uid), gid: id(gid), modified: Some(mtime.into()) };
        Ok((Inode { number, attributes, content }, cursor))
    }

    fn content(&mut self, kind: u16, cursor: &mut Cursor) -> Result<Content, Fault> {
        match kind {
            1 => self.basic_directory(cursor),
            2 => self.basic_file(cursor),
            8 => self.extended_directory(cursor),
            9 => self.extended_file(cursor),
            3 | 10 => self.symlink(cursor, kind == 10),
            4 | 5 | 11 | 12 => self.device(cursor, kind),
            6 | 7 | 13 | 14 => self.special(cursor, kind),
            _ => Err(Fault::corrupt(format!("an inode of type {kind} in the metadata block at {:#x}", cursor.block()))),
        }
    }

    /// `u32 start_block, u32 nlink, u16 file_size, u16 offset, u32 parent_inode`
    fn basic_directory(&mut self, cursor: &mut Cursor) -> Result<Content, Fault> {
        let bytes: [u8; 16] = self.take(cursor)?;
        let (bytes, endian) = (Bytes(&bytes), self.endian);
        let (block, size, offset) = (bytes.u32(0, endian)?, bytes.u16(8, endian)?, bytes.u16(10, endian)?);
        Ok(Content::Directory(Listing { block, offset, size: size.into(), indexes: 0 }))
    }

    /// `u32 nlink, u32 file_size, u32 start_block, u32 parent_inode, u16 i_count, u16 offset, u32 xattr`, then `i_count` index entries.
    fn extended_directory(&mut self, cursor: &mut Cursor) -> Result<Content, Fault> {
        let bytes: [u8; 24] = self.take(cursor)?;
        let (bytes, endian) = (Bytes(&bytes), self.endian);
        let (size, block) = (bytes.u32(4, endian)?, bytes.u32(8, endian)?);
        let (indexes, offset) = (bytes.u16(16, endian)?, bytes.u16(18, endian)?);
        Ok(Content::Directory(Listing { block, offset, size, indexes }))
    }

    /// `u32 start_block, u32 fragment, u32 offset, u32 file_size`, then a `u32` for each block.
    fn basic_file(&mut self, cursor: &mut Cursor) -> Result<Content, Fault> {
        let bytes: [u8; 16] = self.take(cursor)?;
        let word = |at| Bytes(&bytes).u32(at, self.endian);
        let fragment = fragment(word(4)?, word(8)?);
        Ok(Content::File(File { start: word(0)?.into(), size: word(12)?.into(), fragment, sizes: cursor.clone() }))
    }

    /// `u64 start_block, u64 file_size, u64 sparse, u32 nlink, u32 fragment, u32 offset, u32 xattr`, then a `u32` for each block.
    fn extended_file(&mut self, cursor: &mut Cursor) -> Result<Content, Fault> {
        let bytes: [u8; 40] = self.take(cursor)?;
        let (bytes, endian) = (Bytes(&bytes), self.endian);
        let fragment = fragment(bytes.u32(28, endian)?, bytes.u32(32, endian)?);
        Ok(Content::File(File { start: bytes.u64(0, endian)?, size: bytes.u64(8, endian)?, fragment, sizes: cursor.clone() }))
    }

    /// `u32 nlink, u32 symlink_size`, the target, and in the extended form `u32 xattr`.
    fn symlink(&mut self, cursor: &mut Cursor, extended: bool) -> Result<Content, Fault> {
        self.skip(cursor, 4)?;
        let size = self.word(cursor)?;
        if size > LONGEST_TARGET {
            return Err(Fault::corrupt(format!("a symbolic link with a target of {size} bytes")));
        }
        let mut target = Vec::new();
        self.append(cursor, size.into(), &mut target)?;
        self.skip(cursor, if extended { 4 } else { 0 })?;
        Ok(Content::Other(EntryKind::Symlink(path_text(&target))))
    }

    /// `u32 nlink, u32 rdev`, and in the extended form `u32 xattr`. Of `rdev`, bits 8 to 19 are the major number.
    fn device(&mut self, cursor: &mut Cursor, kind: u16) -> Result<Content, Fault> {
        self.skip(cursor, 4)?;
        let number = self.word(cursor)?;
        self.skip(cursor, if kind > 7 { 4 } else { 0 })?;
        let (major, minor) = ((number >> 8) & 0xfff, (number & 0xff) | ((number >> 12) & 0xf_ff00));
        Ok(Content::Other(match kind {
            4 | 11 => EntryKind::BlockDevice(major, minor),
            _ => EntryKind::CharacterDevice(major, minor),
        }))
    }

    /// `u32 nlink`, and in the extended form `u32 xattr`.
    fn special(&mut self, cursor: &mut Cursor, kind: u16) -> Result<Content, Fault> {
        self.skip(cursor, if kind > 7 { 8 } else { 4 })?;
        Ok(Content::Other(if matches!(kind, 6 | 13) { EntryKind::Fifo } else { EntryKind::Socket }))
    }

    /// The place of the inode that follows one that was read up to `cursor`.
    pub(super) fn after(&mut self, inode: &Inode, mut cursor: Cursor) -> Result<Reference, Fault> {
        match &inode.content {
            Content::File(file) => self.skip(&mut cursor, file.blocks(self.superblock.block_size).saturating_mul(4))?,
            Content::Directory(listing) => {
                for _ in 0..listing.indexes {
                    self.index_entry(&mut cursor)?;
                }
            }
            Content::Other(_) => (),
        }
        let (block, offset) = self.position(&cursor, self.superblock.inode_table)?;
        Ok(Reference::new(block, offset))
    }

    /// `u32 index, u32 start_block, u32 size`, and a name of `size` + 1 bytes.
    fn index_entry(&mut self, cursor: &mut Cursor) -> Result<(), Fault> {
        self.skip(cursor, 8)?;
        let size = u64::from(self.word(cursor)?);
        self.skip(cursor, size.saturating_add(1))
    }
}

fn fragment(index: u32, offset: u32) -> Option<(u32, u32)> {
    (index != NONE).then_some((index, offset))
}

/// The type bits of `st_mode`.
fn file_type(kind: u16) -> u32 {
    match kind {
        1 | 8 => 0o040_000,
        2 | 9 => 0o100_000,
        3 | 10 => 0o120_000,
        4 | 11 => 0o060_000,
        5 | 12 => 0o020_000,
        6 | 13 => 0o010_000,
        _ => 0o140_000,
    }
}
