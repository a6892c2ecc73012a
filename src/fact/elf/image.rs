//! What analyzers need of an ELF file, read piece by piece.
//!
//! The pieces are goblin's. Its whole-file parser is not used: it reads every string table, relocation and hash table to its end, some of
//! them again for each broken byte, and gives nothing for a file whose section table is cut off.

use goblin::container::{Container, Ctx, Endian};
use goblin::elf::program_header::{PT_DYNAMIC, PT_LOAD, ProgramHeader};
use goblin::elf::section_header::{SHT_DYNAMIC, SHT_NOBITS, SectionHeader};
use goblin::elf::sym::Sym;
use goblin::elf::{Dynamic, Elf, Header, Symtab};

use crate::blob::{Bytes, Span, to_u64, to_usize};
use crate::problem::guarded;

/// No real file has more program headers than a few dozen.
const MOST_SEGMENTS: usize = 256;
/// No real dynamic section is longer.
const LONGEST_DYNAMIC: u64 = 64 << 10;
/// Section names are read this far.
const LONGEST_SECTION_NAME: u64 = 64;

/// An ELF file, whole or damaged.
pub(in crate::fact) struct Image<'a> {
    bytes: Bytes<'a>,
    context: Ctx,
    /// The ELF header.
    pub(in crate::fact) header: Header,
    /// As many program headers as there are.
    pub(in crate::fact) segments: Vec<ProgramHeader>,
    /// As many section headers as there are.
    pub(in crate::fact) sections: Vec<Section<'a>>,
}

/// A section header with its name.
pub(in crate::fact) struct Section<'a> {
    /// The name; empty if it cannot be read.
    pub(in crate::fact) name: &'a [u8],
    /// The header.
    pub(in crate::fact) header: SectionHeader,
}

impl<'a> Image<'a> {
    /// Reads the headers of the ELF file that `bytes` start with.
    pub(in crate::fact) fn read(bytes: Bytes<'a>) -> Option<Self> {
        let header = guarded("the ELF reader", || Elf::parse_header(bytes.0)).ok()?.ok()?;
        let context = Ctx::new(header.container().ok()?, header.endianness().ok()?);
        let mut image = Self { bytes, context, header, segments: Vec::new(), sections: Vec::new() };
        image.segments = image.read_segments().unwrap_or_default();
        image.sections = image.read_sections().unwrap_or_default();
        Some(image)
    }

    fn read_segments(&self) -> Option<Vec<ProgramHeader>> {
        let room = self.room(self.header.e_phoff, to_u64(ProgramHeader::size(self.context)));
        let count = usize::from(self.header.e_phnum).min(room).min(MOST_SEGMENTS);
        let read = || ProgramHeader::parse(self.bytes.0, to_usize(self.header.e_phoff), count, self.context);
        guarded("the ELF reader", read).ok()?.ok()
    }

