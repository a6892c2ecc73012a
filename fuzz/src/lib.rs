//! What fuzz targets share: one input through one part of touchmark, and what must hold of it afterwards.

use std::sync::{Arc, LazyLock};

use touchmark::Options;
use touchmark::blob::{Blob, Span};
use touchmark::fact::{ANALYZERS, Context, Fact, Facts, Subject};
use touchmark::format::{Child, Children, Notes, by_id};
use touchmark::limits::{Budget, Limits};
use touchmark::signature::Database;
use touchmark::walk::Input;

/// Small, so that what is slow is slow because of a mistake.
fn limits() -> Limits {
    Limits { unpacked: 64 << 20, artifact: 16 << 20, live: 64 << 20, artifacts: 20_000, ..Limits::default() }
}

fn budget() -> Budget {
    Budget::new(limits(), Arc::default())
}

/// Carves and unpacks `bytes` as the format `id`.
pub fn format(id: &str, bytes: &[u8]) {
    let format = by_id(id).unwrap_or_else(|| panic!("no format {id}"));
    let (budget, blob) = (budget(), Blob::new(bytes.to_vec()));
    let Ok(carved) = format.carve(&blob, 0, &budget) else { return };
    assert!(carved.length > 0 && carved.length <= blob.len(), "{id} ends at {} of {}", carved.length, blob.len());
    if carved.payload.is_some() {
        return;
    }
    let whole = blob.carve(Span::new(0, carved.length)).unwrap();
    let mut notes = Notes::default();
    let mut deliver = |child: Child| {
        let span = child.span.unwrap_or_default();
        assert!(span.end() <= whole.len(), "{id}: a child ends at {} of {}", span.end(), whole.len());
        Ok(())
    };
    let _ = format.unpack(&whole, &mut Children::new(&budget, &whole, &mut deliver, &mut notes));
}

/// Reads the facts of `bytes` with the analyzer `id`.
pub fn analyzer(id: &str, bytes: &[u8]) {
    let analyzer = ANALYZERS.iter().find(|analyzer| analyzer.id() == id).unwrap_or_else(|| panic!("no analyzer {id}"));
    let blob = Blob::new(bytes.to_vec());
    for format in [None, Some("elf"), Some("pe"), Some("pem"), Some("der")] {
        let context = Context::of(&blob, format);
        let mut take = |fact: Fact<'_>| {
            assert!(fact.span.end() <= blob.len(), "{id}: {} ends at {} of {}", fact.key, fact.span.end(), blob.len());
            assert!(analyzer.keys().iter().any(|key| key.name == fact.key), "{id}: {} is not among its keys", fact.key);
        };
        analyzer.analyze(&Subject { blob: &blob, format, context }, &mut Facts::new(&mut take));
    }
}

/// Inspects `bytes` as an image.
pub fn inspect(bytes: &[u8]) {
    static DATABASE: LazyLock<Database> = LazyLock::new(|| Database::embedded().unwrap());
    let options = Options { limits: limits(), jobs: 1, ..Options::default() };
    let report = touchmark::inspect(&Input::Image(Blob::new(bytes.to_vec())), "fuzz", &DATABASE, &options);
    let parts = &report.coverage;
    let sum: u64 = [parts.attributed, parts.identified, parts.padding, parts.opaque, parts.unknown].iter().sum();
    assert_eq!((sum, parts.total), (report.input.size, report.input.size), "coverage adds up");
    // The walk catches panics of readers: here they must be seen.
    assert!(!report.problems.iter().any(|problem| problem.message.contains("a bug of touchmark")), "{:?}", report.problems);
}

/// Loads `bytes` as a file of the database, and runs what it says.
pub fn signature(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for folder in ["components", "suppliers", "lists"] {
        if let Ok(database) = Database::of(&[(format!("{folder}/fuzz.toml"), text.to_owned())]) {
            touchmark::selftest::run(&database);
            touchmark::signature::lint(&database);
        }
    }
}
