//! What the README and the reference show is what the command prints. `TOUCHMARK_UPDATE=1 cargo test --test readme` writes it anew.
#![allow(clippy::unwrap_used, reason = "a test that cannot read its files must fail")]

use std::process::Command;

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");

const REFERENCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/signatures.md");

fn touchmark(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_touchmark")).args(arguments).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// The README with `content` between the first `from` and the `to` after it.
fn with(readme: &str, from: &str, content: &str, to: &str) -> String {
    let (before, rest) = readme.split_once(from).unwrap();
    let (_, after) = rest.split_once(to).unwrap();
    [before, from, content, to, after].concat()
}

#[test]
fn its_samples_and_its_table_are_what_the_command_prints() {
    const IMAGE: &str = "fixtures/router/router.bin";
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.json");
    std::fs::write(&report, touchmark(&["scan", IMAGE])).unwrap();
    let scan = touchmark(&["scan", IMAGE, "--format", "text", "--policy", "us-fcc-covered-list"]);
    let explain = touchmark(&["explain", report.to_str().unwrap(), "linux-kernel", "--image", IMAGE]);
    let readme = std::fs::read_to_string(README).unwrap();
    let mut fresh = with(
        &readme,
        "$ touchmark scan fixtures/router/router.bin --policy us-fcc-covered-list\n",
        &(scan.trim_end().to_owned() + "\n"),
        "```",
    );
    let command = "$ touchmark explain report.json linux-kernel --image fixtures/router/router.bin\n";
    fresh = with(&fresh, command, &(explain.trim_end().to_owned() + "\n"), "```");
    let table = touchmark(&["formats", "--markdown"]);
    fresh = with(&fresh, "<!-- touchmark formats --markdown -->\n", &table, "<!-- end -->");
    if std::env::var_os("TOUCHMARK_UPDATE").is_some() {
        std::fs::write(README, &fresh).unwrap();
    }
    let stale = std::env::var_os("TOUCHMARK_UPDATE").is_none() && readme != fresh;
    assert!(!stale, "the README shows what the command does not print any more: TOUCHMARK_UPDATE=1 cargo test --test readme");
}

#[test]
fn the_reference_lists_every_fact() {
    let reference = std::fs::read_to_string(REFERENCE).unwrap();
    let table = touchmark(&["facts", "--markdown"]);
    let fresh = with(&reference, "<!-- touchmark facts --markdown -->\n", &table, "<!-- end -->");
    if std::env::var_os("TOUCHMARK_UPDATE").is_some() {
        std::fs::write(REFERENCE, &fresh).unwrap();
    } else {
        assert!(reference == fresh, "docs/signatures.md lacks a fact: TOUCHMARK_UPDATE=1 cargo test --test readme");
    }
}
