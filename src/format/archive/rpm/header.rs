//! The lead of a package, and the two structures of tags behind it.

use crate::blob::{Bytes, Endian, Span};
use crate::problem::Rejected;

/// What is left of the first header that RPM had; all numbers big endian:
///
/// ```text
///  0 magic ed ab ee db   4 major u8, minor u8   6 type u16: 0 binary, 1 source   8 architecture u16   10 name[66]
/// 76 operating system u16   78 type of signature u16: 5   80 reserved[16]
/// ```
pub(super) struct Lead;

impl Lead {
    pub(super) const LENGTH: u64 = 96;

    pub(super) fn check(bytes: Bytes<'_>) -> Result<(), Rejected> {
        let fits = matches!(bytes.u8(4)?, 3 | 4)
            && matches!(bytes.u16(6, Endian::Big)?, 0 | 1)
            && bytes.u16(78, Endian::Big)? == 5
            && bytes.get(10, 66)?.contains(&0);
        if fits { Ok(()) } else { Err(Rejected("lead")) }
    }
}

/// A structure of tags; all numbers big endian:
///
/// ```text
///  0 magic 8e ad e8, version 1   4 reserved u32   8 number of entries u32   12 size of the store u32
/// 16 entries of 16 bytes: tag u32, type u32, offset in the store u32, count u32; then the store
/// ```
pub(super) struct Header {
    start: u64,
    entries: u64,
    store: u64,
    pub(super) end: u64,
}

const MAGIC: &[u8] = &[0x8e, 0xad, 0xe8, 1];

/// Entries of the header, and bytes of the store, that rpm itself takes. Signatures have few.
pub(super) const MOST_ENTRIES: u64 = 0xffff;
pub(super) const MOST_OF_SIGNATURE: u64 = 64;
const LARGEST_STORE: u64 = 0x0fff_ffff;

/// Types of values.
const INT32: u32 = 4;
const INT64: u32 = 5;
const STRING: u32 = 6;
const STRINGS: u32 = 8;
const I18N_STRINGS: u32 = 9;

/// Tags of a signature that count the bytes of header and payload, in 64 and in 32 bits.
const LONG_SIZE: u32 = 270;
const SIZE: u32 = 1000;

impl Header {
    pub(super) fn read(bytes: Bytes<'_>, start: u64, most: u64) -> Result<Self, Rejected> {
        let word = |at: u64| bytes.u32(start.saturating_add(at), Endian::Big);
        let (entries, size) = (u64::from(word(8)?), u64::from(word(12)?));
        if !bytes.has(start, MAGIC) || word(4)? != 0 || !(1..=most).contains(&entries) || size > LARGEST_STORE {
            return Err(Rejected("header"));
        }
        let store = start.saturating_add(16).saturating_add(entries.saturating_mul(16));
        Ok(Self { start, entries, store, end: store.saturating_add(size) })
    }

    pub(super) fn span(&self) -> Span {
        Span::between(self.start, self.end)
    }

    /// Type, and place in the bytes, of the value of `tag`.
    fn value(&self, bytes: Bytes<'_>, tag: u32) -> Option<(u32, u64)> {
        (0..self.entries).find_map(|index| {
            let at = self.start.saturating_add(16).saturating_add(index.saturating_mul(16));
            let word = |offset: u64| bytes.u32(at.saturating_add(offset), Endian::Big).ok();
            (word(0)? == tag).then_some((word(4)?, self.store.saturating_add(word(8)?.into())))
        })
    }

    /// Where the text, or the first of several texts, of `tag` stands.
    pub(super) fn text(&self, bytes: Bytes<'_>, tag: u32) -> Option<Span> {
        let (kind, start) = self.value(bytes, tag)?;
        let store = Bytes(bytes.up_to(0, self.end));
        let text = Bytes(store.tail(start));
        matches!(kind, STRING | STRINGS | I18N_STRINGS)
            .then(|| Span::new(start, text.text(0, text.len()).map_or(0, crate::format::length_of)))
    }

    /// The first number of `tag`.
    pub(super) fn number(&self, bytes: Bytes<'_>, tag: u32) -> Option<u64> {
        match self.value(bytes, tag)? {
            (INT32, start) => bytes.u32(start, Endian::Big).ok().map(u64::from),
            (INT64, start) => bytes.u64(start, Endian::Big).ok(),
            _ => None,
        }
    }

    /// Of a signature: how many bytes follow it.
    pub(super) fn signed_length(&self, bytes: Bytes<'_>) -> Option<u64> {
        self.number(bytes, LONG_SIZE).or_else(|| self.number(bytes, SIZE))
    }
}
