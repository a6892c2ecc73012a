//! String tables, notes, and symbol tables that only the dynamic section knows of.

use goblin::elf::dynamic::{DT_GNU_HASH, DT_HASH, DT_STRSZ, DT_STRTAB, DT_SYMTAB};
use goblin::elf::section_header::{SHT_DYNSYM, SHT_SYMTAB};

use super::Bytes;
use super::image::Image;
use crate::blob::{Span, to_u64};

/// Longer names are damage: mangled ones stay below a few thousand characters.
const LONGEST_NAME: u64 = 4096;
/// Names may share their ends, so all of them together may be longer than the table; not without measure.
const SHARING: u64 = 4;

/// NUL-terminated strings, named by where they start.
pub(in crate::fact) struct Strings<'a> {
    bytes: &'a [u8],
    start: u64,
    // Bytes that may still be read, so that a million names with the same long end do not take forever.
    left: u64,
}

impl<'a> Strings<'a> {
    pub(in crate::fact) fn new(image: &Image<'a>, span: Span) -> Self {
        let (bytes, start) = image.part(span);
        Self { bytes, start, left: to_u64(bytes.len()).saturating_mul(SHARING).saturating_add(LONGEST_NAME) }
    }

    /// Where the table is.
    pub(super) fn span(&self) -> Span {
        Span::new(self.start, to_u64(self.bytes.len()))
    }

    /// Whether a name was not read because too many were.
    pub(super) fn is_exhausted(&self) -> bool {
        self.left == 0
    }

    /// The string at `offset` and where it stands, unless it is empty, too long, not ended, or no text.
    pub(in crate::fact) fn get(&mut self, offset: u64) -> Option<(&'a [u8], Span)> {
        let window = Bytes(self.bytes).up_to(offset, LONGEST_NAME.min(self.left));
        let length = memchr::memchr(0, window);
        self.left = self.left.saturating_sub(to_u64(length.unwrap_or(window.len())).saturating_add(1));
        let name = window.get(..length?)?;
        let is_text = !name.is_empty() && name.iter().all(|byte| *byte >= b' ' && *byte != 0x7f);
        is_text.then(|| (name, Span::new(self.start.saturating_add(offset), to_u64(name.len()))))
    }
}

/// One note.
pub(super) struct Note<'a> {
    /// Who says what the type means, with its NUL.
    pub(super) owner: &'a [u8],
    /// The type.
    pub(super) kind: u32,
    /// The descriptor.
    pub(super) content: &'a [u8],
    /// Where the descriptor starts in the file.
    pub(super) start: u64,
}

/// The notes in `span` (gABI, "Note Section"): `namesz`, `descsz`, `type`, 4 bytes each in files of both widths, then name and descriptor,
/// each padded to 4 bytes, or to 8 where the section says so.
pub(super) fn notes<'a>(image: &Image<'a>, span: Span, align: u64) -> impl Iterator<Item = Note<'a>> + use<'a> {
    let (bytes, endian) = (Bytes(image.part(span).0), image.endian());
    let pad = move |at: u64| at.checked_next_multiple_of(if align == 8 { 8 } else { 4 }).unwrap_or(u64::MAX);
    let mut at = 0_u64;
    std::iter::from_fn(move || {
        let field = |index: u64| bytes.u32(at.saturating_add(index), endian).ok();
        let (name_length, length, kind) = (field(0)?, field(4)?, field(8)?);
        let owner_at = at.saturating_add(12);
        let owner = bytes.get(owner_at, name_length.into()).ok()?;
        let content_at = pad(owner_at.saturating_add(name_length.into()));
        let content = bytes.get(content_at, length.into()).ok()?;
        at = pad(content_at.saturating_add(length.into()));
        Some(Note { owner, kind, content, start: span.start.saturating_add(content_at) })
    })
}

/// Where the dynamic symbols are when no section says so. How many there are stands in the hash table; without one, they reach to the
/// string table, which linkers put right after them.
pub(super) fn dynamic_symbols(image: &Image<'_>, entries: &[(u64, u64)], strings: Span) -> Option<Span> {
    let place = |tag: u64| entries.iter().find(|entry| entry.0 == tag).and_then(|entry| image.offset(entry.1));
    let start = place(DT_SYMTAB)?;
    let count = place(DT_HASH)
        .and_then(|hash| image_u32(image, hash.saturating_add(4)))
        .or_else(|| gnu_hash_count(image, place(DT_GNU_HASH)?))
        .or_else(|| mips_count(entries));
    match count {
        Some(count) => Some(Span::new(start, u64::from(count).saturating_mul(image.symbol_size()))),
        None => (strings.start > start).then(|| Span::between(start, strings.start)),
    }
}

