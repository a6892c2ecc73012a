//! The tree of an ADB file: words that are values, or say where they are.

use crate::blob::{Bytes, Endian, Span, to_u64};

/// The tree: u8 version 0, u8, u16, u32 the root; then all values. Places count from its start.
pub(super) struct Adb<'a> {
    tree: Bytes<'a>,
    start: u64,
}

/// A word: its four highest bits say what it is, the others are its value, or where that stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Value(u32);

/// An object or array: u32 how many slots, this one counted; slots.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slots {
    place: u64,
    pub(super) count: u32,
}

impl<'a> Adb<'a> {
    pub(super) fn new(bytes: Bytes<'a>, span: Span) -> Self {
        Self { tree: Bytes(bytes.up_to(span.start, span.length)), start: span.start }
    }

    pub(super) fn root(&self) -> Option<Slots> {
        let known = self.tree.u8(0) == Ok(0);
        self.slots(Value(self.tree.u32(4, Endian::Little).ok().filter(|_| known)?))
    }

    /// An object or array, all of whose slots are there.
    pub(super) fn slots(&self, value: Value) -> Option<Slots> {
        let (0xd | 0xe, place) = value.parts() else { return None };
        let count = self.tree.u32(place, Endian::Little).ok()?;
        let end = u64::from(count).saturating_mul(4).saturating_add(place);
        (count > 0 && end <= self.tree.len()).then_some(Slots { place, count })
    }

    /// The bytes of a blob, and where they stand in the file.
    pub(super) fn blob(&self, value: Value) -> Option<(Span, &'a [u8])> {
        let (kind, place) = value.parts();
        let (width, length) = match kind {
            0x8 => (1, u64::from(self.tree.u8(place).ok()?)),
            0x9 => (2, u64::from(self.tree.u16(place, Endian::Little).ok()?)),
            0xa => (4, u64::from(self.tree.u32(place, Endian::Little).ok()?)),
            _ => return None,
        };
        let start = place.saturating_add(width);
        let bytes = self.tree.get(start, length).ok()?;
        Some((Span::new(self.start.saturating_add(start), to_u64(bytes.len())), bytes))
    }

    /// The bytes of a blob; none if it is not there.
    pub(super) fn text(&self, value: Value) -> &'a [u8] {
        self.blob(value).map(|(_, bytes)| bytes).unwrap_or_default()
    }

    /// A number; 0 if it is not there.
    pub(super) fn number(&self, value: Value) -> u64 {
        let (kind, place) = value.parts();
        match kind {
            0x1 => place,
            0x2 => self.tree.u32(place, Endian::Little).map_or(0, u64::from),
            0x3 => self.tree.u64(place, Endian::Little).unwrap_or(0),
            _ => 0,
        }
    }
}

impl Value {
    fn parts(self) -> (u32, u64) {
        (self.0 >> 28, u64::from(self.0 & 0x0fff_ffff))
    }
}

impl Slots {
    /// The word in a slot; nothing in those that are not there.
    pub(super) fn slot(&self, adb: &Adb<'_>, index: u32) -> Value {
        let place = u64::from(index).saturating_mul(4).saturating_add(self.place);
        Value(if index < self.count { adb.tree.u32(place, Endian::Little).unwrap_or(0) } else { 0 })
    }
}
