//! ELF programs, libraries and kernel modules: as far as their headers reach.

use crate::blob::{Blob, Bytes, Endian};
use crate::format::{Carved, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::Rejected;

/// Executable and Linkable Format.
#[derive(Debug)]
pub(super) struct Elf;

static SPEC: Spec = Spec {
    id: "elf",
    name: "ELF",
    kind: Kind::Program,
    magics: &[Magic::anywhere(b"\x7fELF")],
    leaf: true,
    references: &["https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html"],
    limitations: &[],
};

impl Format for Elf {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let bytes = Bytes(blob.bytes().tail(start));
        let header = Header::read(bytes)?;
        let tables = header.sections.end().max(header.segments.end());
        let mut end = tables.max(header.size.into());
        for index in 0..header.sections.count {
            end = end.max(header.section_end(bytes, index).unwrap_or(0));
        }
        for index in 0..header.segments.count {
            end = end.max(header.segment_end(bytes, index).unwrap_or(0));
        }
        // A field that points far outside is damage, not length: the tables say where the file ends at least.
        let end = if end > bytes.len() && tables <= bytes.len() && start > 0 { tables.max(header.size.into()) } else { end };
        Ok(Carved::new(end, start, blob))
    }
}

#[derive(Debug, Clone, Copy)]
struct Table {
    offset: u64,
    entry: u16,
    count: u16,
}

impl Table {
    fn end(&self) -> u64 {
        let size = u64::from(self.entry).saturating_mul(self.count.into());
        if self.offset == 0 { 0 } else { self.offset.saturating_add(size) }
    }

    fn at(&self, index: u16) -> u64 {
        self.offset.saturating_add(u64::from(self.entry).saturating_mul(index.into()))
    }
}

/// The part of the ELF header that says how far the file reaches (gABI, "ELF Header").
struct Header {
    wide: bool,
    endian: Endian,
    size: u16,
    segments: Table,
    sections: Table,
}

impl Header {
    fn read(bytes: Bytes<'_>) -> Result<Self, Rejected> {
        let wide = match bytes.u8(4)? {
            1 => false,
            2 => true,
            _ => return Err(Rejected("EI_CLASS")),
        };
        let endian = match bytes.u8(5)? {
            1 => Endian::Little,
            2 => Endian::Big,
            _ => return Err(Rejected("EI_DATA")),
        };
        if bytes.u8(6)? != 1 || bytes.u32(20, endian)? != 1 {
            return Err(Rejected("EI_VERSION"));
        }
        let word = |at| if wide { bytes.u64(at, endian) } else { bytes.u32(at, endian).map(u64::from) };
        let (phoff, shoff, rest) = if wide { (word(32)?, word(40)?, 52) } else { (word(28)?, word(32)?, 40) };
        let half = |index: u64| bytes.u16(index.saturating_mul(2).saturating_add(rest), endian);
        let header = Self {
            wide,
            endian,
            size: half(0)?,
            segments: Table { offset: phoff, entry: half(1)?, count: half(2)? },
            sections: Table { offset: shoff, entry: half(3)?, count: half(4)? },
        };
        let expected = if wide { (64, 56, 64) } else { (52, 32, 40) };
        if header.size != expected.0
            || !matches!(header.segments.entry, 0) && header.segments.entry != expected.1
            || !matches!(header.sections.entry, 0) && header.sections.entry != expected.2
        {
            return Err(Rejected("entry sizes"));
        }
        Ok(header)
    }

    /// `sh_offset + sh_size`, unless SHT_NOBITS (8).
    fn section_end(&self, bytes: Bytes<'_>, index: u16) -> Result<u64, Rejected> {
        let at = self.sections.at(index);
        if bytes.u32(at.saturating_add(4), self.endian)? == 8 {
            return Ok(0);
        }
        self.sum(bytes, at, if self.wide { 24 } else { 16 }, if self.wide { 32 } else { 20 })
    }

    /// `p_offset + p_filesz`.
    fn segment_end(&self, bytes: Bytes<'_>, index: u16) -> Result<u64, Rejected> {
        let at = self.segments.at(index);
        self.sum(bytes, at, if self.wide { 8 } else { 4 }, if self.wide { 32 } else { 16 })
    }

    fn sum(&self, bytes: Bytes<'_>, at: u64, offset: u64, size: u64) -> Result<u64, Rejected> {
        let word = |field: u64| {
            let at = at.saturating_add(field);
            if self.wide { bytes.u64(at, self.endian) } else { bytes.u32(at, self.endian).map(u64::from) }
        };
        Ok(word(offset)?.saturating_add(word(size)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::carve;

    #[test]
    fn this_program_reaches_to_its_end() {
        let bytes = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let length = bytes.len() as u64;
        assert_eq!(carve(&Elf, &[bytes, vec![0xff; 100]].concat(), 0), Some(length));
    }

    #[test]
    fn four_bytes_are_no_program() {
        assert_eq!(carve(&Elf, b"\x7fELFjust a string that talks about ELF files, and goes on and on", 0), None);
        assert_eq!(carve(&Elf, b"\x7fELF", 0), None);
    }
}
