//! Attributes of a file: all that is known of it, its bytes among them.

use crate::blob::{Bytes, Endian, Span};
use crate::format::utf16_part_text;

/// Clusters in a row: the first, if they are not a hole, and how many.
pub(super) type Run = (Option<u64>, u64);

/// One attribute, or a part of one:
///
/// ```text
///  0 kind u32   4 bytes u32   8 whether it stands elsewhere u8   9 letters of its name u8   10 where its name stands u16
/// 12 flags u16 (1: compressed, 4000: encrypted, 8000: sparse)
/// here:      16 bytes of the value u32   20 where it stands u16
/// elsewhere: 16 first cluster of this part u64   32 where the runs stand u16   34 log2 of the clusters that are compressed together u16
///            48 bytes of the value u64   56 bytes that were ever written u64
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attribute {
    /// What it is.
    pub(super) kind: u32,
    /// Its name; empty for the bytes of a file.
    pub(super) name: String,
    /// Whether it is compressed.
    pub(super) compressed: bool,
    /// Whether it is encrypted.
    pub(super) encrypted: bool,
    /// Where its value stands.
    pub(super) place: Place,
}

/// A value in a record of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Here {
    /// Where the record stands.
    pub(super) record: u64,
    /// Where the value stands in it.
    pub(super) span: Span,
}

/// Where the value of an attribute stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// Beside it.
    Here(Here),
    /// In clusters.
    Runs {
        /// First cluster of this part, counted in the value.
        first: u64,
        runs: Vec<Run>,
        /// Clusters that are compressed together.
        unit: u64,
        /// Bytes of the value, in the first part.
        size: u64,
        /// Bytes that were ever written.
        written: u64,
    },
}

impl Attribute {
    /// Reads the attribute that stands `at` bytes into the record at `record`.
    pub(super) fn read(kind: u32, bytes: Bytes<'_>, record: u64, at: u64) -> Option<Self> {
        let half = |at| bytes.u16(at, Endian::Little).ok();
        let flags = half(12)?;
        let units = bytes.get(half(10)?.into(), u64::from(bytes.u8(9).ok()?).saturating_mul(2)).ok()?;
        let name = utf16_part_text(units.chunks_exact(2).map(|unit| Bytes(unit).u16(0, Endian::Little).unwrap_or(0)));
        let place = if bytes.u8(8).ok()? == 0 {
            let span = Span::new(at.saturating_add(half(20)?.into()), bytes.u32(16, Endian::Little).ok()?.into());
            Place::Here(Here { record, span })
        } else {
            let long = |at| bytes.u64(at, Endian::Little).ok();
            let (size, written) = (long(48).unwrap_or(0), long(56).unwrap_or(0));
            let unit = 1_u64.checked_shl(half(34)?.into()).filter(|unit| *unit <= 64)?;
            Place::Runs { first: long(16)?, runs: runs(Bytes(bytes.tail(half(32)?.into()))), unit, size, written }
        };
        Some(Self { kind, name, compressed: flags & 0xff != 0, encrypted: flags & 0x4000 != 0, place })
    }

    /// The value of an attribute whose bytes are `bytes`; nothing if it stands elsewhere.
    pub(super) fn value<'a>(&self, bytes: Bytes<'a>) -> Bytes<'a> {
        let length = bytes.u32(16, Endian::Little).unwrap_or(0);
        let start = bytes.u16(20, Endian::Little).unwrap_or(0);
        match self.place {
            Place::Here(_) => Bytes(bytes.up_to(start.into(), length.into())),
            Place::Runs { .. } => Bytes(&[]),
        }
    }
}

/// Runs: a byte with the bytes of two numbers (how many clusters in its lower half, in its upper how far from the first of the last run),
/// then these. No second number: a hole. A byte 0 ends it.
fn runs(bytes: Bytes<'_>) -> Vec<Run> {
    let (mut runs, mut at, mut cluster) = (Vec::new(), 0_u64, 0_u64);
    while let Ok(sizes @ 1..) = bytes.u8(at) {
        let (few, far) = (u64::from(sizes & 0xf), u64::from(sizes >> 4));
        let (count, move_at) = (bytes.up_to(at.saturating_add(1), few), at.saturating_add(1).saturating_add(few));
        let Ok(distance) = bytes.get(move_at, far) else { break };
        let count = number(count, false);
        cluster = cluster.wrapping_add(number(distance, true));
        runs.push(((far > 0).then_some(cluster), count));
        at = move_at.saturating_add(far);
    }
    runs
}

/// A little-endian number of up to eight bytes.
fn number(bytes: &[u8], signed: bool) -> u64 {
    let negative = signed && bytes.last().is_some_and(|last| last & 0x80 != 0);
    let mut eight = [if negative { 0xff } else { 0 }; 8];
    eight.iter_mut().zip(bytes).for_each(|(place, byte)| *place = *byte);
    u64::from_le_bytes(eight)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_go_forth_and_back_and_leave_holes() {
        let bytes = [0x21, 0x18, 0x34, 0x56, 0x11, 0x10, 0xf0, 0x01, 0x08, 0x00, 0xff];
        assert_eq!(runs(Bytes(&bytes)), [(Some(0x5634), 0x18), (Some(0x5624), 0x10), (None, 8)]);
        assert_eq!(runs(Bytes(&bytes[..3])), []);
    }
}
