//! Printable runs, in ASCII and in UTF-16, and versions among them.

use super::{Analyzer, Facts, Key, Subject};
use crate::blob::{Span, to_u64};

/// Finds strings as `strings -a` does, and UTF-16 of both byte orders at any alignment.
#[derive(Debug)]
pub(super) struct Strings;

/// Characters of the shortest run that is handed over, if it is a version.
const LEAST_VERSION: usize = 3;
/// Characters of the longest run that can be a version.
const MOST_VERSION: usize = 32;
/// Characters of the shortest run that is a string.
const LEAST: usize = 4;
/// The same in UTF-16: tables of small numbers look like short ones.
const LEAST_WIDE: usize = 6;
/// Longer runs come in pieces, so that nobody downstream has to hold a whole text file as one value.
const PIECE: usize = 4096;
/// What two pieces share: a literal that lies across the cut is whole in one of them.
const OVERLAP: usize = 128;

impl Analyzer for Strings {
    fn id(&self) -> &'static str {
        "strings"
    }

    fn keys(&self) -> &'static [Key] {
        const {
            &[
                Key::new("string", "a run of at least 4 characters in ASCII, or of 6 in UTF-16"),
                Key::new("version", "a string that is nothing but a version, and perhaps its date"),
            ]
        }
    }

    fn analyze(&self, subject: &Subject<'_>, facts: &mut Facts<'_>) {
        let mut scanner = Scanner { bytes: subject.blob.as_slice(), facts, wide: Vec::new() };
        scanner.scan();
    }
}

/// Whether strings may hold this byte: ASCII from space to tilde, and tab.
pub(super) fn is_printable(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\t')
}

/// Whether a run is nothing but a version, or a version with its date after it, as in `8.39 2016-06-14` and `1.0.8, 13-Jul-2019`.
fn is_version(text: &[u8]) -> bool {
    let end = text.iter().position(|byte| matches!(byte, b' ' | b',')).unwrap_or(text.len());
    let (number, date) = text.split_at_checked(end).unwrap_or((text, &[]));
    let spaced = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b',' | b'-');
    is_number(number) && date.iter().all(spaced) && (date.is_empty() || date.last().is_some_and(u8::is_ascii_digit))
}

/// Starts with a digit, or with `v` and a digit, and is all digits or has a dot before a digit.
fn is_number(text: &[u8]) -> bool {
    let number = match text {
        [b'v' | b'V', rest @ ..] => rest,
        _ => text,
    };
    number.first().is_some_and(u8::is_ascii_digit)
        && number.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'+' | b'~'))
        && (number.iter().all(u8::is_ascii_digit) || number.windows(2).any(|pair| matches!(pair, [b'.', b'0'..=b'9'])))
}

/// What the 64 bytes of a block are, one bit a byte, the first byte lowest.
#[derive(Clone, Copy, Default)]
struct Classes {
    printable: u64,
    zero: u64,
}

impl Classes {
    /// Looks at eight bytes at a time as one number. Bytes of which nothing is known any more (after the end) must be 0xff.
    fn of(block: &[u8; 64]) -> Self {
        let (words, _) = block.as_chunks::<8>();
        words.iter().fold(Self::default(), |sum, word| {
            let word = u64::from_le_bytes(*word);
            Self { printable: (sum.printable >> 8) | gather(printable(word)), zero: (sum.zero >> 8) | gather(zero(word)) }
        })
    }
}

const LOW: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// The same number in every byte.
const fn every(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// The highest bit of each byte that `is_printable`. No addition carries into the next byte, as the highest bits are cleared before.
fn printable(word: u64) -> u64 {
    let seven = word & !HIGH;
    let not_control = seven.wrapping_add(every(0x60));
    let delete = seven.wrapping_add(LOW);
    let not_tab = (seven ^ every(b'\t')).wrapping_add(!HIGH);
    ((not_control & !delete) | !not_tab) & !word & HIGH
}

/// The highest bit of each byte that is zero.
fn zero(word: u64) -> u64 {
    !((word & !HIGH).wrapping_add(!HIGH) | word) & HIGH
}

/// The highest bits of the eight bytes, side by side as the highest byte: byte `i` lands on bit `56 + i`.
fn gather(highest: u64) -> u64 {
    (highest >> 7).wrapping_mul(0x0102_0408_1020_4080) & every_bit_of_last_byte()
}

const fn every_bit_of_last_byte() -> u64 {
    0xff << 56
}

struct Scanner<'a, 'f, 'd> {
    bytes: &'a [u8],
    facts: &'f mut Facts<'d>,
    // Characters of the UTF-16 run at hand, kept for its memory.
    wide: Vec<u8>,
}

