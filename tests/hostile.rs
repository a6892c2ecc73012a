//! Inputs made to make a reader panic, hang, or pass its limits, through the library's own front door.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test that cannot make its input must fail"
)]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use touchmark::blob::Blob;
use touchmark::format::FORMATS;
use touchmark::limits::Limits;
use touchmark::report::Report;
use touchmark::signature::Database;
use touchmark::walk::Input;
use touchmark::{Options, inspect};

static DATABASE: LazyLock<Database> = LazyLock::new(|| Database::embedded().unwrap_or_else(|mistakes| panic!("{mistakes}")));

/// One test at a time: they measure time, and each wants both cores.
static TURN: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The most that one small input may take on a busy machine, in the dev profile.
const PATIENCE: Duration = Duration::from_secs(30);

fn inspected(bytes: &[u8], jobs: usize, limits: &Limits) -> Report {
    let options = Options { limits: limits.clone(), jobs, ..Options::default() };
    inspect(&Input::Image(Blob::new(bytes.to_vec())), "hostile", &DATABASE, &options)
}

/// What holds of every report, whatever the input.
#[track_caller]
fn sound(report: &Report, size: usize, what: &str) {
    let parts = &report.coverage;
    let sum: u64 = [parts.attributed, parts.identified, parts.padding, parts.opaque, parts.unknown].iter().sum();
    assert_eq!((sum, parts.total, report.input.size), (size as u64, size as u64, size as u64), "{what}: coverage");
    for problem in &report.problems {
        assert!(!problem.message.contains("a bug of touchmark"), "{what}: artifact {}: {}", problem.artifact, problem.message);
    }
    for (index, artifact) in report.artifacts.iter().enumerate() {
        assert!(artifact.id == index && artifact.parent.is_none_or(|parent| parent < index), "{what}: ids are in preorder");
        let mut end = 0;
        for chunk in &artifact.chunks {
            assert_eq!(chunk.start, end, "{what}: chunks of artifact {index} cover it once");
            end = chunk.start + chunk.length;
        }
        assert!(artifact.chunks.is_empty() || end == artifact.size, "{what}: chunks of artifact {index} end at {end}");
    }
}

/// Inspects with one job and with two: the reports are sound and the same, byte for byte.
#[track_caller]
fn checked(bytes: &[u8], limits: &Limits, what: &str) -> Report {
    let (one, two) = (inspected(bytes, 1, limits), inspected(bytes, 2, limits));
    sound(&one, bytes.len(), what);
    assert!(serde_json::to_string(&one).unwrap() == serde_json::to_string(&two).unwrap(), "{what}: one job gives another report than two");
    one
}

fn limit_struck(report: &Report, words: &str) -> bool {
    report.problems.iter().any(|problem| problem.code == "limit" && problem.message.contains(words))
}

/// Random numbers that are the same each time (xorshift64*).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count.div_ceil(8)).flat_map(|_| self.next().to_le_bytes()).take(count).collect()
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

fn tar_header(name: &str, size: usize, kind: u8) -> [u8; 512] {
    let mut header = [0_u8; 512];
    let mut put = |at: usize, text: &str| header[at..at + text.len()].copy_from_slice(text.as_bytes());
    put(0, name);
    put(100, "0000644\0");
    put(108, "0000000\0");
    put(116, "0000000\0");
    put(124, &format!("{size:011o}\0"));
    put(136, "00000000000\0");
    put(148, "        ");
    put(257, "ustar\x0000");
    header[156] = kind;
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
}

