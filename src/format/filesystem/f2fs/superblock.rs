//! The superblock: where each area begins.

use crate::blob::{Bytes, Endian};
use crate::codec::crc::crc32;
use crate::problem::Rejected;

/// Where the superblock stands, and 4096 bytes later its copy.
pub(super) const FIRST: u64 = 1024;

/// Magic, and seed of all checksums.
pub(super) const MAGIC: u32 = 0xf2f5_2010;

/// Bytes of a block.
pub(super) const BLOCK: u64 = 4096;

/// Blocks of a segment.
pub(super) const SEGMENT: u64 = 512;

const FEATURE_FLEXIBLE_XATTR: u32 = 0x40;
const FEATURE_CHECKSUM: u32 = 0x800;

/// What `struct f2fs_super_block` says, checked. Little endian:
///
/// ```text
///  0 u32 magic   4 u16 major   6 u16 minor version   8 u32 log2 sector size   12 u32 log2 sectors of a block   16 u32 log2 block size
/// 20 u32 log2 blocks of a segment   32 u32 where the checksum is   36 u64 blocks   72 u32 first block of the segments
/// 76 u32 of the checkpoints   80 u32 of SIT   84 u32 of NAT   88 u32 of SSA   92 u32 of the main area   96 u32 root inode
/// 100 u32 node inode   104 u32 meta inode   108 u8[16] UUID   124 u16[512] name   1664 u32 blocks of bitmaps behind a checkpoint
/// 2180 u32 features   2201 devices, 8 of 68 bytes: u8[64] path, u32 segments
/// ```
#[derive(Debug, Clone)]
pub(super) struct Superblock {
    pub(super) blocks: u64,
    pub(super) checkpoints: u64,
    pub(super) nat: u64,
    /// Blocks between the NAT and the next area.
    pub(super) nat_blocks: u64,
    pub(super) main: u64,
    pub(super) root: u32,
    pub(super) payload: u32,
    pub(super) devices: usize,
    features: u32,
}

impl Superblock {
    /// Reads and checks it, or else its copy.
    pub(super) fn read(image: Bytes<'_>) -> Result<Self, Rejected> {
        Self::at(image, FIRST).or_else(|rejected| Self::at(image, FIRST.saturating_add(BLOCK)).map_err(|_| rejected))
    }

    fn at(image: Bytes<'_>, at: u64) -> Result<Self, Rejected> {
        let bytes = Bytes(image.get(at, BLOCK.saturating_sub(FIRST))?);
        let word = |at| bytes.u32(at, Endian::Little);
        if word(0)? != MAGIC || bytes.u16(4, Endian::Little)? != 1 {
            return Err(Rejected("magic or version"));
        }
        if word(16)? != 12 || word(20)? != 9 || word(8)?.saturating_add(word(12)?) != 12 {
            return Err(Rejected("size of blocks or segments"));
        }
        let block = |at| word(at).map(u64::from);
        let areas = [block(72)?, block(76)?, block(80)?, block(84)?, block(88)?, block(92)?];
        let blocks = bytes.u64(36, Endian::Little)?;
        if !areas.is_sorted() || areas.contains(&0) || block(92)? >= blocks {
            return Err(Rejected("areas out of order"));
        }
        if (word(100)?, word(104)?, word(96)?) != (1, 2, 3) {
            return Err(Rejected("reserved inodes"));
        }
        let features = word(2180)?;
        if features & FEATURE_CHECKSUM != 0 {
            let place = block(32)?;
            if crc32(MAGIC, bytes.get(0, place)?) != bytes.u32(place, Endian::Little)? {
                return Err(Rejected("checksum"));
            }
        }
        let devices =
            (0..8_u64).filter(|index| bytes.u8(index.saturating_mul(68).saturating_add(2201)).is_ok_and(|byte| byte != 0)).count();
        Ok(Self {
            blocks,
            checkpoints: block(76)?,
            nat: block(84)?,
            nat_blocks: block(88)?.saturating_sub(block(84)?),
            main: block(92)?,
            root: word(96)?,
            payload: word(1664)?,
            devices,
            features,
        })
    }

    /// Bytes of the whole file system.
    pub(super) fn length(&self) -> u64 {
        self.blocks.saturating_mul(BLOCK)
    }

    /// Whether each inode says how much room its attributes take.
    pub(super) fn flexible_attributes(&self) -> bool {
        self.features & FEATURE_FLEXIBLE_XATTR != 0
    }
}
