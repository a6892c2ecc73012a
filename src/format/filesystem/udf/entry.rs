//! Entries of files: what they are and where their content is.

use super::descriptor::{Place, Tag, long};
use super::space::Space;
use crate::blob::{Bytes, Endian, Span};
use crate::format::calendar::seconds_since_1970;
use crate::format::extents::Extents;
use crate::limits::{Effort, Exceeded, Output};
use crate::problem::Fault;

/// More pieces than these are written in one row of blocks of descriptors.
const MOST_CONTINUATIONS: u32 = 4096;
/// What it costs to know of one piece.
const PIECE: u64 = 24;

/// An entry, in the older or the newer (extended) layout:
///
/// ```text
/// 20 strategy u16   27 kind u8   34 flags u16   36 owner u32   40 group u32   44 permissions u32   56 size u64
///  84 or 92 time of change   168 or 208 bytes of attributes u32   172 or 212 bytes of places u32   176 or 216 attributes, then places
/// ```
#[derive(Debug, Clone)]
pub(super) struct Entry<'a> {
    /// What it is: 4 folder, 5 file, 6, 7, 9, 10 special, 12 link, 248 table of virtual blocks, 250 file of metadata.
    pub(super) kind: u8,
    /// Whether it may be followed by a newer one.
    pub(super) chained: bool,
    /// Bytes of content.
    pub(super) size: u64,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) modified: Option<i64>,
    /// Major and minor number of a device.
    pub(super) device: (u32, u32),
    flags: u16,
    permissions: u32,
    /// The partition that short places are in.
    partition: u16,
    /// The places, and where they begin in the entry.
    places: Bytes<'a>,
    places_at: u64,
}

/// Where the content of a file is.
#[derive(Debug, Clone)]
pub(super) enum Content {
    /// In the entry.
    Inside(Span),
    /// In blocks; and what is wrong with what says where.
    Extents(Extents, Option<Fault>),
}

impl<'a> Entry<'a> {
    /// The entry of a descriptor, which must be one. `partition` is the one that it was found in.
    pub(super) fn read(tag: Tag<'a>, partition: u16) -> Option<Self> {
        let bytes = tag.bytes;
        let (time, lengths) = match tag.kind {
            261 => (84, 168),
            266 => (92, 208),
            _ => return None,
        };
        let word = |at| bytes.u32(at, Endian::Little).ok();
        let attributes = u64::from(word(lengths)?);
        let start = lengths.saturating_add(8);
        let places_at = start.saturating_add(attributes);
        Some(Self {
            kind: bytes.u8(27).ok()?,
            chained: bytes.u16(20, Endian::Little).ok()? == 4096,
            size: bytes.u64(56, Endian::Little).ok()?,
            uid: word(36)?,
            gid: word(40)?,
            modified: moment(bytes, time),
            device: device(Bytes(bytes.up_to(start, attributes))),
            flags: bytes.u16(34, Endian::Little).ok()?,
            permissions: word(44)?,
            partition,
            places: Bytes(bytes.get(places_at, word(lengths.saturating_add(4))?.into()).ok()?),
            places_at,
        })
    }

    /// The mode as `st_mode` has it: permissions come in five bits for others, group and owner.
    pub(super) fn mode(&self) -> u32 {
        let kind = match self.kind {
            4 => 0o040_000,
            6 => 0o060_000,
            7 => 0o020_000,
            9 => 0o010_000,
            10 => 0o140_000,
            12 => 0o120_000,
            _ => 0o100_000,
        };
        let bits = |shift: u32| self.permissions >> shift & 7;
        let special = [(0x40, 0o4000), (0x80, 0o2000), (0x100, 0o1000)];
        let special = special.into_iter().filter(|(flag, _)| self.flags & flag != 0).fold(0, |mode, (_, bit)| mode | bit);
        kind | special | bits(10) << 6 | bits(5) << 3 | bits(0)
    }
}

impl Space {
    /// Where the content of the entry at `at` of the image is.
    ///
    /// # Errors
    /// If a limit is reached.
    pub(super) fn content(&self, image: Bytes<'_>, entry: &Entry<'_>, at: u64, effort: &mut Effort<'_>) -> Result<Content, Exceeded> {
        if entry.flags & 7 == 3 {
            return Ok(Content::Inside(Span::new(at.saturating_add(entry.places_at), entry.size.min(entry.places.len()))));
        }
        let mut extents = Extents::default();
        let mut places = entry.places;
        for _ in 0..MOST_CONTINUATIONS {
            effort.spend(places.len().max(self.block))?;
            let next = match self.places(places, entry, &mut extents, effort) {
                Ok(None) => return Ok(Content::Extents(extents, None)),
                Ok(Some(next)) => next,
                Err(Fault::Exceeded(limit)) => return Err(limit),
                Err(fault) => return Ok(Content::Extents(extents, Some(fault))),
            };
            // More places: 20 bytes u32, 24 places.
            let more = self.at(next).and_then(|at| Tag::read(Bytes(image.get(at, self.block).ok()?))).filter(|tag| tag.kind == 258);
            let length = more.and_then(|tag| tag.bytes.u32(20, Endian::Little).ok());
            let (Some(more), Some(length)) = (more, length) else {
                return Ok(Content::Extents(extents, Some(Fault::corrupt("more of its places are not where they should be"))));
            };
            places = Bytes(more.bytes.up_to(24, length.into()));
        }
        Ok(Content::Extents(extents, Some(Fault::corrupt("its places never end"))))
    }

