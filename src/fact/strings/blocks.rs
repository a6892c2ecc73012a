//! Sixty-four bytes at a time: which of them may be part of a string, as one bit each.

use super::is_printable;

/// What the 64 bytes of a block are, one bit a byte, the first byte lowest.
#[derive(Clone, Copy, Default)]
pub(super) struct Classes {
    pub(super) printable: u64,
    pub(super) zero: u64,
}

impl Classes {
    /// Looks at eight bytes at a time as one number. Bytes of which nothing is known any more (after the end) must be 0xff.
    pub(super) fn of(block: &[u8; 64]) -> Self {
        let (words, _) = block.as_chunks::<8>();
        words.iter().fold(Self::default(), |sum, word| {
            let word = u64::from_le_bytes(*word);
            Self { printable: (sum.printable >> 8) | gather(printable(word)), zero: (sum.zero >> 8) | gather(zero(word)) }
        })
    }
}

pub(super) const LOW: u64 = 0x0101_0101_0101_0101;
pub(super) const HIGH: u64 = 0x8080_8080_8080_8080;

/// The same number in every byte.
pub(super) const fn every(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// The highest bit of each byte that `is_printable`. No addition carries into the next byte, as the highest bits are cleared before.
pub(super) fn printable(word: u64) -> u64 {
    let seven = word & !HIGH;
    let not_control = seven.wrapping_add(every(0x60));
    let delete = seven.wrapping_add(LOW);
    let not_tab = (seven ^ every(b'\t')).wrapping_add(!HIGH);
    ((not_control & !delete) | !not_tab) & !word & HIGH
}

/// The highest bit of each byte that is zero.
pub(super) fn zero(word: u64) -> u64 {
    !((word & !HIGH).wrapping_add(!HIGH) | word) & HIGH
}

/// The highest bits of the eight bytes, side by side as the highest byte: byte `i` lands on bit `56 + i`.
pub(super) fn gather(highest: u64) -> u64 {
    (highest >> 7).wrapping_mul(0x0102_0408_1020_4080) & every_bit_of_last_byte()
}

const fn every_bit_of_last_byte() -> u64 {
    0xff << 56
}

/// What the block before says about the first bytes of this one.
#[derive(Clone, Copy, Default)]
pub(super) struct Edge {
    /// Bit 0: its last byte is printable.
    printable: u64,
    /// Bits 0 and 1: its last two bytes link.
    link: u64,
}

/// A block and the one after it.
pub(super) struct Window {
    printable: u128,
    /// Bytes that are a UTF-16 character with another one after it: printable, zero, printable.
    link: u128,
}

impl Window {
    pub(super) fn new(here: Classes, next: Classes) -> Self {
        let printable = u128::from(here.printable) | (u128::from(next.printable) << 64);
        let zero = u128::from(here.zero) | (u128::from(next.zero) << 64);
        Self { printable, link: printable & (zero >> 1) & (printable >> 2) }
    }

    /// Where in the block runs of at least three characters start, and where UTF-16 runs of at least six.
    pub(super) fn starts(&self, before: Edge) -> (u64, u64) {
        let here = low(self.printable);
        let three = low(self.printable & (self.printable >> 1) & (self.printable >> 2));
        let runs = three & !((here << 1) | before.printable);
        let links = low(self.link);
        if links == 0 {
            return (runs, 0);
        }
        let six = self.link & (self.link >> 2) & (self.link >> 4) & (self.link >> 6) & (self.link >> 8);
        (runs, low(six) & !((links << 2) | before.link))
    }

    /// Length of the run at `bit`, unless it reaches further than can be seen from here.
    pub(super) fn run_length(&self, bit: u32) -> Option<usize> {
        let length = (self.printable >> bit).trailing_ones();
        (length.saturating_add(bit) < 128).then(|| usize::try_from(length).unwrap_or(0))
    }

    pub(super) fn edge(&self) -> Edge {
        Edge { printable: low(self.printable) >> 63, link: low(self.link) >> 62 }
    }
}

/// The part of a window that is this block.
fn low(window: u128) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = window.to_le_bytes();
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

/// Number of printable bytes that `bytes` starts with.
pub(super) fn leading(bytes: &[u8]) -> usize {
    let (words, _) = bytes.as_chunks::<8>();
    let other = |word: &[u8; 8]| printable(u64::from_le_bytes(*word)) != HIGH;
    let whole = words.iter().position(other).unwrap_or(words.len()).saturating_mul(8);
    let rest = bytes.get(whole..).unwrap_or_default();
    whole.saturating_add(rest.iter().take_while(|byte| is_printable(**byte)).count())
}
