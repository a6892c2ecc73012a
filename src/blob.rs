//! Immutable bytes with checked reads, carved without copying.

use std::sync::Arc;

use crate::limits::Lease;

/// A run of bytes, relative to byte 0 of the artifact that it is in. Both fields count bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u64,
    /// Number of bytes.
    pub length: u64,
}

impl Span {
    /// The span of `length` bytes from `start`.
    pub const fn new(start: u64, length: u64) -> Self {
        Self { start, length }
    }

    /// The span from `start` up to, not including, `end`; empty if `end` lies before `start`.
    pub const fn between(start: u64, end: u64) -> Self {
        Self { start, length: end.saturating_sub(start) }
    }

    /// Offset of the first byte after the span.
    pub const fn end(&self) -> u64 {
        self.start.saturating_add(self.length)
    }
}

/// A read went past the end of what there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{length} bytes wanted at {start:#x}, of {available} there are")]
pub struct OutOfBounds {
    /// Offset of the read.
    pub start: u64,
    /// Bytes wanted.
    pub length: u64,
    /// Bytes there are in all.
    pub available: u64,
}

/// Byte order of a number or of a whole image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Endian {
    /// Least significant byte first.
    Little,
    /// Most significant byte first.
    Big,
}

/// A length or offset as a number that fits memory: what does not fit is more than there can be.
pub fn to_usize(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

/// A length in memory as a number of the image.
pub fn to_u64(value: usize) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}

struct Backing {
    bytes: Vec<u8>,
    // Held, not read: dropping it gives the bytes back to the budget.
    _lease: Option<Lease>,
}

/// Immutable bytes, shared: cloning and carving cost nothing.
#[derive(Clone)]
pub struct Blob {
    backing: Arc<Backing>,
    span: Span,
}

impl Blob {
    /// A blob of `bytes` that nobody pays for: the input.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self::with_lease(bytes, None)
    }

    pub(crate) fn with_lease(bytes: Vec<u8>, lease: Option<Lease>) -> Self {
        let span = Span::new(0, to_u64(bytes.len()));
        Self { backing: Arc::new(Backing { bytes, _lease: lease }), span }
    }

    /// Number of bytes.
    pub fn len(&self) -> u64 {
        self.span.length
    }

    /// Whether there is not one byte.
    pub fn is_empty(&self) -> bool {
        self.span.length == 0
    }

    /// All bytes.
    pub fn as_slice(&self) -> &[u8] {
        let (start, end) = (to_usize(self.span.start), to_usize(self.span.end()));
        self.backing.bytes.get(start..end).unwrap_or_default()
    }

    /// All bytes, for checked reads.
    pub fn bytes(&self) -> Bytes<'_> {
        Bytes(self.as_slice())
    }

    /// The part of this blob that `span` names, sharing its bytes.
    ///
    /// # Errors
    /// If the span is not wholly inside.
    pub fn carve(&self, span: Span) -> Result<Self, OutOfBounds> {
        if span.start > self.len() || span.length > self.len().saturating_sub(span.start) {
            return Err(OutOfBounds { start: span.start, length: span.length, available: self.len() });
        }
        let span = Span::new(self.span.start.saturating_add(span.start), span.length);
        Ok(Self { backing: Arc::clone(&self.backing), span })
    }
}

/// Borrowed bytes whose every read is checked. Offsets count from its own byte 0.
#[derive(Debug, Clone, Copy)]
pub struct Bytes<'a>(pub &'a [u8]);

macro_rules! number {
    ($name:ident, $type:ty, $size:literal) => {
        /// The unsigned number of this width at `start`.
        ///
        /// # Errors
        /// If it does not lie wholly inside.
        pub fn $name(self, start: u64, endian: Endian) -> Result<$type, OutOfBounds> {
            let bytes: [u8; $size] = self.array(start)?;
            Ok(match endian {
                Endian::Little => <$type>::from_le_bytes(bytes),
                Endian::Big => <$type>::from_be_bytes(bytes),
            })
        }
    };
}

