//! `touchmark explain`: the claims of a report down to the bytes, with the arithmetic of their confidence.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Mutex;

use clap::Args;
use serde_json::Value;
use touchmark::artifact::Artifact;
use touchmark::attribution::PRIOR_BITS;
use touchmark::blob::{Blob, Bytes, Span};
use touchmark::report::text::printable;
use touchmark::walk::Input;
use touchmark::{Options, inspect};

use crate::input::{Opened, feed, open};
use crate::settings::database;
use crate::{Ending, Failure, output};

/// Arguments of `explain`.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  touchmark explain report.json\n  touchmark explain report.json huawei\n  touchmark explain report.json openssl\n  touchmark explain report.json artifact:17 --image router.bin"
)]
pub(crate) struct Arguments {
    /// A report in JSON
    report: PathBuf,
    /// A supplier, a component, artifact:N or evidence:N [default: every claim]
    what: Option<String>,
    /// The image that the report is about: shows the bytes around each piece of evidence
    #[arg(long, value_name = "FILE")]
    image: Option<PathBuf>,
    /// Also what is only mentioned or imported
    #[arg(long, short)]
    all: bool,
}

/// Bytes shown before the evidence.
const BEFORE: u64 = 16;

/// Bytes shown at most.
const SHOWN: u64 = 96;

pub(crate) fn run(arguments: &Arguments) -> Result<Ending, Failure> {
    let told = |error: &dyn std::fmt::Display| format!("{}: {error}", arguments.report.display());
    let text = std::fs::read_to_string(&arguments.report).map_err(|error| told(&error))?;
    let report: Value = serde_json::from_str(&text).map_err(|error| told(&error))?;
    if field(&report, "schema") != touchmark::report::SCHEMA {
        return Err(told(&format!("not a report of schema {}", touchmark::report::SCHEMA)));
    }
    let explained = Explained { report: &report, bytes: BTreeMap::new(), all: arguments.all };
    let chosen = explained.chosen(arguments.what.as_deref());
    if chosen.is_empty() {
        let what = arguments.what.as_deref().unwrap_or("any claim");
        return Err(told(&format!("it says nothing about {what} (--all includes what is mentioned or imported)")));
    }
    let bytes = match &arguments.image {
        Some(image) => explained.bytes_of(&chosen, image)?,
        None => BTreeMap::new(),
    };
    let explained = Explained { bytes, ..explained };
    let claims: String = chosen.iter().map(|claim| explained.claim(claim)).collect();
    // What stands in a report came out of an image.
    output::print_text(&claims.lines().map(|line| printable(line) + "\n").collect::<String>())
}

/// A claim: the artifact's line and the attribution's.
type Chosen<'r> = (&'r Value, &'r Value);

struct Explained<'r> {
    report: &'r Value,
    /// Bytes around evidence, by the number of the evidence: offset of the first, and the bytes.
    bytes: BTreeMap<u64, (u64, Vec<u8>)>,
    all: bool,
}

fn rows(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// The value under `key`; null if there is none.
fn field<'v>(value: &'v Value, key: &str) -> &'v Value {
    value.get(key).unwrap_or(&Value::Null)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

