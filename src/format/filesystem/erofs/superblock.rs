//! The superblock: how large blocks are and where the metadata stands.

use std::collections::BTreeMap;

use crate::blob::{Bytes, Endian, Span};
use crate::codec::crc::crc32c;
use crate::problem::Rejected;

/// Where the superblock stands, whatever the block size.
pub(super) const START: u64 = 1024;

const COMPAT_CHECKSUM: u32 = 1;
const INCOMPAT_ZERO_PADDING: u32 = 0x1;
/// Compression configurations and big clusters, chunks, device table and second heads, tail packing, fragments and sharing, prefixes of
/// attributes.
const INCOMPAT_KNOWN: u32 = 0x7f;

/// The packed inode is used: it holds the ends of files, or whole ones.
const INCOMPAT_FRAGMENTS: u32 = 0x20;

/// What `struct erofs_super_block` says, checked. Little endian; offsets from byte 1024 of the image:
///
/// ```text
///  0 u32 magic   4 u32 checksum   8 u32 compatible features   12 u8 block size, logarithm   13 u8 slots of 16 bytes behind 128
/// 14 u16 root inode   16 u64 inodes   24 u64 time   32 u32 its nanoseconds   36 u32 blocks   40 u32 first block of the metadata
/// 44 u32 first block of shared attributes   48 u8[16] UUID   64 u8[16] name   80 u32 incompatible features   84 u16 algorithms
/// 86 u16 devices beside this one   88 u16 their table, in slots of 128 bytes   90 u8 directory block size over block size
/// 96 u64 packed inode
/// ```
#[derive(Debug, Clone)]
pub(super) struct Superblock {
    /// Logarithm of the block size.
    pub(super) block_bits: u32,
    /// Bytes of a block.
    pub(super) block_size: u64,
    /// Bytes of a block of a folder.
    pub(super) folder_block: u64,
    /// The uppermost folder.
    pub(super) root: u64,
    /// The inode with the ends of files, if there is one.
    pub(super) packed: Option<u64>,
    /// When it was made, which is how old all files are that do not say so themselves.
    pub(super) time: u64,
    blocks: u64,
    metadata: u64,
    compat: u32,
    incompat: u32,
    checksum: u32,
    devices: u16,
    device_table: u64,
}

impl Superblock {
    /// Reads and checks it. `image` begins where the file system does.
    pub(super) fn read(image: Bytes<'_>) -> Result<Self, Rejected> {
        let bytes = Bytes(image.get(START, 128)?);
        let word = |at| bytes.u32(at, Endian::Little);
        if word(0)? != 0xe0f5_e1e2 {
            return Err(Rejected("magic"));
        }
        let block_bits = u32::from(bytes.u8(12)?);
        let folder_bits = u32::from(bytes.u8(90)?);
        if !(9..=16).contains(&block_bits) || folder_bits > 8 {
            return Err(Rejected("block size"));
        }
        let block_size = 1_u64.checked_shl(block_bits).unwrap_or(4096);
        let superblock = Self {
            block_bits,
            block_size,
            folder_block: block_size.checked_shl(folder_bits).unwrap_or(block_size),
            root: bytes.u16(14, Endian::Little)?.into(),
            packed: Some(bytes.u64(96, Endian::Little)?).filter(|nid| *nid != 0),
            time: bytes.u64(24, Endian::Little)?,
            blocks: word(36)?.into(),
            metadata: u64::from(word(40)?).saturating_mul(block_size),
            compat: word(8)?,
            incompat: word(80)?,
            checksum: word(4)?,
            devices: bytes.u16(86, Endian::Little)?,
            device_table: u64::from(bytes.u16(88, Endian::Little)?).saturating_mul(128),
        };
        // An inode takes 32 bytes at least.
        let inodes = bytes.u64(16, Endian::Little)?;
        if superblock.blocks == 0 || superblock.metadata > superblock.length() || !(1..=superblock.length() / 32).contains(&inodes) {
            return Err(Rejected("blocks or inodes"));
        }
        Ok(superblock)
    }

    /// Fails unless the uppermost folder is one. Where the image is cut off before it, the checksum has to speak for it.
    pub(super) fn check_root(&self, image: Bytes<'_>) -> Result<(), Rejected> {
        let at = self.inode_at(self.root);
        let Ok(mode) = image.u16(at.saturating_add(4), Endian::Little) else {
            let sure = self.compat & COMPAT_CHECKSUM != 0 && self.checksum_fits(image);
            return if sure { Ok(()) } else { Err(Rejected("the root is missing")) };
        };
        let format = image.u16(at, Endian::Little)?;
        if mode & 0xf000 == 0x4000 && format < 0x20 { Ok(()) } else { Err(Rejected("the root is no folder")) }
    }

    /// Bytes of the whole file system.
    pub(super) fn length(&self) -> u64 {
        self.blocks.saturating_mul(self.block_size).max(self.block_size.max(2048))
    }

    /// Whether compressed data stands at the end of its blocks, behind zeros.
    pub(super) fn pads_with_zeros(&self) -> bool {
        self.incompat & INCOMPAT_ZERO_PADDING != 0
    }

    /// Whether files may have their ends in the packed inode.
    pub(super) fn has_fragments(&self) -> bool {
        self.incompat & INCOMPAT_FRAGMENTS != 0
    }

    /// Features that are newer than this reader.
    pub(super) fn unknown_features(&self) -> u32 {
        self.incompat & !INCOMPAT_KNOWN
    }

    /// Whether the checksum fits, or there is none, or it cannot be told. It covers the rest of the block, itself taken as zero.
    pub(super) fn checksum_fits(&self, image: Bytes<'_>) -> bool {
        if self.compat & COMPAT_CHECKSUM == 0 {
            return true;
        }
        let length = if self.block_size > START { self.block_size.saturating_sub(START) } else { self.block_size };
        let Ok(bytes) = image.get(START, length).map(Bytes) else { return true };
        let head = crc32c(u32::MAX, bytes.up_to(0, 4));
        let zero = crc32c(head, &[0; 4]);
        crc32c(zero, bytes.tail(8)) == self.checksum
    }

    /// The name of the volume, if it has one.
    pub(super) fn volume_name<'a>(&self, image: Bytes<'a>) -> Option<(&'a [u8], Span)> {
        let at = START.saturating_add(64);
        let name = image.text(at, 16).ok().filter(|name| !name.is_empty())?;
        Some((name, Span::new(at, crate::blob::to_u64(name.len()))))
    }

    /// Where the inode with this number stands.
    pub(super) fn inode_at(&self, number: u64) -> u64 {
        self.metadata.saturating_add(number.saturating_mul(32))
    }

    /// The blocks that stand on other devices: first one, and the one behind. A slot of the table has 64 bytes of tag, u32 blocks, u32 first.
    pub(super) fn elsewhere(&self, image: Bytes<'_>) -> BTreeMap<u64, u64> {
        let slots = image.up_to(self.device_table, u64::from(self.devices).saturating_mul(128));
        let slot = |slot: &[u8]| {
            let field = |offset| Bytes(slot).u32(offset, Endian::Little).map_or(0, u64::from);
            (field(68), field(68).saturating_add(field(64)))
        };
        slots.chunks_exact(128).map(slot).filter(|(first, _)| *first != 0).collect()
    }
}
