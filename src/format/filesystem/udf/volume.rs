//! The descriptors of a volume: how large its blocks are, what partitions it has, where its files begin.

use std::collections::BTreeMap;

use super::descriptor::{Place, Tag, long};
use crate::blob::{Bytes, Endian, OutOfBounds, Span};
use crate::problem::Rejected;

/// Where the volume is said to be one: descriptors of 2048 bytes, "BEA01", "NSR02" or "NSR03", "TEA01" among them.
pub(super) const RECOGNITION: u64 = 0x8000;
const STEP: u64 = 2048;

/// Kinds of descriptors.
const PRIMARY: u16 = 1;
const ANCHOR: u16 = 2;
const POINTER: u16 = 3;
const PARTITION: u16 = 5;
const LOGICAL: u16 = 6;
const END: u16 = 8;

/// More descriptors than any volume has.
const MOST: u32 = 64;

/// How blocks of a partition are found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Map {
    /// They stand there in a row.
    Plain,
    /// A table says where: on discs that are written once.
    Virtual,
    /// In a row, but for packets that moved: packet in blocks, where copies of the table are.
    Sparable(u32, Vec<u32>),
    /// In a file of another partition: where its entry is, and its copy.
    Metadata([u32; 2]),
    /// Some other way.
    Unknown,
}

/// A partition of the list: the number of the one that it lies on, and how.
#[derive(Debug, Clone)]
pub(super) struct Partition {
    /// Where the blocks of the disc are that it lies on, in bytes.
    pub(super) extent: Span,
    /// How its own blocks are found there.
    pub(super) map: Map,
}

/// A volume.
#[derive(Debug)]
pub(super) struct Volume {
    /// Bytes of a block.
    pub(super) block: u64,
    /// The list.
    pub(super) partitions: Vec<Partition>,
    /// Where the descriptor of the files is.
    pub(super) files: Place,
    /// Where the name of the volume is, if it is plain text.
    pub(super) name: Option<Span>,
    /// What was left out.
    pub(super) lacking: Vec<&'static str>,
    /// Where all of this ends.
    end: u64,
}

impl Volume {
    pub(super) fn read(image: Bytes<'_>) -> Result<Self, Rejected> {
        let named = |index: u64, name: &[u8]| image.has(RECOGNITION.saturating_add(index.saturating_mul(STEP)).saturating_add(1), name);
        if !(0..32).any(|index| named(index, b"NSR02") || named(index, b"NSR03")) {
            return Err(Rejected("no descriptor of UDF"));
        }
        for block in [2048, 512, 4096, 1024] {
            for number in [256, 512] {
                if let Some(volume) = anchor(image, block, number).and_then(|anchor| Self::described(image, block, anchor)) {
                    return Ok(volume);
                }
            }
        }
        Err(Rejected("no anchor, or nothing where it points to"))
    }

    fn described(image: Bytes<'_>, block: u64, anchor: Tag<'_>) -> Option<Self> {
        let extent = |at: u64| extent(anchor.bytes, at, block).ok();
        let (first, copy) = (extent(16)?, extent(24)?);
        let whole = [first, copy].into_iter().find_map(|span| {
            let found = Found::read(image, span, block);
            found.volume(block)
        });
        let mut volume = whole?;
        volume.end = volume.end.max(first.end()).max(copy.end());
        Some(volume)
    }

    /// Bytes up to the end of the last partition, or to the anchor that may stand behind it.
    pub(super) fn length(&self, image: Bytes<'_>) -> u64 {
        let first = self.end.checked_div(self.block).unwrap_or(0);
        let behind = (first..first.saturating_add(300)).rev().find(|number| anchor(image, self.block, *number).is_some());
        behind.map_or(self.end, |number| number.saturating_add(1).saturating_mul(self.block))
    }
}

