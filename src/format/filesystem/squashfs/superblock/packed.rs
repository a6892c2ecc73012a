//! The superblocks of versions 1, 2 and 3: each longer than the one before.

use super::{ABSENT, OwnerTable, Superblock, Tables};
use crate::blob::{Bytes, Endian};
use crate::codec::Codec;
use crate::format::filesystem::squashfs::inode::Reference;
use crate::format::filesystem::squashfs::layout::Layout;
use crate::problem::Rejected;

/// Set in the flags of images whose metadata blocks have a byte more before them.
const CHECK: u8 = 1 << 2;

/// ```text
///  0 u32 s_magic                   28 u16 s_major        51 u32 block_size                  63 u64 bytes_used
///  4 u32 inodes                    30 u16 s_minor        55 u32 fragments                   71 u64 uid_start
///  8 u32 bytes_used                32 u16 block_size     59 u32 fragment_table_start        79 u64 guid_start
/// 12 u32 uid_start                 34 u16 block_log         here ends version 2             87 u64 inode_table_start
/// 16 u32 guid_start                36 u8 flags                                              95 u64 directory_table_start
/// 20 u32 inode_table_start         37 u8 no_uids                                           103 u64 fragment_table_start
/// 24 u32 directory_table_start     38 u8 no_guids                                          111 u64 lookup_table_start
///                                  39 u32 mkfs_time                                            here ends version 3
///                                  43 u64 root_inode
///                                     here ends version 1
/// ```
///
/// Version 3 leaves the fields of 32 bits that it has in 64 bits as they are.
pub(super) fn read(bytes: Bytes<'_>, endian: Endian, layout: &'static Layout, version: u16) -> Result<Superblock, Rejected> {
    let word = |at| bytes.u32(at, endian);
    let at = |old: u64, new: u64| if version < 3 { word(old).map(u64::from) } else { bytes.u64(new, endian) };
    let block_log = bytes.u16(34, endian)?;
    let block_size = if version == 1 { bytes.u16(32, endian)?.into() } else { word(51)? };
    if !(9..=20).contains(&block_log) || 1_u32.checked_shl(block_log.into()) != Some(block_size) {
        return Err(Rejected("block_size and block_log"));
    }
    let flags = bytes.u8(36)?;
    let (fragments, fragment_table) = if version == 1 { (0, ABSENT) } else { (word(55)?, at(59, 103)?) };
    let fragment_table = if fragments == 0 { ABSENT } else { fragment_table };
    let users = (at(12, 71)?, u16::from(bytes.u8(37)?));
    let groups = (at(16, 79)?, u16::from(bytes.u8(38)?));
    let tables = Tables {
        superblock: [51, 63, 119].get(usize::from(version.saturating_sub(1))).copied().unwrap_or(119),
        bytes_used: at(8, 63)?,
        inodes: at(20, 87)?,
        directories: at(24, 95)?,
        known: vec![users.0],
        optional: vec![fragment_table, if groups.1 == 0 { ABSENT } else { groups.0 }],
    };
    tables.check()?;
    Ok(Superblock {
        endian,
        lengths: endian,
        gap: u64::from(flags & CHECK != 0),
        layout,
        bytes_used: tables.bytes_used,
        block_size,
        codec: Codec::Zlib,
        fragments,
        owners: OwnerTable::Plain { users, groups },
        root: Reference(bytes.u64(43, endian)?),
        inode_table: tables.inode_table(),
        directory_table: tables.directory_table(),
        fragment_table: Some(fragment_table).filter(|start| *start != ABSENT),
    })
}
