//! What the source may not become: layers that import upwards, crates named in the wrong place, files without a word on what they are for.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test that cannot read the source must fail"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The layers, lowest first. A module imports from lower rows and from its own row, never from a higher one.
const LAYERS: &[&[&str]] = &[
    &["blob", "limits", "problem"],
    &["codec"],
    &["format"],
    &["scan"],
    &["fact"],
    &["signature"],
    &["evidence"],
    &["artifact"],
    &["walk"],
    &["attribution"],
    &["coverage"],
    &["policy"],
    &["report"],
    &["selftest"],
    &["lib"],
    &["bin"],
];

/// Where a dependency may be named: paths under `src/` begin with one of these. Every dependency has a row.
const CRATES: &[(&str, &[&str])] = &[
    ("adler2", &["codec", "format"]),
    ("aes", &["codec", "format"]),
    ("aho_corasick", &["signature"]),
    ("blake2", &["codec/blake2b.rs"]),
    ("brotli_decompressor", &["codec/brotli.rs"]),
    ("bzip2", &["codec/bzip2.rs"]),
    ("cbc", &["codec"]),
    ("chacha20", &["codec/chacha.rs"]),
    ("clap", &["bin/"]),
    ("clap_complete", &["bin/"]),
    ("clap_mangen", &["bin/"]),
    ("crc", &["codec", "format"]),
    ("daachorse", &["scan.rs"]),
    ("flate2", &["codec", "format"]),
    ("goblin", &["fact", "format"]),
    ("hmac", &["format/header/sums.rs"]),
    ("indicatif", &["bin/"]),
    ("lz4_flex", &["codec"]),
    ("lzfse_rust", &["codec/lzfse.rs"]),
    ("lzma_rust2", &["codec"]),
    ("lzokay", &["codec"]),
    ("md5", &["format", "fact"]),
    ("memchr", &["codec", "format", "fact", "signature"]),
    ("ppmd_rust", &["codec/ppmd.rs"]),
    ("rars", &["format/archive/rar"]),
    ("rayon", &["walk"]),
    ("regex", &["signature"]),
    ("ruzstd", &["codec"]),
    ("serde", &["signature", "report", "bin/"]),
    ("serde_json", &["format/archive/electron_asar", "format/vendor/tplink_dkmgt", "report", "bin/"]),
    ("sevenz_rust2", &["format/archive/sevenz"]),
    ("sha1", &["format", "fact"]),
    ("sha2", &["format", "fact", "signature", "walk"]),
    ("thiserror", &["blob.rs", "limits.rs", "problem.rs", "signature"]),
    ("toml", &["signature", "report", "bin/"]),
    ("x509_parser", &["fact/certificates"]),
];

/// What only the command may touch: the host, the clock, the terminal.
const HOST: &[&str] = &[
    "std::env::",
    "std::env;",
    "std::fs",
    "std::net",
    "std::os",
    "std::process",
    "std::time",
    "io::stderr",
    "io::stdin",
    "io::stdout",
    "dbg!(",
    "eprint!(",
    "eprintln!(",
    "print!(",
    "println!(",
    "Instant::",
    "SystemTime",
];

/// Names that say nothing about what is in a module.
const EMPTY_WORDS: &[&str] = &["common", "helper", "helpers", "manager", "misc", "stuff", "util", "utils"];

const LONGEST_FILE: usize = 400;

/// A file under `src/`.
struct Source {
    /// Path under `src/`, with `/`.
    path: String,
    text: String,
    /// Whether it is built for tests only.
    test: bool,
}

impl Source {
    /// The path of its module: `["walk", "examine"]`. The crate's root is empty.
    fn module(&self) -> Vec<&str> {
        let path = self.path.trim_end_matches(".rs");
        if path == "lib" { Vec::new() } else { path.split('/').collect() }
    }

    fn layer(&self) -> &str {
        self.module().first().copied().unwrap_or("lib")
    }

