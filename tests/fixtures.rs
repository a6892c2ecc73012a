//! The golden walk: every image under `fixtures/` that has a report beside it, `<image>.report.json`, must give that report again.
//!
//! The reports leave out what changes whenever the database grows: evidence, bits, and who is merely mentioned.
//! `TOUCHMARK_UPDATE=1 cargo test --test fixtures` writes them anew; a new case is an image, an empty report, and that.
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
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex};

use serde::Serialize;
use touchmark::artifact::{Artifact, Keep};
use touchmark::blob::Blob;
use touchmark::format::FORMATS;
use touchmark::report::{ArtifactLine, CertificateLine, ChunkLine, EntryLine, EvidenceLine, KeyLine, Report};
use touchmark::signature::Database;
use touchmark::walk::Input;
use touchmark::{Options, inspect};

/// An image with what was found out about it.
struct Inspected {
    /// Path under `fixtures/`.
    name: String,
    report: Report,
    /// The report of two threads, as JSON.
    parallel: String,
    /// Every artifact's bytes, by their hash.
    blobs: BTreeMap<String, Blob>,
}

impl Inspected {
    fn blob(&self, artifact: &ArtifactLine) -> &Blob {
        self.blobs.get(&artifact.sha256).unwrap_or_else(|| panic!("{}: nobody was shown {}", self.name, artifact.location))
    }

    fn artifact(&self, location: &str) -> &ArtifactLine {
        let found = self.report.artifacts.iter().find(|artifact| artifact.location.ends_with(location));
        found.unwrap_or_else(|| panic!("{}: there is no {location}", self.name))
    }
}

static INSPECTED: LazyLock<Vec<Inspected>> = LazyLock::new(|| {
    let database = Database::embedded().unwrap();
    images().iter().map(|image| inspected(&database, image)).collect()
});

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// All files two levels down, sorted, but for recipes, content, and descriptions.
fn files() -> Vec<PathBuf> {
    let listed = |folder: &Path| std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    let folders = listed(&fixtures()).into_iter().filter(|path| path.is_dir() && !path.ends_with("content") && !path.ends_with("make"));
    let mut files: Vec<PathBuf> = folders.flat_map(|folder| listed(&folder)).filter(|path| !path.ends_with("README.md")).collect();
    files.sort();
    files
}

fn golden_of(image: &Path) -> PathBuf {
    PathBuf::from(format!("{}.report.json", image.display()))
}

fn images() -> Vec<PathBuf> {
    files().into_iter().filter(|path| golden_of(path).exists()).collect()
}

fn inspected(database: &Database, image: &Path) -> Inspected {
    let name = image.strip_prefix(fixtures()).unwrap().to_str().unwrap().to_owned();
    let blob = Blob::new(std::fs::read(image).unwrap());
    let blobs = Mutex::new(BTreeMap::new());
    let observer = |artifact: &Artifact, blob: &Blob| {
        let hash = artifact.sha256.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        blobs.lock().unwrap().insert(hash, blob.clone());
    };
    let options = Options { jobs: 1, keep: Keep::Few, observer: Some(&observer), ..Options::default() };
    let report = inspect(&Input::Image(blob.clone()), &name, database, &options);
    let parallel = inspect(&Input::Image(blob), &name, database, &Options { jobs: 2, keep: Keep::Few, ..Options::default() });
    Inspected { name, report, parallel: serde_json::to_string(&parallel).unwrap(), blobs: blobs.into_inner().unwrap() }
}

/// What a golden report says of an artifact.
#[derive(Serialize)]
struct GoldenArtifact<'r> {
    location: &'r str,
    format: Option<&'r str>,
    context: &'r str,
    size: u64,
    sha256: &'r str,
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<String>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    chunks: &'r [ChunkLine],
}

/// Somebody's part in an artifact.
#[derive(Serialize)]
struct GoldenClaim<'r> {
    artifact: &'r str,
    supplier: &'r str,
    component: Option<&'r str>,
    version: Option<&'r str>,
    role: &'r str,
    confidence: u8,
}

/// Anything else, with the artifact it is in.
#[derive(Serialize)]
struct In<'r, T> {
    artifact: &'r str,
    #[serde(flatten)]
    what: T,
}

#[derive(Serialize)]
struct GoldenCertificate<'r> {
    offset: u64,
    subject: &'r str,
    issuer: &'r str,
    key: &'r str,
    spki_sha256: &'r str,
    #[serde(rename = "use")]
    purpose: &'r str,
}

#[derive(Serialize)]
struct GoldenKey<'r> {
    offset: u64,
    kind: &'r str,
    algorithm: &'r str,
    spki_sha256: &'r str,
}

#[derive(Serialize)]
struct GoldenEntry<'r> {
    path: &'r str,
    kind: &'r str,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<(u32, u32)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<String>,
}

