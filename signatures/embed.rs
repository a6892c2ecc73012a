//! Build script: lists the files of the database, so that adding one is adding a file.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a build that cannot read the database must stop")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn main() {
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").unwrap()).join("signatures");
    let mut files = Vec::new();
    for folder in ["suppliers", "components", "lists", "keys"] {
        println!("cargo::rerun-if-changed=signatures/{folder}");
        let entries = std::fs::read_dir(root.join(folder)).unwrap_or_else(|error| panic!("signatures/{folder}: {error}"));
        files.extend(
            entries
                .map(|entry| entry.unwrap().path())
                .filter(|path| path.extension().is_some_and(|ending| ending == "toml" || ending == "tsv")),
        );
    }
    files.sort();
    let mut code = "pub(super) static FILES: &[(&str, &str)] = &[\n".to_owned();
    for file in &files {
        let name = file.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
        writeln!(code, "    ({name:?}, include_str!({:?})),", file.to_str().unwrap()).unwrap();
    }
    code.push_str("];\n");
    let target = std::env::var("OUT_DIR").unwrap();
    std::fs::write(Path::new(&target).join("signatures.rs"), code).unwrap();
}