/// The anchor in a block, if there is one: 16 bytes u32 and first block u32 of the descriptors, 24 the same of their copy.
fn anchor(image: Bytes<'_>, block: u64, number: u64) -> Option<Tag<'_>> {
    let bytes = Bytes(image.get(number.checked_mul(block)?, 512).ok()?);
    let tag = Tag::read(bytes)?;
    (tag.kind == ANCHOR && u64::from(tag.block) == number && tag.is_sound()).then_some(tag)
}

/// Bytes u32 and first block u32.
fn extent(bytes: Bytes<'_>, at: u64, block: u64) -> Result<Span, OutOfBounds> {
    let length = bytes.u32(at, Endian::Little)?.into();
    Ok(Span::new(u64::from(bytes.u32(at.saturating_add(4), Endian::Little)?).saturating_mul(block), length))
}

/// The newest descriptor of each kind, and where it stands.
#[derive(Debug, Default)]
struct Found<'a> {
    logical: Option<(u32, u64, Bytes<'a>)>,
    primary: bool,
    partitions: BTreeMap<u16, (u32, Span)>,
    /// Whether there are more descriptors than were read.
    more: bool,
}

impl<'a> Found<'a> {
    /// 16 number of the version u32 of the descriptor; of a pointer: 20 more descriptors; of a partition: 22 number u16, 188 first block u32,
    /// 192 blocks u32.
    fn read(image: Bytes<'a>, span: Span, block: u64) -> Self {
        let mut found = Self::default();
        let (mut at, mut end) = (span.start, span.end());
        for count in 0.. {
            let Some(tag) = image.part(Span::new(at, block)).ok().filter(|_| at < end).and_then(Tag::read) else { break };
            found.more = count == MOST;
            if u64::from(tag.block).saturating_mul(block) != at || !tag.is_sound() || found.more {
                break;
            }
            let word = |place| tag.bytes.u32(place, Endian::Little).unwrap_or(0);
            let version = word(16);
            match tag.kind {
                PRIMARY => found.primary = true,
                LOGICAL if found.logical.is_none_or(|(newest, _, _)| newest <= version) => found.logical = Some((version, at, tag.bytes)),
                PARTITION => {
                    let number = tag.bytes.u16(22, Endian::Little).unwrap_or(0);
                    let span = Span::new(u64::from(word(188)).saturating_mul(block), u64::from(word(192)).saturating_mul(block));
                    if found.partitions.get(&number).is_none_or(|(newest, _)| *newest <= version) {
                        found.partitions.insert(number, (version, span));
                    }
                }
                POINTER => {
                    let Ok(next) = extent(tag.bytes, 20, block) else { break };
                    (at, end) = (next.start, next.end());
                    continue;
                }
                END => break,
                _ => {}
            }
            at = at.saturating_add(block);
        }
        found
    }

    /// The logical volume: 84 name[128], its length last, 212 bytes of a block u32, 248 place of the files, 264 bytes of the list u32, 268
    /// partitions in it u32, 440 the list.
    fn volume(&self, block: u64) -> Option<Volume> {
        let (_, at, bytes) = self.logical?;
        let word = |place| bytes.u32(place, Endian::Little).ok();
        if u64::from(word(212)?) != block || !self.primary {
            return None;
        }
        let mut partitions = Vec::new();
        let mut list = Bytes(bytes.up_to(440, word(264)?.into()));
        for _ in 0..word(268)?.min(MOST) {
            let length = u64::from(list.u8(1).ok()?);
            partitions.push(self.partition(Bytes(list.get(0, length).ok()?))?);
            list = Bytes(list.tail(length.max(1)));
        }
        let more = [
            (self.more, "there are more descriptors than any volume has: the rest is not read"),
            (word(268)? > MOST, "there are more partitions than any volume has: the rest is not read"),
        ];
        let lacking = more.into_iter().filter_map(|(more, why)| more.then_some(why)).collect();
        let length = u64::from(bytes.u8(84 + 127).ok()?);
        let text = bytes
            .get(85, length.saturating_sub(1))
            .ok()
            .filter(|text| !text.is_empty() && bytes.u8(84) == Ok(8) && text.iter().all(|byte| matches!(byte, b' '..=b'~')));
        let name = text.map(|text| Span::new(at.saturating_add(85), crate::blob::to_u64(text.len())));
        let end = self.partitions.values().map(|(_, span)| span.end()).max()?;
        Some(Volume { block, partitions, files: long(bytes, 248).ok()?.1, name, lacking, end })
    }

    /// 0 kind u8, 1 length u8. Kind 1: 4 number u16. Kind 2: 5 what it is [23], 38 number u16; sparable: 40 blocks of a packet u16, 42 tables
    /// u8, 48 where they are u32 each; metadata: 40 and 44 blocks of the entries u32.
    fn partition(&self, bytes: Bytes<'_>) -> Option<Partition> {
        let word = |at| bytes.u32(at, Endian::Little);
        let number = bytes.u16(if bytes.u8(0) == Ok(1) { 4 } else { 38 }, Endian::Little).ok()?;
        let extent = self.partitions.get(&number).map(|(_, span)| *span)?;
        let map = match bytes.text(5, 23).unwrap_or_default() {
            _ if bytes.u8(0) == Ok(1) => Map::Plain,
            b"*UDF Virtual Partition" => Map::Virtual,
            b"*UDF Metadata Partition" => Map::Metadata([word(40).ok()?, word(44).ok()?]),
            b"*UDF Sparable Partition" => {
                let tables = u64::from(bytes.u8(42).ok()?.min(4));
                let tables = (0..tables).filter_map(|index| word(index.saturating_mul(4).saturating_add(48)).ok()).collect();
                Map::Sparable(bytes.u16(40, Endian::Little).ok()?.into(), tables)
            }
            _ => Map::Unknown,
        };
        Some(Partition { extent, map })
    }
}
