//! The damage matrix: the images of every format under `fixtures/`, with junk before and behind, cut off, with flipped bits and extreme
//! numbers, and two in a row. What is whole comes back whole; what is not never makes a reader panic, or hand out more than there is.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot read its fixtures must fail"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use touchmark::Options;
use touchmark::artifact::Artifact;
use touchmark::blob::{Blob, Span};
use touchmark::format::{Anchor, Child, Children, FORMATS, Format, Notes};
use touchmark::limits::{Budget, Limits};
use touchmark::signature::Database;
use touchmark::walk::Input;

/// Formats of which two in a row are one: their tools read them so, or nothing says where the first one ends.
const JOIN: &[&str] = &["bzip2", "gzip", "lz4", "lz4-legacy", "lzip", "lzop", "snappy", "uf2", "vxworks-symbols", "xz", "zstd"];

/// Formats that are only ever all of a file, or are told by what stands at its end: with anything behind them they are none.
const WHOLE: &[&str] = &[
    "der",
    "dlink-dwl",
    "dmg",
    "fmap-flash",
    "huawei-config",
    "intel-gbe",
    "nand-oob",
    "nordic-dfu-init",
    "openssl-salted",
    "qnap",
    "qualcomm-mbn",
    "rauc",
    "uefi-file",
    "uefi-nvar",
];

/// Formats that do not say where they end: what stands behind them is their last part's.
const OPEN: &[&str] = &[
    "chrome-crx",
    "compress",
    "esp-flash",
    "jcg",
    "luks",
    "luxul-lxl",
    "netgear-dni",
    "radlan-ros",
    "swapped-16",
    "swapped-32",
    "xalz",
    "xerox-dlm",
    "xilinx-boot",
    "zte-image",
];

/// Formats that are read together with what stands before them.
const TRAILER: &[&str] = &["dfu-suffix"];

/// The bytes of the format `id` in each of its images, smallest first: some lie within other bytes, or are packed to be small.
fn images(id: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(id);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths = entries.map(|entry| entry.unwrap().path());
    let images = paths.filter(|path| PathBuf::from(format!("{}.report.json", path.display())).exists());
    let mut images: Vec<_> = images.filter_map(|path| Some((path.clone(), inside(id, fs::read(path).unwrap())?))).collect();
    images.sort_by_key(|(path, bytes)| (bytes.len(), path.clone()));
    assert!(!images.is_empty(), "no image in {} holds {id}", folder.display());
    images
}

/// The first artifact of the format `id` in an image.
fn inside(id: &str, image: Vec<u8>) -> Option<Vec<u8>> {
    let found = Mutex::new(None);
    let observer = |artifact: &Artifact, blob: &Blob| {
        if artifact.format == Some(id) {
            found.lock().unwrap().get_or_insert_with(|| blob.as_slice().to_vec());
        }
    };
    let database = Database::of(&[]).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let options = Options { jobs: 1, observer: Some(&observer), ..Options::default() };
    touchmark::inspect(&Input::Image(Blob::new(image)), "image", &database, &options);
    found.into_inner().unwrap()
}

/// What came out of a format.
#[derive(Default)]
struct Yield {
    length: u64,
    /// All that is no folder or link.
    files: BTreeSet<Vec<u8>>,
}

/// Carves and unpacks at `start`; `None` if the format does not accept.
fn read(format: &dyn Format, bytes: &[u8], start: u64) -> Option<Yield> {
    let limits = Limits { unpacked: 256 << 20, artifact: 32 << 20, live: 256 << 20, artifacts: 50_000, ..Limits::default() };
    let (budget, blob) = (Budget::new(limits, Arc::default()), Blob::new(bytes.to_vec()));
    let carved = format.carve(&blob, start, &budget).ok()?;
    assert!(carved.length > 0 && start + carved.length <= blob.len(), "it ends at {} of {}", start + carved.length, blob.len());
    let mut found = Yield { length: carved.length, ..Yield::default() };
    let mut keep = |blob: &Blob| _ = found.files.insert(blob.as_slice().to_vec());
    if let Some(payload) = carved.payload {
        keep(&payload.output.into_blob());
        return Some(found);
    }
    let whole = blob.carve(Span::new(start, carved.length)).unwrap();
    let mut notes = Notes::default();
    let mut deliver = |child: Child| {
        budget.charge_artifact()?;
        assert!(child.span.unwrap_or_default().end() <= whole.len(), "a child ends outside of its parent");
        keep(&child.blob);
        Ok(())
    };
    let _ = format.unpack(&whole, &mut Children::new(&budget, &whole, &mut deliver, &mut notes));
    for fact in &notes.facts {
        assert!(fact.span.end() <= whole.len(), "the fact {} stands outside", fact.key);
    }
    Some(found)
}