#[derive(Serialize)]
struct GoldenProblem<'r> {
    offset: Option<u64>,
    code: &'r str,
    message: &'r str,
}

/// The golden report, a line a fact: made to be read in a diff.
fn golden(report: &Report) -> String {
    let all = &report.artifacts;
    let place = |artifact: usize| all[artifact].location.as_str();
    let certificate = |CertificateLine { offset, subject, issuer, key, spki_sha256, purpose, artifact, .. }: &_| {
        json(&In { artifact: place(*artifact), what: GoldenCertificate { offset: *offset, subject, issuer, key, spki_sha256, purpose } })
    };
    let key = |KeyLine { offset, kind, algorithm, spki_sha256, artifact, .. }: &_| {
        json(&In { artifact: place(*artifact), what: GoldenKey { offset: *offset, kind, algorithm, spki_sha256 } })
    };
    let entry = |artifact: usize, EntryLine { path, kind, target, device, mode }: &_| {
        let what = GoldenEntry { path, kind, target: target.as_deref(), device: *device, mode: octal(*mode) };
        json(&In { artifact: place(artifact), what })
    };
    let problems = report.problems.iter().map(|problem| {
        let what = GoldenProblem { offset: problem.offset, code: problem.code, message: &problem.message };
        json(&In { artifact: place(problem.artifact), what })
    });
    let mut text = format!("{{\n\"outcome\": {},\n\"coverage\": {}", json(&report.outcome), json(&report.coverage));
    section(&mut text, "claims", all.iter().flat_map(claims));
    section(&mut text, "certificates", report.certificates.iter().map(certificate));
    section(&mut text, "keys", report.keys.iter().map(key));
    section(&mut text, "artifacts", all.iter().map(artifact));
    section(&mut text, "entries", all.iter().flat_map(|one| one.entries.iter().map(move |what| entry(one.id, what))));
    section(&mut text, "problems", problems);
    text + "\n}\n"
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap()
}

fn octal(mode: Option<u32>) -> Option<String> {
    mode.map(|mode| format!("{mode:o}"))
}

fn section(text: &mut String, name: &str, lines: impl Iterator<Item = String>) {
    let lines: Vec<String> = lines.collect();
    match lines.is_empty() {
        true => write!(text, ",\n\"{name}\": []").unwrap(),
        false => write!(text, ",\n\"{name}\": [\n  {}\n]", lines.join(",\n  ")).unwrap(),
    }
}

fn claims(artifact: &ArtifactLine) -> impl Iterator<Item = String> {
    artifact.attributions.iter().filter(|one| one.role != "mentioned").map(|one| {
        json(&GoldenClaim {
            artifact: &artifact.location,
            supplier: &one.supplier,
            component: one.component.as_deref(),
            version: one.version.as_deref(),
            role: one.role,
            confidence: one.confidence,
        })
    })
}

fn artifact(one: &ArtifactLine) -> String {
    json(&GoldenArtifact {
        location: &one.location,
        format: one.format,
        context: one.context,
        size: one.size,
        sha256: &one.sha256,
        mode: octal(one.mode),
        chunks: &one.chunks,
    })
}

/// The lines that are only in one of two reports.
fn difference(expected: &str, found: &str) -> String {
    let lines = |text: &str| text.lines().map(|line| line.trim_end_matches(',').to_owned()).collect::<Vec<_>>();
    let (expected, found) = (lines(expected), lines(found));
    let only = |sign: &str, these: &[String], others: &[String]| {
        let others: BTreeSet<&String> = others.iter().collect();
        these.iter().filter(|line| !others.contains(line)).map(|line| format!("    {sign} {}\n", line.trim())).collect::<String>()
    };
    let text = only("-", &expected, &found) + &only("+", &found, &expected);
    if text.is_empty() { "    the same lines in another order or number\n".to_owned() } else { text }
}

#[test]
fn every_image_gives_its_report() {
    let update = std::env::var_os("TOUCHMARK_UPDATE").is_some();
    let mut told = String::new();
    for one in INSPECTED.iter() {
        let path = golden_of(&fixtures().join(&one.name));
        let (expected, found) = (std::fs::read_to_string(&path).unwrap(), golden(&one.report));
        if expected != found && update {
            std::fs::write(&path, &found).unwrap();
        } else if expected != found {
            write!(told, "  {}\n{}", one.name, difference(&expected, &found)).unwrap();
        }
    }
    assert!(told.is_empty(), "other than before (TOUCHMARK_UPDATE=1 if that is right):\n{told}");
}

#[test]
fn every_image_has_a_report() {
    let (golden, images): (Vec<_>, Vec<_>) = files().into_iter().partition(|path| path.to_str().unwrap().ends_with(".report.json"));
    let (golden, expected): (BTreeSet<_>, BTreeSet<_>) =
        (golden.into_iter().collect(), images.iter().map(|image| golden_of(image)).collect());
    let odd: Vec<_> = golden.symmetric_difference(&expected).collect();
    assert!(odd.is_empty(), "either the image or the report is missing: {odd:#?}");
}