impl Scanner<'_, '_, '_> {
    fn scan(&mut self) {
        let bytes = self.bytes;
        let (blocks, tail) = bytes.as_chunks::<64>();
        let mut last = [0xff; 64];
        last.iter_mut().zip(tail).for_each(|(to, from)| *to = *from);
        let mut blocks = blocks.iter().chain([&last, &[0xff; 64]]).map(Classes::of);
        let mut here = blocks.next().unwrap_or_default();
        let mut before = Edge::default();
        let mut base = 0_usize;
        for next in blocks {
            let window = Window::new(here, next);
            let (runs, wides) = window.starts(before);
            let mut starts = runs | wides;
            while starts != 0 {
                let bit = starts.trailing_zeros();
                starts &= starts.wrapping_sub(1);
                let start = base.saturating_add(usize::try_from(bit).unwrap_or(0));
                if (runs >> bit) & 1 == 1 {
                    self.run(start, window.run_length(bit));
                } else {
                    self.wide_run(start);
                }
            }
            before = window.edge();
            base = base.saturating_add(64);
            here = next;
        }
    }

    /// The ASCII run at `start`, of which `length` bytes are known; it goes on if that is `None`.
    fn run(&mut self, start: usize, length: Option<usize>) {
        let rest = self.bytes.get(start..).unwrap_or_default();
        let length = length.unwrap_or_else(|| leading(rest));
        let text = rest.get(..length).unwrap_or_default();
        say(self.facts, text, start, 1);
    }

    /// The UTF-16 run whose first character stands at `start`, in either byte order.
    ///
    /// Text between zeros can be read both ways. Then the byte order is the one that puts the characters on even offsets.
    fn wide_run(&mut self, mut start: usize) {
        let at = |index: usize| self.bytes.get(index).copied();
        let string =
            |from: usize| self.bytes.get(from..from.saturating_add(LEAST)).is_some_and(|text| text.iter().copied().all(is_printable));
        // The end of a plain string before it is not part of it.
        if start >= LEAST - 1 && string(start.saturating_sub(LEAST - 1)) {
            start = start.saturating_add(2);
        }
        self.wide.clear();
        let mut next = start;
        while let Some(byte) = at(next).filter(|byte| is_printable(*byte)) {
            self.wide.push(byte);
            next = next.saturating_add(2);
            if at(next.saturating_sub(1)) != Some(0) {
                break;
            }
        }
        let last = next.saturating_sub(2);
        let low_first = at(last.saturating_add(1)) == Some(0);
        let high_first = start > 0 && at(start.saturating_sub(1)) == Some(0);
        // A last character without its zero, or one that begins a plain string, is none of ours.
        if !low_first && (!high_first || string(last)) {
            self.wide.pop();
        }
        if self.wide.len() < LEAST_WIDE {
            return;
        }
        let is_low_first = if low_first && high_first { start.is_multiple_of(2) } else { !high_first || low_first };
        let start = if is_low_first { start } else { start.saturating_sub(1) };
        say(self.facts, &self.wide, start, 2);
    }
}

/// Number of printable bytes that `bytes` starts with.
fn leading(bytes: &[u8]) -> usize {
    let (words, _) = bytes.as_chunks::<8>();
    let other = |word: &[u8; 8]| printable(u64::from_le_bytes(*word)) != HIGH;
    let whole = words.iter().position(other).unwrap_or(words.len()).saturating_mul(8);
    let rest = bytes.get(whole..).unwrap_or_default();
    whole.saturating_add(rest.iter().take_while(|byte| is_printable(**byte)).count())
}

/// Hands over a run of characters, `width` bytes each, that starts at `start`.
fn say(facts: &mut Facts<'_>, text: &[u8], start: usize, width: usize) {
    let span = |from: usize, length: usize| {
        Span::new(to_u64(start.saturating_add(from.saturating_mul(width))), to_u64(length.saturating_mul(width)))
    };
    let mut from = 0_usize;
    while text.len() >= LEAST {
        let piece = text.get(from..text.len().min(from.saturating_add(PIECE))).unwrap_or_default();
        facts.say("string", piece, span(from, piece.len()));
        if from.saturating_add(piece.len()) >= text.len() {
            break;
        }
        from = from.saturating_add(PIECE - OVERLAP);
    }
    if text.len() <= MOST_VERSION && is_version(text) {
        facts.say("version", text, span(0, text.len()));
    }
}

/// What the block before says about the first bytes of this one.
#[derive(Clone, Copy, Default)]
struct Edge {
    /// Bit 0: its last byte is printable.
    printable: u64,
    /// Bits 0 and 1: its last two bytes link.
    link: u64,
}

/// A block and the one after it.
struct Window {
    printable: u128,
    /// Bytes that are a UTF-16 character with another one after it: printable, zero, printable.
    link: u128,
}

impl Window {
    fn new(here: Classes, next: Classes) -> Self {
        let printable = u128::from(here.printable) | (u128::from(next.printable) << 64);
        let zero = u128::from(here.zero) | (u128::from(next.zero) << 64);
        Self { printable, link: printable & (zero >> 1) & (printable >> 2) }
    }

    /// Where in the block runs of at least three characters start, and where UTF-16 runs of at least six.
    fn starts(&self, before: Edge) -> (u64, u64) {
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
    fn run_length(&self, bit: u32) -> Option<usize> {
        let length = (self.printable >> bit).trailing_ones();
        (length.saturating_add(bit) < 128).then(|| usize::try_from(length).unwrap_or(0))
    }

    fn edge(&self) -> Edge {
        Edge { printable: low(self.printable) >> 63, link: low(self.link) >> 62 }
    }
}

/// The part of a window that is this block.
fn low(window: u128) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = window.to_le_bytes();
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

const _: () = assert!(LEAST_VERSION == 3, "Window::starts looks for three");

#[cfg(test)]
mod tests;
