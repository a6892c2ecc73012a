//! One pass over a blob: finds all magics, asks the formats, and covers the blob with chunks exactly once.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::LazyLock;

use daachorse::DoubleArrayAhoCorasick;

use crate::blob::{Blob, Bytes, Span, to_u64};
use crate::format::{Anchor, Carved, FORMATS, Format, Kind};
use crate::limits::{Budget, Exceeded};
use crate::problem::{Code, Fault, Problem};

/// What a chunk holds.
#[derive(Debug)]
pub enum Content<'b> {
    /// A format, by its row in [`FORMATS`], and what was found of it.
    Format(usize, Carved<'b>),
    /// One byte value over and over.
    Padding,
    /// Anything else.
    Unknown,
}

/// Gets each chunk as soon as it is known, in ascending order.
pub type Found<'f> = dyn FnMut(Span, Content<'_>) -> Result<(), Exceeded> + 'f;

/// Bytes that trial decompression of rejected streams may yield for each byte scanned, and on top of that.
const EFFORT: (u64, u64) = (4, 64 << 20);

/// A run of one byte value inside other bytes that is this long is a chunk of its own.
const LEAST_INNER_PADDING: usize = 4096;

struct Pattern {
    format: usize,
    magic: crate::format::Magic,
}

struct Patterns {
    anywhere: Vec<Pattern>,
    automaton: Option<DoubleArrayAhoCorasick<u32>>,
    at_start: Vec<Pattern>,
    /// How far into a format its farthest magic ends: candidates are in order once the pass is this far ahead.
    reach: u64,
}

static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| {
    let all =
        FORMATS.iter().enumerate().flat_map(|(format, row)| row.spec().magics.iter().map(move |magic| Pattern { format, magic: *magic }));
    let (anywhere, at_start): (Vec<_>, Vec<_>) = all.partition(|pattern| pattern.magic.anchor == Anchor::Anywhere);
    let reach = anywhere.iter().map(|pattern| pattern.magic.offset.saturating_add(to_u64(pattern.magic.bytes.len()))).max().unwrap_or(0);
    // One automaton entry for each distinct byte string: the automaton refuses duplicates.
    let mut distinct: Vec<&[u8]> = anywhere.iter().map(|pattern| pattern.magic.bytes).collect();
    distinct.sort_unstable();
    distinct.dedup();
    let automaton = DoubleArrayAhoCorasick::new(distinct).ok();
    Patterns { anywhere, automaton, at_start, reach }
});

/// A place where a format may start: ordered by place, then by row.
type Candidate = Reverse<(u64, usize)>;

struct Scanner<'s> {
    blob: &'s Blob,
    budget: &'s Budget,
    formats: &'s dyn Fn(&dyn Format) -> bool,
    spent: u64,
    gave_up: Option<u64>,
    /// The first place where a limit ended an attempt, so that nobody knows what it was.
    limited: Option<(u64, Exceeded)>,
}

/// Covers `blob` with chunks and hands each to `found`. Problems say what was not tried.
///
/// # Errors
/// If `found` reaches a limit, or the inspection is interrupted.
pub fn scan(blob: &Blob, budget: &Budget, found: &mut Found<'_>) -> Result<Vec<Problem>, Exceeded> {
    let mut scanner = Scanner { blob, budget, formats: &|_| true, spent: 0, gave_up: None, limited: None };
    let mut covered = 0;
    scanner.run(0, &mut |span, format, carved| {
        gap(blob, Span::between(covered, span.start), found)?;
        covered = span.end();
        found(span, Content::Format(format, carved))
    })?;
    gap(blob, Span::between(covered, blob.len()), found)?;
    Ok(scanner.problems())
}

/// Finds what is embedded in a program: whole streams, archives, file systems and trees behind its header. Gaps are the program's own.
///
/// # Errors
/// If `found` reaches a limit, or the inspection is interrupted.
pub fn scan_inside(blob: &Blob, budget: &Budget, found: &mut Found<'_>) -> Result<Vec<Problem>, Exceeded> {
    let embedded = |format: &dyn Format| !matches!(format.spec().kind, Kind::Program | Kind::Partition | Kind::Encoding);
    let mut scanner = Scanner { blob, budget, formats: &embedded, spent: 0, gave_up: None, limited: None };
    scanner.run(1, &mut |span, format, carved| {
        let whole = carved.payload.as_ref().is_none_or(|payload| payload.fault.is_none());
        if whole { found(span, Content::Format(format, carved)) } else { Ok(()) }
    })?;
    Ok(scanner.problems())
}

/// Whether some format starts at the first byte.
pub fn begins_with_format(blob: &Blob, budget: &Budget) -> bool {
    let mut scanner = Scanner { blob, budget, formats: &|_| true, spent: 0, gave_up: None, limited: None };
    scanner.first(&mut |_, _, _| Ok(())).is_ok_and(|end| end > 0)
}

