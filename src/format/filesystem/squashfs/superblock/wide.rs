//! The superblock of version 4.

use super::{ABSENT, OwnerTable, Superblock, Tables};
use crate::blob::{Bytes, Endian};
use crate::codec::Codec;
use crate::format::filesystem::squashfs::inode::Reference;
use crate::format::filesystem::squashfs::layout::Layout;
use crate::problem::Rejected;

/// ```text
///  0 u32 s_magic               20 u16 compression        40 u64 bytes_used
///  4 u32 inodes                22 u16 block_log          48 u64 id_table_start
///  8 u32 mkfs_time             24 u16 flags              56 u64 xattr_id_table_start
/// 12 u32 block_size            26 u16 no_ids             64 u64 inode_table_start
/// 16 u32 fragments             28 u16 s_major            72 u64 directory_table_start
///                              30 u16 s_minor            80 u64 fragment_table_start
///                              32 u64 root_inode         88 u64 lookup_table_start
/// ```
///
/// The big-endian images of AVM have `bytes_used` for the time as well, and little-endian lengths before metadata blocks.
pub(super) fn read(bytes: Bytes<'_>, endian: Endian, layout: &'static Layout) -> Result<Superblock, Rejected> {
    let half = |at| bytes.u16(at, endian);
    let word = |at| bytes.u32(at, endian);
    let long = |at| bytes.u64(at, endian);
    let (block_size, block_log) = (word(12)?, half(22)?);
    if !(12..=20).contains(&block_log) || 1_u32.checked_shl(block_log.into()) != Some(block_size) {
        return Err(Rejected("block_size and block_log"));
    }
    if half(24)? & 0xf000 != 0 {
        return Err(Rejected("flags"));
    }
    let (list, fragments) = (long(48)?, long(80)?);
    let tables = Tables {
        superblock: 96,
        bytes_used: long(40)?,
        inodes: long(64)?,
        directories: long(72)?,
        known: vec![list],
        optional: vec![long(56)?, fragments, long(88)?],
    };
    tables.check()?;
    let avm = endian == Endian::Big && u64::from(word(8)?) == tables.bytes_used;
    Ok(Superblock {
        endian,
        lengths: if avm { Endian::Little } else { endian },
        gap: 0,
        layout,
        bytes_used: tables.bytes_used,
        block_size,
        codec: codec(half(20)?)?,
        fragments: word(16)?,
        owners: OwnerTable::Listed { list, count: half(26)? },
        root: Reference(long(32)?),
        inode_table: tables.inode_table(),
        directory_table: tables.directory_table(),
        fragment_table: Some(fragments).filter(|start| *start != ABSENT),
    })
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
