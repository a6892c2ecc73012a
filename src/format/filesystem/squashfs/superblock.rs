//! The superblock: what the image holds, and where.

use super::inode::Reference;
use super::layout::Layout;
use crate::blob::{Bytes, Endian, Span};
use crate::codec::Codec;
use crate::problem::Rejected;

mod packed;
mod wide;

/// A table that is not there.
const ABSENT: u64 = u64::MAX;

/// The most that one metadata block holds.
pub(super) const METADATA_SIZE: u64 = 8192;

/// More than any image: larger offsets are no offsets.
const LARGEST: u64 = 1 << 48;

/// Magics, and the byte order that usually goes with them. All were made from the first by swapping letters, to mark another compression,
/// and none says more than that: byte order, version and compression are found out.
pub(super) static MAGICS: &[([u8; 4], Endian)] = &[
    (*b"hsqs", Endian::Little),
    (*b"sqsh", Endian::Big),
    // Broadcom and others, with LZMA.
    (*b"shsq", Endian::Little),
    (*b"qshs", Endian::Big),
    // DD-WRT.
    (*b"hsqt", Endian::Little),
    (*b"tqsh", Endian::Big),
    // sqlzma.
    (*b"zlqs", Endian::Little),
    (*b"sqlz", Endian::Big),
];

/// What all later reading needs of the superblock, whatever the version.
#[derive(Debug, Clone)]
pub(super) struct Superblock {
    /// Byte order of all numbers.
    pub(super) endian: Endian,
    /// Byte order of the lengths before metadata blocks, which is another one in the images of AVM.
    pub(super) lengths: Endian,
    /// Bytes between those lengths and the block: one, if the image was made for checks.
    pub(super) gap: u64,
    /// What inodes, listings and tables look like.
    pub(super) layout: &'static Layout,
    /// Bytes of the image, without padding.
    pub(super) bytes_used: u64,
    /// Bytes of a whole data block.
    pub(super) block_size: u32,
    /// How blocks are compressed, by the superblock's word.
    pub(super) codec: Codec,
    /// Entries of the fragment table.
    pub(super) fragments: u32,
    /// Where users and groups are.
    pub(super) owners: OwnerTable,
    /// The inode of the uppermost folder.
    pub(super) root: Reference,
    /// Where the inodes are.
    pub(super) inode_table: Span,
    /// Where the directory listings are.
    pub(super) directory_table: Span,
    /// Where the list of the fragment table's metadata blocks is.
    pub(super) fragment_table: Option<u64>,
}

/// Where the numbers of users and groups are.
#[derive(Debug, Clone, Copy)]
pub(super) enum OwnerTable {
    /// In metadata blocks, of which there is a list.
    Listed { list: u64, count: u16 },
    /// As they are: where they start and how many.
    Plain { users: (u64, u16), groups: (u64, u16) },
}

impl Superblock {
    /// Reads and checks all that there is, in the byte order that makes sense of it.
    pub(super) fn read(bytes: Bytes<'_>) -> Result<Self, Rejected> {
        let usual = MAGICS.iter().find(|(magic, _)| bytes.has(0, magic)).map(|(_, endian)| *endian).ok_or(Rejected("magic"))?;
        let other = if usual == Endian::Little { Endian::Big } else { Endian::Little };
        Self::read_as(bytes, usual).or_else(|why| Self::read_as(bytes, other).map_err(|_| why))
    }

    /// All versions have `u16 s_major, u16 s_minor` at 28.
    fn read_as(bytes: Bytes<'_>, endian: Endian) -> Result<Self, Rejected> {
        let (major, minor) = (bytes.u16(28, endian)?, bytes.u16(30, endian)?);
        let layout = Layout::of(major).filter(|_| minor <= 1).ok_or(Rejected("version"))?;
        let mut superblock = match major {
            4 if minor == 0 => wide::read(bytes, endian, layout),
            4 => Err(Rejected("version")),
            _ => packed::read(bytes, endian, layout, major),
        }?;
        superblock.check(bytes.u32(4, endian)?, bytes)?;
        Ok(superblock)
    }

    fn check(&mut self, inodes: u32, bytes: Bytes<'_>) -> Result<(), Rejected> {
        // A metadata block has its two bytes of header and one of content.
        let most = self.inode_table.length.saturating_mul(METADATA_SIZE / 3).checked_div(self.layout.least()).unwrap_or(0);
        if inodes == 0 || u64::from(inodes) > most || self.owners.is_empty() {
            return Err(Rejected("counts"));
        }
        if self.fragments > inodes || (self.fragments > 0 && self.fragment_table.is_none()) {
            return Err(Rejected("fragments"));
        }
        if self.root.block() >= self.inode_table.length || u64::from(self.root.offset()) >= METADATA_SIZE {
            return Err(Rejected("root_inode"));
        }
        let fits = |endian| {
            // Of a truncated image the table may be missing.
            let first = bytes.u16(self.inode_table.start, endian).map_or(1, |header| u64::from(header & 0x7fff));
            (1..=METADATA_SIZE).contains(&first) && first < self.inode_table.length.max(2)
        };
        let other = if self.lengths == Endian::Little { Endian::Big } else { Endian::Little };
        if !fits(self.lengths) {
            if self.endian == Endian::Little || !fits(other) {
                return Err(Rejected("inode table"));
            }
            self.lengths = other;
        }
        Ok(())
    }
}

impl OwnerTable {
    fn is_empty(self) -> bool {
        matches!(self, Self::Listed { count: 0, .. } | Self::Plain { users: (_, 0), .. })
    }
}

/// Where everything starts, as the superblock says it.
struct Tables {
    /// Bytes of the superblock.
    superblock: u64,
    bytes_used: u64,
    inodes: u64,
    directories: u64,
    /// Must be there.
    known: Vec<u64>,
    /// May be absent.
    optional: Vec<u64>,
}

impl Tables {
    fn check(&self) -> Result<(), Rejected> {
        let inside = |start: u64| (self.superblock..self.bytes_used).contains(&start);
        let known = self.known.iter().copied().chain([self.inodes, self.directories]);
        if self.bytes_used > LARGEST || !known.into_iter().all(inside) {
            return Err(Rejected("table starts"));
        }
        if !self.optional.iter().all(|start| *start == ABSENT || inside(*start)) {
            return Err(Rejected("starts of optional tables"));
        }
        if self.inodes >= self.directories || self.known.iter().any(|start| *start < self.directories) {
            return Err(Rejected("order of tables"));
        }
        Ok(())
    }

    fn inode_table(&self) -> Span {
        Span::between(self.inodes, self.directories)
    }

    /// It ends where one of the tables behind it starts, at the latest.
    fn directory_table(&self) -> Span {
        let behind = self.known.iter().chain(&self.optional).copied().filter(|start| *start > self.directories).min();
        Span::between(self.directories, behind.unwrap_or(self.bytes_used).min(self.bytes_used))
    }
}
