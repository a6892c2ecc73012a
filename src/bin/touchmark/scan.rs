//! `touchmark scan`: one input, one report.

use std::path::PathBuf;

use clap::Args;
use touchmark::problem::Code;
use touchmark::report::{ProblemLine, Report};
use touchmark::signature::Database;
use touchmark::walk::Input;
use touchmark::{Options, inspect};

use crate::input::{Opened, feed, open};
use crate::progress::Bar;
use crate::settings::Settings;
use crate::{Ending, Failure, output};

/// Arguments of `scan`.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  touchmark scan router.bin\n  touchmark scan router.bin --policy us-ndaa-889 --policy us-fcc-covered-list\n  touchmark scan bios.bin --tree --format text\n  touchmark scan rootfs/ --format json --facts > report.json\n  curl -s … | touchmark scan -"
)]
pub(crate) struct Arguments {
    /// Image, folder with an unpacked file system, or - for standard input
    path: PathBuf,
    #[command(flatten)]
    settings: Settings,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Ending, Failure> {
    let settings = &arguments.settings;
    let database = settings.database()?;
    let (options, _alarm) = settings.options(settings.threads(), settings.policies(&database)?);
    let opened = open(&arguments.path)?;
    let report = {
        let _bar = Bar::of_walk(&options.progress, settings.quiet);
        inspect_opened(&opened, &arguments.path.to_string_lossy(), &database, &options)
    };
    output::print_text(&output::rendered(&report, output::format(settings, false), settings)?)?;
    if report.outcome == "failed" {
        let why = report.problems.first().map_or("nothing could be read", |problem| problem.message.as_str());
        return Err(format!("{}: {why}", arguments.path.display()));
    }
    Ok(output::ending(&report, settings.strict))
}

/// Inspects what was opened. What holds nothing gives a failed report that says so.
pub(crate) fn inspect_opened(opened: &Opened, path: &str, database: &Database, options: &Options<'_>) -> Report {
    let mut report = match opened {
        Opened::Image(blob) => inspect(&Input::Image(blob.clone()), path, database, options),
        Opened::Folder(folder) => inspect(&Input::Folder(&|children| feed(folder, children)), path, database, options),
    };
    if report.input.size == 0 && report.artifacts.len() <= 1 {
        fail(&mut report, "there is nothing in it");
    }
    report
}

/// Makes a report one of failure, for the reason `why`.
pub(crate) fn fail(report: &mut Report, why: &str) {
    report.outcome = "failed";
    report.problems.push(ProblemLine { code: Code::Unreadable.name(), artifact: 0, offset: None, message: why.to_owned() });
}