impl<'a> Bytes<'a> {
    number!(u16, u16, 2);
    number!(u32, u32, 4);
    number!(u64, u64, 8);

    /// Number of bytes.
    pub fn len(self) -> u64 {
        to_u64(self.0.len())
    }

    /// Whether there is not one byte.
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The byte at `start`.
    ///
    /// # Errors
    /// If there is none.
    pub fn u8(self, start: u64) -> Result<u8, OutOfBounds> {
        let [byte] = self.array(start)?;
        Ok(byte)
    }

    /// `length` bytes from `start`.
    ///
    /// # Errors
    /// If they are not all there.
    pub fn get(self, start: u64, length: u64) -> Result<&'a [u8], OutOfBounds> {
        let end = start.saturating_add(length);
        self.0.get(to_usize(start)..to_usize(end)).ok_or(OutOfBounds { start, length, available: self.len() })
    }

    /// `N` bytes from `start`, by value.
    ///
    /// # Errors
    /// If they are not all there.
    pub fn array<const N: usize>(self, start: u64) -> Result<[u8; N], OutOfBounds> {
        let slice = self.get(start, to_u64(N))?;
        slice.try_into().map_err(|_| OutOfBounds { start, length: to_u64(N), available: self.len() })
    }

    /// The part that `span` names.
    ///
    /// # Errors
    /// If it is not wholly inside.
    pub fn part(self, span: Span) -> Result<Bytes<'a>, OutOfBounds> {
        self.get(span.start, span.length).map(Bytes)
    }

    /// At most `length` bytes from `start`: fewer, or none, where the bytes end before.
    pub fn up_to(self, start: u64, length: u64) -> &'a [u8] {
        let end = start.saturating_add(length).min(self.len());
        self.0.get(to_usize(start)..to_usize(end)).unwrap_or_default()
    }

    /// Everything from `start` on; nothing if that is past the end.
    pub fn tail(self, start: u64) -> &'a [u8] {
        self.0.get(to_usize(start)..).unwrap_or_default()
    }

    /// Whether `what` stands at `start`.
    pub fn has(self, start: u64, what: &[u8]) -> bool {
        self.get(start, to_u64(what.len())).is_ok_and(|found| found == what)
    }

    /// The bytes of a field of `length` bytes at `start`, up to its first NUL.
    ///
    /// # Errors
    /// If the field is not wholly inside.
    pub fn text(self, start: u64, length: u64) -> Result<&'a [u8], OutOfBounds> {
        let field = self.get(start, length)?;
        Ok(field.split(|byte| *byte == 0).next().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carving_shares_and_checks() {
        let blob = Blob::new(vec![1, 2, 3, 4, 5]);
        let part = blob.carve(Span::new(1, 3)).unwrap();
        assert_eq!(part.as_slice(), [2, 3, 4]);
        assert_eq!(part.carve(Span::new(1, 1)).unwrap().as_slice(), [3]);
        assert!(part.carve(Span::new(1, 3)).is_err());
        assert!(part.carve(Span::new(u64::MAX, u64::MAX)).is_err());
        assert!(part.carve(Span::new(3, 0)).unwrap().is_empty());
    }

    #[test]
    fn reads_are_checked() {
        let bytes = Bytes(&[0x12, 0x34, 0x56, 0x78]);
        assert_eq!(bytes.u16(0, Endian::Big), Ok(0x1234));
        assert_eq!(bytes.u32(0, Endian::Little), Ok(0x7856_3412));
        assert!(bytes.u32(1, Endian::Little).is_err());
        assert!(bytes.u64(u64::MAX, Endian::Little).is_err());
        assert_eq!(bytes.up_to(2, 100), [0x56, 0x78]);
        assert!(bytes.tail(9).is_empty());
        assert_eq!(Bytes(b"ab\0c").text(0, 4).unwrap(), b"ab");
    }
}
