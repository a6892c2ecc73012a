//! The superblock: what the image holds, and where.

use super::Dialect;
use super::inode::Reference;
use crate::blob::{Bytes, Span};
use crate::codec::Codec;
use crate::problem::Rejected;

/// A table that is not there.
const ABSENT: u64 = u64::MAX;

/// Bytes of the superblock of version 4.
const SIZE_4: u64 = 96;

/// The most that one metadata block holds.
pub(super) const METADATA_SIZE: u64 = 8192;

/// More than any image: larger offsets are no offsets.
const LARGEST: u64 = 1 << 48;

/// What all later reading needs of the superblock, whatever the version.
#[derive(Debug, Clone)]
pub(super) struct Superblock {
    /// Bytes of the image, without padding.
    pub(super) bytes_used: u64,
    /// Bytes of a whole data block.
    pub(super) block_size: u32,
    /// How blocks are compressed, by the superblock's word.
    pub(super) codec: Codec,
    /// Entries of the fragment table.
    pub(super) fragments: u32,
    /// Entries of the id table.
    pub(super) ids: u16,
    /// The inode of the uppermost folder.
    pub(super) root: Reference,
    /// Where the inodes are.
    pub(super) inode_table: Span,
    /// Where the directory listings are.
    pub(super) directory_table: Span,
    /// Where the list of the fragment table's metadata blocks is.
    pub(super) fragment_table: Option<u64>,
    /// Where the list of the id table's metadata blocks is.
    pub(super) id_table: u64,
}

impl Superblock {
    /// Reads and checks all that `dialect` has there.
    ///
    /// ```text
    /// version 4
    ///  0 u32 s_magic               20 u16 compression        40 u64 bytes_used
    ///  4 u32 inodes                22 u16 block_log          48 u64 id_table_start
    ///  8 u32 mkfs_time             24 u16 flags              56 u64 xattr_id_table_start
    /// 12 u32 block_size            26 u16 no_ids             64 u64 inode_table_start
    /// 16 u32 fragments             28 u16 s_major            72 u64 directory_table_start
    ///                              30 u16 s_minor            80 u64 fragment_table_start
    ///                              32 u64 root_inode         88 u64 lookup_table_start
    /// ```
    pub(super) fn read(bytes: Bytes<'_>, dialect: &Dialect) -> Result<Self, Rejected> {
        let half = |at| bytes.u16(at, dialect.endian);
        let word = |at| bytes.u32(at, dialect.endian);
        let long = |at| bytes.u64(at, dialect.endian);
        if (half(28)?, half(30)?) != dialect.version {
            return Err(Rejected("version"));
        }
        let (block_size, block_log) = (word(12)?, half(22)?);
        if !(12..=20).contains(&block_log) || 1_u32.checked_shl(block_log.into()) != Some(block_size) {
            return Err(Rejected("block_size and block_log"));
        }
        if half(24)? & 0xf000 != 0 {
            return Err(Rejected("flags"));
        }
        let tables = Tables {
            bytes_used: long(40)?,
            ids: long(48)?,
            xattrs: long(56)?,
            inodes: long(64)?,
            directories: long(72)?,
            fragments: long(80)?,
            exports: long(88)?,
        };
        tables.check()?;
        let superblock = Self {
            bytes_used: tables.bytes_used,
            block_size,
            codec: codec(half(20)?)?,
            fragments: word(16)?,
            ids: half(26)?,
            root: Reference(long(32)?),
            inode_table: Span::between(tables.inodes, tables.directories),
            directory_table: tables.directory_table(),
            fragment_table: Some(tables.fragments).filter(|start| *start != ABSENT),
            id_table: tables.ids,
        };
        superblock.check(word(4)?, bytes, dialect)?;
        Ok(superblock)
    }

    fn check(&self, inodes: u32, bytes: Bytes<'_>, dialect: &Dialect) -> Result<(), Rejected> {
        // An inode has 20 bytes at least, a metadata block has its two bytes of header and one of content.
        let most = self.inode_table.length.saturating_mul(METADATA_SIZE / 3 / 20);
        if inodes == 0 || u64::from(inodes) > most || self.ids == 0 {
            return Err(Rejected("counts"));
        }
        if self.fragments > inodes || (self.fragments > 0 && self.fragment_table.is_none()) {
            return Err(Rejected("fragments"));
        }
        if self.root.block() >= self.inode_table.length || u64::from(self.root.offset()) >= METADATA_SIZE {
            return Err(Rejected("root_inode"));
        }
        // Of a truncated image the table may be missing.
        let first = bytes.u16(self.inode_table.start, dialect.endian).map_or(1, |header| u64::from(header & 0x7fff));
        if first == 0 || first > METADATA_SIZE {
            return Err(Rejected("inode table"));
        }
        Ok(())
    }
}

/// Where everything starts, as the superblock says it.
struct Tables {
    bytes_used: u64,
    ids: u64,
    xattrs: u64,
    inodes: u64,
    directories: u64,
    fragments: u64,
    exports: u64,
}

impl Tables {
    fn check(&self) -> Result<(), Rejected> {
        let known = [self.ids, self.inodes, self.directories];
        let optional = [self.xattrs, self.fragments, self.exports];
        let inside = |start: u64| (SIZE_4..self.bytes_used).contains(&start);
        if self.bytes_used > LARGEST || !known.into_iter().all(inside) {
            return Err(Rejected("table starts"));
        }
        if !optional.into_iter().all(|start| start == ABSENT || inside(start)) {
            return Err(Rejected("starts of optional tables"));
        }
        if self.inodes >= self.directories || self.directories > self.ids {
            return Err(Rejected("order of tables"));
        }
        Ok(())
    }

    /// It ends where one of the tables behind it starts, at the latest.
    fn directory_table(&self) -> Span {
        let behind = [self.ids, self.xattrs, self.fragments, self.exports, self.bytes_used];
        let end = behind.into_iter().filter(|start| *start > self.directories).min();
        Span::between(self.directories, end.unwrap_or(self.bytes_used))
    }
}

fn codec(compression: u16) -> Result<Codec, Rejected> {
    Ok(match compression {
        1 => Codec::Zlib,
        2 => Codec::Lzma,
        3 => Codec::Lzo,
        4 => Codec::Xz,
        5 => Codec::Lz4,
        6 => Codec::Zstd,
        _ => return Err(Rejected("compression")),
    })
}
