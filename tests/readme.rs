//! What the README shows is what the command prints.
#![allow(clippy::unwrap_used, reason = "a test that cannot read its files must fail")]

use std::process::Command;

fn touchmark(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_touchmark")).args(arguments).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn its_table_of_formats_is_the_table_of_formats() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let table = touchmark(&["formats", "--markdown"]);
    assert!(readme.contains(&table), "replace the table by the output of `touchmark formats --markdown`");
}

#[test]
fn its_sample_is_what_a_scan_of_the_router_says() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let text = touchmark(&["scan", "fixtures/router/router.bin", "--format", "text", "--policy", "us-fcc-covered-list"]);
    for line in text.lines() {
        assert!(readme.contains(line), "the README does not have: {line}");
    }
}
