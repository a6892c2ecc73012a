//! Inodes, in their short form and in their long one.

use super::superblock::Superblock;
use crate::blob::{Bytes, Endian};
use crate::format::unix::inodes::{Inode, device_numbers};
use crate::problem::Fault;

/// How the content of an inode is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// Blocks in a row.
    Plain,
    /// Blocks in a row, and the rest behind the inode.
    Inline,
    /// Compressed; an index of 8 bytes for each block.
    Full,
    /// Compressed; an index of 2 or 4 bytes for each block.
    Compact,
    /// Chunks of some blocks, each anywhere.
    Chunks,
}

/// What leads to the content of an inode.
#[derive(Debug, Clone, Copy)]
pub(super) struct Detail {
    /// How it is laid out.
    pub(super) layout: Layout,
    /// First block, device number, or layout of chunks.
    pub(super) word: u32,
    /// Where the inode ends, its attributes included: there stands what is inline.
    pub(super) end: u64,
}

/// Reads the inode `number`. Offsets of the short form, and of the long one where they differ:
///
/// ```text
///  0 u16 format: bit 0 long, bits 1 to 3 layout   2 u16 size of attributes   4 u16 mode   6 u16 links (long: none)
///  8 u32 size (long: u64)   16 u32 first block, chunk format or device   20 u32 inode number
/// 24 u16 owner   26 u16 group   (long: 24 u32 owner   28 u32 group   32 u64 time   40 u32 nanoseconds   44 u32 links; 64 bytes)
/// ```
pub(super) fn read(image: Bytes<'_>, superblock: &Superblock, number: u64) -> Result<Inode<Detail>, Fault> {
    let at = superblock.inode_at(number);
    let half = |offset: u64| image.u16(at.saturating_add(offset), Endian::Little);
    let word = |offset: u64| image.u32(at.saturating_add(offset), Endian::Little);
    let (format, attributes, mode, data) = (half(0)?, half(2)?, u32::from(half(4)?), word(16)?);
    let long = format & 1 != 0;
    let layout = match (format >> 1) & 7 {
        0 => Layout::Plain,
        1 => Layout::Full,
        2 => Layout::Inline,
        3 => Layout::Compact,
        4 => Layout::Chunks,
        other => return Err(Fault::unsupported(format!("an inode of layout {other}"))),
    };
    let (size, uid, gid, modified, length) = if long {
        (image.u64(at.saturating_add(8), Endian::Little)?, word(24)?, word(28)?, image.u64(at.saturating_add(32), Endian::Little)?, 64)
    } else {
        (word(8)?.into(), half(24)?.into(), half(26)?.into(), superblock.time, 32_u64)
    };
    // A head of 12 bytes, of which the last 4 are the first of as many words as the field counts.
    let attributes = if attributes == 0 { 0 } else { u64::from(attributes).saturating_mul(4).saturating_add(8) };
    Ok(Inode {
        at,
        mode,
        size,
        device: device_numbers(data),
        uid,
        gid,
        modified: i64::try_from(modified).ok(),
        detail: Detail { layout, word: data, end: at.saturating_add(length).saturating_add(attributes) },
    })
}
