//! Where blocks of partitions stand on the disc.

use std::collections::BTreeMap;

use super::descriptor::{Place, Tag};
use super::entry::{Content, Entry};
use super::volume::{Map, Partition, Volume};
use crate::blob::{Bytes, Endian, Span};
use crate::format::extents::{Extents, Placed};
use crate::limits::{Effort, Exceeded, Output};
use crate::problem::Fault;

/// How far before the end of a disc the entry of the table of virtual blocks may be.
const BEFORE_THE_END: u64 = 4096;

/// A partition whose tables were read.
#[derive(Debug)]
enum Blocks {
    Plain,
    /// The block of the partition below for each block.
    Table(Vec<u32>),
    /// Blocks of a packet, and where packets moved to on the disc, by their first block.
    Moved(u64, BTreeMap<u32, u32>),
    /// The pieces of a file, on the disc.
    Pieces(Placed),
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
            effort.spend(entry.size)?;
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
                return Ok(Blocks::Pieces(extents.placed()));
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

    /// Adds the `bytes` from a block on to `extents`. None if the partition lacks some of them; those before were added.
    pub(super) fn add(&self, (partition, block): Place, bytes: u64, extents: &mut Extents) -> Option<()> {
        let (extent, blocks) = self.partitions.get(usize::from(partition))?;
        let start = u64::from(block).saturating_mul(self.block);
        let all = extents.length().saturating_add(bytes);
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
                while at < end {
                    let packet_start = at.checked_div(step)?.saturating_mul(step);
                    let next = packet_start.saturating_add(step).min(end);
                    let from = u32::try_from(packet_start.checked_div(self.block)?).ok()?;
                    let base = moved.get(&from).map_or(plain(packet_start), |to| u64::from(*to).saturating_mul(self.block));
                    let inside = at.saturating_sub(packet_start);
                    extents.stored(Span::new(base.saturating_add(inside), next.saturating_sub(at)));
                    at = next;
                }
            }
            Blocks::Pieces(pieces) => {
                let (mut at, end) = (start, start.saturating_add(bytes));
                while let Some(span) = pieces.first(at, end.saturating_sub(at)) {
                    extents.stored(span);
                    at = at.saturating_add(span.length);
                }
            }
            Blocks::Unknown => {}
        }
        (extents.length() == all).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;

    fn space(blocks: Blocks) -> Space {
        Space { block: 512, partitions: vec![(Span::new(0, 1 << 30), blocks)] }
    }

    #[test]
    fn what_a_partition_lacks_is_not_said_to_be_there() {
        let mut extents = Extents::default();
        assert_eq!(space(Blocks::Table(vec![7, 9])).add((0, 1), 1024, &mut extents), None);
        assert_eq!(extents.places(), [Span::new(9 * 512, 512)]);
        let mut file = Extents::default();
        file.stored(Span::new(4096, 512));
        file.hole(512);
        file.stored(Span::new(8192, 512));
        let metadata = space(Blocks::Pieces(file.placed()));
        assert_eq!(
            (metadata.at((0, 0)), metadata.at((0, 1)), metadata.at((0, 2)), metadata.at((0, 3))),
            (Some(4096), None, Some(8192), None)
        );
    }

    #[test]
    fn packets_are_followed_to_the_last() {
        let moved = BTreeMap::from([(0x8000, 5)]);
        let mut extents = Extents::default();
        space(Blocks::Moved(1, moved)).add((0, 0), 0x8001 * 512, &mut extents).unwrap();
        assert_eq!(extents.places(), [Span::new(0, 0x8000 * 512), Span::new(5 * 512, 512)]);
    }

    /// An extended entry of a file with long places: as many as fit, each of all blocks of the table.
    fn scattered(space: &Space, budget: &crate::limits::Budget) -> Result<Content, Exceeded> {
        let mut bytes = vec![0; 512];
        bytes[..2].copy_from_slice(&266_u16.to_le_bytes());
        bytes[4] = 11;
        bytes[27] = 5;
        bytes[34] = 0;
        bytes[56..64].fill(0x7f);
        bytes[212..216].copy_from_slice(&288_u32.to_le_bytes());
        for place in bytes[216..504].chunks_exact_mut(8) {
            place[..4].copy_from_slice(&(0x10_0000_u32 * 512).to_le_bytes());
        }
        let entry = Entry::read(Tag::read(Bytes(&bytes)).unwrap(), 0).unwrap();
        space.content(Bytes(&bytes), &entry, 0, &mut Effort::new(budget, 512))
    }

    #[test]
    fn pieces_without_end_reach_a_limit() {
        let budget = crate::limits::Budget::new(Limits::default(), std::sync::Arc::default());
        // Every second block, so that no two of them are in a row.
        let table = (0..0x10_0000).map(|number| number * 2).collect();
        assert!(matches!(scattered(&space(Blocks::Table(table)), &budget), Err(Exceeded::Ratio(_))));
    }
}
