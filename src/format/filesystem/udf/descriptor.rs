//! What all structures of UDF begin with, and how they say where something is.

use crate::blob::{Bytes, Endian, OutOfBounds};
use crate::codec::crc::crc16_xmodem;

/// The tag of a descriptor: 0 kind u16, 2 version u16, 4 sum of the other 15 bytes u8, 8 CRC u16, 10 bytes under it u16, 12 block u32.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tag<'a> {
    /// What the descriptor is.
    pub(super) kind: u16,
    /// The block that it says it is in.
    pub(super) block: u32,
    /// The descriptor, its tag included.
    pub(super) bytes: Bytes<'a>,
}

impl<'a> Tag<'a> {
    /// The descriptor at the start of `bytes`, if its tag fits the sum in it.
    pub(super) fn read(bytes: Bytes<'a>) -> Option<Self> {
        let tag = bytes.get(0, 16).ok()?;
        let sum = tag.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte)).wrapping_sub(bytes.u8(4).ok()?);
        let kind = bytes.u16(0, Endian::Little).ok()?;
        let fits = kind != 0 && sum == bytes.u8(4).ok()?;
        fits.then_some(Self { kind, block: bytes.u32(12, Endian::Little).ok()?, bytes })
    }

    /// Whether the rest fits its checksum, too.
    pub(super) fn is_sound(&self) -> bool {
        let sound = || {
            let covered = self.bytes.get(16, self.bytes.u16(10, Endian::Little)?.into())?;
            Ok::<_, OutOfBounds>(crc16_xmodem(&[covered]) == self.bytes.u16(8, Endian::Little)?)
        };
        sound().unwrap_or(false)
    }
}

/// Where something stands: a block of a partition. Partitions are known by their place in the list of the volume.
pub(super) type Place = (u16, u32);

/// Bytes and place: 0 bytes u32 (upper two bits: kind), 4 block u32, 8 partition u16.
pub(super) fn long(bytes: Bytes<'_>, at: u64) -> Result<(u32, Place), OutOfBounds> {
    let word = |field: u64| bytes.u32(at.saturating_add(field), Endian::Little);
    Ok((word(0)?, (bytes.u16(at.saturating_add(8), Endian::Little)?, word(4)?)))
}

/// A name: the first byte says whether one byte (8) or two (16) are a letter.
pub(super) fn letters(bytes: &[u8]) -> Vec<u16> {
    match bytes.split_first() {
        Some((16 | 255, rest)) => rest.chunks_exact(2).map(|unit| Bytes(unit).u16(0, Endian::Big).unwrap_or(0)).collect(),
        Some((_, rest)) => rest.iter().map(|byte| u16::from(*byte)).collect(),
        None => Vec::new(),
    }
}
