//! Gates on labelled images. `TOUCHMARK_CORPUS` names a folder with `images/NAME` and `images/NAME.manifest.json`, which says what is in it.
//! Without it, nothing is tested here. In the dev profile it takes long: `cargo test --release --test corpus`.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test that cannot read its labels must fail"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::Value;
use touchmark::artifact::Artifact;
use touchmark::blob::{Blob, Span};
use touchmark::report::Report;
use touchmark::signature::Database;
use touchmark::walk::{Input, Observer};
use touchmark::{Options, inspect};

/// The most that one image may take, bombs included.
const PATIENCE: Duration = Duration::from_secs(60);

/// The images and what their manifests say.
fn images() -> Vec<(PathBuf, Value)> {
    let Some(root) = std::env::var_os("TOUCHMARK_CORPUS").filter(|root| !root.is_empty()) else {
        eprintln!("skipped: TOUCHMARK_CORPUS names no folder");
        return Vec::new();
    };
    let folder = Path::new(&root).join("images");
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut images = Vec::new();
    for entry in entries {
        let path = entry.unwrap().path();
        if let Some(image) = path.to_str().and_then(|path| path.strip_suffix(".manifest.json")) {
            images.push((PathBuf::from(image), serde_json::from_slice(&fs::read(&path).unwrap()).unwrap()));
        }
    }
    images.sort_by(|(one, _), (other, _)| one.cmp(other));
    assert!(!images.is_empty(), "{}: no manifests", folder.display());
    images
}

fn inspected(bytes: &Blob, jobs: usize, database: &Database, observer: Option<&Observer<'_>>) -> Report {
    inspect(&Input::Image(bytes.clone()), "image", database, &Options { jobs, observer, ..Options::default() })
}

fn rows<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> {
    value[key].as_array().into_iter().flatten()
}

/// Every file that the manifest lists is an artifact.
fn missing_files(truth: &Value, report: &Report) -> Vec<String> {
    let there: BTreeSet<&str> = report.artifacts.iter().map(|one| one.sha256.as_str()).collect();
    let wanted = rows(truth, "files").filter(|file| file["size"].as_u64().unwrap_or(0) > 0);
    wanted.filter(|file| !there.contains(file["sha256"].as_str().unwrap())).map(|file| format!("missing: {}", file["path"])).collect()
}

/// Whether `artifact`, or one that it is in, has this hash.
fn is_in(report: &Report, artifact: usize, sha256: &str) -> bool {
    let mut next = Some(artifact);
    while let Some(one) = next.and_then(|id| report.artifacts.get(id)) {
        if one.sha256 == sha256 {
            return true;
        }
        next = one.parent;
    }
    false
}

/// Every planted certificate and private key is found in the file that it was planted in.
fn missing_plants(truth: &Value, report: &Report) -> Vec<String> {
    let found = |plant: &&Value| {
        let sha256 = plant["sha256"].as_str().unwrap();
        match plant["kind"].as_str() {
            Some("certificate") => report.certificates.iter().any(|one| {
                let organization = one.organization.as_deref().unwrap_or_default();
                is_in(report, one.artifact, sha256) && organization.contains(plant["organization"].as_str().unwrap())
            }),
            Some("private-key") => report.keys.iter().any(|one| one.private && is_in(report, one.artifact, sha256)),
            _ => true,
        }
    };
    rows(truth, "planted").filter(|plant| !found(plant)).map(|plant| format!("planted and not found: {}", plant["path"])).collect()
}

/// The bytes that an excerpt says.
fn unescaped(excerpt: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = excerpt;
    while let Some(first) = rest.chars().next() {
        let (byte, length) = match rest.strip_prefix("\\x") {
            Some(hex) => (u8::from_str_radix(hex.get(..2).unwrap(), 16).unwrap(), 4),
            None if rest.starts_with("\\\\") => (b'\\', 2),
            None => (u8::try_from(first).unwrap(), first.len_utf8()),
        };
        bytes.push(byte);
        rest = rest.get(length..).unwrap();
    }
    bytes
}

/// A piece of evidence: its number, where it stands, and what stands there.
type Claim = (usize, Span, Vec<u8>);

/// A second walk, in order, that looks each verbatim excerpt up where it is said to stand. Returns its report and what is wrong.
fn second_walk(bytes: &Blob, first: &Report, database: &Database) -> (Report, Vec<String>) {
    let mut wanted: BTreeMap<&str, Vec<Claim>> = BTreeMap::new();
    for one in first.evidence.iter().filter(|one| one.verbatim) {
        let sha256 = first.artifacts[one.artifact].sha256.as_str();
        wanted.entry(sha256).or_default().push((one.id, Span::new(one.offset, one.length), unescaped(&one.excerpt)));
    }
    let open = Mutex::new(wanted.values().flatten().map(|(id, _, _)| *id).collect::<BTreeSet<usize>>());
    let observer = |artifact: &Artifact, blob: &Blob| {
        let sha256: String = artifact.sha256.iter().map(|byte| format!("{byte:02x}")).collect();
        for (id, span, excerpt) in wanted.get(sha256.as_str()).into_iter().flatten() {
            if blob.bytes().part(*span).is_ok_and(|found| found.0 == excerpt) {
                open.lock().unwrap().remove(id);
            }
        }
    };
    let second = inspected(bytes, 1, database, Some(&observer));
    let open = open.into_inner().unwrap();
    (second, open.iter().map(|id| format!("evidence {id} does not stand where it is said to")).collect())
}

fn complaints(path: &Path, truth: &Value, database: &Database) -> Vec<String> {
    let bytes = Blob::new(fs::read(path).unwrap());
    let started = Instant::now();
    let report = inspected(&bytes, 2, database, None);
    let took = started.elapsed();
    let mut complaints = missing_files(truth, &report);
    complaints.extend(missing_plants(truth, &report));
    let (again, wrong) = second_walk(&bytes, &report, database);
    complaints.extend(wrong);
    if serde_json::to_string(&report).unwrap() != serde_json::to_string(&again).unwrap() {
        complaints.push("one job gives another report than two".to_owned());
    }
    let parts = &report.coverage;
    if [parts.attributed, parts.identified, parts.padding, parts.opaque, parts.unknown].iter().sum::<u64>() != bytes.len() {
        complaints.push(format!("coverage does not add up: {parts:?}"));
    }
    if took > PATIENCE {
        complaints.push(format!("took {took:?}"));
    }
    let (name, count) = (path.file_name().unwrap_or_default().display(), report.artifacts.len());
    eprintln!("{name}: {count} artifacts, {} pieces of evidence, {took:.1?}, {} complaints", report.evidence.len(), complaints.len());
    complaints
}

#[test]
fn labelled_images_are_read_to_the_last_file() {
    let database = Database::embedded().unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let mut all = Vec::new();
    for (path, truth) in images() {
        let found = complaints(&path, &truth, &database);
        let name = path.file_name().unwrap_or_default().display().to_string();
        let more = found.len().saturating_sub(10);
        all.extend(found.iter().take(10).map(|one| format!("{name}: {one}")));
        all.extend((more > 0).then(|| format!("{name}: {more} complaints more")));
    }
    assert!(all.is_empty(), "\n{}", all.join("\n"));
}

#[test]
fn excerpts_are_read_back() {
    assert_eq!(unescaped(r"a\\x\x00\xffb"), b"a\\x\0\xffb");
}