fn image_u32(image: &Image<'_>, at: u64) -> Option<u32> {
    let (bytes, _) = image.part(Span::new(at, 4));
    Bytes(bytes).u32(0, image.endian()).ok()
}

/// DT_MIPS_SYMTABNO says how many there are outright.
fn mips_count(entries: &[(u64, u64)]) -> Option<u32> {
    const DT_MIPS_SYMTABNO: u64 = 0x7000_0011;
    entries.iter().find(|entry| entry.0 == DT_MIPS_SYMTABNO).and_then(|entry| u32::try_from(entry.1).ok())
}

/// DT_GNU_HASH: `nbuckets`, `symoffset`, `bloom_size`, `bloom_shift`, then the bloom filter in machine words, the buckets, and one word a
/// symbol from `symoffset` on. The chain of the highest bucket ends, with bit 0 set, at the last symbol.
fn gnu_hash_count(image: &Image<'_>, start: u64) -> Option<u32> {
    let (table, _) = image.part(Span::new(start, u64::MAX));
    let (table, endian) = (Bytes(table), image.endian());
    let word = |at: u64| table.u32(at, endian).ok();
    let (buckets, first, bloom) = (word(0)?, word(4)?, word(8)?);
    let bloom_size = u64::from(bloom).saturating_mul(if image.is_wide() { 8 } else { 4 });
    let buckets_at = bloom_size.saturating_add(16);
    let buckets_size = u64::from(buckets).saturating_mul(4);
    let all = table.get(buckets_at, buckets_size).ok()?;
    let heads = all.as_chunks::<4>().0.iter().filter_map(|bucket| Bytes(bucket).u32(0, endian).ok());
    let mut last = heads.max()?;
    let chains = buckets_at.saturating_add(buckets_size);
    let chain = |symbol: u32| word(u64::from(symbol.checked_sub(first)?).saturating_mul(4).saturating_add(chains));
    if last < first {
        return Some(first);
    }
    while chain(last)? & 1 == 0 {
        last = last.checked_add(1)?;
    }
    last.checked_add(1)
}

/// A symbol table and the strings that it names.
pub(in crate::fact) struct SymbolTable {
    /// Where the symbols are.
    pub(in crate::fact) symbols: Span,
    /// Where their names are.
    pub(in crate::fact) strings: Span,
    /// Whether it is the one that the dynamic linker reads.
    pub(in crate::fact) dynamic: bool,
}

/// `.dynsym` and `.symtab`, in the order of their sections, or what the dynamic section says where no section does.
pub(in crate::fact) fn symbol_tables(image: &Image<'_>, entries: &[(u64, u64)]) -> Vec<SymbolTable> {
    let of_section = |section: &super::image::Section<'_>| {
        let dynamic = match section.header.sh_type {
            SHT_DYNSYM => true,
            SHT_SYMTAB => false,
            _ => return None,
        };
        let strings = image.sections.get(usize::try_from(section.header.sh_link).ok()?)?;
        Some(SymbolTable { symbols: image.content(section), strings: image.content(strings), dynamic })
    };
    let mut tables: Vec<_> = image.sections.iter().filter_map(of_section).take(MOST_TABLES).collect();
    if !tables.iter().any(|table| table.dynamic) {
        tables.extend(without_section(image, entries));
    }
    tables
}

/// A file has one table of either kind.
const MOST_TABLES: usize = 2;

fn without_section(image: &Image<'_>, entries: &[(u64, u64)]) -> Option<SymbolTable> {
    let value = |tag: u64| entries.iter().find(|entry| entry.0 == tag).map(|entry| entry.1);
    let start = image.offset(value(DT_STRTAB)?)?;
    let (strings, _) = image.part(Span::new(start, value(DT_STRSZ).unwrap_or(u64::MAX)));
    let strings = Span::new(start, to_u64(strings.len()));
    let symbols = dynamic_symbols(image, entries, strings)?;
    Some(SymbolTable { symbols, strings, dynamic: true })
}
