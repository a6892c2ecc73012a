//! Containers and the volumes in them.

use super::tree::{Trees, is_sound};
use crate::blob::{Bytes, Endian, Span, to_u64};
use crate::limits::Exceeded;
use crate::problem::Rejected;

/// Where the magic of a superblock stands.
pub(super) const MAGIC: u64 = 32;
/// Bytes of a superblock that are looked at before its checksum.
const HEAD: u64 = 168;
/// The bit in the number of descriptors that says that they are not in a row.
const SCATTERED: u64 = 0x8000_0000;
/// More volumes than any container has.
const MOST_VOLUMES: u64 = 100;
/// More superblocks than any container keeps.
const MOST_CHECKPOINTS: u64 = 0x1_0000;

/// The superblock of a container:
///
/// ```text
///  0 checksum u64   16 transaction u64   24 kind u32 (80000001)   32 "NXSB"   36 bytes of a block u32   40 blocks u64
/// 104 blocks of descriptors u32   112 the first of them u64   160 block of the map of objects u64   180 volumes at most u32
/// 184 number of each volume u64
/// ```
#[derive(Debug)]
pub(super) struct Container {
    /// Where it stands.
    at: u64,
    /// Bytes of a block.
    pub(super) block: u64,
    blocks: u64,
    transaction: u64,
    /// Where other, newer superblocks are: first block and number.
    descriptors: (u64, u64),
    map: u64,
}

/// A volume:
///
/// ```text
/// 32 "APSB"   56 features that others must know u64 (1, 8: names have hashes; 20: sealed)   116 kind of the tree u32
/// 128 block of the map of objects u64   136 number of the tree u64   264 flags u64 (1 not encrypted)   704 name[256]
/// 1032 number of the tree of extents u64, if it is sealed
/// ```
#[derive(Debug)]
pub(super) struct Volume {
    /// Where its name stands.
    pub(super) name: Span,
    pub(super) encrypted: bool,
    /// Whether names have hashes before them.
    pub(super) hashed: bool,
    /// Block of the map of objects.
    pub(super) map: u64,
    /// The tree of files: its number, and whether that is a block.
    pub(super) tree: (u64, bool),
    /// The tree of extents of a sealed volume, likewise.
    pub(super) extents: Option<(u64, bool)>,
}

/// The bit in the kind of an object that says that its number is its block.
const PHYSICAL: u32 = 0x4000_0000;

impl Container {
    pub(super) fn read(image: Bytes<'_>, at: u64) -> Result<Self, Rejected> {
        let word = |place: u64| image.u32(at.saturating_add(place), Endian::Little);
        let wide = |place: u64| image.u64(at.saturating_add(place), Endian::Little);
        let (block, blocks) = (word(36)?, wide(40)?);
        let sizes = block.is_power_of_two() && (4096..=65_536).contains(&block) && blocks > 0;
        if word(24)? != 0x8000_0001 || !image.has(at.saturating_add(MAGIC), b"NXSB") || !sizes {
            return Err(Rejected("kind or sizes of the superblock"));
        }
        if !is_sound(Bytes(image.get(at, block.into())?)) {
            return Err(Rejected("the checksum of the superblock"));
        }
        let descriptors = (wide(112)?, u64::from(word(104)?));
        Ok(Self { at, block: block.into(), blocks, transaction: wide(16)?, descriptors, map: wide(160)? })
    }

    pub(super) fn length(&self) -> u64 {
        self.blocks.saturating_mul(self.block)
    }

    /// The newest superblock: the first one is only sometimes up to date.
    ///
    /// # Errors
    /// If a limit is reached.
    pub(super) fn newest(self, trees: &mut Trees<'_, '_>) -> Result<Self, Exceeded> {
        let (first, count) = self.descriptors;
        let block = self.block;
        if count & SCATTERED != 0 || count > MOST_CHECKPOINTS {
            trees.note("not all superblocks are in a row: there may be newer ones than those that were looked at");
        }
        let count = count & !SCATTERED;
        let mut newest = self;
        for number in first..first.saturating_add(count.min(MOST_CHECKPOINTS)) {
            trees.effort.spend(HEAD)?;
            let at = number.saturating_mul(block);
            if let Ok(found) = Self::read(trees.image, at)
                && found.block == block
                && found.transaction >= newest.transaction
            {
                trees.effort.spend(block)?;
                newest = found;
            }
        }
        Ok(newest)
    }

    /// All volumes.
    ///
    /// # Errors
    /// If a limit is reached.
    pub(super) fn volumes(&self, trees: &mut Trees<'_, '_>) -> Result<Vec<Volume>, Exceeded> {
        let places = trees.places(self.map)?;
        let mut volumes = Vec::new();
        for index in 0..MOST_VOLUMES {
            let at = self.at.saturating_add(184).saturating_add(index.saturating_mul(8));
            let number = trees.image.u64(at, Endian::Little).unwrap_or(0);
            if number == 0 {
                continue;
            }
            let Some((block, _)) = places.get(&number) else {
                trees.note(format!("volume {number:#x} is nowhere"));
                continue;
            };
            if let Some(bytes) = trees.object(*block, false)? {
                match Volume::read(bytes, block.saturating_mul(self.block)) {
                    Some(volume) => volumes.push(volume),
                    None => trees.note(format!("volume {number:#x} is none")),
                }
            }
        }
        Ok(volumes)
    }
}

impl Volume {
    fn read(bytes: Bytes<'_>, at: u64) -> Option<Self> {
        let wide = |place| bytes.u64(place, Endian::Little).ok();
        if !bytes.has(MAGIC, b"APSB") {
            return None;
        }
        let features = wide(56)?;
        let is_block = |place| bytes.u32(place, Endian::Little).ok().map(|kind| kind & PHYSICAL != 0);
        let extents = if features & 0x20 == 0 { None } else { Some((wide(1032)?, is_block(1040)?)) };
        let name = bytes.text(704, 256).ok()?;
        Some(Self {
            name: Span::new(at.saturating_add(704), to_u64(name.len())),
            encrypted: wide(264)? & 1 == 0,
            hashed: features & 9 != 0,
            map: wide(128)?,
            tree: (wide(136)?, is_block(116)?),
            extents,
        })
    }
}
