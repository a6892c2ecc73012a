//! `touchmark batch`: many images, a report each, in the order of their paths, and a summary.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use clap::Args;
use serde_json::json;
use touchmark::blob::Blob;
use touchmark::codec::weakness::{MOST_COMPARED, shared_factors};
use touchmark::report::Report;
use touchmark::signature::{Database, PolicyList};

use crate::input::{Opened, files_below, read};
use crate::output::Reader;
use crate::progress::Bar;
use crate::scan::{fail, inspect_opened};
use crate::settings::{Format, Settings};
use crate::{Ending, Failure, output};

/// Arguments of `batch`.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  touchmark batch images/ > reports.ndjson\n  touchmark batch images/ -o reports/ --resume\n  touchmark batch images/ --policy us-fcc-covered-list --format text\n\nThe last line of NDJSON output is {\"summary\": …}."
)]
pub(crate) struct Arguments {
    /// Folder; every file below it is an image
    folder: PathBuf,
    /// Write one report a file into this folder, and the summary to standard output
    #[arg(long, short, value_name = "DIR")]
    output: Option<PathBuf>,
    /// With --output: leave out images whose report is there already
    #[arg(long, requires = "output")]
    resume: bool,
    #[command(flatten)]
    settings: Settings,
}

/// Bytes of a report's name before its ending.
const LONGEST_NAME: usize = 200;