#[test]
fn every_format_has_an_image() {
    for format in FORMATS.iter() {
        let id = format.spec().id;
        let folder = format!("{id}/");
        let mut images = INSPECTED.iter().filter(|one| one.name.starts_with(&folder));
        let shown = images.any(|one| one.report.artifacts.iter().any(|artifact| artifact.format == Some(id)));
        assert!(shown, "no image in fixtures/{folder} holds {id}");
    }
}

#[test]
fn threads_change_nothing() {
    for one in INSPECTED.iter() {
        assert!(json(&one.report) == one.parallel, "{}: two threads tell another story than one", one.name);
    }
}

#[test]
fn evidence_stands_where_the_report_says() {
    let mut checked = 0;
    for one in INSPECTED.iter() {
        for EvidenceLine { id, artifact, offset, length, excerpt, .. } in one.report.evidence.iter().filter(|evidence| evidence.verbatim) {
            let bytes = one.blob(&one.report.artifacts[*artifact]).as_slice();
            let place = *offset as usize..(*offset + *length) as usize;
            let there = bytes.get(place).unwrap_or_else(|| panic!("{}: evidence {id} is outside of its artifact", one.name));
            assert!(there == unescaped(excerpt), "{}: evidence {id} says {excerpt:?}, which is not there", one.name);
            checked += 1;
        }
    }
    assert!(checked > 10, "hardly any evidence in all fixtures");
}

/// The bytes that the report writes as `excerpt`.
fn unescaped(excerpt: &str) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::new(), excerpt.as_bytes());
    while let Some((first, others)) = rest.split_first() {
        (rest, bytes) = match (first, others) {
            (b'\\', [b'x', high, low, rest @ ..]) => {
                let hex = [*high, *low];
                bytes.push(u8::from_str_radix(std::str::from_utf8(&hex).unwrap(), 16).unwrap());
                (rest, bytes)
            }
            (b'\\', [b'\\', rest @ ..]) => (rest, [bytes, vec![b'\\']].concat()),
            _ => (others, [bytes, vec![*first]].concat()),
        };
    }
    bytes
}

#[test]
fn a_span_leads_to_the_same_bytes() {
    for one in INSPECTED.iter() {
        for artifact in &one.report.artifacts {
            let (Some(span), Some(parent)) = (&artifact.span, artifact.parent) else { continue };
            let around = one.blob(&one.report.artifacts[parent]).as_slice();
            let there = around.get(span.start as usize..(span.start + span.length) as usize);
            assert!(there == Some(one.blob(artifact).as_slice()), "{}: {} is not there", one.name, artifact.location);
        }
    }
}

#[test]
fn every_byte_is_accounted_for() {
    for one in INSPECTED.iter() {
        let coverage = &one.report.coverage;
        let parts = coverage.attributed + coverage.identified + coverage.padding + coverage.opaque + coverage.unknown;
        assert_eq!((parts, coverage.total), (one.report.input.size, one.report.input.size), "{}", one.name);
        for artifact in one.report.artifacts.iter().filter(|artifact| !artifact.chunks.is_empty()) {
            let end = artifact.chunks.iter().fold(0, |at, chunk| {
                assert!(chunk.start == at && chunk.length > 0, "{}: {}: gap or overlap at {at:#x}", one.name, artifact.location);
                at + chunk.length
            });
            assert_eq!(end, artifact.size, "{}: the chunks of {} do not reach its end", one.name, artifact.location);
        }
    }
}

#[test]
fn the_router_names_who_made_it_and_nobody_else() {
    let router = INSPECTED.iter().find(|one| one.name == "router/router.bin").expect("fixtures/router/router.bin");
    let code = |location: &str| {
        let all = router.artifact(location).attributions.iter();
        all.filter(|one| !matches!(one.role, "mentioned" | "depends-on"))
            .map(|one| (one.component.as_deref().unwrap_or("-"), one.version.as_deref().unwrap_or("-")))
            .collect::<Vec<_>>()
    };
    assert_eq!(code("0x0 unknown"), [("u-boot", "2021.07")]);
    assert_eq!(code("kernel ▸ content"), [("linux-kernel", "5.10.0")]);
    assert!(code("/sbin/gatewayd").iter().any(|(component, _)| *component == "glibc"), "it is linked statically");
    assert_eq!(code("/usr/bin/status"), [], "it is linked dynamically");
    assert_eq!(code("/www/compatibility.html"), [], "a page that names companies accuses none");
    assert_eq!(code("/etc/ssl/router.pem"), [], "nobody knows the example company");
}
