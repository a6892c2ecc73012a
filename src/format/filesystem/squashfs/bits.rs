//! Fields that are not whole bytes. Versions 1 to 3 keep C bit fields as compilers of each byte order lay them out.

use crate::blob::{Bytes, Endian, OutOfBounds, to_u64};

/// A number of `width` bits that starts `bit` bits into a structure. Little-endian structures count from the lowest bit of their first
/// byte, big-endian ones from the highest.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    bit: u64,
    width: u64,
}

/// The field at `bit` of `width` bits.
pub(super) const fn field(bit: u64, width: u64) -> Field {
    Field { bit, width }
}

impl Field {
    /// Its value in the structure at the start of `bytes`.
    pub(super) fn read(self, bytes: Bytes<'_>, endian: Endian) -> Result<u64, OutOfBounds> {
        let inner = self.bit % 8;
        let used = inner.saturating_add(self.width);
        let bytes = bytes.get(self.bit / 8, used.div_ceil(8))?;
        let join = |value: u64, byte: &u8| (value << 8) | u64::from(*byte);
        let (value, below) = match endian {
            Endian::Little => (bytes.iter().rev().fold(0, join), inner),
            Endian::Big => (bytes.iter().fold(0, join), to_u64(bytes.len()).saturating_mul(8).saturating_sub(used)),
        };
        let mask = u64::MAX.checked_shr(u32::try_from(64_u64.saturating_sub(self.width)).unwrap_or(0)).unwrap_or(0);
        Ok((value >> below) & mask)
    }

    /// The same for fields of at most 32 bits.
    pub(super) fn word(self, bytes: Bytes<'_>, endian: Endian) -> Result<u32, OutOfBounds> {
        self.read(bytes, endian).map(|value| u32::try_from(value).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_counted_from_the_end_that_the_byte_order_begins_with() {
        let read = |at: Field, bytes: &[u8], endian| at.read(Bytes(bytes), endian).unwrap();
        // 19 bits 0x1_2345, then 13 bits 0x0abc.
        let little = ((0x0abc_u32 << 19) | 0x1_2345).to_le_bytes();
        let big = ((0x1_2345_u32 << 13) | 0x0abc).to_be_bytes();
        for (bytes, endian) in [(little, Endian::Little), (big, Endian::Big)] {
            assert_eq!(read(field(0, 19), &bytes, endian), 0x1_2345);
            assert_eq!(read(field(19, 13), &bytes, endian), 0x0abc);
        }
        assert_eq!(read(field(0, 64), &[1, 0, 0, 0, 0, 0, 0, 0x80], Endian::Little), 0x8000_0000_0000_0001);
        assert!(field(4, 64).read(Bytes(&[0; 8]), Endian::Big).is_err());
    }
}