impl<'r> Explained<'r> {
    fn chosen(&self, what: Option<&str>) -> Vec<Chosen<'r>> {
        let all = rows(field(self.report, "artifacts"))
            .flat_map(|artifact| rows(field(artifact, "attributions")).map(move |one| (artifact, one)));
        let wanted = |(artifact, one): &Chosen<'r>| match what.map(|what| what.split_once(':').unwrap_or(("", what))) {
            None => true,
            Some(("artifact", number)) => field(artifact, "id").as_u64() == number.parse().ok(),
            Some(("evidence", number)) => rows(field(one, "evidence")).any(|id| id.as_u64() == number.parse().ok()),
            Some((_, name)) => field(one, "supplier") == name || field(one, "component") == name,
        };
        let counts = |(_, one): &Chosen<'r>| self.all || !matches!(text(field(one, "role")), "mentioned" | "depends-on");
        let mut chosen: Vec<Chosen<'r>> = all.filter(wanted).filter(counts).collect();
        chosen.sort_by_key(|(_, one)| std::cmp::Reverse(field(one, "confidence").as_u64()));
        chosen
    }

    fn evidence(&self, id: &Value) -> &'r Value {
        let index = id.as_u64().and_then(|id| usize::try_from(id).ok()).unwrap_or(usize::MAX);
        field(self.report, "evidence").get(index).unwrap_or(&Value::Null)
    }

    fn claim(&self, (artifact, one): &Chosen<'r>) -> String {
        let mut out = String::new();
        let name = [text(field(one, "supplier")), text(field(one, "component")), text(field(one, "version"))].join(" ");
        let _ = writeln!(out, "{}  {}: confidence {}", name.trim_end(), text(field(one, "role")), field(one, "confidence"));
        let _ = writeln!(
            out,
            "  in {} ({} bytes, sha256 {})",
            text(field(artifact, "location")),
            field(artifact, "size"),
            text(field(artifact, "sha256"))
        );
        for id in rows(field(one, "evidence")) {
            out.push_str(&self.piece(id));
        }
        if field(one, "role") != "depends-on" {
            let bits = field(one, "bits").as_f64().unwrap_or(0.0);
            let _ = writeln!(
                out,
                "  prior {PRIOR_BITS} bits + evidence {bits:.1} bits (capped by layer) = {:.1} bits, posterior {} %",
                PRIOR_BITS + bits,
                field(one, "confidence")
            );
        }
        out.push('\n');
        out
    }

    fn piece(&self, id: &Value) -> String {
        let mut out = String::new();
        let one = self.evidence(id);
        let sign = if field(one, "polarity") == "against" { "against" } else { "for" };
        let context = if field(one, "in_context") == true { "" } else { ", not counted: this kind of content does not speak for code" };
        let repeats = field(one, "repeats").as_u64().map_or_else(String::new, |count| format!(", and {count} places more"));
        let _ = writeln!(
            out,
            "  [{id}] {sign}, {} {} at {:#x}+{}{repeats}{context}",
            text(field(one, "strength")),
            text(field(one, "fact")),
            field(one, "offset").as_u64().unwrap_or(0),
            field(one, "length")
        );
        let _ = writeln!(out, "      {}", text(field(one, "excerpt")));
        let _ = writeln!(out, "      rule {}, seen in: {}", text(field(one, "signature")), text(field(one, "source")));
        if let Some((start, bytes)) = id.as_u64().and_then(|id| self.bytes.get(&id)) {
            out.push_str(&hexdump(*start, bytes));
        }
        out
    }

    /// Walks the image again and keeps the bytes around the evidence of `chosen`.
    fn bytes_of(&self, chosen: &[Chosen<'r>], image: &std::path::Path) -> Result<BTreeMap<u64, (u64, Vec<u8>)>, Failure> {
        let mut wanted: BTreeMap<&str, Vec<(u64, Span)>> = BTreeMap::new();
        for (artifact, one) in chosen {
            for id in rows(field(one, "evidence")) {
                let evidence = self.evidence(id);
                let (Some(id), Some(start), Some(length)) =
                    (id.as_u64(), field(evidence, "offset").as_u64(), field(evidence, "length").as_u64())
                else {
                    continue;
                };
                let from = start.saturating_sub(BEFORE) & !0xf;
                let to = start.saturating_add(length.min(SHOWN)).saturating_add(BEFORE);
                wanted.entry(text(field(artifact, "sha256"))).or_default().push((id, Span::between(from, to)));
            }
        }
        let found = Mutex::new(BTreeMap::new());
        let observer = |artifact: &Artifact, blob: &Blob| {
            let sha256: String = artifact.sha256.iter().map(|byte| format!("{byte:02x}")).collect();
            let Some(spans) = wanted.get(sha256.as_str()) else { return };
            let mut found = found.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            for (id, span) in spans {
                found.insert(*id, (span.start, blob.bytes().up_to(span.start, span.length).to_vec()));
            }
        };
        let (opened, database) = (open(image)?, database(&[], false)?);
        let options = Options { observer: Some(&observer), ..Options::default() };
        let again = match &opened {
            Opened::Image(blob) => inspect(&Input::Image(blob.clone()), "", &database, &options),
            Opened::Folder(folder) => inspect(&Input::Folder(&|children| feed(folder, children)), "", &database, &options),
        };
        if again.input.sha256 != text(field(field(self.report, "input"), "sha256")) {
            return Err(format!("{}: not the image that the report is about", image.display()));
        }
        Ok(found.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

/// Sixteen bytes a line: offset, hexadecimal, text.
fn hexdump(start: u64, bytes: &[u8]) -> String {
    let mut out = String::new();
    for (line, sixteen) in bytes.chunks(16).enumerate() {
        let offset = start.saturating_add(touchmark::blob::to_u64(line).saturating_mul(16));
        let hex: String = Bytes(sixteen).0.iter().map(|byte| format!("{byte:02x} ")).collect();
        let plain: String = sixteen.iter().map(|byte| if matches!(byte, 0x20..=0x7e) { char::from(*byte) } else { '.' }).collect();
        let _ = writeln!(out, "      {offset:08x}  {hex:<48} {plain}");
    }
    out
}