/// An archive of one file.
fn tar(name: &str, content: &[u8]) -> Vec<u8> {
    let mut archive = tar_header(name, content.len(), b'0').to_vec();
    archive.extend(content);
    archive.resize(archive.len().next_multiple_of(512) + 1024, 0);
    archive
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// An archive of one stored file.
fn zip(name: &str, content: &[u8]) -> Vec<u8> {
    let size = (content.len() as u32).to_le_bytes();
    let common =
        [&[20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0x50], &crc32(content).to_le_bytes()[..], &size, &size, &[name.len() as u8, 0, 0, 0]].concat();
    let local = [b"PK\x03\x04", &common[..], name.as_bytes(), content].concat();
    let central = [b"PK\x01\x02\x14\x00", &common[..], &[0; 14], name.as_bytes()].concat();
    let (length, start) = ((central.len() as u32).to_le_bytes(), (local.len() as u32).to_le_bytes());
    [&local[..], &central, b"PK\x05\x06\0\0\0\0\x01\0\x01\0", &length, &start, &[0, 0]].concat()
}

#[test]
fn a_gibibyte_of_zeros_in_gzip() {
    let _turn = turn();
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    let zeros = vec![0; 1 << 20];
    (0..1024).for_each(|_| packer.write_all(&zeros).unwrap());
    let bomb = packer.finish().unwrap();
    let limits = Limits { ratio: 20, ..Limits::default() };
    let report = checked(&bomb, &limits, "gzip bomb");
    assert!(limit_struck(&report, "for each byte of input"), "{:?}", report.problems);
    let limits = Limits { artifact: 20 << 20, ..Limits::default() };
    assert!(limit_struck(&checked(&bomb, &limits, "gzip bomb"), "an artifact of more than"));
    let report = inspected(&bomb, 2, &Limits::default());
    sound(&report, bomb.len(), "gzip bomb");
    assert!(limit_struck(&report, "for each byte of input"), "the limits that nobody changed stop it too: {:?}", report.problems);
}

#[test]
fn a_hundred_levels_of_everything() {
    let _turn = turn();
    let nest = |wrap: &dyn Fn(&[u8]) -> Vec<u8>| (0..100).fold(b"the innermost words, alone\n".to_vec(), |inner, _| wrap(&inner));
    let images = [
        ("gzip", nest(&gzip)),
        ("tar", nest(&|inner| tar("inner", inner))),
        ("zip", nest(&|inner| zip("inner", inner))),
        ("zip in tar in gzip", nest(&|inner| gzip(&tar("inner", &zip("inner", inner))))),
    ];
    for (what, image) in images {
        let report = checked(&image, &Limits::default(), what);
        assert!(limit_struck(&report, "nested deeper than 24 levels"), "{what}: {:?}", report.problems);
        let deep = checked(&image, &Limits { depth: 1000, ..Limits::default() }, what);
        assert!(deep.artifacts.len() > 100 && deep.problems.is_empty(), "{what}: {} artifacts, {:?}", deep.artifacts.len(), deep.problems);
    }
}

#[test]
fn an_archive_of_many_empty_members() {
    let _turn = turn();
    let mut archive: Vec<u8> = (0..100_000).flat_map(|number| tar_header(&format!("{number}"), 0, b'0')).collect();
    archive.resize(archive.len() + 1024, 0);
    let started = Instant::now();
    let report = inspected(&archive, 2, &Limits::default());
    sound(&report, archive.len(), "many members");
    assert_eq!(report.artifacts.len(), 100_001);
    assert!(started.elapsed() < PATIENCE * 2, "{:?}", started.elapsed());
    let few = checked(&archive, &Limits { artifacts: 1000, ..Limits::default() }, "many members");
    assert!(limit_struck(&few, "more than 1000 artifacts") && few.artifacts.len() < 1100, "{}", few.artifacts.len());
}

#[test]
fn folders_in_folders() {
    let _turn = turn();
    let mut archive = Vec::new();
    let (mut path, name) = (String::new(), "directory-with-a-name");
    for _ in 0..300 {
        path.push_str(name);
        path.push('/');
        // A GNU long name, then the folder.
        archive.extend(tar_header("././@LongLink", path.len() + 1, b'L'));
        archive.extend(path.as_bytes());
        archive.resize((archive.len() + 1).next_multiple_of(512), 0);
        archive.extend(tar_header(&path[..90.min(path.len())], 0, b'5'));
    }
    archive.resize(archive.len() + 1024, 0);
    checked(&archive, &Limits::default(), "deep folders");
    let slashes = tar_header(&"/".repeat(99), 0, b'5');
    checked(&[&slashes[..], &[0; 1024]].concat(), &Limits::default(), "a name of slashes");
}

/// Magics of all formats at random places in random bytes.
fn soup(size: usize, seed: u64) -> Vec<u8> {
    let mut random = Random(seed);
    let mut bytes = random.bytes(size);
    let magics: Vec<_> = FORMATS.iter().flat_map(|format| format.spec().magics).collect();
    for _ in 0..size / 256 {
        let magic = magics[random.below(magics.len())];
        let at = random.below(size - 64 - magic.bytes.len());
        bytes[at..at + magic.bytes.len()].copy_from_slice(magic.bytes);
        // Behind it what reads as a very small or a very large number.
        let fill = [0x00, 0x01, 0x7f, 0xff][random.below(4)];
        let from = at + magic.bytes.len();
        bytes[from..from + random.below(24)].fill(fill);
    }
    bytes
}

#[test]
fn magic_soup_takes_linear_time() {
    let _turn = turn();
    let seed = 0x5eed;
    let timed = |bytes: &[u8]| {
        let started = Instant::now();
        sound(&inspected(bytes, 1, &Limits::default()), bytes.len(), &format!("magic soup, seed {seed:#x}"));
        started.elapsed()
    };
    let (small, large) = (soup(1 << 20, seed), soup(16 << 20, seed));
    checked(&small, &Limits::default(), "magic soup");
    // The best of three: other programs only ever make it slower.
    let small = (0..3).map(|_| timed(&small)).min().unwrap();
    let large = (0..2).map(|_| timed(&large)).min().unwrap();
    let growth = large.as_secs_f64() / 16.0 / small.as_secs_f64();
    assert!(growth < 3.0, "a byte of 16 MiB takes {growth:.1} times as long as one of 1 MiB ({small:?}, {large:?}), seed {seed:#x}");
}

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            files_below(&path, found);
        } else if path.extension().is_none_or(|ending| ending != "sh" && ending != "json") {
            found.push(path);
        }
    }
}

