//! Where blocks of partitions stand on the disc.

use std::collections::BTreeMap;

use super::descriptor::{Place, Tag};
use super::entry::{Content, Entry};
use super::volume::{Map, Partition, Volume};
use crate::blob::{Bytes, Endian, Span};
use crate::format::extents::Extents;
use crate::limits::{Effort, Exceeded, Output};
use crate::problem::Fault;

/// How far before the end of a disc the entry of the table of virtual blocks may be.
const BEFORE_THE_END: u64 = 4096;
const MOST_PACKETS: u64 = 0x4000;

/// A partition whose tables were read.
#[derive(Debug)]
enum Blocks {
    Plain,
    /// The block of the partition below for each block.
    Table(Vec<u32>),
    /// Blocks of a packet, and where packets moved to on the disc, by their first block.
    Moved(u64, BTreeMap<u32, u32>),
    /// The pieces of a file, on the disc.
    Pieces(Vec<Span>),
    Unknown,
}

/// All partitions.
#[derive(Debug)]
pub(super) struct Space {
    /// Bytes of a block.
    pub(super) block: u64,
    partitions: Vec<(Span, Blocks)>,
}

impl Space {
    /// Reads all tables; with what is wrong with them.
    ///
    /// # Errors
    /// If a limit is reached.
    pub(super) fn of(image: Bytes<'_>, volume: &Volume, effort: &mut Effort<'_>) -> Result<(Self, Vec<Fault>), Exceeded> {
        let mut space = Self { block: volume.block, partitions: Vec::new() };
        let mut faults = Vec::new();
        for partition in &volume.partitions {
            let read = match &partition.map {
                Map::Plain => Ok(Blocks::Plain),
                Map::Sparable(packet, tables) => Ok(space.moved(image, *packet, tables)),
                Map::Virtual => space.table(image, partition, volume.length(image).min(image.len()), effort),
                Map::Metadata(places) => space.pieces(image, partition, *places, effort),
                Map::Unknown => Err(Fault::unsupported("a partition of an unknown kind")),
            };
            let blocks = match read {
                Ok(blocks) => blocks,
                Err(Fault::Exceeded(limit)) => return Err(limit),
                Err(fault) => {
                    faults.push(fault);
                    Blocks::Unknown
                }
            };
            space.partitions.push((partition.extent, blocks));
        }
        Ok((space, faults))
    }

    /// A space of one plain partition: the one that others lie on.
    fn below(&self, partition: &Partition) -> Self {
        Self { block: self.block, partitions: vec![(partition.extent, Blocks::Plain)] }
    }

    /// The table of packets that moved: 16 "*UDF Sparing Table" behind its flags, 48 entries u16, 56 for each: from u32, to u32.
    fn moved(&self, image: Bytes<'_>, packet: u32, tables: &[u32]) -> Blocks {
        let mut moved = BTreeMap::new();
        let found = tables.iter().map(|block| Bytes(image.tail(u64::from(*block).saturating_mul(self.block))));
        if let Some(table) = found.into_iter().find(|table| table.has(17, b"*UDF Sparing Table")) {
            for index in 0..u64::from(table.u16(48, Endian::Little).unwrap_or(0)) {
                let at = index.saturating_mul(8).saturating_add(56);
                let word = |place: u64| table.u32(at.saturating_add(place), Endian::Little).ok();
                // The last of these mean: not in use, and broken.
                if let (Some(from), Some(to)) = (word(0).filter(|from| *from < 0xffff_fff0), word(4)) {
                    moved.insert(from, to);
                }
            }
        }
        Blocks::Moved(u64::from(packet).max(1), moved)
    }

