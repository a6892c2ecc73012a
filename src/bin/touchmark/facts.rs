//! `touchmark facts`: what the bytes of an input say, uninterpreted.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use touchmark::artifact::Keep;
use touchmark::fact::{self, WALK_KEYS};
use touchmark::report::text::printable;
use touchmark::report::{ArtifactLine, FactLine, Report};

use crate::input::open;
use crate::progress::Bar;
use crate::scan::inspect_opened;
use crate::settings::{Format, Settings};
use crate::{Ending, Failure, output};

/// Arguments of `facts`.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  touchmark facts router.bin\n  touchmark facts router.bin --key module. --key elf.comment\n  touchmark facts bios.bin --all --format ndjson | jq .value\n  touchmark facts --keys"
)]
pub(crate) struct Arguments {
    /// Image, folder with an unpacked file system, or - for standard input
    #[arg(required_unless_present_any = ["keys", "markdown"])]
    path: Option<PathBuf>,
    /// Only facts whose key begins with this; may be given several times
    #[arg(long, short, value_name = "PREFIX")]
    key: Vec<String>,
    /// Strings and symbols too, unless --key leaves them out
    #[arg(long, short)]
    all: bool,
    /// List the keys that there are, and what they mean
    #[arg(long, exclusive = true)]
    keys: bool,
    /// List them as a Markdown table, as the reference of signatures has it
    #[arg(long, exclusive = true)]
    markdown: bool,
    #[command(flatten)]
    settings: Settings,
}

/// A fact on a line of its own.
#[derive(Serialize)]
struct Line<'r> {
    artifact: usize,
    location: &'r str,
    #[serde(flatten)]
    fact: &'r FactLine,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Ending, Failure> {
    let Some(path) = arguments.path.as_ref() else { return output::print_text(&keys(arguments.markdown)) };
    let settings = &arguments.settings;
    let database = settings.database()?;
    let (mut options, _alarm) = settings.options(settings.threads(), settings.policies(&database)?);
    options.keep = if arguments.all
        || arguments.key.iter().any(|key| Keep::BULKY.iter().any(|bulky| bulky.starts_with(key.as_str()) || key.starts_with(bulky)))
    {
        Keep::All
    } else {
        Keep::Few
    };
    let opened = open(path)?;
    let report = {
        let _bar = Bar::of_walk(&options.progress, settings.quiet);
        inspect_opened(&opened, &path.to_string_lossy(), &database, &options)
    };
    match output::format(settings, false) {
        Format::Text => output::print_text(&text(arguments, &report))?,
        Format::Json => output::print_text(&json(&chosen(arguments, &report).collect::<Vec<_>>(), true)?)?,
        Format::Ndjson => {
            let lines = chosen(arguments, &report).map(|line| json(&line, false));
            output::print_text(&lines.collect::<Result<String, Failure>>()?)?
        }
    };
    Ok(output::ending(&report, settings.strict))
}

/// Whether the arguments ask for facts of this key by its name.
fn named(arguments: &Arguments, key: &str) -> bool {
    arguments.key.iter().any(|prefix| key.starts_with(prefix.as_str()))
}

fn json(what: &impl Serialize, indented: bool) -> Result<String, Failure> {
    let written = if indented { serde_json::to_string_pretty(what) } else { serde_json::to_string(what) };
    written.map(|text| text + "\n").map_err(|error| error.to_string())
}

fn facts_of<'r>(arguments: &'r Arguments, artifact: &'r ArtifactLine) -> impl Iterator<Item = &'r FactLine> {
    artifact.facts.iter().filter(|fact| arguments.key.is_empty() || named(arguments, fact.key))
}

fn chosen<'r>(arguments: &'r Arguments, report: &'r Report) -> impl Iterator<Item = Line<'r>> {
    report.artifacts.iter().flat_map(move |artifact| {
        facts_of(arguments, artifact).map(|fact| Line { artifact: artifact.id, location: &artifact.location, fact })
    })
}

/// The artifacts that say something, each with its facts below it.
fn text(arguments: &Arguments, report: &Report) -> String {
    let mut text = String::new();
    for artifact in &report.artifacts {
        let facts: Vec<&FactLine> = facts_of(arguments, artifact).collect();
        if arguments.key.is_empty() || !facts.is_empty() {
            let format = artifact.format.unwrap_or(artifact.context);
            let _ = writeln!(text, "{}  ({format}, {} bytes, sha256 {})", printable(&artifact.location), artifact.size, artifact.sha256);
        }
        // What the walk knows of every artifact stands in the line above.
        for fact in facts.into_iter().filter(|fact| named(arguments, fact.key) || !WALK_KEYS.iter().any(|key| key.name == fact.key)) {
            let place = format!("{:#x}+{}", fact.offset, fact.length);
            let _ = writeln!(text, "  {:<24} {place:<18} {}", fact.key, printable(&fact.value));
        }
    }
    text
}

fn keys(markdown: bool) -> String {
    let mut keys: Vec<_> = fact::keys().collect();
    keys.sort_by_key(|key| key.name);
    if markdown {
        return keys.iter().fold("| key | what it says |\n|---|---|\n".to_owned(), |table, key| {
            table + &format!("| `{}` | {} |\n", key.name, key.meaning)
        });
    }
    keys.iter().map(|key| format!("{:<28} {}\n", key.name, key.meaning)).collect()
}
