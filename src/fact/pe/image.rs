//! What analyzers need of a PE file: its headers, its sections, and where in the file an address comes from.
//!
//! goblin's whole-file parser is not used: it gives nothing for a file of which one table is broken.

use crate::blob::{Bytes, Endian, Span};

/// The farthest that anybody puts the header behind the DOS program.
const FARTHEST_HEADER: u64 = 64 << 10;
/// The loader of Windows takes no more.
const MOST_SECTIONS: u64 = 96;

/// A PE file, whole or damaged. Its layout is that of <https://learn.microsoft.com/windows/win32/debug/pe-format>.
pub(in crate::fact) struct Image<'a> {
    /// All bytes.
    pub(in crate::fact) bytes: Bytes<'a>,
    /// Where `PE\0\0` stands.
    pub(in crate::fact) header: u64,
    /// Whether its addresses have 64 bits (PE32+).
    pub(in crate::fact) wide: bool,
    /// The section table.
    pub(in crate::fact) sections: Vec<Section<'a>>,
    base: u64,
    headers_size: u64,
    file_alignment: u64,
}

/// An entry of the section table, 40 bytes:
///
/// ```text
/// 0 name[8]   8 u32 VirtualSize   12 u32 VirtualAddress   16 u32 SizeOfRawData   20 u32 PointerToRawData   36 u32 Characteristics
/// ```
pub(in crate::fact) struct Section<'a> {
    /// The name, up to its NUL.
    pub(in crate::fact) name: &'a [u8],
    /// Where the entry stands.
    pub(in crate::fact) entry: u64,
    /// Where its bytes are in the file.
    pub(in crate::fact) content: Span,
    address: u64,
    length: u64,
}

impl<'a> Image<'a> {
    /// Reads the headers.
    pub(in crate::fact) fn read(bytes: Bytes<'a>) -> Option<Self> {
        let header = u64::from(bytes.u32(0x3c, Endian::Little).ok()?);
        if !bytes.has(0, b"MZ") || header > FARTHEST_HEADER || !bytes.has(header, b"PE\0\0") {
            return None;
        }
        let word = |at: u64| bytes.u32(header.saturating_add(at), Endian::Little).ok().map(u64::from);
        let half = |at: u64| bytes.u16(header.saturating_add(at), Endian::Little).ok();
        let wide = match half(24)? {
            0x10b => false,
            0x20b => true,
            _ => return None,
        };
        let base = if wide { bytes.u64(header.saturating_add(48), Endian::Little).ok()? } else { word(52)? };
        let table = header.saturating_add(24).saturating_add(half(20)?.into());
        let count = u64::from(half(6)?).min(MOST_SECTIONS);
        let (headers_size, file_alignment) = (word(84)?, word(60)?);
        let mut image = Self { bytes, header, wide, sections: Vec::new(), base, headers_size, file_alignment };
        let entries = (0..count).map(|index| table.saturating_add(index.saturating_mul(40)));
        image.sections = entries.map_while(|entry| image.section(entry)).collect();
        Some(image)
    }

    fn section(&self, entry: u64) -> Option<Section<'a>> {
        let word = |at: u64| self.bytes.u32(entry.saturating_add(at), Endian::Little).ok().map(u64::from);
        let (virtual_size, address, size, pointer) = (word(8)?, word(12)?, word(16)?, word(20)?);
        // The loader reads whole sectors.
        let pointer = if self.file_alignment >= 0x200 { pointer & !0x1ff } else { pointer };
        Some(Section {
            name: self.bytes.text(entry, 8).ok()?,
            entry,
            content: Span::new(pointer, if pointer == 0 { 0 } else { size }),
            address,
            length: size.max(virtual_size),
        })
    }

    /// A field of the COFF and optional header: this many bytes behind `PE\0\0`.
    pub(in crate::fact) fn half(&self, at: u64) -> Option<u16> {
        self.bytes.u16(self.header.saturating_add(at), Endian::Little).ok()
    }

    /// The same, 32 bits wide.
    pub(in crate::fact) fn word(&self, at: u64) -> Option<u32> {
        self.bytes.u32(self.header.saturating_add(at), Endian::Little).ok()
    }

    /// Number at a place of the file.
    pub(in crate::fact) fn u32(&self, at: u64) -> Option<u32> {
        self.bytes.u32(at, Endian::Little).ok()
    }

    /// Address and size of this data directory, if it has one.
    pub(in crate::fact) fn directory(&self, index: u64) -> Option<(u64, u64)> {
        let start: u64 = if self.wide { 136 } else { 120 };
        if u64::from(self.word(start.saturating_sub(4))?) <= index {
            return None;
        }
        let at = index.saturating_mul(8).saturating_add(start);
        let (address, size) = (u64::from(self.word(at)?), u64::from(self.word(at.saturating_add(4))?));
        (address != 0).then_some((address, size))
    }

    /// Where in the file the byte at this address, counted from where the image is loaded, comes from.
    pub(in crate::fact) fn offset(&self, address: u64) -> Option<u64> {
        let holds = |section: &&Section<'_>| address.checked_sub(section.address).is_some_and(|inside| inside < section.length);
        match self.sections.iter().find(holds) {
            Some(section) => {
                let inside = address.checked_sub(section.address)?;
                (inside < section.content.length).then(|| section.content.start.saturating_add(inside))
            }
            None => (address < self.headers_size).then_some(address),
        }
    }

    /// The NUL-terminated text at this address, at most `limit` bytes of it.
    pub(in crate::fact) fn text(&self, address: u64, limit: u64) -> Option<(&'a [u8], u64)> {
        let at = self.offset(address)?;
        let window = self.bytes.up_to(at, limit);
        let text = window.get(..memchr::memchr(0, window)?)?;
        let is_text = !text.is_empty() && text.iter().all(|byte| *byte >= b' ' && *byte != 0x7f);
        is_text.then_some((text, at))
    }

    /// Address of memory, offset and length of each section that is in the file.
    pub(in crate::fact) fn mappings(&self) -> impl Iterator<Item = (u64, u64, u64)> + '_ {
        let base = self.base;
        self.sections.iter().map(move |section| (base.saturating_add(section.address), section.content.start, section.content.length))
    }
}
