//! The superblock: how large blocks, inodes and allocation groups are.

use crate::blob::{Bytes, Endian, Span, to_u64};
use crate::codec::crc::crc32c;
use crate::problem::Rejected;

/// Where the checksum stands.
const CHECKSUM: u64 = 224;

const FEATURES2_TYPES: u32 = 0x200;
const INCOMPAT_TYPES: u32 = 0x1;
/// Types of entries, sparse inodes, another UUID for metadata, large times, a need for repair, many extents, exchanged ranges, parents.
const INCOMPAT_KNOWN: u32 = 0xff;

/// What `struct xfs_dsb` says, checked. Big endian:
///
/// ```text
///   0 "XFSB"   4 u32 block size   8 u64 blocks   32 u8[16] UUID   56 u64 root inode   84 u32 blocks of a group   88 u32 groups
/// 100 u16 version and flags   102 u16 sector size   104 u16 inode size   106 u16 inodes of a block   108 u8[12] name
/// 120 u8 logarithms: of the block, of the sector, of the inode, of inodes of a block, of blocks of a group   126 u8 in progress
/// 192 u8 log2 blocks of a folder block   200 u32 more features   216 u32 incompatible features (version 5)
/// 224 u32 checksum (little endian)
/// ```
#[derive(Debug, Clone)]
pub(super) struct Superblock {
    pub(super) block_size: u64,
    /// Bytes of a block of a folder.
    pub(super) folder_block: u64,
    pub(super) root: u64,
    pub(super) inode_size: u64,
    /// Whether metadata has checksums, and longer headers therefore.
    pub(super) checked: bool,
    /// Whether names come with types.
    pub(super) types: bool,
    blocks: u64,
    group_blocks: u64,
    groups: u64,
    group_bits: u32,
    inode_bits: u32,
    sector_size: u64,
    incompat: u32,
}

impl Superblock {
    pub(super) fn read(image: Bytes<'_>) -> Result<Self, Rejected> {
        let bytes = Bytes(image.get(0, 256)?);
        let word = |at| bytes.u32(at, Endian::Big).map(u64::from);
        let half = |at| bytes.u16(at, Endian::Big).map(u64::from);
        let bits = |at| bytes.u8(at).map(u32::from);
        if !bytes.has(0, b"XFSB") {
            return Err(Rejected("magic"));
        }
        let version = half(100)?;
        let checked = match version & 15 {
            4 if version & 0x2000 != 0 => false,
            5 => true,
            _ => return Err(Rejected("version")),
        };
        let is = |size: u64, at: u64| bits(at).map(|bits| 1_u64.checked_shl(bits) == Some(size));
        let (block_size, sector_size, inode_size) = (word(4)?, half(102)?, half(104)?);
        if !is(block_size, 120)? || !is(sector_size, 121)? || !is(inode_size, 122)? || !is(half(106)?, 123)? || bytes.u8(126)? != 0 {
            return Err(Rejected("sizes that do not fit their logarithms"));
        }
        let ranges = (512..=65_536).contains(&block_size) && (512..=32_768).contains(&sector_size) && (256..=2048).contains(&inode_size);
        if !ranges || half(106)?.checked_mul(inode_size) != Some(block_size) || bytes.u8(192)? > 8 {
            return Err(Rejected("sizes"));
        }
        let (blocks, group_blocks, groups, group_bits) = (bytes.u64(8, Endian::Big)?, word(84)?, word(88)?, bits(124)?);
        let whole = group_blocks.saturating_mul(groups);
        if group_blocks == 0 || groups == 0 || blocks > whole || blocks <= whole.saturating_sub(group_blocks) {
            return Err(Rejected("blocks do not fit the groups"));
        }
        if group_bits > 31 || group_blocks > 1_u64.checked_shl(group_bits).unwrap_or(0) {
            return Err(Rejected("blocks of a group"));
        }
        let features2 = bytes.u32(200, Endian::Big)?;
        let incompat = if checked { bytes.u32(216, Endian::Big)? } else { 0 };
        Ok(Self {
            block_size,
            folder_block: block_size.checked_shl(bits(192)?).unwrap_or(block_size),
            root: bytes.u64(56, Endian::Big)?,
            inode_size,
            checked,
            types: incompat & INCOMPAT_TYPES != 0 || (!checked && features2 & FEATURES2_TYPES != 0),
            blocks,
            group_blocks,
            groups,
            group_bits,
            inode_bits: bits(123)?,
            sector_size,
            incompat,
        })
    }

    /// Bytes of the whole file system.
    pub(super) fn length(&self) -> u64 {
        self.blocks.saturating_mul(self.block_size)
    }

    /// Where a block stands whose number has the number of the group above the number in it.
    pub(super) fn block_at(&self, number: u64) -> Option<u64> {
        let group = number.checked_shr(self.group_bits)?;
        let block = number & 1_u64.checked_shl(self.group_bits)?.saturating_sub(1);
        let all = group.saturating_mul(self.group_blocks).saturating_add(block);
        (group < self.groups && block < self.group_blocks && all < self.blocks).then(|| all.saturating_mul(self.block_size))
    }

    /// Where an inode stands: its number is that of its block, and behind that its place in it.
    pub(super) fn inode_at(&self, number: u64) -> Option<u64> {
        let place = number & 1_u64.checked_shl(self.inode_bits)?.saturating_sub(1);
        let block = self.block_at(number.checked_shr(self.inode_bits)?)?;
        Some(block.saturating_add(place.saturating_mul(self.inode_size)))
    }

    /// Features that are newer than this reader.
    pub(super) fn unknown_features(&self) -> u32 {
        self.incompat & !INCOMPAT_KNOWN
    }

    /// Whether the checksum fits, or there is none.
    pub(super) fn checksum_fits(&self, image: Bytes<'_>) -> bool {
        !self.checked || checksum_fits(Bytes(image.up_to(0, self.sector_size)), CHECKSUM)
    }
}

/// Whether `bytes` fit the checksum at `at` in them, itself taken as zeros.
pub(super) fn checksum_fits(bytes: Bytes<'_>, at: u64) -> bool {
    let Ok(stored) = bytes.u32(at, Endian::Little) else { return true };
    let zero = crc32c(crc32c(u32::MAX, bytes.up_to(0, at)), &[0; 4]);
    !crc32c(zero, bytes.tail(at.saturating_add(4))) == stored
}

/// The name of the file system, if it has one.
pub(super) fn label(image: Bytes<'_>) -> Option<(&[u8], Span)> {
    let label = image.text(108, 12).ok().filter(|label| !label.is_empty())?;
    Some((label, Span::new(108, to_u64(label.len()))))
}
