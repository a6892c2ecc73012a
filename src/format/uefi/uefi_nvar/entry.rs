//! One entry of an NVAR store.

use crate::blob::{Bytes, Endian, Span};
use crate::format::guid::Guid;

/// An entry; numbers are little endian:
///
/// ```text
/// 0 "NVAR"   4 size u16, all of it   6 offset u24 of the entry that replaces it, from this one; all ones if none does   9 attributes:
///   2 the name is ASCII, not UTF-16   4 the GUID itself, not its number   8 no name, only data   10 an extended header   80 valid
/// a GUID or its number u8, name, data; its last two bytes are the size of the extended header, which ends there
/// ```
pub(super) struct Entry {
    pub(super) size: u64,
    pub(super) next: Option<u64>,
    pub(super) live: bool,
    /// None if it holds only data.
    pub(super) name: Option<Name>,
    pub(super) data: Span,
}

pub(super) struct Name {
    pub(super) text: Text,
    pub(super) guid: Owner,
}

pub(super) enum Text {
    Bytes(Vec<u8>),
    Wide(Vec<u16>),
}

pub(super) enum Owner {
    Here(Guid),
    Number(u8),
}

const HEADER: u64 = 10;
const NO_NEXT: u64 = 0xff_ffff;

impl Entry {
    pub(super) fn read(bytes: Bytes<'_>, start: u64) -> Option<Self> {
        let at = |offset: u64| start.saturating_add(offset);
        if !bytes.has(start, b"NVAR") {
            return None;
        }
        let size = u64::from(bytes.u16(at(4), Endian::Little).ok()?);
        let word = bytes.u32(at(6), Endian::Little).ok()?;
        let (next, attributes) = (u64::from(word & 0xff_ffff), word >> 24);
        let end = at(size);
        if size <= HEADER || end > bytes.len() {
            return None;
        }
        let extended = if attributes & 0x10 == 0 { 0 } else { u64::from(bytes.u16(end.saturating_sub(2), Endian::Little).ok()?) };
        let data_end = end.saturating_sub(extended).max(at(HEADER));
        let next = (next != NO_NEXT && next != 0).then_some(next);
        let live = attributes & 0x80 != 0;
        if attributes & 8 != 0 {
            return Some(Self { size, next, live, name: None, data: Span::between(at(HEADER), data_end) });
        }
        let (guid, name_start) = if attributes & 4 == 0 {
            (Owner::Number(bytes.u8(at(HEADER)).ok()?), at(HEADER + 1))
        } else {
            (Owner::Here(Guid::at(bytes, at(HEADER)).ok()?), at(HEADER + 16))
        };
        let field = Bytes(bytes.up_to(name_start, data_end.saturating_sub(name_start)));
        let named = if attributes & 2 == 0 { wide(field) } else { narrow(field) };
        // An entry that is no longer valid may have anything for a name.
        let Some((text, length)) = named else {
            return (!live).then_some(Self { size, next, live, name: None, data: Span::between(name_start, data_end) });
        };
        let data = Span::between(name_start.saturating_add(length), data_end);
        Some(Self { size, next, live, name: Some(Name { text, guid }), data })
    }
}

/// A name and its bytes, NUL included.
fn narrow(field: Bytes<'_>) -> Option<(Text, u64)> {
    let length = memchr::memchr(0, field.0)?;
    let text = field.0.get(..length)?;
    Some((Text::Bytes(text.to_vec()), crate::blob::to_u64(length).saturating_add(1)))
}

fn wide(field: Bytes<'_>) -> Option<(Text, u64)> {
    let units = field.0.as_chunks::<2>().0;
    let length = units.iter().position(|unit| *unit == [0, 0])?;
    let text = units.iter().take(length).map(|unit| u16::from_le_bytes(*unit)).collect();
    Some((Text::Wide(text), crate::blob::to_u64(length).saturating_add(1).saturating_mul(2)))
}