impl Scanner<'_> {
    fn run(&mut self, from: u64, found: &mut dyn FnMut(Span, usize, Carved<'_>) -> Result<(), Exceeded>) -> Result<(), Exceeded> {
        let mut covered = from;
        if from == 0 {
            covered = self.first(found)?;
        }
        while covered < self.blob.len() {
            self.budget.check()?;
            match self.next(covered, found)? {
                Some(end) => covered = end,
                None => break,
            }
        }
        Ok(())
    }

    /// Tries the formats that are only ever a whole blob. Returns where the chunk at 0 ends, 0 if there is none.
    fn first(&mut self, found: &mut dyn FnMut(Span, usize, Carved<'_>) -> Result<(), Exceeded>) -> Result<u64, Exceeded> {
        let bytes = self.blob.bytes();
        let all = PATTERNS.at_start.iter().chain(&PATTERNS.anywhere);
        let mut rows: Vec<usize> =
            all.filter(|pattern| bytes.has(pattern.magic.offset, pattern.magic.bytes)).map(|pattern| pattern.format).collect();
        rows.sort_unstable();
        rows.dedup();
        for format in rows {
            if let Some(end) = self.attempt(0, format, found)? {
                return Ok(end);
            }
        }
        Ok(0)
    }

    /// The first chunk from `from` on. Returns where it ends.
    fn next(&mut self, from: u64, found: &mut dyn FnMut(Span, usize, Carved<'_>) -> Result<(), Exceeded>) -> Result<Option<u64>, Exceeded> {
        let Some(automaton) = &PATTERNS.automaton else { return Ok(None) };
        let bytes = self.blob.bytes().tail(from);
        let mut waiting: BinaryHeap<Candidate> = BinaryHeap::new();
        let mut last = None;
        for hit in automaton.find_overlapping_iter(bytes) {
            let place = from.saturating_add(to_u64(hit.start()));
            let settled = from.saturating_add(to_u64(hit.end())).saturating_sub(PATTERNS.reach);
            while waiting.peek().is_some_and(|Reverse((start, _))| *start < settled) {
                let Some(Reverse(candidate)) = waiting.pop() else { break };
                if let Some(end) = self.fresh(candidate, &mut last, found)? {
                    return Ok(Some(end));
                }
            }
            let magic = bytes.get(hit.start()..hit.end()).unwrap_or_default();
            for pattern in PATTERNS.anywhere.iter().filter(|pattern| pattern.magic.bytes == magic) {
                let start = place.checked_sub(pattern.magic.offset).filter(|start| *start >= from && *start > 0);
                waiting.extend(start.map(|start| Reverse((start, pattern.format))));
            }
        }
        while let Some(Reverse(candidate)) = waiting.pop() {
            if let Some(end) = self.fresh(candidate, &mut last, found)? {
                return Ok(Some(end));
            }
        }
        Ok(None)
    }

    /// Tries a candidate unless it is the one that was tried last: two magics of one format may point at the same start.
    fn fresh(
        &mut self,
        candidate: (u64, usize),
        last: &mut Option<(u64, usize)>,
        found: &mut dyn FnMut(Span, usize, Carved<'_>) -> Result<(), Exceeded>,
    ) -> Result<Option<u64>, Exceeded> {
        if last.replace(candidate) == Some(candidate) {
            return Ok(None);
        }
        self.attempt(candidate.0, candidate.1, found)
    }

    fn attempt(
        &mut self,
        start: u64,
        row: usize,
        found: &mut dyn FnMut(Span, usize, Carved<'_>) -> Result<(), Exceeded>,
    ) -> Result<Option<u64>, Exceeded> {
        let Some(format) = FORMATS.get(row).filter(|format| (self.formats)(**format)) else { return Ok(None) };
        if self.gave_up.is_some() && format.spec().kind == Kind::Compression {
            return Ok(None);
        }
        let meter = self.budget.fork();
        let carved = match format.carve(self.blob, start, &meter) {
            Ok(carved) if carved.length > 0 => carved,
            _ => {
                self.limited = self.limited.or(meter.struck().map(|exceeded| (start, exceeded)));
                self.spent = self.spent.saturating_add(meter.spent());
                if self.spent > EFFORT.1.saturating_add(self.blob.len().saturating_mul(EFFORT.0)) {
                    self.gave_up = self.gave_up.or(Some(start));
                }
                return Ok(None);
            }
        };
        let span = Span::new(start, carved.length);
        found(span, row, carved)?;
        Ok(Some(span.end()))
    }

    fn problems(&self) -> Vec<Problem> {
        let told = |offset| {
            let message = "too many places only looked like compressed streams: those from here on were not tried".to_owned();
            Problem { code: Code::ScanEffort, offset: Some(offset), message }
        };
        let limited = self.limited.map(|(offset, exceeded)| Fault::from(exceeded).at(Some(offset)));
        self.gave_up.map(told).into_iter().chain(limited).collect()
    }
}

/// Covers what no format covers: padding at both ends and long padding between, the rest unknown.
fn gap(blob: &Blob, span: Span, found: &mut Found<'_>) -> Result<(), Exceeded> {
    let Ok(bytes) = blob.bytes().part(span) else { return Ok(()) };
    let mut at = 0;
    let mut unknown = 0;
    while at < bytes.0.len() {
        let run = run_length(bytes, at);
        let end = at.saturating_add(run);
        let edge = at == 0 || end == bytes.0.len();
        if run >= LEAST_INNER_PADDING || (edge && run >= 16) || run == bytes.0.len() {
            emit(span, unknown, at, Content::Unknown, found)?;
            emit(span, at, end, Content::Padding, found)?;
            unknown = end;
        }
        at = end;
    }
    emit(span, unknown, bytes.0.len(), Content::Unknown, found)
}

fn emit(gap: Span, start: usize, end: usize, content: Content<'_>, found: &mut Found<'_>) -> Result<(), Exceeded> {
    if start >= end {
        return Ok(());
    }
    let start = gap.start.saturating_add(to_u64(start));
    found(Span::between(start, gap.start.saturating_add(to_u64(end))), content)
}

/// Bytes from `at` on that equal the one at `at`.
fn run_length(bytes: Bytes<'_>, at: usize) -> usize {
    let rest = bytes.0.get(at..).unwrap_or_default();
    let Some((first, more)) = rest.split_first() else { return 0 };
    more.iter().position(|byte| byte != first).unwrap_or(more.len()).saturating_add(1)
}

#[cfg(test)]
mod tests;