fn random(state: &mut u64, below: usize) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    usize::try_from(*state % u64::try_from(below.max(1)).unwrap()).unwrap()
}

/// Bytes that are nothing: no two neighbours are alike, and nothing in them looks like a header.
fn junk(length: usize) -> Vec<u8> {
    (0..length).map(|at| [0xa7, 0x35, 0xc9, 0x5b, 0xe3][at % 5]).collect()
}

fn may_start_anywhere(format: &dyn Format) -> bool {
    format.spec().magics.iter().any(|magic| magic.anchor == Anchor::Anywhere)
}

/// With junk around it, a whole image gives what it gives alone, and so does each of two in a row.
fn surroundings(format: &dyn Format, image: &[u8], alone: &Yield, what: &str) {
    let check = |bytes: &[u8], start: u64, how: &str| {
        let found = read(format, bytes, start).unwrap_or_else(|| panic!("{what}, {how}: not found"));
        let missing = alone.files.difference(&found.files);
        let open = OPEN.contains(&format.spec().id);
        let missing = missing.filter(|part| !open || !found.files.iter().any(|longer| longer.starts_with(part))).count();
        assert!(missing == 0, "{what}, {how}: {missing} of {} parts are missing", alone.files.len());
        found
    };
    if !WHOLE.contains(&format.spec().id) {
        check(&[image, &junk(777)].concat(), 0, "junk behind");
    }
    if !may_start_anywhere(format) {
        return;
    }
    check(&[&junk(777), image].concat(), 777, "junk before");
    check(&[&junk(4096), image, &junk(501)].concat(), 4096, "junk around");
    if !JOIN.contains(&format.spec().id) {
        let twice = [image, image].concat();
        check(&twice, 0, "two in a row, the first");
        check(&twice, u64::try_from(image.len()).unwrap(), "two in a row, the second");
    }
}

/// Whatever is cut off, flipped or overwritten, the reader comes back.
fn damage(format: &dyn Format, image: &[u8], rounds: usize, what: &str) {
    let attempt = |bytes: &[u8], how: &str| {
        let outcome = catch_unwind(AssertUnwindSafe(|| read(format, bytes, 0)));
        assert!(outcome.is_ok(), "{what}, {how}: panicked");
    };
    for tenth in 0..10 {
        attempt(&image[..image.len() * tenth / 10], &format!("the first {tenth} tenths"));
    }
    let mut state = 0x2545_f491_4f6c_dd1d;
    for round in 0..rounds {
        let mut copy = image.to_vec();
        let reach = if round % 2 == 0 { copy.len().min(4096) } else { copy.len() };
        for _ in 0..=random(&mut state, 4) {
            let at = random(&mut state, reach);
            copy[at] ^= 1 << random(&mut state, 8);
        }
        attempt(&copy, &format!("round {round} of flipped bits"));
    }
    let step = if rounds < 1000 { 16 } else { 4 };
    for at in (0..image.len().saturating_sub(4).min(512)).step_by(step) {
        for value in [0_u32, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0xffff_fff0] {
            for number in [value.to_le_bytes(), value.to_be_bytes()] {
                let mut copy = image.to_vec();
                copy[at..at + 4].copy_from_slice(&number);
                attempt(&copy, &format!("{value:#x} at {at:#x}"));
            }
        }
    }
}

/// The matrix for one image.
fn cell(format: &dyn Format, image: &[u8], rounds: usize, what: &str) {
    let alone = read(format, image, 0).unwrap_or_else(|| panic!("{what}: not accepted"));
    let whole = &image[..usize::try_from(alone.length).unwrap()];
    surroundings(format, whole, &alone, what);
    damage(format, whole, rounds, what);
}

