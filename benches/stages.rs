//! The stages that touch every byte, one by one, on a program's bytes and on noise.
#![allow(clippy::expect_used, clippy::panic, missing_docs, reason = "a bench that cannot read its input must stop")]

use std::fs;
use std::sync::Arc;

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use sha2::{Digest, Sha256};
use touchmark::blob::Blob;
use touchmark::fact::{ANALYZERS, Context, Fact, Facts, Subject};
use touchmark::limits::{Budget, Limits};
use touchmark::scan::scan;
use touchmark::signature::Database;

fn main() {
    divan::main();
}

/// What the stages run over.
const INPUTS: [&str; 3] = ["program", "noise", "zeros"];

/// 8 MiB at most.
fn input(kind: &str) -> Vec<u8> {
    match kind {
        "program" => {
            let path = std::env::current_exe().expect("a bench is a file");
            let mut bytes = fs::read(path).expect("and can be read");
            bytes.truncate(8 << 20);
            bytes
        }
        "noise" => (0_u32..1 << 18).flat_map(|number| Sha256::digest(number.to_le_bytes())).collect(),
        _ => vec![0; 8 << 20],
    }
}

fn strings(blob: &Blob, each: &mut dyn FnMut(&[u8])) {
    let analyzer = ANALYZERS.iter().find(|one| one.id() == "strings").expect("strings are facts");
    let subject = Subject { blob, format: None, context: Context::of(blob, None) };
    let mut take = |fact: Fact<'_>| each(fact.value);
    analyzer.analyze(&subject, &mut Facts::new(&mut take));
}

#[divan::bench(args = INPUTS, sample_count = 20)]
fn magics(bencher: Bencher<'_, '_>, kind: &str) {
    let blob = Blob::new(input(kind));
    let budget = Budget::new(Limits::default(), Arc::default());
    bencher.counter(BytesCount::new(blob.len())).bench_local(|| {
        let mut chunks = 0_u32;
        let scanned = scan(&blob, &budget, &mut |_, _| {
            chunks = chunks.saturating_add(1);
            Ok(())
        });
        (chunks, scanned.is_ok())
    });
}

#[divan::bench(args = INPUTS, sample_count = 20)]
fn string_extraction(bencher: Bencher<'_, '_>, kind: &str) {
    let blob = Blob::new(input(kind));
    bencher.counter(BytesCount::new(blob.len())).bench_local(|| strings(&blob, &mut |value| _ = black_box(value)));
}

/// What memory allows: one pass for one byte.
#[divan::bench(args = INPUTS, sample_count = 20)]
fn memchr_pass(bencher: Bencher<'_, '_>, kind: &str) {
    let bytes = input(kind);
    bencher.counter(BytesCount::new(bytes.len())).bench_local(|| memchr::memchr_iter(0x7f, &bytes).count());
}

#[divan::bench(args = INPUTS, sample_count = 10)]
fn matching(bencher: Bencher<'_, '_>, kind: &str) {
    let database = Database::embedded().unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let (blob, mut values) = (Blob::new(input(kind)), Vec::new());
    strings(&blob, &mut |value| values.push(value.to_vec()));
    let size: usize = values.iter().map(Vec::len).sum();
    bencher.counter(BytesCount::new(size)).bench_local(|| {
        let mut hits = 0_u32;
        values.iter().for_each(|value| database.hits("string", value, &mut |_| hits = hits.saturating_add(1)));
        hits
    });
}

#[divan::bench(sample_count = 10)]
fn loading_the_database() -> bool {
    Database::embedded().is_ok()
}