    /// The paths of the modules that it declares for tests only.
    fn test_modules(&self) -> Vec<Vec<String>> {
        let mut found = Vec::new();
        let mut lines = self.text.lines();
        while lines.by_ref().any(|line| line == "#[cfg(test)]") {
            let declared = lines.clone().find(|line| !line.starts_with("#[")).unwrap_or_default();
            if let Some((_, name)) = declared.trim_end_matches(';').split_once("mod ").filter(|_| declared.ends_with(';')) {
                found.push(self.module().into_iter().chain([name]).map(String::from).collect());
            }
        }
        found
    }

    /// Lines that are built into the program, with their numbers: no comments, and nothing of the tests at the end of the file.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let end = self.text.find("#[cfg(test)]\nmod tests {").unwrap_or(self.text.len());
        let lines = self.text[..end].lines().map(|line| line.split("//").next().unwrap_or_default());
        lines.enumerate().map(|(index, line)| (index + 1, line)).filter(|_| !self.test)
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &Path, prefix: &str, sources: &mut Vec<Source>) {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for entry in entries {
        let path = format!("{prefix}{}", entry.file_name().unwrap().to_str().unwrap());
        if entry.is_dir() {
            rust_files(&entry, &format!("{path}/"), sources);
        } else if path.ends_with(".rs") {
            sources.push(Source { path, text: fs::read_to_string(&entry).unwrap(), test: false });
        }
    }
}

fn sources() -> Vec<Source> {
    let mut sources = Vec::new();
    rust_files(&root().join("src"), "", &mut sources);
    assert!(sources.len() > 50, "the source was not found");
    let test_modules: Vec<Vec<String>> = sources.iter().flat_map(Source::test_modules).collect();
    for source in &mut sources {
        let module: Vec<String> = source.module().into_iter().map(String::from).collect();
        source.test = test_modules.iter().any(|test| module.starts_with(test));
    }
    sources
}

/// Fails with all of `complaints`, one a line, sorted, under a line that says what is asked for.
fn none(rule: &str, complaints: impl IntoIterator<Item = String>) {
    let complaints: BTreeSet<String> = complaints.into_iter().collect();
    let lines: Vec<&str> = complaints.iter().map(String::as_str).collect();
    assert!(lines.is_empty(), "{rule}\n  {}\n", lines.join("\n  "));
}

fn rank(layer: &str) -> usize {
    LAYERS.iter().position(|row| row.contains(&layer)).unwrap_or_else(|| panic!("no layer holds `{layer}`: give it a row in {}", file!()))
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Places of `word` in `line` where no identifier or path goes on before it.
fn places(line: &str, word: &str) -> Vec<usize> {
    let before = |at: usize| line[..at].bytes().last();
    line.match_indices(word).map(|(at, _)| at).filter(|at| before(*at).is_none_or(|byte| !is_word(byte) && byte != b':')).collect()
}

fn identifier(text: &str) -> &str {
    text.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next().unwrap_or_default()
}

/// The first names of `rest`, what follows a `crate::`: one, or those of a group in braces.
fn first_names(rest: &str) -> Vec<&str> {
    let Some(group) = rest.strip_prefix('{') else { return vec![identifier(rest)] };
    let (mut depth, mut names, mut fresh) = (0_usize, Vec::new(), true);
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => fresh = true,
            _ if fresh && letter.is_alphabetic() => {
                names.push(identifier(&group[at..]));
                fresh = false;
            }
            _ => (),
        }
    }
    names
}

/// The layers that a line of `source` names through `crate::` or `super::`. `rest` is the text from the line on.
fn imported<'t>(source: &'t Source, line: &str, rest: &'t str) -> Vec<&'t str> {
    let mut names = Vec::new();
    for at in places(line, "crate::") {
        names.extend(first_names(&rest[at + "crate::".len()..]));
    }
    for at in places(line, "super::") {
        let mut module = source.module();
        let mut tail = &rest[at..];
        while let Some(after) = tail.strip_prefix("super::") {
            module.pop();
            tail = after;
        }
        match module.first() {
            Some(layer) => names.push(*layer),
            None => names.extend(first_names(tail)),
        }
    }
    names.retain(|name| name.starts_with(|letter: char| letter.is_ascii_lowercase()));
    names
}

