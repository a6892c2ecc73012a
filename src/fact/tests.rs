//! The table as a table.

use std::collections::BTreeSet;

use super::*;

#[test]
fn keys_are_unique() {
    let mut seen = BTreeSet::new();
    for key in keys() {
        assert!(seen.insert(key.name), "{} is there twice", key.name);
    }
}

#[test]
fn every_file_is_in_the_table() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/fact");
    let source = include_str!("../fact.rs");
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let Some(module) = name.strip_suffix(".rs") else { continue };
        let known = matches!(module, "tests" | "testing" | "context" | "entropy" | "ordered");
        assert!(known || source.contains(&format!("&{module}::")), "{module} has no row in ANALYZERS");
    }
}
