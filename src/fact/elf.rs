//! What the headers, dynamic section, notes and symbol tables of an ELF file say.

use std::borrow::Cow;
use std::collections::HashSet;

use goblin::elf::dynamic::{DT_NEEDED, DT_RPATH, DT_RUNPATH, DT_SONAME, DT_STRSZ, DT_STRTAB};
use goblin::elf::section_header::{SHT_DYNAMIC, SHT_DYNSYM, SHT_SYMTAB};
use goblin::elf::sym::{STB_GLOBAL, STB_GNU_UNIQUE, STB_WEAK, STT_COMMON, STT_FUNC, STT_GNU_IFUNC, STT_OBJECT, STT_TLS, Sym};

use self::image::Image;
use super::{Analyzer, Facts, Key, Subject};
use crate::blob::{Bytes, Span, to_u64};
use crate::problem::{Code, Problem};

mod flags;
mod header;
pub(super) mod image;
mod machine;
mod notes;
pub(super) mod table;
mod versions;

/// Executables, libraries and objects.
#[derive(Debug)]
pub(super) struct Elf;

impl Analyzer for Elf {
    fn id(&self) -> &'static str {
        "elf"
    }

    fn keys(&self) -> &'static [Key] {
        const {
            &[
                Key::new("elf.class", "width of an ELF file in bits, 32 or 64"),
                Key::new("elf.endian", "byte order of an ELF file, little or big"),
                Key::new("elf.os-abi", "operating system of an ELF header, where it names one"),
                Key::new("elf.type", "relocatable, executable, shared or core"),
                Key::new("elf.machine", "machine of an ELF header"),
                Key::new("elf.flags", "flags of an ELF header, as a number and by name"),
                Key::new("elf.soname", "name by which a library wants to be linked"),
                Key::new("elf.needed", "library that is needed"),
                Key::new("elf.rpath", "folders where libraries are looked for first (DT_RPATH)"),
                Key::new("elf.runpath", "folders where libraries are looked for (DT_RUNPATH)"),
                Key::new("elf.version-need", "library and version of its symbols that is needed"),
                Key::new("elf.version-define", "version of symbols that is defined for others"),
                Key::new("elf.interpreter", "program interpreter, the dynamic linker"),
                Key::new("elf.comment", "what a compiler left in .comment"),
                Key::new("elf.build-id", "GNU build id"),
                Key::new("elf.abi-tag", "operating system and oldest version of it that a note asks for"),
                Key::new("elf.property", "property that a GNU note promises or asks for"),
                Key::new("elf.package", "package metadata in JSON (.note.package)"),
                Key::new("elf.android-ndk", "Android NDK that it was built with"),
                Key::new("elf.go-build-id", "build id of the Go linker"),
                Key::new("elf.debug-link", "file with the debug information (.gnu_debuglink)"),
                Key::new("elf.debug-alt-link", "file with shared debug information (.gnu_debugaltlink)"),
                Key::new("elf.symbol", "symbol that is defined for others"),
                Key::new("elf.import", "symbol that is taken from others"),
            ]
        }
    }

    fn analyze(&self, subject: &Subject<'_>, facts: &mut Facts<'_>) {
        if subject.format != Some("elf") {
            return;
        }
        let Some(image) = Image::read(subject.blob.bytes()) else { return };
        let mut reader = Reader { image: &image, found: Vec::new(), problem: None };
        reader.headers();
        reader.dynamic();
        reader.comments();
        reader.notes();
        reader.debug_links();
        reader.symbols();
        facts.problems.extend(reader.problem);
        reader.found.sort_by_key(|found| found.span);
        for found in reader.found {
            facts.say(found.key, &found.value, found.span);
        }
    }
}

struct Found<'a> {
    key: &'static str,
    value: Cow<'a, [u8]>,
    span: Span,
}

struct Reader<'i, 'a> {
    image: &'i Image<'a>,
    found: Vec<Found<'a>>,
    problem: Option<Problem>,
}