/// The sample images of all formats.
fn fixtures() -> Vec<(String, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut paths = Vec::new();
    files_below(&root, &mut paths);
    paths.sort();
    let name = |path: &Path| path.strip_prefix(&root).unwrap().display().to_string();
    paths.iter().map(|path| (name(path), fs::read(path).unwrap())).filter(|(_, bytes)| !bytes.is_empty()).collect()
}

/// One way to damage bytes. Returns what was done.
fn damage(bytes: &mut Vec<u8>, random: &mut Random) -> &'static str {
    // Headers are worth more than data.
    let reach = if random.below(3) == 0 { bytes.len() } else { bytes.len().min(2048) };
    let at = random.below(reach);
    match random.below(6) {
        0 => {
            bytes.truncate(random.below(bytes.len()) + 1);
            "cut"
        }
        1 => {
            (0..=random.below(8)).for_each(|_| {
                let at = random.below(reach);
                bytes[at] ^= 1 << random.below(8);
            });
            "flipped bits"
        }
        kind @ (2 | 3) => {
            let end = (at + 1 + random.below(16)).min(bytes.len());
            bytes[at..end].fill(if kind == 2 { 0x7f } else { 0xff });
            "extreme numbers"
        }
        4 => {
            let end = (at + 1 + random.below(64)).min(bytes.len());
            bytes[at..end].fill(0);
            "zeros"
        }
        _ => {
            let from = random.below(bytes.len());
            let length = random.below(256).min(bytes.len() - from).min(bytes.len() - at);
            bytes.copy_within(from..from + length, at);
            "a piece of itself elsewhere"
        }
    }
}

