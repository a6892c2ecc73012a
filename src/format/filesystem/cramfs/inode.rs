//! Inodes: twelve bytes in front of each name.

use crate::blob::{Bytes, Endian, OutOfBounds};

/// Bytes of an inode without its name.
pub(super) const INODE_SIZE: u64 = 12;

/// An inode. In the kernel's words it is three `u32` of bit fields, and which bits come first hangs on the byte order:
///
/// ```text
///                 mode:16 uid:16    size:24 gid:8    namelen:6 offset:26
/// little endian   from bit 0 up
/// big endian      from bit 31 down
/// ```
#[derive(Debug, Clone, Copy)]
pub(super) struct Inode {
    pub(super) mode: u16,
    pub(super) uid: u16,
    /// Bytes of content; of devices their number.
    pub(super) size: u32,
    pub(super) gid: u8,
    /// Bytes of the name, its padding included: stored in fours.
    pub(super) name_length: u64,
    /// Where the listing or the block pointers are: stored in fours.
    pub(super) offset: u64,
}

/// What an inode is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Fifo,
    CharacterDevice,
    Directory,
    BlockDevice,
    File,
    Symlink,
    Socket,
}

impl Inode {
    pub(super) fn read(bytes: Bytes<'_>, at: u64, endian: Endian) -> Result<Self, OutOfBounds> {
        let first = bytes.u32(at, endian)?;
        let second = bytes.u32(at.saturating_add(4), endian)?;
        let third = bytes.u32(at.saturating_add(8), endian)?;
        let [a, b, c, d] = first.to_le_bytes();
        let (low, high) = (u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]));
        let [lowest, .., highest] = second.to_le_bytes();
        Ok(match endian {
            Endian::Little => Self {
                mode: low,
                uid: high,
                size: second & 0xff_ffff,
                gid: highest,
                name_length: u64::from(third & 0x3f).saturating_mul(4),
                offset: u64::from(third >> 6).saturating_mul(4),
            },
            Endian::Big => Self {
                mode: high,
                uid: low,
                size: second >> 8,
                gid: lowest,
                name_length: u64::from(third >> 26).saturating_mul(4),
                offset: u64::from(third & 0x3ff_ffff).saturating_mul(4),
            },
        })
    }

    pub(super) fn kind(&self) -> Option<Type> {
        Some(match self.mode & 0o170_000 {
            0o010_000 => Type::Fifo,
            0o020_000 => Type::CharacterDevice,
            0o040_000 => Type::Directory,
            0o060_000 => Type::BlockDevice,
            0o100_000 => Type::File,
            0o120_000 => Type::Symlink,
            0o140_000 => Type::Socket,
            _ => return None,
        })
    }

    /// Where the listing of a folder ends.
    pub(super) fn end(&self) -> u64 {
        self.offset.saturating_add(self.size.into())
    }
}
