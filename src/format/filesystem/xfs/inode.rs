//! Inodes: what a file is, and what of it stands in the inode itself.

use super::superblock::{Superblock, checksum_fits};
use crate::blob::{Bytes, Endian};
use crate::format::unix::inodes::Inode;
use crate::problem::Fault;

const LARGE_TIMES: u64 = 0x8;
const MANY_EXTENTS: u64 = 0x10;
const REALTIME: u16 = 0x1;

/// How the content is kept: a device number, in the inode, as a list of extents there, as a tree of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keeping {
    Device,
    Local,
    Extents,
    Tree,
}

/// What leads to the content of an inode.
#[derive(Debug, Clone, Copy)]
pub(super) struct Detail<'a> {
    pub(super) keeping: Keeping,
    /// The part of the inode that is about the content.
    pub(super) fork: Bytes<'a>,
    pub(super) extents: u64,
    pub(super) realtime: bool,
}

/// Reads the inode with this number. Big endian:
///
/// ```text
///  0 "IN"   2 u16 mode   4 u8 version   5 u8 how the content is kept   8 u32 owner   12 u32 group   24 u64 extents (if many)
/// 40 u32 time, u32 nanoseconds   56 u64 size   76 u32 extents   82 u8 length of the fork of the content, in 8 bytes   90 u16 flags
/// 100 the forks; in version 3: u32 checksum (little endian), 120 u64 more flags, 152 u64 number, 176 the forks
/// ```
pub(super) fn read<'a>(image: Bytes<'a>, superblock: &Superblock, number: u64) -> Result<Inode<Detail<'a>>, Fault> {
    let at = superblock.inode_at(number).ok_or_else(|| Fault::corrupt(format!("there is no inode {number}")))?;
    let bytes = Bytes(image.get(at, superblock.inode_size)?);
    let word = |at| bytes.u32(at, Endian::Big);
    let version = bytes.u8(4)?;
    if !bytes.has(0, b"IN") || !(1..=3).contains(&version) {
        return Err(Fault::corrupt(format!("inode {number} is none")));
    }
    let long = version == 3;
    if long && (!checksum_fits(bytes, 100) || bytes.u64(152, Endian::Big)? != number) {
        return Err(Fault::Checksum(format!("inode {number} does not fit its checksum")));
    }
    let keeping = match bytes.u8(5)? {
        0 => Keeping::Device,
        1 => Keeping::Local,
        2 => Keeping::Extents,
        3 => Keeping::Tree,
        other => return Err(Fault::unsupported(format!("content that is kept in a way {other}"))),
    };
    let flags2 = if long { bytes.u64(120, Endian::Big)? } else { 0 };
    let start = if long { 176 } else { 100_u64 };
    let length = match bytes.u8(82)? {
        0 => superblock.inode_size.saturating_sub(start),
        eights => u64::from(eights).saturating_mul(8),
    };
    let fork = Bytes(bytes.up_to(start, length));
    let device = if keeping == Keeping::Device { fork.u32(0, Endian::Big)? } else { 0 };
    let modified = if flags2 & LARGE_TIMES != 0 {
        // Nanoseconds since the least time of 32 bits.
        i64::try_from(bytes.u64(40, Endian::Big)? / 1_000_000_000).unwrap_or(0).saturating_sub(1 << 31)
    } else {
        i64::from(word(40)?.cast_signed())
    };
    Ok(Inode {
        at,
        mode: bytes.u16(2, Endian::Big)?.into(),
        size: bytes.u64(56, Endian::Big)?,
        device: (device >> 18, device & 0x3_ffff),
        uid: word(8)?,
        gid: word(12)?,
        modified: Some(modified),
        detail: Detail {
            keeping,
            fork,
            extents: if flags2 & MANY_EXTENTS != 0 { bytes.u64(24, Endian::Big)? } else { word(76)?.into() },
            realtime: bytes.u16(90, Endian::Big)? & REALTIME != 0,
        },
    })
}