    fn read_sections(&self) -> Option<Vec<Section<'a>>> {
        let room = self.room(self.header.e_shoff, to_u64(SectionHeader::size(self.context)));
        let count = usize::from(self.header.e_shnum).min(room);
        if count == 0 && self.header.e_shnum > 0 {
            return None;
        }
        let read = || SectionHeader::parse(self.bytes.0, to_usize(self.header.e_shoff), count, self.context);
        let headers = guarded("the ELF reader", read).ok()?.ok()?;
        let names = headers.get(usize::from(self.header.e_shstrndx)).map(|names| names.sh_offset);
        let named = |header: SectionHeader| {
            let start = names.map(|names| names.saturating_add(to_u64(header.sh_name)));
            let name = start.map(|start| self.bytes.up_to(start, LONGEST_SECTION_NAME)).unwrap_or_default();
            Section { name: name.split(|byte| *byte == 0).next().unwrap_or_default(), header }
        };
        Some(headers.into_iter().map(named).collect())
    }

    /// How many entries of `size` bytes there are from `start` to the end of the file.
    fn room(&self, start: u64, size: u64) -> usize {
        to_usize(self.bytes.len().saturating_sub(start).checked_div(size).unwrap_or(0))
    }

    /// Whether it is for 64-bit machines.
    pub(in crate::fact) fn is_wide(&self) -> bool {
        self.context.container == Container::Big
    }

    /// The byte order of its numbers.
    pub(in crate::fact) fn endian(&self) -> crate::blob::Endian {
        match self.context.le {
            Endian::Little => crate::blob::Endian::Little,
            Endian::Big => crate::blob::Endian::Big,
        }
    }

    /// The bytes of `span` that are there, and where they are.
    pub(in crate::fact) fn part(&self, span: Span) -> (&'a [u8], u64) {
        (self.bytes.up_to(span.start, span.length), span.start)
    }

    /// The file's part of a section: nothing for sections that are only memory.
    pub(in crate::fact) fn content(&self, section: &Section<'_>) -> Span {
        let length = if section.header.sh_type == SHT_NOBITS { 0 } else { section.header.sh_size };
        Span::new(section.header.sh_offset, length)
    }

    /// The content of the first section called `name`.
    pub(in crate::fact) fn section(&self, name: &[u8]) -> Option<Span> {
        self.sections.iter().find(|section| section.name == name).map(|section| self.content(section))
    }

    /// The first section of the type `sh_type`.
    pub(in crate::fact) fn section_of_type(&self, sh_type: u32) -> Option<&Section<'a>> {
        self.sections.iter().find(|section| section.header.sh_type == sh_type)
    }

    /// Where in the file the byte at `address` of memory comes from.
    pub(in crate::fact) fn offset(&self, address: u64) -> Option<u64> {
        let holds = |segment: &&ProgramHeader| {
            segment.p_type == PT_LOAD && address.checked_sub(segment.p_vaddr).is_some_and(|inside| inside < segment.p_filesz)
        };
        let segment = self.segments.iter().find(holds)?;
        address.checked_sub(segment.p_vaddr)?.checked_add(segment.p_offset)
    }

    /// Tag and value of each entry of the dynamic table; none if there is no such table.
    pub(in crate::fact) fn dynamic_entries(&self) -> Vec<(u64, u64)> {
        let segment = self.segments.iter().find(|segment| segment.p_type == PT_DYNAMIC);
        let segment = segment.map(|segment| Span::new(segment.p_offset, segment.p_filesz));
        let span = segment.or_else(|| self.section_of_type(SHT_DYNAMIC).map(|section| self.content(section)));
        span.map(|span| self.dynamic(span)).unwrap_or_default()
    }

    fn dynamic(&self, span: Span) -> Vec<(u64, u64)> {
        let length = to_u64(self.part(span).0.len()).min(LONGEST_DYNAMIC);
        let table = ProgramHeader { p_type: PT_DYNAMIC, p_offset: span.start, p_filesz: length, ..ProgramHeader::default() };
        let read = || Dynamic::parse(self.bytes.0, &[table], self.context);
        let Ok(Ok(Some(dynamic))) = guarded("the ELF reader", read) else { return Vec::new() };
        dynamic.dyns.iter().map(|entry| (entry.d_tag, entry.d_val)).collect()
    }

    /// The symbols in `span`, as many as there are.
    pub(in crate::fact) fn symbols(&self, span: Span) -> impl Iterator<Item = Sym> + use<'a> {
        let size = Sym::size(self.context.container);
        let count = self.part(span).0.len().checked_div(size).unwrap_or(0);
        let read = || Symtab::parse(self.bytes.0, to_usize(span.start), count, self.context);
        guarded("the ELF reader", read).ok().and_then(Result::ok).unwrap_or_default().iter()
    }

    /// Bytes of one symbol table entry.
    pub(in crate::fact) fn symbol_size(&self) -> u64 {
        to_u64(Sym::size(self.context.container))
    }
}
