//! Volumes, put together from the newest copy of each of their logical erase blocks.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::header::{EraseCounter, Record, VolumeId, crc};
use super::is_blank;
use crate::blob::{Bytes, to_usize};
use crate::limits::{Exceeded, Output};
use crate::problem::Fault;

/// Number of the internal volume that holds the table of volumes, twice.
const LAYOUT: u32 = 0x7fff_efff;
/// There are no more volumes on one device.
const MOST_VOLUMES: u32 = 128;
/// A dump that lacks most of the flash may still hold LEBs with high numbers. Further than this they are damage, not worth the filling.
const SPREAD: u64 = 16;

/// A physical erase block that holds a logical one.
#[derive(Debug, Clone, Copy)]
struct Block {
    id: VolumeId,
    /// Where its data is, and how far it reaches at most.
    start: u64,
    room: u64,
}

/// One volume.
#[derive(Debug)]
pub(super) struct Volume {
    number: u32,
    /// As the table has it.
    pub(super) name: Vec<u8>,
    /// No LEB has this number or a higher one.
    most: u64,
    /// Whether an update was begun and not finished.
    unfinished: bool,
}

/// All erase blocks of an image that hold something.
pub(super) struct Image<'b> {
    bytes: Bytes<'b>,
    /// Sorted by volume, LEB, and age: the newest first.
    blocks: Vec<Block>,
    pebs: u64,
    /// Erase blocks with a header that is neither blank nor sound.
    pub(super) damaged: u64,
    /// Where the first of them begins.
    pub(super) first_damaged: Option<u64>,
}

impl<'b> Image<'b> {
    pub(super) fn read(bytes: Bytes<'b>, size: u64) -> Self {
        let mut image = Self { bytes, blocks: Vec::new(), pebs: 0, damaged: 0, first_damaged: None };
        let first = EraseCounter::read(bytes, 0);
        let mut peb = 0_u64;
        while peb < bytes.len() {
            image.pebs = image.pebs.saturating_add(1);
            // All PEBs have the same offsets, so one with a damaged erase counter still gives its data.
            let counter = EraseCounter::read(bytes, peb);
            if let Ok(offsets) = counter.as_ref().or(first.as_ref()) {
                image.add(peb, size, offsets, counter.is_ok());
            }
            peb = peb.saturating_add(size);
        }
        image.blocks.sort_by_key(|block| (block.id.vol_id, block.id.lnum, Reverse(block.id.sqnum), block.start));
        image
    }

    fn add(&mut self, peb: u64, size: u64, offsets: &EraseCounter, counted: bool) {
        let header = peb.saturating_add(offsets.vid_hdr_offset);
        let used = offsets.data_offset;
        match VolumeId::read(self.bytes, header) {
            Ok(id) if id.vol_id < MOST_VOLUMES || id.vol_id == LAYOUT => {
                let room = size.saturating_sub(used).saturating_sub(id.data_pad);
                self.blocks.push(Block { id, start: peb.saturating_add(used), room });
            }
            // Other internal volumes: fastmap, which says again what the headers say.
            Ok(id) if id.vol_id > LAYOUT => (),
            Err(_) if is_blank(self.bytes.up_to(header, 64)) && (counted || is_blank(self.bytes.up_to(peb, 64))) => (),
            _ => {
                self.damaged = self.damaged.saturating_add(1);
                self.first_damaged = self.first_damaged.or(Some(peb));
            }
        }
    }

    fn blocks(&self, volume: u32) -> &[Block] {
        let start = self.blocks.partition_point(|block| block.id.vol_id < volume);
        let end = self.blocks.partition_point(|block| block.id.vol_id <= volume);
        self.blocks.get(start..end).unwrap_or_default()
    }