/// What all reports say together.
#[derive(Default)]
struct Summary {
    outcomes: BTreeMap<&'static str, usize>,
    suppliers: BTreeMap<String, usize>,
    verdicts: BTreeMap<String, BTreeMap<&'static str, usize>>,
    keys: BTreeMap<String, BTreeSet<String>>,
    moduli: BTreeMap<Vec<u8>, String>,
    bytes: u64,
    resumed: usize,
    ending: Option<Ending>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Ending, Failure> {
    let settings = &arguments.settings;
    let database = settings.database()?;
    let policies = settings.policies(&database)?;
    let (mut files, left_out) = files_below(&arguments.folder)?;
    warn(&left_out, settings.verbose);
    let format = output::format(settings, true);
    let names = match &arguments.output {
        Some(folder) => {
            make_room(&arguments.folder, folder, &mut files)?;
            report_paths(&arguments.folder, folder, &files, format)
        }
        None => BTreeMap::new(),
    };
    let open: Vec<&PathBuf> =
        files.iter().filter(|file| !(arguments.resume && names.get(*file).is_some_and(|report| report.exists()))).collect();
    let mut summary = Summary { resumed: files.len().saturating_sub(open.len()), ..Summary::default() };
    let bar = Bar::of_batch(open.len(), settings.quiet);
    each_in_order(&open, settings, &database, &policies, &mut |file, report| {
        bar.step();
        summary.add(&report, settings.strict);
        let text = output::rendered(&report, format, settings)?;
        match names.get(file) {
            Some(path) => keep(path, &text).map(|()| Reader::There),
            None => output::write(text.as_bytes()),
        }
    })?;
    drop(bar);
    output::print_text(&summary.rendered(files.len(), &left_out, format)?)?;
    Ok(summary.ending.unwrap_or(Ending::Fine))
}

/// Files that are named on standard error before the rest is counted; the summary has them all.
const WARNINGS: usize = 5;

fn warn(left_out: &[Failure], verbose: bool) {
    let most = if verbose { usize::MAX } else { WARNINGS };
    for message in left_out.iter().take(most) {
        output::complain(&format!("left out: {message}"));
    }
    if let Some(more) = left_out.len().checked_sub(most).filter(|more| *more > 0) {
        output::complain(&format!("left out: {more} more, all of them in the summary"));
    }
}

/// Makes the folder for the reports. One that lies among the images is no image.
fn make_room(root: &Path, folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let told = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
    fs::create_dir_all(folder).map_err(|error| told(folder, error))?;
    let inside = fs::canonicalize(folder).map_err(|error| told(folder, error))?;
    let outside = fs::canonicalize(root).map_err(|error| told(root, error))?;
    match inside.strip_prefix(outside) {
        Ok(below) if below == Path::new("") => Err(format!("{}: the reports would lie among the images", folder.display())),
        Ok(below) => {
            files.retain(|file| !file.strip_prefix(root).is_ok_and(|file| file.starts_with(below)));
            Ok(())
        }
        Err(_) => Ok(()),
    }
}

/// Writes a report so that it is there whole or not at all.
fn keep(path: &Path, text: &str) -> Result<(), Failure> {
    let part = path.with_extension("part");
    fs::write(&part, text).and_then(|()| fs::rename(&part, path)).map_err(|error| format!("{}: {error}", path.display()))
}

/// Inspects the files on all threads, one file a thread, and hands each report over in the order of the files, as long as it is read.
fn each_in_order(
    files: &[&PathBuf],
    settings: &Settings,
    database: &Database,
    policies: &[&PolicyList],
    take: &mut dyn FnMut(&Path, Report) -> Result<Reader, Failure>,
) -> Result<(), Failure> {
    let threads = settings.threads().min(files.len().max(1));
    let (next, inside) = (AtomicUsize::new(0), settings.threads().checked_div(threads).unwrap_or(1));
    // Bounded, so that reports do not pile up behind a slow reader.
    let (send, receive) = mpsc::sync_channel(threads.saturating_mul(2));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let (send, next) = (send.clone(), &next);
            scope.spawn(move || {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(file) = files.get(index) else { return };
                    let report = inspect_file(file, settings, database, policies, inside);
                    if send.send((index, report)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(send);
        let (mut early, mut wanted) = (BTreeMap::new(), 0_usize);
        for (index, report) in receive {
            early.insert(index, report);
            while let Some(report) = early.remove(&wanted) {
                let file = files.get(wanted).map_or(Path::new(""), |file| file.as_path());
                let taken = take(file, report);
                if taken != Ok(Reader::There) {
                    next.store(usize::MAX / 2, Ordering::Relaxed);
                    return taken.map(drop);
                }
                wanted = wanted.saturating_add(1);
            }
        }
        Ok(())
    })
}

fn inspect_file(file: &Path, settings: &Settings, database: &Database, policies: &[&PolicyList], jobs: usize) -> Report {
    let (options, _alarm) = settings.options(jobs, policies.to_vec());
    let bytes = fs::metadata(file).map_err(|error| format!("{}: {error}", file.display())).and_then(|found| read(file, found.file_type()));
    let path = file.to_string_lossy();
    match bytes {
        Ok(blob) => inspect_opened(&Opened::Image(blob), &path, database, &options),
        Err(message) => {
            let mut report = inspect_opened(&Opened::Image(Blob::new(Vec::new())), &path, database, &options);
            report.problems.clear();
            fail(&mut report, &message);
            report
        }
    }
}

/// Where the report on each file goes: its path below the folder, with `_` for `/`, made unique where two fall together.
fn report_paths(root: &Path, folder: &Path, files: &[PathBuf], format: Format) -> BTreeMap<PathBuf, PathBuf> {
    let ending = if format == Format::Text { "txt" } else { "json" };
    let (mut paths, mut taken) = (BTreeMap::new(), BTreeSet::new());
    for file in files {
        let name = file.strip_prefix(root).unwrap_or(file).to_string_lossy().replace('/', "_");
        let name = short(&name);
        let mut candidate = format!("{name}.{ending}");
        let mut number = 2_u64;
        while !taken.insert(candidate.clone()) {
            candidate = format!("{name}.{number}.{ending}");
            number = number.saturating_add(1);
        }
        paths.insert(file.clone(), folder.join(candidate));
    }
    paths
}

/// The beginning of `name` that a file system takes as a name with something after it.
fn short(name: &str) -> &str {
    let end = (0..=LONGEST_NAME).rev().find(|end| name.is_char_boundary(*end)).unwrap_or(0);
    name.get(..end).unwrap_or(name)
}

impl Summary {
    fn add(&mut self, report: &Report, strict: bool) {
        let count = |counter: &mut usize| *counter = counter.saturating_add(1);
        count(self.outcomes.entry(report.outcome).or_default());
        self.bytes = self.bytes.saturating_add(report.input.size);
        for supplier in &report.suppliers {
            let claimed = supplier.roles.iter().any(|(role, part)| !matches!(*role, "mentioned" | "depends-on") && part.confidence >= 50);
            if claimed {
                count(self.suppliers.entry(supplier.id.clone()).or_default());
            }
        }
        for policy in &report.policies {
            count(self.verdicts.entry(policy.id.clone()).or_default().entry(policy.verdict).or_default());
        }
        for key in report.keys.iter().filter(|key| !key.spki_sha256.is_empty()) {
            self.keys.entry(key.spki_sha256.clone()).or_default().insert(report.input.path.clone());
            if !key.modulus.is_empty() {
                self.moduli.entry(key.modulus.clone()).or_insert_with(|| key.spki_sha256.clone());
            }
        }
        let ending = output::ending(report, strict);
        let worse = |old: Ending| if old == Ending::Matched || ending == Ending::Fine { old } else { ending };
        self.ending = Some(self.ending.map_or(ending, worse));
    }

    fn rendered(&self, files: usize, left_out: &[Failure], format: Format) -> Result<String, Failure> {
        let shared: BTreeMap<_, _> = self.keys.iter().filter(|(_, images)| images.len() > 1).collect();
        let moduli: Vec<(&[u8], &String)> = self.moduli.iter().map(|(modulus, spki)| (modulus.as_slice(), spki)).collect();
        let numbers: Vec<&[u8]> = moduli.iter().map(|(modulus, _)| *modulus).collect();
        let spki = |index: usize| moduli.get(index).map(|(_, spki)| *spki);
        let factors: Vec<_> = shared_factors(&numbers).into_iter().map(|(a, b)| [spki(a), spki(b)]).collect();
        let uncompared = moduli.len().saturating_sub(MOST_COMPARED);
        let summary = json!({ "summary": {
            "images": files, "bytes": self.bytes, "outcomes": self.outcomes, "suppliers": self.suppliers, "policies": self.verdicts,
            "shared_keys": shared, "shared_factors": factors, "moduli_not_compared": uncompared, "resumed": self.resumed, "left_out": left_out,
        }});
        let text = match format {
            Format::Text => serde_json::to_string_pretty(&summary),
            Format::Json | Format::Ndjson => serde_json::to_string(&summary),
        };
        text.map(|text| text + "\n").map_err(|error| error.to_string())
    }
}
