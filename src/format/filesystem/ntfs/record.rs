//! Records of the master file table: one for each file, or more if its attributes need them.

use super::attribute::Attribute;
use super::boot::Boot;
use crate::blob::{Bytes, Endian, to_usize};
use crate::format::calendar::file_time;
use crate::format::utf16_part_text;
use crate::problem::Fault;

/// The lower 48 bits of a reference are the number of a record, the others say how often it was used before.
pub(super) const NUMBER: u64 = 0xffff_ffff_ffff;

/// A name of a file, and the number of the folder that it has it in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) parent: u64,
    pub(super) text: String,
    /// Whether it is one of 8.3 letters that only stands beside another.
    pub(super) short: bool,
}

/// What one record says:
///
/// ```text
///  0 "FILE"   4 where the fixups stand u16   6 how many u16   20 first attribute u16   22 flags u16 (1: in use, 2: folder)
/// 24 bytes in use u32   32 record that this one goes on with u64
/// ```
#[derive(Debug, Default)]
pub(super) struct Record {
    /// Whether it is a folder.
    pub(super) folder: bool,
    /// The number of the record that this one goes on with.
    pub(super) base: Option<u64>,
    /// Names.
    pub(super) names: Vec<Name>,
    /// Streams and reparse points.
    pub(super) attributes: Vec<Attribute>,
    /// Last change.
    pub(super) modified: Option<i64>,
}

/// The bytes of the record at `at`, as they were before they were written: the last two of each 512 stand in the fixups, and in their place
/// a number that is the same in all of them.
pub(super) fn bytes(image: Bytes<'_>, at: u64, boot: &Boot) -> Result<Vec<u8>, Fault> {
    let mut record = image.get(at, boot.record)?.to_vec();
    if !record.starts_with(b"FILE") {
        return Err(Fault::corrupt("a record of the table is none"));
    }
    let raw = Bytes(image.get(at, boot.record)?);
    let (fixups, count) = (u64::from(raw.u16(4, Endian::Little)?), u64::from(raw.u16(6, Endian::Little)?));
    let mark = raw.get(fixups, 2)?;
    let mut torn = false;
    for index in 1..count {
        let place = to_usize(index.saturating_mul(512).saturating_sub(2));
        let right: [u8; 2] = raw.array(fixups.saturating_add(index.saturating_mul(2)))?;
        let Some(wrong) = record.get_mut(place..place.saturating_add(2)) else { break };
        torn |= *wrong != *mark;
        wrong.copy_from_slice(&right);
    }
    if torn { Err(Fault::corrupt("a record of the table was only written in part")) } else { Ok(record) }
}

impl Record {
    /// Reads a record; none if it is not in use.
    pub(super) fn read(bytes: Bytes<'_>, at: u64) -> Option<Self> {
        let flags = bytes.u16(22, Endian::Little).ok()?;
        if flags & 1 == 0 {
            return None;
        }
        let base = bytes.u64(32, Endian::Little).ok()?;
        let mut record = Self { folder: flags & 2 != 0, base: (base != 0).then_some(base & NUMBER), ..Self::default() };
        let mut place = u64::from(bytes.u16(20, Endian::Little).ok()?);
        while let (Ok(kind), Ok(length)) = (bytes.u32(place, Endian::Little), bytes.u32(place.saturating_add(4), Endian::Little)) {
            if kind == u32::MAX || length < 16 {
                break;
            }
            let Ok(attribute) = bytes.get(place, length.into()) else { break };
            record.attribute(kind, Bytes(attribute), at, place);
            place = place.saturating_add(length.into());
        }
        Some(record)
    }

    fn attribute(&mut self, kind: u32, bytes: Bytes<'_>, record: u64, at: u64) {
        let Some(attribute) = Attribute::read(kind, bytes, record, at) else { return };
        let value = attribute.value(bytes);
        match kind {
            // $STANDARD_INFORMATION
            0x10 => self.modified = value.u64(8, Endian::Little).ok().and_then(file_time),
            // $FILE_NAME: 0 folder u64   64 letters u8   65 kind u8 (2: for DOS)   66 name
            0x30 => self.names.extend(name(value)),
            // $DATA, $REPARSE_POINT
            0x80 | 0xc0 => self.attributes.push(attribute),
            _ => {}
        }
    }
}

fn name(value: Bytes<'_>) -> Option<Name> {
    let length = u64::from(value.u8(64).ok()?);
    let units = value.get(66, length.saturating_mul(2)).ok()?;
    Some(Name {
        parent: value.u64(0, Endian::Little).ok()? & NUMBER,
        text: utf16_part_text(units.chunks_exact(2).map(|unit| Bytes(unit).u16(0, Endian::Little).unwrap_or(0))),
        short: value.u8(65).ok()? == 2,
    })
}
