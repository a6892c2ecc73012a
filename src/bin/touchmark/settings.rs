//! Options that scanning commands share, and what they mean.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use clap::{Args, ValueEnum};
use touchmark::Options;
use touchmark::artifact::Keep;
use touchmark::limits::Limits;
use touchmark::signature::{Database, PolicyList, Source};
use touchmark::walk::Digest;

use crate::Failure;

/// How to print a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// One indented JSON object
    Json,
    /// One JSON object a line
    Ndjson,
    /// A page for a person
    Text,
}

/// A hash beside SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Hash {
    /// SHA-1
    Sha1,
    /// MD5
    Md5,
    /// TLSH, which is similar for similar bytes
    Tlsh,
}

impl From<Hash> for Digest {
    fn from(hash: Hash) -> Self {
        match hash {
            Hash::Sha1 => Self::Sha1,
            Hash::Md5 => Self::Md5,
            Hash::Tlsh => Self::Tlsh,
        }
    }
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// Options that `scan` and `batch` share.
#[derive(Debug, Clone, Args)]
pub(crate) struct Settings {
    /// Output format [default: text on a terminal, json in a pipe; batch: ndjson]
    #[arg(long, short, value_enum)]
    pub(crate) format: Option<Format>,
    /// Judge by this policy list (`touchmark db list lists`); may be given several times
    #[arg(long, value_name = "ID")]
    pub(crate) policy: Vec<String>,
    /// Add the signatures of this folder to the database; may be given several times
    #[arg(long, value_name = "DIR")]
    pub(crate) db: Vec<PathBuf>,
    /// Leave the embedded database out: only what --db adds
    #[arg(long, requires = "db")]
    pub(crate) only_db: bool,
    /// Threads [default: one a core]
    #[arg(long, short, value_name = "N")]
    pub(crate) jobs: Option<usize>,
    /// Keep the facts of each artifact in the report
    #[arg(long)]
    pub(crate) facts: bool,
    /// Hashes of each artifact beside SHA-256, separated by commas
    #[arg(long, value_enum, value_delimiter = ',', value_name = "NAME")]
    pub(crate) hash: Vec<Hash>,
    /// End with status 3 if there are problems or a verdict is inconclusive
    #[arg(long)]
    pub(crate) strict: bool,
    /// Show everything in text output
    #[arg(long, short)]
    pub(crate) verbose: bool,
    /// Show what is in what, one line an artifact, in text output
    #[arg(long)]
    pub(crate) tree: bool,
    /// No progress bar
    #[arg(long, short)]
    pub(crate) quiet: bool,
    /// When to colour text
    #[arg(long, value_enum, default_value = "auto", value_name = "WHEN")]
    pub(crate) color: Color,
    #[command(flatten)]
    limits: LimitArguments,
}

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Limits")]
struct LimitArguments {
    /// Levels of things inside things
    #[arg(long, value_name = "N", default_value_t = Limits::default().depth)]
    max_depth: u32,
    /// Bytes unpacked from the input in all
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().unpacked)]
    max_unpacked: u64,
    /// Bytes of one unpacked file
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().artifact)]
    max_file: u64,
    /// Bytes unpacked for each byte of a stream
    #[arg(long, value_name = "N", default_value_t = Limits::default().ratio)]
    max_ratio: u64,
    /// Files and parts in all
    #[arg(long, value_name = "N", default_value_t = Limits::default().artifacts)]
    max_artifacts: u64,
    /// Bytes held in memory at once by what was unpacked
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().live)]
    max_memory: u64,
    /// Seconds for one input [default: none]
    #[arg(long, value_name = "SECONDS")]
    time_limit: Option<u64>,
}

impl Settings {
    /// Threads to use.
    pub(crate) fn threads(&self) -> usize {
        self.jobs.unwrap_or_else(|| Options::default().jobs).max(1)
    }

    /// The database with the folders that were added.
    pub(crate) fn database(&self) -> Result<Database, Failure> {
        database(&self.db, self.only_db)
    }

    /// The options of one inspection with `jobs` threads, judged by `policies`, and what holds its time limit.
    pub(crate) fn options<'o>(&self, jobs: usize, policies: Vec<&'o PolicyList>) -> (Options<'o>, Alarm) {
        let limits = Limits {
            depth: self.limits.max_depth,
            unpacked: self.limits.max_unpacked,
            artifact: self.limits.max_file,
            ratio: self.limits.max_ratio,
            artifacts: self.limits.max_artifacts,
            live: self.limits.max_memory,
        };
        let interrupt: Arc<AtomicBool> = Arc::default();
        let alarm = Alarm(self.limits.time_limit.map(|seconds| set(Duration::from_secs(seconds), Arc::clone(&interrupt))));
        let mut digests: Vec<Digest> = self.hash.iter().map(|hash| Digest::from(*hash)).collect();
        digests.sort_unstable();
        digests.dedup();
        let keep = if self.facts { Keep::Few } else { Keep::None };
        (Options { limits, jobs, keep, digests, policies, interrupt, ..Options::default() }, alarm)
    }

    /// The lists that were asked for.
    pub(crate) fn policies<'d>(&self, database: &'d Database) -> Result<Vec<&'d PolicyList>, Failure> {
        let find = |id: &String| {
            let known = || database.lists().keys().cloned().collect::<Vec<_>>().join(", ");
            database.lists().get(id).ok_or_else(|| format!("there is no policy list {id:?}; there are: {}", known()))
        };
        self.policy.iter().map(find).collect()
    }
}

/// A time limit that waits. Its thread ends with it.
pub(crate) struct Alarm(#[allow(dead_code, reason = "held, not read")] Option<Sender<()>>);

fn set(time: Duration, interrupt: Arc<AtomicBool>) -> Sender<()> {
    let (held, alarm) = channel();
    std::thread::spawn(move || {
        if alarm.recv_timeout(time) == Err(RecvTimeoutError::Timeout) {
            interrupt.store(true, Ordering::Relaxed);
        }
    });
    held
}

/// The database that comes with the program, unless `only` what lies in `folders` is wanted, with that.
pub(crate) fn database(folders: &[PathBuf], only: bool) -> Result<Database, Failure> {
    let mut files: Vec<Source> = Vec::new();
    for folder in folders {
        let before = files.len();
        if !folder.is_dir() {
            return Err(format!("{}: no such folder", folder.display()));
        }
        for part in ["suppliers", "components", "lists", "keys"] {
            read_folder(&folder.join(part), part, &mut files)?;
        }
        if files.len() == before {
            return Err(format!("{}: no suppliers/*.toml, components/*.toml, lists/*.toml or keys/*.tsv in it", folder.display()));
        }
    }
    let loaded = if only { Database::of(&files) } else { Database::with(&files) };
    loaded.map_err(|mistake| mistake.to_string())
}

fn read_folder(folder: &Path, part: &str, files: &mut Vec<Source>) -> Result<(), Failure> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(()) };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    paths.sort();
    for path in paths.iter().filter(|path| path.extension().is_some_and(|ending| ending == "toml" || ending == "tsv")) {
        let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        files.push((format!("{part}/{name}"), text));
    }
    Ok(())
}
