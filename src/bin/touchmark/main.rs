//! The command. The only place that touches files, standard output, the clock and the environment.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is what a command is for")]

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

mod batch;
mod db;
mod explain;
mod facts;
mod formats;
mod input;
mod output;
mod progress;
mod scan;
mod settings;

/// Says whose code is in a firmware image, how surely, and at which bytes.
#[derive(Parser)]
#[command(
    version,
    after_help = "Examples:\n  touchmark scan router.bin\n  touchmark scan router.bin --policy us-fcc-covered-list\n  touchmark scan unpacked-rootfs/ --format json > report.json\n  touchmark batch images/ > reports.ndjson\n  touchmark explain report.json huawei\n\nExit status: 0 scanned, 1 a policy matched, 2 wrong usage or nothing could be scanned,\n3 with --strict: problems or an inconclusive verdict."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Inspect one image, one unpacked file system (a folder), or standard input (-)
    Scan(scan::Arguments),
    /// Inspect every file below a folder as an image of its own
    Batch(batch::Arguments),
    /// Show the claims of a report down to the bytes
    Explain(explain::Arguments),
    /// Print what the bytes say, uninterpreted: every fact with its place
    Facts(facts::Arguments),
    /// Look into the signature database, check it, run its tests
    Db(db::Arguments),
    /// List the formats that are recognised and unpacked
    Formats(formats::Arguments),
    /// Print a completion script for a shell
    #[command(
        after_help = "Examples:\n  touchmark completions bash > /etc/bash_completion.d/touchmark\n  touchmark completions zsh > ~/.zfunc/_touchmark"
    )]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    #[command(after_help = "Examples:\n  touchmark man | man -l -\n  touchmark man > /usr/local/share/man/man1/touchmark.1")]
    Man,
}

/// How the command ends. Wrong usage and what could not be scanned are errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Ending {
    /// All well.
    Fine = 0,
    /// A policy matched.
    Matched = 1,
    /// With `--strict`: problems, or an inconclusive verdict.
    Doubtful = 3,
}

/// What went wrong, for a person.
type Failure = String;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.command {
        Command::Scan(arguments) => scan::run(&arguments),
        Command::Batch(arguments) => batch::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Facts(arguments) => facts::run(&arguments),
        Command::Db(arguments) => db::run(&arguments),
        Command::Formats(arguments) => formats::run(&arguments),
        Command::Completions { shell } => completions(shell),
        Command::Man => man(),
    };
    match outcome {
        Ok(Ending::Fine) => ExitCode::SUCCESS,
        Ok(Ending::Matched) => ExitCode::from(1),
        Ok(Ending::Doubtful) => ExitCode::from(3),
        Err(message) => {
            output::complain(&message);
            ExitCode::from(2)
        }
    }
}

fn completions(shell: clap_complete::Shell) -> Result<Ending, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "touchmark", &mut script);
    output::print(&script)
}

fn man() -> Result<Ending, Failure> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Cli::command()).render(&mut page).map_err(|error| error.to_string())?;
    output::print(&page)
}
