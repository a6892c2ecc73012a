//! Inodes: what a file is, and where its content stands. One reader for all versions, whose layouts are data.

use super::layout::{Is, Layout, Shape};
use super::metadata::{Cursor, Reader};
use super::tables::Owners;
use crate::blob::{Bytes, Endian, to_u64};
use crate::format::unix::inodes::device_numbers;
use crate::format::{Attributes, EntryKind, path_text};
use crate::problem::Fault;

/// Longest target of a symbolic link that any system follows.
const LONGEST_TARGET: u32 = 65_536;

/// No fragment.
const NONE: u32 = u32::MAX;

/// Type of sockets in version 1.
const SOCKET: u64 = 7;

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
    /// Bytes of all entries and what the version counts beside: for `.` and `..`, which are not stored.
    pub(super) size: u64,
    /// Entries of the index that follows the inode.
    indexes: u64,
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

/// The fixed part of an inode.
struct Fixed<'f> {
    bytes: &'f [u8],
    layout: &'static Layout,
    shape: Shape,
    kind: u64,
    endian: Endian,
}

impl Reader<'_> {
    /// The inode at `reference`, and the place after the part of it that was read.
    pub(super) fn inode(&mut self, reference: Reference, owners: &Owners) -> Result<(Inode, Cursor), Fault> {
        let (layout, endian) = (self.superblock.layout, self.superblock.endian);
        let mut cursor = Cursor::new(self.superblock.inode_table, reference.block(), reference.offset());
        let mut bytes = Vec::new();
        self.append(&mut cursor, layout.base, &mut bytes)?;
        let kind = layout.kind.read(Bytes(&bytes), endian)?;
        let unknown = || Fault::corrupt(format!("an inode of type {kind} in the metadata block at {:#x}", cursor.block()));
        let shape = layout.shape(kind).ok_or_else(unknown)?;
        self.append(&mut cursor, shape.size.saturating_sub(layout.base), &mut bytes)?;
        let fixed = Fixed { bytes: &bytes, layout, shape, kind, endian };
        let content = self.content(&fixed, &mut cursor)?;
        let number = layout.number.map_or(Ok(u32::try_from(reference.0).unwrap_or(u32::MAX)), |at| at.word(Bytes(&bytes), endian))?;
        Ok((Inode { number, attributes: fixed.attributes(&content, owners)?, content }, cursor))
    }

    fn content(&mut self, fixed: &Fixed<'_>, cursor: &mut Cursor) -> Result<Content, Fault> {
        let (bytes, endian) = (Bytes(fixed.bytes), fixed.endian);
        Ok(match fixed.shape.is {
            Is::Folder { length, offset, block, indexes } => Content::Directory(Listing {
                block: block.word(bytes, endian)?,
                offset: u16::try_from(offset.word(bytes, endian)?).unwrap_or(u16::MAX),
                size: length.read(bytes, endian)?,
                indexes: indexes.map_or(Ok(0), |at| at.read(bytes, endian))?,
            }),
            Is::File { start, length, fragment } => {
                let fragment = fragment.map(|(index, offset)| Ok::<_, Fault>((index.word(bytes, endian)?, offset.word(bytes, endian)?)));
                let fragment = fragment.transpose()?.filter(|(index, _)| *index != NONE);
                let (start, size) = (start.read(bytes, endian)?, length.read(bytes, endian)?);
                Content::File(File { start, size, fragment, sizes: cursor.clone() })
            }
            Is::Link { length, more } => self.symlink(cursor, length.word(bytes, endian)?, more)?,
            Is::Block(number) => {
                let (major, minor) = device_numbers(number.word(bytes, endian)?);
                Content::Other(EntryKind::BlockDevice(major, minor))
            }
            Is::Character(number) => {
                let (major, minor) = device_numbers(number.word(bytes, endian)?);
                Content::Other(EntryKind::CharacterDevice(major, minor))
            }
            Is::Fifo => Content::Other(EntryKind::Fifo),
            Is::Either(kind, _) if kind.read(bytes, endian)? != SOCKET => Content::Other(EntryKind::Fifo),
            Is::Socket | Is::Either(..) => Content::Other(EntryKind::Socket),
        })
    }

    fn symlink(&mut self, cursor: &mut Cursor, size: u32, more: u64) -> Result<Content, Fault> {
        if size > LONGEST_TARGET {
            return Err(Fault::corrupt(format!("a symbolic link with a target of {size} bytes")));
        }
        let mut target = Vec::new();
        self.append(cursor, size.into(), &mut target)?;
        self.skip(cursor, more)?;
        Ok(Content::Other(EntryKind::Symlink(path_text(&target))))
    }

    /// The place of the inode that follows one that was read up to `cursor`.
    pub(super) fn after(&mut self, inode: &Inode, mut cursor: Cursor) -> Result<Reference, Fault> {
        let entry = self.superblock.layout.block_entry;
        match &inode.content {
            Content::File(file) => self.skip(&mut cursor, file.blocks(self.superblock.block_size).saturating_mul(entry))?,
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

    fn index_entry(&mut self, cursor: &mut Cursor) -> Result<(), Fault> {
        let (size, name) = self.superblock.layout.index;
        let mut bytes = Vec::new();
        self.append(cursor, size, &mut bytes)?;
        let name = name.read(Bytes(&bytes), self.superblock.endian)?;
        self.skip(cursor, name.saturating_add(1))
    }
}

impl Fixed<'_> {
    fn attributes(&self, content: &Content, owners: &Owners) -> Result<Attributes, Fault> {
        let (bytes, endian, layout) = (Bytes(self.bytes), self.endian, self.layout);
        let entry = if let Content::Other(kind) = content { Some(kind) } else { None };
        let sixteens = match self.shape.is {
            Is::Either(_, sixteens) => sixteens.read(bytes, endian)?,
            // Only version 1 has kinds in three times five.
            _ if layout.base == 3 => self.kind.saturating_sub(1) / 5,
            _ => 0,
        };
        let uid = owners.user(layout.uid.read(bytes, endian)?.saturating_add(sixteens.saturating_mul(16)));
        let group = layout.gid.read(bytes, endian)?;
        let gid = if layout.same_group == Some(group) { uid } else { owners.group(group) };
        let mode = self.shape.is.mode(entry) | (layout.mode.word(bytes, endian)? & 0o7777);
        let modified = self.shape.mtime.map(|at| at.word(bytes, endian)).transpose()?.map(i64::from);
        Ok(Attributes { mode: Some(mode), uid, gid, modified })
    }
}

/// Whether `bytes`, the content of a metadata block of the inode table, begins with what can be an inode.
pub(super) fn plausible(bytes: &[u8], layout: &Layout, endian: Endian) -> bool {
    let known = layout.kind.read(Bytes(bytes), endian).is_ok_and(|kind| layout.shape(kind).is_some());
    known && to_u64(bytes.len()) >= layout.least()
}
