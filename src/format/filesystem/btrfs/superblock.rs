//! The superblock: where the trees of roots and of chunks are.

use sha2::{Digest as _, Sha256};

use super::chunks::Chunks;
use super::tree::Key;
use crate::blob::{Bytes, Endian, Span, to_u64};
use crate::codec::crc::crc32c;
use crate::problem::Rejected;

/// Where the superblock stands. Copies at 64 MiB and 256 GiB say that they are elsewhere.
pub(super) const START: u64 = 0x1_0000;

const SIZE: u64 = 4096;
const LABEL: Span = Span::new(START + 0x12b, 256);

/// Bytes for chunks in the superblock.
const MOST_CHUNKS: u64 = 2048;

/// How metadata is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Checksum {
    Crc32c,
    Sha256,
    /// One that is not computed here.
    Other,
}

impl Checksum {
    /// Whether `bytes`, which begin with 32 bytes for their checksum, fit it.
    pub(super) fn fits(self, bytes: Bytes<'_>) -> bool {
        match self {
            Self::Crc32c => bytes.u32(0, Endian::Little) == Ok(!crc32c(u32::MAX, bytes.tail(32))),
            Self::Sha256 => bytes.has(0, Sha256::digest(bytes.tail(32)).as_slice()),
            Self::Other => true,
        }
    }
}

/// What `struct btrfs_super_block` says, checked. Little endian:
///
/// ```text
///  00 u8[32] checksum   20 u8[16] UUID   30 u64 where this stands   40 "_BHRfS_M"   48 u64 generation   50 u64 tree of roots
///  58 u64 tree of chunks   60 u64 log   70 u64 bytes   88 u64 devices   90 u32 sector size   94 u32 node size   a0 u32 bytes of chunks
///  c4 u16 checksum type   c6 u8 level of the tree of roots   c7 u8 of the tree of chunks
///  c9 this device: u64 number   d1 u64 bytes   12b u8[256] label   32b chunks: key, then as in the tree
/// ```
#[derive(Debug, Clone)]
pub(super) struct Superblock {
    pub(super) roots: (u64, u8),
    pub(super) chunk_tree: (u64, u8),
    pub(super) log: u64,
    pub(super) devices: u64,
    pub(super) sector_size: u64,
    pub(super) node_size: u64,
    pub(super) checksum: Checksum,
    pub(super) device: u64,
    pub(super) device_size: u64,
    /// The chunks in which the tree of chunks is.
    pub(super) chunks: Chunks,
}

impl Superblock {
    pub(super) fn read(image: Bytes<'_>) -> Result<Self, Rejected> {
        let bytes = Bytes(image.get(START, SIZE)?);
        let word = |at| bytes.u32(at, Endian::Little);
        let long = |at| bytes.u64(at, Endian::Little);
        if !bytes.has(0x40, b"_BHRfS_M") || long(0x30)? != START {
            return Err(Rejected("magic or place"));
        }
        let checksum = match bytes.u16(0xc4, Endian::Little)? {
            0 => Checksum::Crc32c,
            2 => Checksum::Sha256,
            1 | 3 => Checksum::Other,
            _ => return Err(Rejected("checksum type")),
        };
        if !checksum.fits(bytes) {
            return Err(Rejected("checksum"));
        }
        let (sector_size, node_size) = (u64::from(word(0x90)?), u64::from(word(0x94)?));
        let sizes = sector_size.is_power_of_two() && node_size.is_power_of_two() && sector_size >= 512 && sector_size <= node_size;
        if !sizes || node_size > 0x1_0000 || long(0x88)? == 0 || long(0xd1)? < START + SIZE {
            return Err(Rejected("sizes"));
        }
        let device = long(0xc9)?;
        Ok(Self {
            roots: (long(0x50)?, bytes.u8(0xc6)?),
            chunk_tree: (long(0x58)?, bytes.u8(0xc7)?),
            log: long(0x60)?,
            devices: long(0x88)?,
            sector_size,
            node_size,
            checksum,
            device,
            device_size: long(0xd1)?,
            chunks: first_chunks(Bytes(bytes.up_to(0x32b, u64::from(word(0xa0)?).min(MOST_CHUNKS))), device),
        })
    }
}

fn first_chunks(bytes: Bytes<'_>, device: u64) -> Chunks {
    let (mut chunks, mut at) = (Chunks::default(), 0);
    while let Ok(key) = Key::read(bytes, at) {
        let Ok(length) = chunks.add(key.offset, Bytes(bytes.tail(at.saturating_add(Key::SIZE))), device) else { break };
        at = at.saturating_add(Key::SIZE).saturating_add(length);
    }
    chunks
}

/// The name of the file system, if it has one.
pub(super) fn label(image: Bytes<'_>) -> Option<(&[u8], Span)> {
    let label = image.text(LABEL.start, LABEL.length).ok().filter(|label| !label.is_empty())?;
    Some((label, Span::new(LABEL.start, to_u64(label.len()))))
}
