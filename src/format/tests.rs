//! The table as a table.

use std::collections::BTreeSet;

use super::*;
use crate::blob::Span;
use crate::problem::Code;

#[test]
fn ids_are_unique_and_specs_are_complete() {
    let mut seen = BTreeSet::new();
    for format in FORMATS.iter() {
        let spec = format.spec();
        assert!(seen.insert(spec.id), "{} is there twice", spec.id);
        assert!(!spec.magics.is_empty(), "{} has no magic", spec.id);
        assert!(!spec.references.is_empty(), "{} says nowhere where its layout is written down", spec.id);
        assert!(spec.id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'), "{}", spec.id);
        for magic in spec.magics {
            // Without any bytes the format is asked about the start of every blob.
            assert!(!magic.bytes.is_empty() || magic.anchor == Anchor::Start, "{}", spec.id);
            assert!(magic.anchor == Anchor::Start || magic.bytes.len() >= 2, "{}: one byte stands everywhere", spec.id);
        }
    }
}

#[test]
fn every_file_is_in_the_table() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/format");
    let listed = |folder: &std::path::Path| {
        let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter_map(|name| name.strip_suffix(".rs").map(String::from)).collect::<Vec<_>>()
    };
    let table = include_str!("../format.rs");
    for group in listed(&folder).into_iter().filter(|name| name != "tests") {
        let source = std::fs::read_to_string(folder.join(format!("{group}.rs"))).unwrap();
        if !source.contains("FORMATS: &[&dyn Format] =") {
            continue;
        }
        assert!(table.contains(&format!("{group}::FORMATS")), "{group} is not in FORMATS");
        for module in listed(&folder.join(&group)) {
            assert!(source.contains(&format!("&{module}::")), "{group}::{module} has no row in FORMATS");
        }
    }
}

#[test]
fn paths_become_text_without_loss() {
    assert_eq!(path_text("bin/größe".as_bytes()), "bin/größe");
    assert_eq!(path_text(b"a\xffb"), "a\\xffb");
}

#[test]
fn names_that_climb_are_problems_and_nothing_is_lost() {
    let budget = Budget::new(crate::limits::Limits::default(), std::sync::Arc::default());
    let blob = Blob::new(vec![0; 8]);
    let (mut names, mut notes) = (Vec::new(), Notes::default());
    let mut deliver = |child: Child| {
        names.push((child.name, child.blob.len(), child.problem.is_some()));
        Ok(())
    };
    let mut children = Children::new(&budget, &blob, &mut deliver, &mut notes);
    children.span("../../etc/passwd", Span::new(0, 4), Attributes::default()).unwrap();
    children.span("cut", Span::new(4, 10), Attributes::default()).unwrap();
    assert_eq!(names, [("../../etc/passwd".to_owned(), 4, false), ("cut".to_owned(), 4, true)]);
    assert_eq!(notes.problems.len(), 1);
    assert_eq!(notes.problems[0].code, Code::UnsafeName);
}