/// The matrix for each `of`th format from the `first` on: a share of the work for each thread of the test runner.
fn matrix(first: usize, of: usize) {
    let mut broken = Vec::new();
    let all = FORMATS.iter().filter(|format| !TRAILER.contains(&format.spec().id));
    for format in all.skip(first).step_by(of).copied() {
        for (index, (path, image)) in images(format.spec().id).into_iter().enumerate() {
            let what = format!("{} {}", format.spec().id, path.file_name().unwrap().display());
            let rounds = if index == 0 { 1000 } else { 100 };
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| cell(format, &image, rounds, &what))) {
                broken.push(panic.downcast_ref::<String>().cloned().unwrap_or(what));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn formats_survive_damage_first_quarter() {
    matrix(0, 4);
}

#[test]
fn formats_survive_damage_second_quarter() {
    matrix(1, 4);
}

#[test]
fn formats_survive_damage_third_quarter() {
    matrix(2, 4);
}

#[test]
fn formats_survive_damage_last_quarter() {
    matrix(3, 4);
}

/// What may stand around bytes that happen to be a magic: noise, nothing, erased flash, text, small numbers.
fn surroundings_of_chance(round: usize, state: &mut u64) -> Vec<u8> {
    let mut noise = |length: usize| (0..length).map(|_| random(state, 256).to_le_bytes()[0]).collect::<Vec<u8>>();
    match round % 5 {
        0 => noise(70_000),
        1 => vec![0; 70_000],
        2 => vec![0xff; 70_000],
        3 => b"and so on, a sentence about something else; it has numbers 0123456789 in it.\n".repeat(900),
        _ => noise(70_000).into_iter().map(|byte| byte & 3).collect(),
    }
}

/// A magic alone proves nothing: in the middle of whatever may stand around it, no format sees itself.
#[test]
fn magics_by_chance_are_nothing() {
    let mut state = 0x9e37_79b9_7f4a_7c15;
    let mut taken: BTreeMap<&str, usize> = BTreeMap::new();
    for round in 0..50 {
        let around = surroundings_of_chance(round, &mut state);
        for format in FORMATS.iter() {
            for magic in format.spec().magics.iter().filter(|magic| magic.anchor == Anchor::Anywhere && magic.bytes.len() < 12) {
                let start = 64 + random(&mut state, 64);
                let mut bytes = around.clone();
                let place = start + usize::try_from(magic.offset).unwrap();
                if place + magic.bytes.len() > bytes.len() {
                    continue;
                }
                bytes[place..place + magic.bytes.len()].copy_from_slice(magic.bytes);
                let limits = Limits { unpacked: 256 << 20, ..Limits::default() };
                let (budget, blob) = (Budget::new(limits, Arc::default()), Blob::new(bytes));
                if format.carve(&blob, start as u64, &budget).is_ok() {
                    *taken.entry(format.spec().id).or_default() += 1;
                }
            }
        }
    }
    // A header of few bytes may be right by chance, now and then.
    taken.retain(|_, times| *times > 2);
    assert!(taken.is_empty(), "formats that take chance for themselves, and how often in 50 rounds: {taken:?}");
}

/// Short magics of all formats one behind the other, with a few bytes of noise between: whatever accepts itself in there may be right by
/// chance, but takes hardly anything away from what really is there. Magics of 8 bytes and more are no chance.
#[test]
fn a_soup_of_magics_feeds_nobody() {
    let all: Vec<&[u8]> =
        FORMATS.iter().flat_map(|format| format.spec().magics).map(|magic| magic.bytes).filter(|one| (1..8).contains(&one.len())).collect();
    let (mut state, mut soup) = (0x2545_f491_4f6c_dd1d, Vec::new());
    while soup.len() < 16 << 20 {
        soup.extend_from_slice(all[random(&mut state, all.len())]);
        (0..random(&mut state, 40)).for_each(|_| soup.push(random(&mut state, 256).to_le_bytes()[0]));
    }
    let blob = Blob::new(soup.clone());
    let mut taken: BTreeMap<&str, (usize, u64)> = BTreeMap::new();
    for format in FORMATS.iter() {
        for magic in format.spec().magics.iter().filter(|magic| magic.anchor == Anchor::Anywhere) {
            let places = memchr::memmem::find_iter(&soup, magic.bytes);
            for start in places.filter_map(|place| (place as u64).checked_sub(magic.offset)) {
                let budget = Budget::new(Limits { unpacked: 256 << 20, ..Limits::default() }, Arc::default());
                if let Ok(carved) = format.carve(&blob, start, &budget) {
                    let entry = taken.entry(format.spec().id).or_default();
                    *entry = (entry.0 + 1, entry.1.max(carved.length));
                }
            }
        }
    }
    // The soup is of what headers are made of: one of a format in all of it is chance, and other formats stir it anew.
    taken.retain(|_, (times, longest)| *times > 1 && *longest > 4096);
    assert!(taken.is_empty(), "formats that see themselves, how often, and the most bytes that they take: {taken:?}");
}
