//! The report for a person at a terminal: one screen that says whose code, how sure, and what could not be read.

use std::fmt::Write as _;

use super::{ComponentLine, CoverageLine, KeyLine, Report, SupplierLine};

/// How to paint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether to use ANSI colours.
    pub color: bool,
    /// Whether to leave nothing out, however long it gets.
    pub verbose: bool,
    /// Whether to print the tree of all artifacts.
    pub tree: bool,
}

const BOLD: &str = "1";
const DIM: &str = "2";
const RED: &str = "31";
const GREEN: &str = "32";
const YELLOW: &str = "33";

/// Lines of a section before the rest is counted only.
const SHORT: usize = 20;

impl Style {
    fn paint(self, code: &str, text: &str) -> String {
        if self.color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn most(self) -> usize {
        if self.verbose { usize::MAX } else { SHORT }
    }
}

/// The report as text.
pub fn render(report: &Report, style: Style) -> String {
    let mut text = String::new();
    let input = &report.input;
    let head = format!("{}  {}  sha256 {}", input.path, size(input.size), input.sha256);
    let _ = writeln!(text, "{}", style.paint(BOLD, &printable(&head)));
    let _ = writeln!(text, "{}\n", coverage(&report.coverage));
    policies(&mut text, report, style);
    section(&mut text, style, "Suppliers", suppliers(report), "no supplier could be named");
    section(&mut text, style, "Components", report.components.iter().map(component).collect(), "no component could be named");
    section(&mut text, style, "Private keys", keys(report, true), "");
    section(&mut text, style, "Public keys", keys(report, false), "");
    section(&mut text, style, "Certificates", certificates(report), "");
    section(&mut text, style, "Problems", problems(report), "");
    if style.tree {
        section(&mut text, Style { verbose: true, ..style }, "Contents", super::tree::lines(report), "");
    }
    text
}

fn section(text: &mut String, style: Style, title: &str, lines: Vec<String>, none: &str) {
    if lines.is_empty() && none.is_empty() {
        return;
    }
    let _ = writeln!(text, "{}", style.paint(BOLD, title));
    if lines.is_empty() {
        let _ = writeln!(text, "  {}", style.paint(DIM, none));
    }
    let most = style.most();
    for line in lines.iter().take(most) {
        let _ = writeln!(text, "  {}", printable(line));
    }
    if let Some(more) = lines.len().checked_sub(most).filter(|more| *more > 0) {
        let _ = writeln!(text, "  {}", style.paint(DIM, &format!("… and {more} more (--verbose shows all)")));
    }
    text.push('\n');
}

fn policies(text: &mut String, report: &Report, style: Style) {
    for policy in &report.policies {
        let color = match policy.verdict {
            "match" => RED,
            "clear" => GREEN,
            _ => YELLOW,
        };
        let _ = writeln!(text, "{}  {} ({})", style.paint(color, &policy.verdict.to_uppercase()), policy.id, policy.citation);
        for found in &policy.matches {
            let through = if found.supplier == found.listed { String::new() } else { format!(", belongs to {}", found.listed) };
            let _ = writeln!(
                text,
                "  {}{through}: {} of {} artifacts, confidence {}",
                found.supplier,
                found.role,
                found.artifacts.len(),
                found.confidence
            );
        }
        for reason in &policy.reasons {
            let _ = writeln!(text, "  {reason}");
        }
        text.push('\n');
    }
}

fn suppliers(report: &Report) -> Vec<String> {
    report.suppliers.iter().filter_map(supplier).collect()
}

fn supplier(line: &SupplierLine) -> Option<String> {
    let code: Vec<_> = line.roles.iter().filter(|(role, _)| !matches!(**role, "depends-on" | "mentioned")).collect();
    let best = code.iter().map(|(_, part)| part.confidence).max()?;
    let roles: Vec<_> = code.iter().map(|(role, part)| format!("{role} of {} ({})", part.artifacts, size(part.bytes))).collect();
    let owners = if line.owners.is_empty() { String::new() } else { format!(" < {}", line.owners.join(" < ")) };
    let country = line.country.as_deref().map_or_else(String::new, |country| format!(" [{country}]"));
    Some(format!("{best:>3}  {}{country}{owners}: {}", line.name, roles.join(", ")))
}

fn component(line: &ComponentLine) -> String {
    let version = line.version.as_deref().unwrap_or("(version unknown)");
    let places = if line.artifacts.len() == 1 { String::new() } else { format!(", in {} files", line.artifacts.len()) };
    format!("{:>3}  {} {version}  {}{places}", line.confidence, line.title, line.supplier)
}

fn keys(report: &Report, private: bool) -> Vec<String> {
    let place = |artifact: usize| report.artifacts.get(artifact).map_or("", |line| line.location.as_str());
    let line = |key: &KeyLine| {
        let known = key.known_as.as_ref().map_or_else(String::new, |known| format!(" [{}]", known.text));
        let weak = if key.weak.is_empty() { String::new() } else { format!(" ({})", key.weak.join(", ")) };
        format!("{} {}{weak} in {} @ {:#x}{known}", key.kind, key.algorithm, place(key.artifact), key.offset)
    };
    report.keys.iter().filter(|key| key.private == private).map(line).collect()
}

fn certificates(report: &Report) -> Vec<String> {
    let place = |artifact: usize| report.artifacts.get(artifact).map_or("", |line| line.location.as_str());
    report
        .certificates
        .iter()
        .map(|one| format!("{} {} in {} @ {:#x}", one.purpose, one.subject, place(one.artifact), one.offset))
        .collect()
}

fn problems(report: &Report) -> Vec<String> {
    let place = |artifact: usize| report.artifacts.get(artifact).map_or("", |line| line.location.as_str());
    report.problems.iter().map(|one| format!("{}: {} in {}", one.code, one.message, place(one.artifact))).collect()
}

fn coverage(coverage: &CoverageLine) -> String {
    let share = |part: u64| part.saturating_mul(100).checked_div(coverage.total).unwrap_or(0);
    format!(
        "{} % attributed, {} % identified, {} % padding, {} % opaque, {} % unknown",
        share(coverage.attributed),
        share(coverage.identified),
        share(coverage.padding),
        share(coverage.opaque),
        share(coverage.unknown)
    )
}

/// Bytes in the unit that people use.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut rest = bytes;
    let mut tenths = 0;
    let mut unit = 0_usize;
    while rest >= 1024 && unit < UNITS.len().saturating_sub(1) {
        tenths = (rest % 1024).saturating_mul(10) / 1024;
        rest /= 1024;
        unit = unit.saturating_add(1);
    }
    let name = UNITS.get(unit).copied().unwrap_or_default();
    if unit == 0 { format!("{rest} {name}") } else { format!("{rest}.{tenths} {name}") }
}

/// Names come out of hostile images: nothing that moves the cursor or turns the direction of writing reaches the terminal.
pub fn printable(text: &str) -> String {
    let turns = |one| matches!(one, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|one| if one.is_control() || turns(one) { '\u{fffd}' } else { one }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_readable() {
        assert_eq!(size(0), "0 B");
        assert_eq!(size(1023), "1023 B");
        assert_eq!(size(1536), "1.5 KiB");
        assert_eq!(size(u64::MAX), "16777215.9 TiB");
    }

    #[test]
    fn no_escape_sequence_gets_through() {
        assert_eq!(printable("a\x1b[31mb"), "a\u{fffd}[31mb");
        assert_eq!(printable("exe.\u{202e}gpj"), "exe.\u{fffd}gpj");
    }
}