impl<'a> Reader<'_, 'a> {
    fn say(&mut self, key: &'static str, value: impl Into<Cow<'a, [u8]>>, span: Span) {
        self.found.push(Found { key, value: value.into(), span });
    }

    /// Says the text of a string, if it is one.
    fn text(&mut self, key: &'static str, text: Option<(&'a [u8], Span)>) {
        if let Some((value, span)) = text {
            self.say(key, value, span);
        }
    }

    fn dynamic(&mut self) {
        let section = self.image.section_of_type(SHT_DYNAMIC);
        let entries = self.image.dynamic_entries();
        let value = |tag: u64| entries.iter().find(|entry| entry.0 == tag).map(|entry| entry.1);
        let by_address = value(DT_STRTAB).and_then(|address| self.image.offset(address));
        let Some(strings) = by_address.map(|start| Span::new(start, value(DT_STRSZ).unwrap_or(u64::MAX))).or_else(|| self.linked(section?))
        else {
            return;
        };
        let mut strings = table::Strings::new(self.image, strings);
        for (tag, value) in &entries {
            match *tag {
                DT_SONAME => self.text("elf.soname", strings.get(*value)),
                DT_NEEDED => self.text("elf.needed", strings.get(*value)),
                DT_RPATH => self.text("elf.rpath", strings.get(*value)),
                DT_RUNPATH => self.text("elf.runpath", strings.get(*value)),
                _ => {}
            }
        }
        self.versions(&entries, &mut strings);
        if self.image.section_of_type(SHT_DYNSYM).is_none()
            && let Some(symbols) = table::dynamic_symbols(self.image, &entries, strings.span())
        {
            let mut said = HashSet::new();
            self.symbol_table(symbols, &mut strings, &mut said);
        }
    }

    /// The string table that a section names as its own.
    fn linked(&self, section: &image::Section<'_>) -> Option<Span> {
        let index = usize::try_from(section.header.sh_link).ok()?;
        self.image.sections.get(index).map(|strings| self.image.content(strings))
    }

    /// `.comment`: what each compiler that had a part in it left, NUL-terminated.
    fn comments(&mut self) {
        let Some(span) = self.image.section(b".comment") else { return };
        let (content, mut at) = self.image.part(span);
        for comment in content.split(|byte| *byte == 0) {
            if !comment.is_empty() {
                self.say("elf.comment", comment, Span::new(at, to_u64(comment.len())));
            }
            at = at.saturating_add(to_u64(comment.len())).saturating_add(1);
        }
    }

    /// `.dynsym`, and of `.symtab` what is not in it.
    fn symbols(&mut self) {
        let mut said = HashSet::new();
        for sh_type in [SHT_DYNSYM, SHT_SYMTAB] {
            let Some(section) = self.image.section_of_type(sh_type) else { continue };
            let Some(strings) = self.linked(section) else { continue };
            let mut strings = table::Strings::new(self.image, strings);
            self.symbol_table(self.image.content(section), &mut strings, &mut said);
        }
    }

    fn symbol_table(&mut self, span: Span, strings: &mut table::Strings<'a>, said: &mut HashSet<(&'static str, &'a [u8])>) {
        for symbol in self.image.symbols(span) {
            let Some(key) = key(&symbol) else { continue };
            let Some((name, span)) = strings.get(to_u64(symbol.st_name)) else { continue };
            // `.symtab` of a linked file has `name@VERSION` where `.dynsym` has the name.
            let name = name.split(|byte| *byte == b'@').next().unwrap_or_default();
            if !name.is_empty() && said.insert((key, name)) {
                self.say(key, name, Span::new(span.start, to_u64(name.len())));
            }
        }
        if strings.is_exhausted() && self.problem.is_none() {
            let message = "the symbols' names overlap so much that not all were read";
            self.problem = Some(Problem::new(Code::Limit, Some(span.start), message));
        }
    }
}

/// Under which key a symbol is said, if it is: local ones, sections, files and the marks of linker scripts are not.
fn key(symbol: &Sym) -> Option<&'static str> {
    if !matches!(symbol.st_bind(), STB_GLOBAL | STB_WEAK | STB_GNU_UNIQUE) {
        return None;
    }
    if symbol.st_shndx == 0 {
        return Some("elf.import");
    }
    matches!(symbol.st_type(), STT_FUNC | STT_OBJECT | STT_COMMON | STT_TLS | STT_GNU_IFUNC).then_some("elf.symbol")
}

#[cfg(test)]
mod tests;
