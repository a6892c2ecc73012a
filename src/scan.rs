//! One pass over a blob: finds all magics, asks the formats, and covers the blob with chunks exactly once.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::LazyLock;

use daachorse::DoubleArrayAhoCorasick;

use crate::blob::{Blob, Bytes, Span, to_u64, to_usize};
use crate::format::{Anchor, Carved, FORMATS, Format, Kind, Magic};
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

/// Where a format may start, seen from one of its magics.
struct Pattern {
    format: usize,
    magic: Magic,
}

struct Patterns {
    /// Finds all distinct magics of formats that may start anywhere; the value of a hit is an index into `anywhere`.
    automaton: Option<DoubleArrayAhoCorasick<u32>>,
    /// By distinct magic: the formats that have it.
    anywhere: Vec<Vec<Pattern>>,
    at_start: Vec<Pattern>,
    /// How far into a format its farthest magic ends: candidates are in order once the pass is this far ahead.
    reach: u64,
}

static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| {
    let all =
        FORMATS.iter().enumerate().flat_map(|(format, row)| row.spec().magics.iter().map(move |magic| Pattern { format, magic: *magic }));
    let (anywhere, at_start): (Vec<_>, Vec<_>) = all.partition(|pattern| pattern.magic.anchor == Anchor::Anywhere);
    let reach = anywhere.iter().map(|pattern| pattern.magic.offset.saturating_add(to_u64(pattern.magic.bytes.len()))).max().unwrap_or(0);
    // The automaton refuses duplicates.
    let mut distinct: BTreeMap<&[u8], Vec<Pattern>> = BTreeMap::new();
    for pattern in anywhere {
        distinct.entry(pattern.magic.bytes).or_default().push(pattern);
    }
    let automaton = DoubleArrayAhoCorasick::with_values(distinct.keys().copied().zip(0..)).ok();
    Patterns { automaton, anywhere: distinct.into_values().collect(), at_start, reach }
});

/// A place where a format may start: ordered by place, then by row.
type Candidate = Reverse<(u64, usize)>;

/// Gets each chunk of a format as it is found: where, the format's row, and what was found of it.
type Taken<'f> = dyn FnMut(Span, usize, Carved<'_>) -> Result<(), Exceeded> + 'f;

/// The first candidate before `end`.
fn settled(waiting: &mut BinaryHeap<Candidate>, end: u64) -> Option<(u64, usize)> {
    waiting.peek().is_some_and(|Reverse((start, _))| *start < end).then(|| waiting.pop()).flatten().map(|Reverse(candidate)| candidate)
}

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
    let embedded = |format: &dyn Format| !matches!(format.spec().kind, Kind::Program | Kind::Partition | Kind::Encoding | Kind::Media);
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
    fn run(&mut self, from: u64, found: &mut Taken<'_>) -> Result<(), Exceeded> {
        let mut covered = from;
        if from == 0 {
            covered = self.first(found)?;
        }
        while let Some(end) = self.pass(covered, found)? {
            covered = end;
        }
        Ok(())
    }

    /// Tries the formats that are only ever a whole blob. Returns where the chunk at 0 ends, 0 if there is none.
    fn first(&mut self, found: &mut Taken<'_>) -> Result<u64, Exceeded> {
        let bytes = self.blob.bytes();
        let all = PATTERNS.at_start.iter().chain(PATTERNS.anywhere.iter().flatten());
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

    /// One pass from `from` on: each chunk that it finds moves on what is covered. Once a chunk reaches beyond the bytes that the pass has
    /// seen, returns where that chunk ends, to go on from there: no byte is looked at twice but those that a magic may lie ahead.
    fn pass(&mut self, from: u64, found: &mut Taken<'_>) -> Result<Option<u64>, Exceeded> {
        let Some(automaton) = &PATTERNS.automaton else { return Ok(None) };
        let mut waiting: BinaryHeap<Candidate> = BinaryHeap::new();
        let (mut covered, mut last) = (from, None);
        for hit in automaton.find_overlapping_iter(self.blob.bytes().tail(from)) {
            let (place, seen) = (from.saturating_add(to_u64(hit.start())), from.saturating_add(to_u64(hit.end())));
            while let Some(candidate) = settled(&mut waiting, seen.saturating_sub(PATTERNS.reach)) {
                covered = self.fresh(candidate, covered, &mut last, found)?;
            }
            if covered > seen {
                return Ok(Some(covered));
            }
            for pattern in PATTERNS.anywhere.get(to_usize(hit.value().into())).into_iter().flatten() {
                let start = place.checked_sub(pattern.magic.offset).filter(|start| *start >= covered && *start > 0);
                waiting.extend(start.map(|start| Reverse((start, pattern.format))));
            }
        }
        while let Some(candidate) = settled(&mut waiting, u64::MAX) {
            covered = self.fresh(candidate, covered, &mut last, found)?;
        }
        Ok(None)
    }

    /// Tries a candidate, unless it lies in what is covered or is the one that was tried last: two magics of one format may point at the
    /// same start. Returns where the covered bytes end now.
    fn fresh(
        &mut self,
        candidate: (u64, usize),
        covered: u64,
        last: &mut Option<(u64, usize)>,
        found: &mut Taken<'_>,
    ) -> Result<u64, Exceeded> {
        let again = last.replace(candidate) == Some(candidate);
        if again || candidate.0 < covered {
            return Ok(covered);
        }
        Ok(self.attempt(candidate.0, candidate.1, found)?.unwrap_or(covered))
    }

    fn attempt(&mut self, start: u64, row: usize, found: &mut Taken<'_>) -> Result<Option<u64>, Exceeded> {
        let Some(format) = FORMATS.get(row).filter(|format| (self.formats)(**format)) else { return Ok(None) };
        if self.gave_up.is_some() && format.spec().kind == Kind::Compression {
            return Ok(None);
        }
        self.budget.check()?;
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
