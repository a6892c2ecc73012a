//! What the paths of panics and the list of cargo-auditable say about a Rust program.

use std::collections::HashSet;

use memchr::memmem;

use super::elf::image::Image;
use super::ordered::Ordered;
use super::{Analyzer, Context, Facts, Key, Subject};
use crate::blob::{Bytes, Span, to_u64};
use crate::codec::Codec;

mod audit;

/// Compiler and crates of Rust programs.
#[derive(Debug)]
pub(super) struct Rust;

impl Analyzer for Rust {
    fn id(&self) -> &'static str {
        "rust"
    }

    fn keys(&self) -> &'static [Key] {
        const {
            &[
                Key::new("rust.compiler", "commit of the Rust compiler, from paths of its library"),
                Key::new("rust.crate", "crate whose source is named in a path, `crate@version`"),
                Key::new("rust.audit", "crate that cargo-auditable lists, `crate@version`"),
            ]
        }
    }

    fn analyze(&self, subject: &Subject<'_>, facts: &mut Facts<'_>) {
        if !matches!(subject.context, Context::Program | Context::KernelModule | Context::Kernel | Context::Raw) {
            return;
        }
        let bytes = subject.blob.as_slice();
        let mut found = Ordered::default();
        compilers(bytes, &mut found);
        crates(bytes, &mut found);
        list(subject, &mut found);
        found.deliver(subject, facts);
    }
}

/// Distinct values of a key that are said of one file.
const MOST: usize = 4096;

/// `/rustc/<40 digits>/library/…`: where the standard library's source was when it was built.
fn compilers<'a>(bytes: &'a [u8], found: &mut Ordered<'a>) {
    const MARK: &[u8] = b"/rustc/";
    let mut said = HashSet::new();
    for at in memmem::find_iter(bytes, MARK) {
        let start = at.saturating_add(MARK.len());
        let Some((hash, after)) = bytes.get(start..start.saturating_add(41)).and_then(|text| text.split_at_checked(40)) else { break };
        let is_hash = hash.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')) && matches!(after, b"/" | b"\\");
        if is_hash && said.len() < MOST && said.insert(hash) {
            found.verbatim("rust.compiler", hash, to_u64(start));
        }
    }
    if said.len() >= MOST {
        found.limit("commits of Rust compilers");
    }
}

/// Where crates lie when they are built: behind the name of the index they came from in cargo's own folder, or as Debian installs them.
const FOLDERS: &[(&[u8], bool)] =
    &[(b"/registry/src/", true), (b"\\registry\\src\\", true), (b"/usr/share/cargo/registry/", false), (b"/cargo_registry/", false)];

/// `…/registry/src/<index>/<crate>-<version>/src/lib.rs`
fn crates(bytes: &[u8], found: &mut Ordered<'_>) {
    let mut said = HashSet::new();
    for (mark, indexed) in FOLDERS {
        for at in memmem::find_iter(bytes, mark) {
            let mut start = at.saturating_add(mark.len());
            if *indexed {
                let Some(index) = component(bytes, start) else { continue };
                start = start.saturating_add(index.len()).saturating_add(1);
            }
            let Some(folder) = component(bytes, start) else { continue };
            if let Some(value) = versioned(folder)
                && said.len() < MOST
                && said.insert(value.clone())
            {
                found.say("rust.crate", value, Span::new(to_u64(start), to_u64(folder.len())));
            }
        }
    }
    if said.len() >= MOST {
        found.limit("Rust crates");
    }
}

/// A name of a path that a separator follows.
fn component(bytes: &[u8], start: usize) -> Option<&[u8]> {
    let window = bytes.get(start..).map(|rest| rest.get(..128).unwrap_or(rest))?;
    let end = window.iter().position(|byte| !matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'+'))?;
    let is_name = matches!(window.get(end), Some(b'/' | b'\\')) && end > 0;
    window.get(..end).filter(|_| is_name)
}

/// `name-1.2.3-beta.1` as `name@1.2.3-beta.1`: the version starts behind the first `-` that digits and dots follow.
fn versioned(folder: &[u8]) -> Option<Vec<u8>> {
    let is_version = |text: &[u8]| {
        let mut numbers = text.splitn(3, |byte| *byte == b'.');
        let all_digits = |part: Option<&[u8]>| part.is_some_and(|part| !part.is_empty() && part.iter().all(u8::is_ascii_digit));
        all_digits(numbers.next()) && all_digits(numbers.next()) && numbers.next().and_then(<[u8]>::first).is_some_and(u8::is_ascii_digit)
    };
    let dashes = memchr::memchr_iter(b'-', folder);
    let (name, version) =
        dashes.filter_map(|at| Some((folder.get(..at)?, folder.get(at.saturating_add(1)..)?))).find(|both| is_version(both.1))?;
    (!name.is_empty()).then(|| [name, b"@", version].concat())
}

/// The section `.dep-v0`, in PE files by its short name: JSON in zlib.
fn list(subject: &Subject<'_>, found: &mut Ordered<'_>) {
    const SECTION: &[u8] = b".dep-v0";
    const LONGEST: u64 = 8 << 20;
    let bytes: Bytes<'_> = subject.blob.bytes();
    let span = match subject.format {
        Some("elf") => Image::read(bytes).and_then(|image| image.section(SECTION)),
        Some("pe") => super::pe::image::Image::read(bytes)
            .and_then(|image| image.sections.iter().find(|section| section.name == SECTION).map(|section| section.content)),
        _ => None,
    };
    let Some(span) = span else { return };
    let content = bytes.up_to(span.start, span.length);
    let Ok(json) = Codec::Zlib.first(content, LONGEST) else { return };
    let packages = audit::packages(&json);
    if packages.len() > MOST {
        found.limit("crates in the list of cargo-auditable");
    }
    for (name, version) in packages.into_iter().take(MOST) {
        found.text("rust.audit", format!("{name}@{version}"), Span::new(span.start, to_u64(content.len())));
    }
}

#[cfg(test)]
mod tests;
