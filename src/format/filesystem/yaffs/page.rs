//! Pages and their tags.

use super::geometry::{Geometry, Place};
use crate::blob::{Bytes, Endian, OutOfBounds};

/// The uppermost folder.
pub(super) const ROOT: u32 = 1;
/// Folders of objects that were deleted.
pub(super) const UNLINKED: u32 = 3;
pub(super) const DELETED: u32 = 4;
/// Object numbers and page numbers are no higher.
pub(super) const MOST_OBJECTS: u32 = 0x3_ffff;
const MOST_PAGES: u32 = 0xf_ffff;

/// Sequence number of pages that hold a copy of what was in memory.
pub(super) const CHECKPOINT: u32 = 0x21;
const SEQUENCES: std::ops::RangeInclusive<u32> = 0x1000..=0xefff_ff00;

/// Set in the page number of tags that repeat what the object's page says; the object number has its type in the upper bits then.
const EXTRA: u32 = 0x8000_0000;
const OBJECT_OF_EXTRA: u32 = 0x0fff_ffff;

/// What the tags say of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tags {
    pub(super) object: u32,
    /// 0 for the page that begins an object, else the number of a page of its content.
    pub(super) page: u32,
    /// Bytes of the content in it.
    pub(super) length: u32,
    /// Blocks written later have higher ones. Version 1 has none.
    pub(super) sequence: u32,
}

/// One page of an image.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) start: u64,
    pub(super) end: u64,
    /// Whether it was never written.
    pub(super) blank: bool,
    pub(super) tags: Option<Tags>,
}

/// All pages.
pub(super) struct Pages<'b> {
    bytes: Bytes<'b>,
    geometry: Geometry,
    at: u64,
}

impl<'b> Pages<'b> {
    pub(super) fn new(bytes: Bytes<'b>, geometry: Geometry) -> Self {
        Self { bytes, geometry, at: 0 }
    }
}

impl Iterator for Pages<'_> {
    type Item = Page;

    fn next(&mut self) -> Option<Page> {
        let start = self.at;
        let end = start.saturating_add(self.geometry.page).saturating_add(self.geometry.spare);
        if end > self.bytes.len() {
            return None;
        }
        self.at = end;
        let blank = self.bytes.up_to(start, end.saturating_sub(start)).iter().all(|byte| *byte == 0xff);
        Some(Page { start, end, blank, tags: read(self.bytes, start, &self.geometry) })
    }
}

/// The tags of the page at `start`, if there are any that make sense.
pub(super) fn read(bytes: Bytes<'_>, start: u64, geometry: &Geometry) -> Option<Tags> {
    let behind = start.saturating_add(geometry.page);
    let tags = match geometry.place {
        Place::Scattered => scattered(bytes, behind, geometry.endian).ok()??,
        Place::Spare(offset) => packed(bytes, behind.saturating_add(offset), geometry.endian).ok()?,
        Place::Inband => packed(bytes, behind.saturating_sub(Geometry::TAGS), geometry.endian).ok()?,
    };
    let known = (1..=MOST_OBJECTS).contains(&tags.object) && tags.page <= MOST_PAGES;
    let sequence = tags.sequence == CHECKPOINT || SEQUENCES.contains(&tags.sequence) || geometry.place == Place::Scattered;
    let sound = match tags.page {
        _ if tags.sequence == CHECKPOINT && geometry.place != Place::Scattered => true,
        0 => bytes.u32(start, geometry.endian).is_ok_and(|kind| (1..=5).contains(&kind)) && bytes.has(start.saturating_add(8), &[0xff; 2]),
        _ => u64::from(tags.length) <= geometry.data(),
    };
    Some(tags).filter(|_| known && sequence && sound)
}

/// Version 2: `u32` sequence number, object, page and length.
fn packed(bytes: Bytes<'_>, at: u64, endian: Endian) -> Result<Tags, OutOfBounds> {
    let word = |field: u64| bytes.u32(at.saturating_add(field), endian);
    let (sequence, object, page, length) = (word(0)?, word(4)?, word(8)?, word(12)?);
    if sequence != CHECKPOINT && page & EXTRA != 0 {
        return Ok(Tags { object: object & OBJECT_OF_EXTRA, page: 0, length: 0, sequence });
    }
    Ok(Tags { object, page, length, sequence })
}

/// Version 1: eight bytes of tags between the others of a spare area of 16. Byte 4 loses its bits when the page is deleted.
///
/// ```text
/// page 20 bits   serial 2   length, lower 10   object 18   ecc 12   length, upper 2
/// ```
fn scattered(bytes: Bytes<'_>, at: u64, endian: Endian) -> Result<Option<Tags>, OutOfBounds> {
    let [a, b, c, d, status, _, e, f, _, _, _, g, h, ..] = bytes.array::<16>(at)?;
    let raw = [a, b, c, d, e, f, g, h];
    if status.count_ones() < 7 || raw == [0xff; 8] {
        return Ok(None);
    }
    let word = |value: u64, shift: u32, width: u32| u32::try_from((value >> shift) & ((1_u64 << width).saturating_sub(1))).unwrap_or(0);
    let (page, low, object, high) = match endian {
        Endian::Little => {
            let value = u64::from_le_bytes(raw);
            (word(value, 0, 20), word(value, 22, 10), word(value, 32, 18), word(value, 62, 2))
        }
        Endian::Big => {
            let value = u64::from_be_bytes(raw);
            (word(value, 44, 20), word(value, 32, 10), word(value, 14, 18), word(value, 0, 2))
        }
    };
    // Images of old tools leave the upper bits as erased flash has them.
    let length = if high == 3 { low } else { low | (high << 10) };
    Ok(Some(Tags { object, page, length, sequence: 0 }))
}