#[test]
fn damaged_samples() {
    let _turn = turn();
    let samples = fixtures();
    let limits = Limits { unpacked: 1 << 30, artifact: 64 << 20, ..Limits::default() };
    // All in turn, as often as the time allows: what one run has no time for, an idle machine does.
    let (end, most) = (Instant::now() + Duration::from_secs(25), 40);
    for round in 0..most {
        for (index, (name, sample)) in samples.iter().enumerate() {
            let seed = 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(1 + round * 1000 + index as u64);
            let (mut bytes, mut random) = (sample.clone(), Random(seed));
            let how = damage(&mut bytes, &mut random);
            let what = format!("fixtures/{name}, seed {seed:#x}: {how}");
            let started = Instant::now();
            let caught = std::panic::catch_unwind(|| inspected(&bytes, 1, &limits));
            let report = caught.unwrap_or_else(|_| panic!("{what}: it panicked"));
            sound(&report, bytes.len(), &what);
            assert!(started.elapsed() < PATIENCE, "{what}: took {:?}", started.elapsed());
            if round == 0 {
                checked(&bytes, &limits, &what);
            }
        }
        if Instant::now() > end {
            break;
        }
    }
}

#[test]
fn every_limit_is_kept_and_reported() {
    let _turn = turn();
    let inner: Vec<Vec<u8>> = (0..20).map(|number| gzip(format!("file {number} says little ").repeat(2000).as_bytes())).collect();
    let mut archive: Vec<u8> = Vec::new();
    for (number, content) in inner.iter().enumerate() {
        archive.extend(tar_header(&format!("{number}.gz"), content.len(), b'0'));
        archive.extend(content);
        archive.resize(archive.len().next_multiple_of(512), 0);
    }
    archive.resize(archive.len() + 1024, 0);
    let free = Limits::default();
    assert!(checked(&archive, &free, "no limit").problems.is_empty());
    let cases = [
        (Limits { depth: 1, ..free.clone() }, "nested deeper than 1 levels"),
        (Limits { unpacked: 200_000, ..free.clone() }, "more than 200000 bytes unpacked"),
        (Limits { artifact: 10_000, ..free.clone() }, "an artifact of more than 10000 bytes"),
        (Limits { artifacts: 13, ..free.clone() }, "more than 13 artifacts"),
        (Limits { live: 30_000, ..free.clone() }, "more than 30000 bytes held at once"),
    ];
    for (limits, words) in cases {
        let report = checked(&archive, &limits, words);
        assert!(limit_struck(&report, words), "{words}: {:?}", report.problems);
        assert_eq!(report.outcome, "partial", "{words}");
    }
}

/// With less to spend, everything is found all the same, or a limit is reported: nothing is lost in silence.
#[test]
fn limits_are_never_silent() {
    let _turn = turn();
    let free = Limits::default();
    let tight = [
        ("unpacked 0", Limits { unpacked: 0, ..free.clone() }),
        ("unpacked 5000", Limits { unpacked: 5000, ..free.clone() }),
        ("artifact 100", Limits { artifact: 100, ..free.clone() }),
        ("artifacts 2", Limits { artifacts: 2, ..free.clone() }),
        ("depth 1", Limits { depth: 1, ..free.clone() }),
        ("live 100", Limits { live: 100, ..free.clone() }),
    ];
    let hashes = |report: &Report| report.artifacts.iter().map(|one| one.sha256.clone()).collect::<Vec<_>>();
    let mut silent = Vec::new();
    for (name, sample) in fixtures() {
        let all = hashes(&inspected(&sample, 1, &free));
        for (what, limits) in &tight {
            let report = inspected(&sample, 1, limits);
            sound(&report, sample.len(), &format!("fixtures/{name}, {what}"));
            if hashes(&report) != all && !limit_struck(&report, "") {
                silent.push(format!("fixtures/{name}, {what}: {} of {} artifacts", report.artifacts.len(), all.len()));
            }
        }
    }
    assert!(silent.is_empty(), "lost without a word:\n{}", silent.join("\n"));
}
