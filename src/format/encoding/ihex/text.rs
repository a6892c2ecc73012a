//! Lines of records in hexadecimal digits.

use crate::blob::{Blob, Bytes, Span, to_u64};
use crate::format::{Carved, Children};
use crate::problem::{Fault, Rejected};

/// Longer lines are no records.
const LONGEST_LINE: u64 = 1024;

/// So many lines in a row that are no records end the text.
const MOST_JUNK: u32 = 16;

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::format) enum Shape {
    /// A record.
    Record,
    /// The record that ends an image.
    End,
    /// Nothing but blanks.
    Blank,
    /// Something else.
    Junk,
}

/// Lines with their spans, which include what ends them: LF, CR or CR LF.
pub(in crate::format) struct Lines<'a> {
    bytes: Bytes<'a>,
    at: u64,
}

impl<'a> Lines<'a> {
    /// The lines of `bytes` that begin in `span`.
    pub(in crate::format) fn new(bytes: &'a [u8], span: Span) -> Self {
        Self { bytes: Bytes(Bytes(bytes).up_to(0, span.end())), at: span.start }
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = (Span, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let window = self.bytes.up_to(self.at, LONGEST_LINE);
        if window.is_empty() {
            return None;
        }
        let end = window.iter().position(|byte| matches!(byte, b'\r' | b'\n')).unwrap_or(window.len());
        let line = window.get(..end).unwrap_or_default();
        let terminator = match window.get(end..).unwrap_or_default() {
            [b'\r', b'\n', ..] => 2,
            [] => 0,
            _ => 1,
        };
        let span = Span::new(self.at, to_u64(end).saturating_add(terminator));
        self.at = span.end();
        Some((span, line.trim_ascii()))
    }
}

/// The text of records at `start`.
pub(in crate::format) fn carve<'b>(blob: &Blob, start: u64, shape: impl Fn(&[u8]) -> Shape) -> Result<Carved<'b>, Rejected> {
    let length = reach(blob.bytes().tail(start), shape).ok_or(Rejected("the first lines are no records"))?;
    Ok(Carved::new(length, start, blob))
}

/// How far the text at the beginning of `bytes` reaches, if its first lines are records without exception: to the last record, or to the
/// last of those that end an image, if only something else follows.
fn reach(bytes: &[u8], shape: impl Fn(&[u8]) -> Shape) -> Option<u64> {
    let (mut end, mut records, mut junk, mut ended) = (0, 0_u32, 0_u32, false);
    for (span, line) in Lines::new(bytes, Span::new(0, to_u64(bytes.len()))) {
        match shape(line) {
            Shape::Blank => continue,
            Shape::Junk if records < 3 && !ended => return None,
            Shape::Junk if ended || junk >= MOST_JUNK => break,
            Shape::Junk => junk = junk.saturating_add(1),
            found => {
                (end, junk, ended) = (span.end(), 0, found == Shape::End);
                records = records.saturating_add(1);
            }
        }
    }
    (end > 0).then_some(end)
}

/// The bytes of up to 256 pairs of digits, as many as `count`; none if there are fewer, or more digits follow.
pub(in crate::format) fn pairs(digits: &[u8], count: usize) -> Option<([u8; 264], usize)> {
    let mut bytes = [0; 264];
    let (wanted, rest) = digits.split_at_checked(count.checked_mul(2)?)?;
    for (byte, pair) in bytes.get_mut(..count)?.iter_mut().zip(wanted.chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *byte = (digit(*high)? << 4) | digit(*low)?;
    }
    (!rest.first().is_some_and(u8::is_ascii_hexdigit)).then_some((bytes, count))
}

fn digit(character: u8) -> Option<u8> {
    char::from(character).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// What was wrong with lines, to be said once.
#[derive(Debug, Default)]
pub(in crate::format) struct Bad {
    /// How many.
    pub(in crate::format) count: u64,
    /// Where the first stands.
    pub(in crate::format) first: u64,
}

impl Bad {
    /// Says of each kind that there is how many and where the first one is.
    pub(in crate::format) fn tell(kinds: &[(&Self, Fault)], children: &mut Children<'_>) {
        for (bad, fault) in kinds.iter().filter(|(bad, _)| bad.count > 0) {
            children.problem(fault, Some(bad.first));
        }
    }

    /// One more, at `at`.
    pub(in crate::format) fn add(&mut self, at: u64) {
        if self.count == 0 {
            self.first = at;
        }
        self.count = self.count.saturating_add(1);
    }
}
