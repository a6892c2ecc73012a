//! The superblock: which version it is, and where inodes and zones are.

use crate::blob::{Bytes, Endian, Span};
use crate::format::Magic;
use crate::problem::{Fault, Rejected};

/// Where the superblock stands.
pub(super) const START: u64 = 1024;

/// A version: its magic, and bytes of an entry of a folder.
struct Version {
    magic: u16,
    number: u8,
    entry: u64,
}

const VERSIONS: [Version; 5] = [
    Version { magic: 0x137f, number: 1, entry: 16 },
    Version { magic: 0x138f, number: 1, entry: 32 },
    Version { magic: 0x2468, number: 2, entry: 16 },
    Version { magic: 0x2478, number: 2, entry: 32 },
    Version { magic: 0x4d5a, number: 3, entry: 64 },
];

/// The magics of the first two versions, and of the third, in both byte orders.
pub(super) const MAGICS: &[Magic] = &[
    Magic::anywhere(&[0x7f, 0x13]).at(START + 16),
    Magic::anywhere(&[0x13, 0x7f]).at(START + 16),
    Magic::anywhere(&[0x8f, 0x13]).at(START + 16),
    Magic::anywhere(&[0x13, 0x8f]).at(START + 16),
    Magic::anywhere(&[0x68, 0x24]).at(START + 16),
    Magic::anywhere(&[0x24, 0x68]).at(START + 16),
    Magic::anywhere(&[0x78, 0x24]).at(START + 16),
    Magic::anywhere(&[0x24, 0x78]).at(START + 16),
    Magic::anywhere(&[0x5a, 0x4d]).at(START + 24),
    Magic::anywhere(&[0x4d, 0x5a]).at(START + 24),
];

/// What the superblock says, checked:
///
/// ```text
/// versions 1, 2: 0 u16 inodes   2 u16 zones (version 1)   4 u16 blocks of the map of inodes   6 u16 of zones   8 u16 first zone of data
///                10 u16 log2 blocks of a zone   12 u32 largest file   16 u16 magic   18 u16 state   20 u32 zones (version 2)
/// version 3:     0 u32 inodes   6 u16 blocks of the map of inodes   8 u16 of zones   10 u16 first zone of data
///                12 u16 log2 blocks of a zone   16 u32 largest file   20 u32 zones   24 u16 magic   28 u16 block size
/// ```
#[derive(Debug, Clone)]
pub(super) struct Superblock {
    pub(super) endian: Endian,
    /// Bytes of a zone, of the number of one, and of an entry of a folder; whether that begins with 32 bits.
    pub(super) zone: u64,
    pub(super) number: u64,
    pub(super) entry: u64,
    pub(super) wide_entries: bool,
    zones: u64,
    first_zone: u64,
    inodes: u64,
    inode_size: u64,
    table: u64,
}

impl Superblock {
    pub(super) fn read(image: Bytes<'_>) -> Result<Self, Rejected> {
        [Endian::Little, Endian::Big].into_iter().find_map(|endian| Self::in_order(image, endian).ok()).ok_or(Rejected("no superblock"))
    }

    fn in_order(image: Bytes<'_>, endian: Endian) -> Result<Self, Rejected> {
        let bytes = Bytes(image.get(START, 32)?);
        let half = |at| bytes.u16(at, endian).map(u64::from);
        let word = |at| bytes.u32(at, endian).map(u64::from);
        let version = VERSIONS.iter().find(|version| bytes.u16(if version.number == 3 { 24 } else { 16 }, endian) == Ok(version.magic));
        let version = version.ok_or(Rejected("magic"))?;
        let third = version.number == 3;
        // Two bytes later in version 3, whose first number is wider.
        let at = |offset: u64| if third { offset.saturating_add(2) } else { offset };
        let (inodes, block) = if third { (word(0)?, half(28)?) } else { (half(0)?, 1024) };
        let zones = if version.number == 1 { half(2)? } else { word(20)? };
        let (inode_map, zone_map, first_zone) = (half(at(4))?, half(at(6))?, half(at(8))?);
        let (shift, inode_size) = (half(at(10))?, if version.number == 1 { 32 } else { 64_u64 });
        if !block.is_power_of_two() || !(1024..=32_768).contains(&block) || shift > 4 || inodes == 0 || zones <= first_zone {
            return Err(Rejected("sizes"));
        }
        let bits = block.saturating_mul(8);
        let table = inode_map.saturating_add(zone_map).saturating_add(2);
        let behind = table.saturating_add(inodes.saturating_mul(inode_size).div_ceil(block));
        let zone = block.checked_shl(u32::try_from(shift).unwrap_or(0)).unwrap_or(block);
        let least = behind.saturating_mul(block).div_ceil(zone);
        let maps = inode_map >= inodes.saturating_add(1).div_ceil(bits) && inode_map <= inodes.div_ceil(bits).saturating_add(1);
        let zone_bits = zones.saturating_sub(first_zone);
        if !maps || zone_map < zone_bits.div_ceil(bits) || zone_map > zones.div_ceil(bits).saturating_add(1) {
            return Err(Rejected("maps that do not fit what they are of"));
        }
        if first_zone < least || first_zone > least.saturating_add(1) {
            return Err(Rejected("the first zone is not behind the inodes"));
        }
        Ok(Self {
            endian,
            zone,
            number: if version.number == 1 { 2 } else { 4 },
            entry: version.entry,
            wide_entries: third,
            zones,
            first_zone,
            inodes,
            inode_size,
            table: table.saturating_mul(block),
        })
    }

    /// Fails unless the uppermost folder is one, and begins with itself.
    pub(super) fn check_root(&self, image: Bytes<'_>) -> Result<(), Rejected> {
        let span = self.inode_at(1).ok_or(Rejected("no inodes"))?;
        let Ok(bytes) = image.part(span) else { return Ok(()) };
        let old = self.number == 2;
        let size = u64::from(bytes.u32(if old { 4 } else { 8 }, self.endian)?);
        let zone = if old { bytes.u16(14, self.endian)?.into() } else { bytes.u32(24, self.endian)? };
        if bytes.u16(0, self.endian)? & 0xf000 != 0x4000 || size < self.entry.saturating_mul(2) || size.checked_rem(self.entry) != Some(0) {
            return Err(Rejected("the root is no folder"));
        }
        let zone = self.zone_at(zone.into()).map_err(|_| Rejected("the root is nowhere"))?;
        let name = if self.wide_entries { 4 } else { 2 };
        let first = image.get(zone.start.saturating_add(name), 2);
        if first.is_ok_and(|first| first != b".\0") { Err(Rejected("the root does not begin with itself")) } else { Ok(()) }
    }

    /// Bytes of the whole file system.
    pub(super) fn length(&self) -> u64 {
        self.zones.saturating_mul(self.zone)
    }

    /// Where an inode stands.
    pub(super) fn inode_at(&self, number: u32) -> Option<Span> {
        let index = u64::from(number).checked_sub(1).filter(|index| *index < self.inodes)?;
        Some(Span::new(self.table.saturating_add(index.saturating_mul(self.inode_size)), self.inode_size))
    }

    /// Where a zone stands.
    pub(super) fn zone_at(&self, number: u64) -> Result<Span, Fault> {
        if number < self.first_zone || number >= self.zones {
            return Err(Fault::corrupt(format!("there is no zone {number}")));
        }
        Ok(Span::new(number.saturating_mul(self.zone), self.zone))
    }
}
