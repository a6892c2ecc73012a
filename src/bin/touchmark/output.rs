//! Writing reports.

use std::io::{IsTerminal, Write};

use touchmark::report::Report;
use touchmark::report::text::{Style, printable, render};

use crate::settings::{Color, Format, Settings};
use crate::{Ending, Failure};

/// Whether somebody still reads standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reader {
    /// Yes.
    There,
    /// It went away: nothing more needs to be done for it.
    Gone,
}

/// Writes to standard output.
pub(crate) fn write(bytes: &[u8]) -> Result<Reader, Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Ok(()) => Ok(Reader::There),
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(Reader::Gone),
        Err(error) => Err(format!("standard output: {error}")),
    }
}

/// Writes bytes to standard output. A reader that went away is the end, not an error.
pub(crate) fn print(bytes: &[u8]) -> Result<Ending, Failure> {
    write(bytes).map(|_| Ending::Fine)
}

/// Says on standard error what went wrong. Messages quote names, and names come out of hostile images.
pub(crate) fn complain(message: &str) {
    let lines: Vec<String> = message.lines().map(printable).collect();
    eprintln!("touchmark: {}", lines.join("\n"));
}

/// The same for text.
pub(crate) fn print_text(text: &str) -> Result<Ending, Failure> {
    print(text.as_bytes())
}

/// The format to print in.
pub(crate) fn format(settings: &Settings, many: bool) -> Format {
    let default = if many {
        Format::Ndjson
    } else if std::io::stdout().is_terminal() {
        Format::Text
    } else {
        Format::Json
    };
    settings.format.unwrap_or(default)
}

/// Whether to colour standard output.
pub(crate) fn color(color: Color) -> bool {
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
    }
}

/// A report in `format`, with a newline at its end.
pub(crate) fn rendered(report: &Report, format: Format, settings: &Settings) -> Result<String, Failure> {
    let json = |text: serde_json::Result<String>| text.map(|text| text + "\n").map_err(|error| error.to_string());
    match format {
        Format::Json => json(serde_json::to_string_pretty(report)),
        Format::Ndjson => json(serde_json::to_string(report)),
        Format::Text => Ok(render(report, Style { color: color(settings.color), verbose: settings.verbose, tree: settings.tree })),
    }
}

/// How a command ends that made this report.
pub(crate) fn ending(report: &Report, strict: bool) -> Ending {
    let verdict = |name| report.policies.iter().any(|policy| policy.verdict == name);
    if verdict("match") {
        Ending::Matched
    } else if strict && (!report.problems.is_empty() || verdict("inconclusive")) {
        Ending::Doubtful
    } else {
        Ending::Fine
    }
}