#[test]
fn no_module_imports_from_a_higher_layer() {
    let mut complaints = Vec::new();
    for source in sources().iter().filter(|source| !source.test && !matches!(source.layer(), "lib" | "bin")) {
        let own = rank(source.layer());
        for (number, line) in source.code() {
            let start = line_start(&source.text, number);
            for layer in imported(source, line, &source.text[start..]) {
                if rank(layer) > own {
                    complaints.push(format!(
                        "src/{}:{number}: {} may not import {layer}, which stands above it",
                        source.path,
                        source.layer()
                    ));
                }
            }
        }
    }
    none("a module imports from lower layers only", complaints);
}

fn line_start(text: &str, number: usize) -> usize {
    text.lines().take(number - 1).map(|line| line.len() + 1).sum()
}

#[test]
fn every_layer_is_there() {
    let sources = sources();
    let there: BTreeSet<&str> = sources.iter().filter(|source| !source.test).map(Source::layer).collect();
    let listed: BTreeSet<&str> = LAYERS.iter().copied().flatten().copied().collect();
    assert_eq!(there, listed, "the layers of {} and the modules of src/", file!());
}

#[test]
fn imports_are_seen() {
    let source = Source { path: "walk/examine.rs".into(), text: String::new(), test: false };
    let check = |line: &'static str, expect: &[&str]| assert_eq!(imported(&source, line, line), expect, "{line}");
    check("use crate::report::Report;", &["report"]);
    check("use crate::{blob::{Blob, Span}, report};", &["blob", "report"]);
    check("let it = crate::report::report(x) + crate::blob::len();", &["report", "blob"]);
    check("use super::Walk;", &["walk"]);
    check("use super::super::report::Report;", &["report"]);
    check("use touchmark_crate::report::Report;", &[]);
    let source = Source { path: "walk.rs".into(), text: String::new(), test: false };
    assert_eq!(imported(&source, "use super::report;", "use super::report;"), ["report"]);
}

#[test]
fn every_file_says_what_it_is_for() {
    let silent = sources().into_iter().filter(|source| {
        let first = source.text.lines().next().unwrap_or_default();
        first.strip_prefix("//! ").is_none_or(|header| header.len() < 10)
    });
    none("the first line of a file is `//! ` and what it is for", silent.map(|source| format!("src/{}", source.path)));
}

#[test]
fn no_file_is_too_long() {
    let long = sources().into_iter().map(|source| (source.text.lines().count(), source)).filter(|(lines, _)| *lines > LONGEST_FILE);
    none("a file has at most 400 lines", long.map(|(lines, source)| format!("src/{}: {lines} lines", source.path)));
}

#[test]
fn no_module_has_an_empty_name() {
    let empty = sources().into_iter().filter(|source| source.module().iter().any(|part| EMPTY_WORDS.contains(part)));
    none("a module is called by what it holds", empty.map(|source| format!("src/{}", source.path)));
}

/// Whether `line` names the crate `name` itself, not a module or a variable that is called like it.
fn names_crate(line: &str, name: &str) -> bool {
    places(line, name).iter().any(|at| {
        let (before, after) = (&line[..*at], &line[at + name.len()..]);
        let used = before.trim_end().ends_with("use") && (after.starts_with(';') || after.starts_with(" as "));
        used || after.starts_with("::")
    })
}

