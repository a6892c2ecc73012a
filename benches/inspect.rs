//! Whole images: how long they take, beside SHA-256 of the same bytes in the same run.
#![allow(clippy::expect_used, clippy::panic, clippy::print_stdout, missing_docs, reason = "a bench that cannot read its image must stop")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use sha2::{Digest, Sha256};
use touchmark::Options;
use touchmark::blob::Blob;
use touchmark::signature::Database;
use touchmark::walk::Input;

fn main() {
    ratios();
    divan::main();
}

fn database() -> Database {
    Database::embedded().unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

/// The ten largest sample images. `TOUCHMARK_BENCH` names a folder of larger ones.
fn images() -> Vec<String> {
    let folder = std::env::var_os("TOUCHMARK_BENCH").map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures"), PathBuf::from);
    let (mut found, mut folders) = (Vec::new(), vec![folder]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                Ok(kind) if kind.is_file() => found.push((kind.len(), entry.path().to_string_lossy().into_owned())),
                _ => (),
            }
        }
    }
    found.sort_by(|one, other| other.cmp(one));
    found.into_iter().take(10).map(|(_, path)| path).collect()
}

fn read(path: &str) -> Vec<u8> {
    fs::read(path).expect("the image was there a moment ago")
}

fn run(bytes: &[u8], database: &Database, jobs: usize) -> usize {
    let options = Options { jobs, ..Options::default() };
    touchmark::inspect(&Input::Image(Blob::new(bytes.to_vec())), "bench", database, &options).artifacts.len()
}

/// The best of a few runs: other programs only ever make it slower.
fn best<T>(mut work: impl FnMut() -> T) -> Duration {
    let timed = |_| {
        let started = Instant::now();
        black_box(work());
        started.elapsed()
    };
    (0..5).map(timed).min().unwrap_or_default()
}

/// One line an image: its time on one thread in times of hashing it.
fn ratios() {
    let database = database();
    for path in images() {
        let bytes = read(&path);
        let (whole, hash) = (best(|| run(&bytes, &database, 1)), best(|| Sha256::digest(&bytes)));
        let ratio = whole.as_secs_f64() / hash.as_secs_f64().max(1e-9);
        println!("{path}: {} bytes, inspected in {whole:.1?}, hashed in {hash:.1?}: {ratio:.1} times", bytes.len());
    }
}

#[divan::bench(args = images(), sample_count = 10)]
fn inspect(bencher: Bencher<'_, '_>, path: &str) {
    let (database, bytes) = (database(), read(path));
    bencher.counter(BytesCount::new(bytes.len())).bench_local(|| run(&bytes, &database, Options::default().jobs));
}
