//! Chunks: which part of the device each logical address is.

use std::collections::BTreeMap;

use crate::blob::{Bytes, Endian, OutOfBounds};

/// RAID0, RAID10, RAID5, RAID6: an address is not simply so far behind the start of a stripe.
const STRIPED: u64 = 0x8 | 0x40 | 0x80 | 0x100;

/// Copies of a chunk that are kept.
const MOST_COPIES: usize = 4;

#[derive(Debug, Clone)]
struct Chunk {
    length: u64,
    /// Where each copy on this device begins.
    copies: Vec<u64>,
}

/// All chunks by their logical address.
#[derive(Debug, Clone, Default)]
pub(super) struct Chunks(BTreeMap<u64, Chunk>);

impl Chunks {
    /// Adds the chunk at `logical`; returns the bytes of its description:
    ///
    /// ```text
    /// 0 u64 length   8 u64 owner   16 u64 stripe length   24 u64 type   32 u32 u32 u32 alignments   44 u16 stripes   46 u16 sub-stripes
    /// 48 stripes: u64 device   8 u64 offset   16 u8[16] UUID of the device
    /// ```
    pub(super) fn add(&mut self, logical: u64, bytes: Bytes<'_>, device: u64) -> Result<u64, OutOfBounds> {
        let (length, kind) = (bytes.u64(0, Endian::Little)?, bytes.u64(24, Endian::Little)?);
        let stripes = u64::from(bytes.u16(44, Endian::Little)?);
        let mut copies = Vec::new();
        for index in 0..stripes {
            let at = index.saturating_mul(32).saturating_add(48);
            let (number, offset) = (bytes.u64(at, Endian::Little)?, bytes.u64(at.saturating_add(8), Endian::Little)?);
            if number == device && (kind & STRIPED == 0 || stripes == 1) && copies.len() < MOST_COPIES {
                copies.push(offset);
            }
        }
        self.0.insert(logical, Chunk { length, copies });
        Ok(stripes.saturating_mul(32).saturating_add(48))
    }

    /// Where the copies of what is at `logical` stand on this device.
    pub(super) fn places(&self, logical: u64, length: u64) -> impl Iterator<Item = u64> {
        let chunk = self
            .0
            .range(..=logical)
            .next_back()
            .filter(|(start, chunk)| logical.saturating_sub(**start).saturating_add(length) <= chunk.length);
        chunk.into_iter().flat_map(move |(start, chunk)| {
            let into = logical.saturating_sub(*start);
            chunk.copies.iter().map(move |copy| copy.saturating_add(into))
        })
    }
}