#[test]
fn crates_are_named_only_where_they_belong() {
    let sources = sources();
    let mut complaints = Vec::new();
    let mut used = BTreeSet::new();
    for source in &sources {
        let own_modules: Vec<String> =
            source.text.lines().filter_map(|line| line.strip_suffix(';')?.split("mod ").nth(1)).map(String::from).collect();
        for (number, line) in source.code() {
            for (name, allowed) in CRATES.iter().filter(|(name, _)| !own_modules.iter().any(|own| own == name) && names_crate(line, name)) {
                used.insert(*name);
                if !allowed.iter().any(|prefix| source.path.starts_with(prefix)) {
                    complaints.push(format!("src/{}:{number}: {name} belongs in {}", source.path, allowed.join(", ")));
                }
            }
        }
    }
    none("a crate is named only where its row in CRATES says", complaints);
    let unused = CRATES.iter().map(|(name, _)| *name).filter(|name| !used.contains(name));
    none("a crate that nothing names is not needed", unused.map(String::from));
}

#[test]
fn only_the_command_touches_the_host() {
    let mut complaints = Vec::new();
    for source in sources().iter().filter(|source| source.layer() != "bin") {
        for (number, line) in source.code() {
            for word in HOST.iter().filter(|word| line.contains(**word)) {
                complaints.push(format!("src/{}:{number}: {word}", source.path));
            }
        }
    }
    none("files, environment, clock and terminal belong to src/bin", complaints);
}

/// Names of dependencies and their lines, by section of Cargo.toml.
fn dependencies() -> BTreeMap<&'static str, Vec<(String, String)>> {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let mut found: BTreeMap<&str, Vec<_>> = BTreeMap::new();
    let mut section = "";
    for line in manifest.lines() {
        if line.starts_with('[') {
            section =
                ["[dependencies]", "[dev-dependencies]", "[build-dependencies]"].into_iter().find(|known| line == *known).unwrap_or("");
        } else if let (false, Some((name, _))) = (section.is_empty() || line.starts_with('#'), line.split_once('=')) {
            found.entry(section).or_default().push((name.trim().to_owned(), line.to_owned()));
        }
    }
    found
}

#[test]
fn every_dependency_has_a_reason_and_a_row() {
    let all = dependencies();
    assert!(all["[dependencies]"].len() > 10, "the dependencies were not found");
    let silent = all.values().flatten().filter(|(_, line)| line.split_once(" # ").is_none_or(|(_, reason)| reason.len() < 5));
    none("a dependency has a comment that says what it is for", silent.map(|(name, _)| name.clone()));
    let rows: BTreeSet<String> = CRATES.iter().map(|(name, _)| (*name).to_owned()).collect();
    let there: BTreeSet<String> = all["[dependencies]"].iter().map(|(name, _)| name.replace('-', "_")).collect();
    assert_eq!(there, rows, "the dependencies of Cargo.toml and the rows of CRATES in {}", file!());
}

#[test]
fn every_reader_has_a_fuzz_target() {
    let folder = root().join("fuzz/fuzz_targets");
    let manifest = fs::read_to_string(root().join("fuzz/Cargo.toml")).unwrap();
    let formats = touchmark::format::FORMATS
        .iter()
        .map(|format| (format!("format_{}", format.spec().id), format!("format(\"{}\",", format.spec().id)));
    let analyzers = touchmark::fact::ANALYZERS.iter().map(|one| (format!("fact_{}", one.id()), format!("analyzer(\"{}\",", one.id())));
    let whole = ["inspect", "signature"].map(|name| (name.to_owned(), format!("{name}(bytes)")));
    let wanted: BTreeMap<String, String> =
        formats.chain(analyzers).chain(whole).map(|(name, call)| (name.replace('-', "_"), call)).collect();
    let lacks = |(name, call): (&String, &String)| {
        let text = fs::read_to_string(folder.join(format!("{name}.rs"))).unwrap_or_default();
        let listed = manifest.contains(&format!("name = \"{name}\"\npath = \"fuzz_targets/{name}.rs\""));
        (!text.contains(&format!("touchmark_fuzz::{call}")) || !listed)
            .then(|| format!("fuzz/fuzz_targets/{name}.rs, or its [[bin]] in fuzz/Cargo.toml"))
    };
    none("every format and every analyzer has a fuzz target", wanted.iter().filter_map(lacks));
    let there = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned());
    none("a fuzz target is for something that there is", there.filter(|name| !wanted.contains_key(name)));
}