    /// The newest copy of an LEB that is whole.
    fn newest<'i>(&self, blocks: &'i [Block], lnum: u64) -> Option<&'i Block> {
        let start = blocks.partition_point(|block| u64::from(block.id.lnum) < lnum);
        let end = blocks.partition_point(|block| u64::from(block.id.lnum) <= lnum);
        let copies = blocks.get(start..end).unwrap_or_default();
        // A PEB may have lost its power while it was being moved; then the one that it is a copy of is still there.
        copies.iter().find(|block| !block.id.copy_flag || self.is_intact(block)).or(copies.first())
    }

    fn is_intact(&self, block: &Block) -> bool {
        crc(self.data(block, block.id.data_size)) == block.id.data_crc
    }

    fn data(&self, block: &Block, size: u64) -> &'b [u8] {
        self.bytes.up_to(block.start, size.min(block.room))
    }

    /// The table of volumes: for each record the first copy of the table in which it is sound.
    pub(super) fn table(&self) -> BTreeMap<u32, Record> {
        let mut table = BTreeMap::new();
        let blocks = self.blocks(LAYOUT);
        for copy in [0, 1] {
            let Some(block) = self.newest(blocks, copy) else { continue };
            let data = Bytes(self.data(block, block.room));
            for number in 0..MOST_VOLUMES {
                if let Ok(record) = Record::read(data, Record::SIZE.saturating_mul(number.into())) {
                    table.entry(number).or_insert(record);
                }
            }
        }
        table
    }

    /// Every volume that has a name or at least one LEB.
    pub(super) fn volumes(&self, table: &BTreeMap<u32, Record>) -> Vec<Volume> {
        let named = table.iter().filter(|(_, record)| record.reserved_pebs > 0).map(|(number, _)| *number);
        let seen = self.blocks.iter().map(|block| block.id.vol_id).filter(|number| *number != LAYOUT);
        let numbers: BTreeSet<u32> = named.chain(seen).collect();
        let volume = |number| {
            let record = table.get(&number).filter(|record| record.reserved_pebs > 0);
            let name = record.map(|record| record.name.clone()).filter(|name| !name.is_empty());
            let name = name.unwrap_or_else(|| format!("volume-{number}").into_bytes());
            let most = record.map_or(self.pebs, |record| u64::from(record.reserved_pebs).min(self.pebs.saturating_mul(SPREAD)));
            Volume { number, name, most, unfinished: record.is_some_and(|record| record.upd_marker) }
        };
        numbers.into_iter().map(volume).collect()
    }

    /// Appends all of a volume. What is missing is 0xff, as erased flash is.
    pub(super) fn assemble(&self, volume: &Volume, output: &mut Output<'_>) -> Result<Option<Fault>, Exceeded> {
        let blocks = self.blocks(volume.number);
        let Some(first) = blocks.first() else { return Ok(None) };
        let is_static = first.id.is_static;
        let last = blocks.last().map_or(0, |block| u64::from(block.id.lnum).saturating_add(1));
        let count = if is_static { last.max(first.id.used_ebs.into()) } else { last };
        let mut state = State { missing: 0, cut: 0, wrong: 0, beyond: count > volume.most };
        let erased = vec![0xff; to_usize(first.room)];
        for lnum in 0..count.min(volume.most) {
            let Some(block) = self.newest(blocks, lnum) else {
                // In a dynamic volume, an LEB that was never written has no PEB: that alone is not damage.
                state.missing = state.missing.saturating_add(u64::from(is_static || self.damaged > 0));
                output.push(&erased)?;
                continue;
            };
            let size = if is_static { block.id.data_size.min(block.room) } else { block.room };
            let data = self.data(block, size);
            output.push(data)?;
            let lacks = to_usize(size).saturating_sub(data.len());
            if lacks > 0 {
                state.cut = state.cut.saturating_add(1);
                output.push(erased.get(..lacks).unwrap_or_default())?;
            } else if is_static && !self.is_intact(block) {
                state.wrong = state.wrong.saturating_add(1);
            }
        }
        Ok(state.fault(volume.unfinished))
    }
}

/// What is not right with a volume.
struct State {
    missing: u64,
    cut: u64,
    wrong: u64,
    beyond: bool,
}

impl State {
    fn fault(&self, unfinished: bool) -> Option<Fault> {
        if self.cut > 0 {
            return Some(Fault::Truncated(format!("{} erase blocks are not all there", self.cut)));
        }
        if self.missing > 0 {
            return Some(Fault::Truncated(format!("{} erase blocks are missing", self.missing)));
        }
        if self.wrong > 0 {
            return Some(Fault::Checksum(format!("data_crc of {} erase blocks does not fit", self.wrong)));
        }
        if self.beyond {
            return Some(Fault::corrupt("erase blocks with numbers beyond the end of the volume"));
        }
        unfinished.then(|| Fault::corrupt("an update of this volume was begun and not finished"))
    }
}
