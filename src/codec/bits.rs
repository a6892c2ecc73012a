//! Bits out of bytes, in the orders that compressed data has them in.

use crate::blob::{Bytes, to_u64};
use crate::problem::Fault;

/// Where the bits of a stream stand in its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// The highest bit of each byte first.
    Bytes,
    /// The highest bit of each 16-bit word first; words are little endian.
    Words,
    /// The lowest bit of each byte first.
    Lowest,
}

/// Bits that a decoder may look at behind the end: codes are looked up by more bits than they have.
const SLACK: u64 = 64;

/// Reads bits from the start of some bytes.
#[derive(Debug, Clone)]
pub(super) struct Bits<'a> {
    input: Bytes<'a>,
    order: Order,
    at: u64,
    /// The next bits, the first one highest.
    buffer: u64,
    left: u32,
    beyond: u64,
}

impl<'a> Bits<'a> {
    pub(super) fn new(input: &'a [u8], order: Order) -> Self {
        Self { input: Bytes(input), order, at: 0, buffer: 0, left: 0, beyond: 0 }
    }

    fn byte(&mut self) -> u64 {
        let byte = self.input.u8(self.at);
        if byte.is_err() {
            self.beyond = self.beyond.saturating_add(8);
        }
        self.at = self.at.saturating_add(1);
        byte.unwrap_or(0).into()
    }

    /// Sees to it that `count` bits, at most 32, are there.
    pub(super) fn fill(&mut self, count: u32) {
        while self.left < count {
            let (fresh, width) = match self.order {
                Order::Bytes => (self.byte(), 8),
                Order::Lowest => (u64::from(u8::try_from(self.byte()).unwrap_or(0).reverse_bits()), 8),
                Order::Words => {
                    let low = self.byte();
                    ((self.byte() << 8) | low, 16)
                }
            };
            let shift = 64_u32.saturating_sub(self.left).saturating_sub(width);
            self.buffer |= fresh.wrapping_shl(shift);
            self.left = self.left.saturating_add(width);
        }
    }

    /// The next `count` bits, at most 32, the first one highest, without taking them.
    pub(super) fn peek(&mut self, count: u32) -> u32 {
        self.fill(count);
        let bits = self.buffer.checked_shr(64_u32.saturating_sub(count)).unwrap_or(0);
        u32::try_from(bits).unwrap_or(u32::MAX)
    }

    /// Takes `count` bits, at most 32.
    pub(super) fn skip(&mut self, count: u32) -> Result<(), Fault> {
        self.fill(count);
        self.buffer = self.buffer.checked_shl(count).unwrap_or(0);
        self.left = self.left.saturating_sub(count);
        if self.beyond.saturating_sub(self.left.into()) > SLACK { Err(ends()) } else { Ok(()) }
    }

    /// A number of `count` bits, at most 32; its highest bit is the first one, or the last one where bytes are read lowest bit first.
    pub(super) fn number(&mut self, count: u32) -> Result<u32, Fault> {
        let bits = self.peek(count);
        self.skip(count)?;
        if self.order == Order::Lowest {
            return Ok(bits.reverse_bits().checked_shr(32_u32.saturating_sub(count)).unwrap_or(0));
        }
        Ok(bits)
    }

    pub(super) fn bit(&mut self) -> Result<bool, Fault> {
        Ok(self.number(1)? == 1)
    }

    /// Drops what is left of the unit that the last bit was in. With `whole`, drops a whole unit if nothing of it is left.
    pub(super) fn align(&mut self, whole: bool) -> Result<(), Fault> {
        let (width, left) = if self.order == Order::Words { (16, self.left % 16) } else { (8, self.left % 8) };
        if whole && self.left == 0 {
            self.fill(width);
        }
        let rest = if whole && left == 0 { width } else { left };
        self.skip(rest)
    }

    /// `count` whole bytes from where the bits end. Bits must be aligned.
    pub(super) fn bytes(&mut self, count: u64) -> Result<&'a [u8], Fault> {
        let start = self.position();
        let bytes = self.input.get(start, count).map_err(|_| ends())?;
        self.at = start.saturating_add(count);
        (self.buffer, self.left) = (0, 0);
        Ok(bytes)
    }

    /// One byte from behind all that was looked at, as some codecs mix bytes between their words.
    pub(super) fn byte_behind(&mut self) -> Result<u8, Fault> {
        let byte = self.input.u8(self.at).map_err(|_| ends())?;
        self.at = self.at.saturating_add(1);
        Ok(byte)
    }

    /// Bytes of which at least one bit was taken.
    pub(super) fn position(&self) -> u64 {
        self.at.saturating_sub(u64::from(self.left / 8))
    }

    /// The same, not more than there are.
    pub(super) fn consumed(&self) -> u64 {
        self.position().min(to_u64(self.input.0.len()))
    }
}

fn ends() -> Fault {
    Fault::Truncated("the compressed data ends early".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_order() {
        let mut bytes = Bits::new(&[0b1010_0000, 0b0000_0001], Order::Bytes);
        assert_eq!((bytes.number(3).unwrap(), bytes.number(12).unwrap(), bytes.bit().unwrap()), (5, 0, true));
        let mut words = Bits::new(&[0x34, 0x12, 0xff, 0xff], Order::Words);
        assert_eq!((words.number(8).unwrap(), words.number(8).unwrap()), (0x12, 0x34));
        let mut lowest = Bits::new(&[0b1010_0110], Order::Lowest);
        assert_eq!((lowest.number(3).unwrap(), lowest.number(5).unwrap()), (0b110, 0b10100));
    }

    #[test]
    fn bytes_between_bits_and_the_end() {
        let mut bits = Bits::new(&[0x80, 1, 2, 3], Order::Bytes);
        bits.skip(1).unwrap();
        bits.align(false).unwrap();
        assert_eq!(bits.bytes(2).unwrap(), [1, 2]);
        assert_eq!(bits.number(8).unwrap(), 3);
        assert_eq!(bits.consumed(), 4);
        assert!((0..20).any(|_| bits.number(8).is_err()), "nothing comes for ever from behind the end");
        assert!(bits.bytes(1).is_err());
    }
}
