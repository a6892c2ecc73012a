//! Hardening of an ELF file.

use std::collections::HashSet;

use goblin::elf::dynamic::{DF_1_NOW, DF_1_PIE, DF_BIND_NOW, DT_BIND_NOW, DT_DEBUG, DT_FLAGS, DT_FLAGS_1};
use goblin::elf::header::{ET_DYN, ET_EXEC};
use goblin::elf::program_header::{PF_X, PT_DYNAMIC, PT_GNU_RELRO, PT_GNU_STACK, ProgramHeader};

use super::fortify::NAMES;
use crate::blob::{Bytes, Span, to_u64};
use crate::fact::elf::image::Image;
use crate::fact::elf::table::{Strings, SymbolTable, symbol_tables};
use crate::fact::ordered::Ordered;

/// What a stack protector of a compiler calls.
const CANARIES: &[&[u8]] = &[b"__stack_chk_fail", b"__stack_chk_fail_local", b"__intel_security_cookie"];

pub(super) fn read(bytes: Bytes<'_>, found: &mut Ordered<'_>) {
    let Some(image) = Image::read(bytes) else { return };
    let entries = image.dynamic_entries();
    let linked = matches!(image.header.e_type, ET_EXEC | ET_DYN) && !image.segments.is_empty();
    if linked {
        segments(&image, &entries, found);
    }
    symbols(&image, &entries, linked, found);
}

fn segments(image: &Image<'_>, entries: &[(u64, u64)], found: &mut Ordered<'_>) {
    let value = |tag: u64| entries.iter().find(|entry| entry.0 == tag).map_or(0, |entry| entry.1);
    let has = |tag: u64| entries.iter().any(|entry| entry.0 == tag);
    let header = |kind: u32| image.segments.iter().position(|segment| segment.p_type == kind);
    let place = |index: usize| {
        let size =
            to_u64(if image.is_wide() { goblin::elf64::program_header::SIZEOF_PHDR } else { goblin::elf32::program_header::SIZEOF_PHDR });
        Span::new(image.header.e_phoff.saturating_add(size.saturating_mul(to_u64(index))), size)
    };
    // e_type, which stands at byte 16 in files of both widths.
    let kind = Span::new(16, 2);
    let now = has(DT_BIND_NOW) || value(DT_FLAGS) & DF_BIND_NOW != 0 || value(DT_FLAGS_1) & DF_1_NOW != 0;
    let (relro, at) = match header(PT_GNU_RELRO) {
        Some(index) if now => ("full", place(index)),
        Some(index) => ("partial", place(index)),
        None => ("none", kind),
    };
    found.text("hardening.relro", relro, at);
    let anywhere = has(DT_DEBUG) || value(DT_FLAGS_1) & DF_1_PIE != 0;
    let pie = match image.header.e_type {
        ET_DYN if anywhere => "pie",
        ET_DYN => "dso",
        _ => "no",
    };
    found.text("hardening.pie", pie, header(PT_DYNAMIC).filter(|_| pie == "pie").map_or(kind, place));
    let stack = header(PT_GNU_STACK);
    let executable = |segment: &ProgramHeader| segment.p_flags & PF_X != 0;
    let nx = match stack.and_then(|index| image.segments.get(index)) {
        Some(segment) if executable(segment) => "no",
        Some(_) => "yes",
        None => "unstated",
    };
    found.text("hardening.nx", nx, stack.map_or(kind, place));
}

/// What the symbol tables tell. A canary or a checking variant in any of them counts; that there is none says something only where one is.
fn symbols(image: &Image<'_>, entries: &[(u64, u64)], linked: bool, found: &mut Ordered<'_>) {
    let tables = symbol_tables(image, entries);
    let (mut canary, mut checked, mut plain, mut first) = (None, HashSet::new(), HashSet::new(), None);
    for table in &tables {
        for (name, span) in names(image, table) {
            if canary.is_none() && CANARIES.contains(&name) {
                canary = Some(span);
            }
            let checking = name.strip_prefix(b"__").and_then(|name| name.strip_suffix(b"_chk"));
            let (set, name) = checking.map_or((&mut plain, name), |name| (&mut checked, name));
            if table.dynamic && NAMES.binary_search(&name).is_ok() {
                set.insert(name);
                first.get_or_insert(span);
            }
        }
    }
    if !tables.is_empty() {
        let nothing = tables.first().map_or(Span::default(), |table| table.symbols);
        found.text("hardening.canary", if canary.is_some() { "yes" } else { "no" }, canary.unwrap_or(nothing));
    }
    if let Some(first) = first {
        let count = checked.len().saturating_add(plain.len());
        found.text("hardening.fortify", format!("{} of {count}", checked.len()), first);
    }
    if linked {
        let table = tables.iter().find(|table| !table.dynamic);
        let place = table.map_or(Span::new(16, 2), |table| table.symbols);
        found.text("hardening.symbols", if table.is_some() { "present" } else { "stripped" }, place);
    }
}

/// The names of a table, without the versions that `.symtab` has behind them.
fn names<'a>(image: &Image<'a>, table: &SymbolTable) -> impl Iterator<Item = (&'a [u8], Span)> + use<'a> {
    let mut strings = Strings::new(image, table.strings);
    image.symbols(table.symbols).filter_map(move |symbol| {
        let (name, span) = strings.get(to_u64(symbol.st_name))?;
        let name = name.split(|byte| *byte == b'@').next().unwrap_or_default();
        Some((name, Span::new(span.start, to_u64(name.len()))))
    })
}
