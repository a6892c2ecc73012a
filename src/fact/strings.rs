//! Printable runs in ASCII and UTF-16, text in other alphabets, and versions among them.

use std::iter::Peekable;
use std::vec::IntoIter;

use self::blocks::{Classes, Edge, Window, leading};
use self::multibyte::{Encoding, Text};
use super::{Analyzer, Facts, Key, Subject};
use crate::blob::{Endian, Span, to_u64};

mod blocks;
mod hanzi;
mod multibyte;

/// Finds strings as `strings -a` does, UTF-16 of both byte orders at any alignment, and text in other alphabets.
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
                Key::new("string", "a run of at least 4 characters in ASCII; a rule on it looks at those in other encodings too"),
                Key::new("string.utf-8", "a text with more than ASCII in it, in UTF-8"),
                Key::new("string.gb18030", "a text with ideographs in GB 18030 (GBK, GB 2312)"),
                Key::new("string.utf-16le", "a run of at least 6 characters of ASCII, or a text with ideographs, in UTF-16"),
                Key::new("string.utf-16be", "the same, high byte first"),
                Key::new("version", "a string that is nothing but a version, and perhaps its date"),
            ]
        }
    }

    fn analyze(&self, subject: &Subject<'_>, facts: &mut Facts<'_>) {
        let bytes = subject.blob.as_slice();
        let texts = multibyte::texts(bytes).into_iter().peekable();
        let mut scanner = Scanner { bytes, facts, texts, wide: Vec::new() };
        scanner.scan();
        scanner.say_texts_until(bytes.len());
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

struct Scanner<'a, 'f, 'd> {
    bytes: &'a [u8],
    facts: &'f mut Facts<'d>,
    // Those beyond ASCII that are still to be said.
    texts: Peekable<IntoIter<Text>>,
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
        self.say_texts_until(start);
        say(self.facts, "string", text, start, 1);
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
        self.say_texts_until(start);
        let key = encoding_key(Encoding::Utf16(if is_low_first { Endian::Little } else { Endian::Big }));
        say(self.facts, key, &self.wide, start, 2);
    }

    /// Hands over the texts beyond ASCII that start at `end` at the latest.
    fn say_texts_until(&mut self, end: usize) {
        while let Some(text) = self.texts.next_if(|text| text.start <= end) {
            let span = Span::between(to_u64(text.start), to_u64(text.end));
            self.facts.say(encoding_key(text.encoding), text.decoded(self.bytes).as_bytes(), span);
        }
    }
}

/// What a text in this encoding is said under.
const fn encoding_key(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::Utf8 => "string.utf-8",
        Encoding::Gb18030 => "string.gb18030",
        Encoding::Utf16(Endian::Little) => "string.utf-16le",
        Encoding::Utf16(Endian::Big) => "string.utf-16be",
    }
}

/// Hands over a run of characters, `width` bytes each, that starts at `start`.
fn say(facts: &mut Facts<'_>, key: &'static str, text: &[u8], start: usize, width: usize) {
    let span = |from: usize, length: usize| {
        Span::new(to_u64(start.saturating_add(from.saturating_mul(width))), to_u64(length.saturating_mul(width)))
    };
    let mut from = 0_usize;
    while text.len() >= LEAST {
        let piece = text.get(from..text.len().min(from.saturating_add(PIECE))).unwrap_or_default();
        facts.say(key, piece, span(from, piece.len()));
        if from.saturating_add(piece.len()) >= text.len() {
            break;
        }
        from = from.saturating_add(PIECE - OVERLAP);
    }
    if text.len() <= MOST_VERSION && is_version(text) {
        facts.say("version", text, span(0, text.len()));
    }
}

const _: () = assert!(LEAST_VERSION == 3, "Window::starts looks for three");

#[cfg(test)]
mod tests;
