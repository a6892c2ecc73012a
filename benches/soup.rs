//! The scan over bytes that are full of magics and hold nothing: its cost for each byte must not grow with their number.
#![allow(clippy::arithmetic_side_effects, clippy::print_stdout, missing_docs, reason = "a bench prints what it measured")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use touchmark::blob::Blob;
use touchmark::format::FORMATS;
use touchmark::limits::{Budget, Exceeded, Limits};
use touchmark::scan::{Content, scan};

/// Bytes that are a magic of some format every few dozen of them, with noise between. Long magics are left out: they are no chance, and what
/// begins with one is rightly believed.
fn soup(size: usize) -> Vec<u8> {
    let magics: Vec<&[u8]> =
        FORMATS.iter().flat_map(|format| format.spec().magics).map(|magic| magic.bytes).filter(|magic| magic.len() < 8).collect();
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut bytes = Vec::with_capacity(size + 64);
    while bytes.len() < size {
        let word = random();
        let index = usize::try_from(word >> 32).unwrap_or_default() % magics.len().max(1);
        bytes.extend_from_slice(magics.get(index).copied().unwrap_or_default());
        (0..word % 6).for_each(|_| bytes.extend_from_slice(&random().to_le_bytes()));
    }
    bytes.truncate(size);
    bytes
}

/// More than this is a find that ends the measure: the rest would not be scanned.
const SWALLOWED: u64 = 1 << 16;

/// What the scan finds in there.
#[derive(Default)]
struct Found {
    /// Seconds of the scan.
    seconds: f64,
    /// Formats, and how many of the bytes they took for themselves.
    formats: BTreeMap<&'static str, u64>,
    /// Where the first begins that took many, and its row in `FORMATS`. The scan ended there.
    swallowed: Option<(u64, usize)>,
    problems: Vec<String>,
}

fn look(blob: &Blob) -> Found {
    let budget = Budget::new(Limits::default(), Arc::default());
    let (started, mut found) = (Instant::now(), Found::default());
    let outcome = scan(blob, &budget, &mut |span, content| {
        if let Content::Format(row, _) = content {
            *found.formats.entry(FORMATS.get(row).map_or("", |format| format.spec().id)).or_default() += span.length;
            if span.length > SWALLOWED {
                found.swallowed = Some((span.start, row));
                return Err(Exceeded::Artifact(SWALLOWED));
            }
        }
        Ok(())
    });
    found.seconds = started.elapsed().as_secs_f64();
    found.problems = outcome.into_iter().flatten().map(|problem| problem.message).collect();
    found
}

/// Wipes what a format would take much of: in so many bytes chance makes a header that is right, now and then, and what follows it is not
/// scanned. How many there were, and the bytes.
fn cleared(mut bytes: Vec<u8>) -> (usize, Blob) {
    let (mut from, mut wiped) = (0, 0);
    loop {
        let blob = Blob::new(bytes.get(from..).unwrap_or_default().to_vec());
        let Some((start, row)) = look(&blob).swallowed else { return (wiped, Blob::new(bytes)) };
        from += usize::try_from(start).unwrap_or(usize::MAX);
        // Some have their magic far behind their start.
        let magics = FORMATS.get(row).map_or(&[][..], |format| format.spec().magics);
        for place in magics.iter().map(|magic| usize::try_from(magic.offset).unwrap_or(0)).chain([0]) {
            bytes.iter_mut().skip(from + place).take(2048).for_each(|byte| *byte = 0x55);
        }
        wiped += 1;
    }
}

/// One line a size. `cargo bench --bench soup -- 1024` goes up to 1024 MiB.
fn main() {
    let most = std::env::args().filter_map(|word| word.parse().ok()).next().unwrap_or(64_usize);
    let mut first = 0.0;
    for mebibytes in [1, 4, 16, 64, 256, 1024].into_iter().filter(|size| *size <= most) {
        let (wiped, blob) = cleared(soup(mebibytes << 20));
        let found = look(&blob);
        assert_eq!(found.swallowed, None, "nothing is left that would end the measure");
        let nanoseconds = found.seconds * 1e9 / f64::from(u32::try_from(mebibytes << 20).unwrap_or(u32::MAX));
        first = if first == 0.0 { nanoseconds } else { first };
        let Found { formats, problems, .. } = found;
        println!(
            "{mebibytes} MiB: {nanoseconds:.2} ns a byte, {:.2} times that of 1 MiB; taken {formats:?}, wiped {wiped} {problems:?}",
            nanoseconds / first
        );
    }
}