    /// Adds all places of a row; returns where the next row is. A place: bytes u32, in whose upper two bits 0 stands for written, 1 and 2 for
    /// never written, 3 for more places; then block u32, and in long ones partition u16. The longest ones have 8 bytes between.
    fn places(&self, row: Bytes<'_>, entry: &Entry<'_>, extents: &mut Extents, effort: &mut Effort<'_>) -> Result<Option<Place>, Fault> {
        let step = match entry.flags & 7 {
            0 => 8,
            1 => 16,
            _ => 20,
        };
        for bytes in row.0.chunks_exact(step).map(Bytes) {
            let word = bytes.u32(0, Endian::Little)?;
            let place = match step {
                8 => (entry.partition, bytes.u32(4, Endian::Little)?),
                16 => long(bytes, 0)?.1,
                _ => (bytes.u16(16, Endian::Little)?, bytes.u32(12, Endian::Little)?),
            };
            let length = u64::from(word & 0x3fff_ffff);
            match word >> 30 {
                // What is behind the end of the file is not needed.
                _ if length == 0 || extents.length() >= entry.size => return Ok(None),
                0 => {
                    // Each block may be a piece of its own.
                    effort.spend(length.div_ceil(self.block).saturating_mul(PIECE))?;
                    self.add(place, length, extents).ok_or_else(|| Fault::corrupt(format!("there is no block {place:?}")))?;
                }
                3 => return Ok(Some(place)),
                _ => extents.hole(length),
            }
        }
        Ok(None)
    }
}

impl Content {
    /// Appends the first `size` bytes to `output`.
    ///
    /// # Errors
    /// If a limit is reached, or not all of it is there.
    pub(super) fn read(&self, image: Bytes<'_>, size: u64, output: &mut Output<'_>) -> Result<(), Fault> {
        let (found, told) = match self {
            Self::Inside(span) => {
                output.push(image.up_to(span.start, span.length.min(size)))?;
                ((span.length < size).then(|| Fault::corrupt("its content is cut off")), None)
            }
            Self::Extents(extents, fault) => (extents.read(image, size, output)?, fault.clone()),
        };
        told.or(found).map_or(Ok(()), Err)
    }

    /// The one place where all of it stands, if there is one.
    pub(super) fn whole(&self, size: u64) -> Option<Span> {
        match self {
            Self::Inside(span) => (span.length == size).then_some(*span),
            Self::Extents(extents, fault) => extents.whole(size).filter(|_| fault.is_none()),
        }
    }
}

/// A time: 0 zone u16 (minutes in the lower 12 bits, signed), 2 year i16, 4 month, day, hour, minute, second.
fn moment(bytes: Bytes<'_>, at: u64) -> Option<i64> {
    let [zone, zone_high, year, year_high, month, day, hour, minute, second] = bytes.array(at).ok()?;
    let zone = i64::from(i16::from_le_bytes([zone, zone_high]).wrapping_shl(4) >> 4);
    let date = [i16::from_le_bytes([year, year_high]).into(), month.into(), day.into()];
    let zone = if (-1440..=1440).contains(&zone) { zone } else { 0 };
    let seconds = seconds_since_1970(date, [hour.into(), minute.into(), second.into()])?;
    Some(seconds.saturating_sub(zone.saturating_mul(60)))
}

/// The numbers of a device, from the attributes: a header of 24 bytes, then for each 0 kind u32 (12), 8 bytes u32, 16 major u32, 20 minor u32.
fn device(attributes: Bytes<'_>) -> (u32, u32) {
    let mut at = 24_u64;
    while let (Ok(kind), Ok(length)) =
        (attributes.u32(at, Endian::Little), attributes.u32(at.saturating_add(8), Endian::Little).map(u64::from))
    {
        let word = |place: u64| attributes.u32(at.saturating_add(place), Endian::Little).unwrap_or(0);
        if kind == 12 {
            return (word(16), word(20));
        }
        at = at.saturating_add(length.max(12));
    }
    (0, 0)
}
