//! `touchmark formats`: the table of formats.

use clap::Args;
use touchmark::format::FORMATS;

use crate::{Ending, Failure, output};

/// Arguments of `formats`.
#[derive(Args)]
#[command(after_help = "Examples:\n  touchmark formats\n  touchmark formats --markdown")]
pub(crate) struct Arguments {
    /// As a Markdown table, as the README has it
    #[arg(long)]
    markdown: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Ending, Failure> {
    output::print_text(&if arguments.markdown { markdown() } else { plain() })
}

fn plain() -> String {
    let mut text = String::new();
    for format in FORMATS.iter() {
        let spec = format.spec();
        let opened = if spec.leaf { "recognised" } else { "unpacked" };
        text.push_str(&format!("{:<16} {:<16} {:<11} {}\n", spec.id, spec.kind.name(), opened, spec.name));
        for limitation in spec.limitations {
            text.push_str(&format!("{:<16} not read: {limitation}\n", ""));
        }
    }
    let unpacked = FORMATS.iter().filter(|format| !format.spec().leaf).count();
    text.push_str(&format!("{} formats, {unpacked} of them unpacked\n", FORMATS.len()));
    text
}

fn markdown() -> String {
    let mut text = "| id | format | kind | | not read |\n|---|---|---|---|---|\n".to_owned();
    for format in FORMATS.iter() {
        let spec = format.spec();
        let opened = if spec.leaf { "recognised" } else { "unpacked" };
        let limits = spec.limitations.join("; ");
        text.push_str(&format!("| `{}` | {} | {} | {opened} | {limits} |\n", spec.id, spec.name, spec.kind.name()));
    }
    text
}