    /// The table of virtual blocks: the content of the last entry on the disc. Since UDF 2.0 with a header, whose length is the first u16;
    /// before with 36 bytes behind it.
    fn table(&self, image: Bytes<'_>, partition: &Partition, end: u64, effort: &mut Effort<'_>) -> Result<Blocks, Fault> {
        let below = self.below(partition);
        let last = end.checked_div(self.block).unwrap_or(0);
        let start = partition.extent.start.checked_div(self.block).unwrap_or(0);
        for number in (last.saturating_sub(BEFORE_THE_END).max(start)..last).rev() {
            effort.spend(64)?;
            let Ok(bytes) = image.get(number.saturating_mul(self.block), self.block).map(Bytes) else { continue };
            let sound = Tag::read(bytes).filter(|tag| matches!(tag.kind, 261 | 266) && tag.is_sound());
            let Some(entry) = sound.and_then(|tag| Entry::read(tag, 0)) else { continue };
            if !matches!(entry.kind, 0 | 248) {
                continue;
            }
            let mut output = Output::new(effort.budget(), image.len());
            let content = below.content(image, &entry, number.saturating_mul(self.block), effort)?;
            content.read(image, entry.size, &mut output)?;
            let bytes = Bytes(output.as_slice());
            let old = entry.size.checked_sub(36).filter(|at| bytes.has(at.saturating_add(1), b"*UDF Virtual Alloc Tbl"));
            let header = bytes.u16(0, Endian::Little).map_or(0, u64::from);
            let numbers = match old {
                Some(end) => bytes.up_to(0, end),
                None if entry.kind == 248 && header >= 152 => bytes.tail(header),
                None => continue,
            };
            return Ok(Blocks::Table(numbers.chunks_exact(4).map(|word| Bytes(word).u32(0, Endian::Little).unwrap_or(u32::MAX)).collect()));
        }
        Err(Fault::corrupt("the table of virtual blocks is not there"))
    }

    /// The pieces of the file of metadata, or of its copy.
    fn pieces(&self, image: Bytes<'_>, partition: &Partition, places: [u32; 2], effort: &mut Effort<'_>) -> Result<Blocks, Fault> {
        let below = self.below(partition);
        for place in places {
            let Some(at) = below.at((0, place)) else { continue };
            let Ok(bytes) = image.get(at, self.block).map(Bytes) else { continue };
            let sound = Tag::read(bytes).filter(|tag| matches!(tag.kind, 261 | 266) && tag.is_sound());
            let Some(entry) = sound.and_then(|tag| Entry::read(tag, 0)) else { continue };
            if let Content::Extents(extents, None) = below.content(image, &entry, at, effort)? {
                return Ok(Blocks::Pieces(extents.places()));
            }
        }
        Err(Fault::corrupt("the file of metadata is broken"))
    }

    /// Where the block stands in the image.
    pub(super) fn at(&self, place: Place) -> Option<u64> {
        let mut extents = Extents::default();
        self.add(place, self.block, &mut extents)?;
        extents.whole(self.block).map(|span| span.start)
    }

    /// Adds the `bytes` from a block on to `extents`. None if the partition has no such blocks.
    pub(super) fn add(&self, (partition, block): Place, bytes: u64, extents: &mut Extents) -> Option<()> {
        let (extent, blocks) = self.partitions.get(usize::from(partition))?;
        let start = u64::from(block).saturating_mul(self.block);
        let plain = |at: u64| extent.start.saturating_add(at);
        match blocks {
            Blocks::Plain => extents.stored(Span::new(plain(start), bytes)),
            Blocks::Table(table) => {
                let first = crate::blob::to_usize(block.into());
                let numbers = table.get(first..)?.iter().take(crate::blob::to_usize(bytes.div_ceil(self.block)));
                let mut left = bytes;
                for number in numbers {
                    let step = left.min(self.block);
                    extents.stored(Span::new(plain(u64::from(*number).saturating_mul(self.block)), step));
                    left = left.saturating_sub(step);
                }
            }
            Blocks::Moved(packet, moved) => {
                let step = packet.saturating_mul(self.block);
                let (mut at, end) = (start, start.saturating_add(bytes));
                for _ in 0..MOST_PACKETS {
                    let packet_start = at.checked_div(step)?.saturating_mul(step);
                    let next = packet_start.saturating_add(step).min(end);
                    let from = u32::try_from(packet_start.checked_div(self.block)?).ok()?;
                    let base = moved.get(&from).map_or(plain(packet_start), |to| u64::from(*to).saturating_mul(self.block));
                    let inside = at.saturating_sub(packet_start);
                    extents.stored(Span::new(base.saturating_add(inside), next.saturating_sub(at)));
                    at = next;
                    if at >= end {
                        break;
                    }
                }
            }
            Blocks::Pieces(pieces) => pieces_from(pieces, start, bytes, extents),
            Blocks::Unknown => return None,
        }
        Some(())
    }
}

/// Adds `bytes` from `start` of what stands in pieces.
fn pieces_from(pieces: &[Span], start: u64, bytes: u64, extents: &mut Extents) {
    let (mut skip, mut left) = (start, bytes);
    for piece in pieces {
        let inside = Span::between(piece.start.saturating_add(skip), piece.end());
        skip = skip.saturating_sub(piece.length);
        let length = inside.length.min(left);
        if length > 0 {
            extents.stored(Span::new(inside.start, length));
            left = left.saturating_sub(length);
        }
    }
}
