//! PE programs, libraries and UEFI drivers: as far as their headers reach.

use crate::blob::{Blob, Bytes, Endian};
use crate::format::{Carved, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::Rejected;

/// Portable Executable.
#[derive(Debug)]
pub(super) struct Pe;

static SPEC: Spec = Spec {
    id: "pe",
    name: "Portable Executable",
    kind: Kind::Program,
    // e_magic of the DOS header
    magics: &[Magic::anywhere(b"MZ")],
    leaf: true,
    references: &["https://learn.microsoft.com/windows/win32/debug/pe-format"],
    limitations: &["what an installer appends to itself is not part of it", "resources are not handed over one by one"],
};

impl Format for Pe {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let bytes = Bytes(blob.bytes().tail(start));
        let header = Header::read(bytes)?;
        let mut end = header.sections_end(bytes)?.max(header.size_of_headers);
        end = end.max(header.symbols_end(bytes)).max(header.certificates_end(bytes));
        Ok(Carved::new(end, start, blob))
    }
}

/// The farthest that anybody puts the header behind the DOS program.
const FARTHEST_HEADER: u64 = 64 << 10;

/// What the headers say about how far the file reaches:
///
/// ```text
/// 0     MZ   e_magic                at e_lfanew:  PE\0\0
/// 0x3c  u32  e_lfanew               +4   u16  Machine
///                                   +6   u16  NumberOfSections
///                                   +12  u32  PointerToSymbolTable
///                                   +16  u32  NumberOfSymbols
///                                   +20  u16  SizeOfOptionalHeader
///                                   +22  u16  Characteristics
///                                   +24  the optional header, then the section table
/// ```
struct Header {
    pe: u64,
    wide: bool,
    optional_size: u64,
    sections: u64,
    size_of_headers: u64,
}

impl Header {
    fn read(bytes: Bytes<'_>) -> Result<Self, Rejected> {
        if !bytes.has(0, b"MZ") {
            return Err(Rejected("e_magic"));
        }
        let pe = u64::from(bytes.u32(0x3c, Endian::Little)?);
        if !(0x40..=FARTHEST_HEADER).contains(&pe) || !bytes.has(pe, b"PE\0\0") {
            return Err(Rejected("e_lfanew"));
        }
        let half = |at: u64| bytes.u16(pe.saturating_add(at), Endian::Little);
        let word = |at: u64| bytes.u32(pe.saturating_add(at), Endian::Little);
        let (machine, sections, optional_size, characteristics) = (half(4)?, half(6)?, half(20)?, half(22)?);
        // The optional header: Magic at 0, SectionAlignment at 32, FileAlignment at 36, SizeOfHeaders at 60.
        let (magic, section_alignment, file_alignment, headers) = (half(24)?, word(56)?, word(60)?, word(84)?);
        let wide = match magic {
            0x10b => false,
            0x20b => true,
            _ => return Err(Rejected("optional header magic")),
        };
        if !is_machine(machine) || !(1..=96).contains(&sections) || characteristics & EXECUTABLE_IMAGE == 0 {
            return Err(Rejected("machine, sections or characteristics"));
        }
        if !section_alignment.is_power_of_two() || !file_alignment.is_power_of_two() || file_alignment > 0x1_0000 {
            return Err(Rejected("alignment"));
        }
        let header = Self { pe, wide, optional_size: optional_size.into(), sections: sections.into(), size_of_headers: headers.into() };
        if header.optional_size < header.directories() || header.size_of_headers < header.section(header.sections) {
            return Err(Rejected("sizes of headers"));
        }
        Ok(header)
    }

    /// Where in the optional header the data directories start.
    fn directories(&self) -> u64 {
        if self.wide { 112 } else { 96 }
    }

    /// Where the entry of this section stands, 40 bytes each.
    fn section(&self, index: u64) -> u64 {
        index.saturating_mul(40).saturating_add(self.optional_size).saturating_add(self.pe).saturating_add(24)
    }

    /// The end of the last `SizeOfRawData` bytes at `PointerToRawData`.
    fn sections_end(&self, bytes: Bytes<'_>) -> Result<u64, Rejected> {
        let mut last = 0_u64;
        for index in 0..self.sections {
            let entry = self.section(index);
            let size = bytes.u32(entry.saturating_add(16), Endian::Little)?;
            let pointer = bytes.u32(entry.saturating_add(20), Endian::Little)?;
            if pointer != 0 {
                last = last.max(u64::from(pointer).saturating_add(size.into()));
            }
        }
        Ok(last)
    }

    /// The end of the COFF symbols, 18 bytes each, and of the string table behind them, which starts with its own size. Nothing if they
    /// are not there: linkers leave the pointer when symbols are stripped.
    fn symbols_end(&self, bytes: Bytes<'_>) -> u64 {
        let word = |at: u64| u64::from(bytes.u32(self.pe.saturating_add(at), Endian::Little).unwrap_or(0));
        let (pointer, count) = (word(12), word(16));
        if pointer == 0 || count == 0 {
            return 0;
        }
        let strings = pointer.saturating_add(count.saturating_mul(18));
        let end = bytes.u32(strings, Endian::Little).map(|size| strings.saturating_add(size.into()));
        end.ok().filter(|end| *end <= bytes.len()).unwrap_or(0)
    }

    /// The end of the attribute certificates: the fourth data directory, the only one that holds an offset in the file. They come last.
    fn certificates_end(&self, bytes: Bytes<'_>) -> u64 {
        let directories = self.pe.saturating_add(24).saturating_add(self.directories());
        let word = |at: u64| bytes.u32(at, Endian::Little).map_or(0, u64::from);
        let count = word(directories.saturating_sub(4));
        let entry = directories.saturating_add(4 * 8);
        let (start, size) = (word(entry), word(entry.saturating_add(4)));
        let end = start.saturating_add(size);
        if count > 4 && start > 0 && end <= bytes.len() { end } else { 0 }
    }
}

/// IMAGE_FILE_EXECUTABLE_IMAGE: it is linked, not an object.
const EXECUTABLE_IMAGE: u16 = 2;

/// The machines of `Machine` that anything is still found for.
pub(super) fn is_machine(machine: u16) -> bool {
    matches!(
        machine,
        0x014c // 386
            | 0x8664 // x86-64
            | 0x01c0 | 0x01c2 | 0x01c4 // ARM, Thumb, ARMv7
            | 0xaa64 | 0xa641 | 0xa64e // ARM64, and its mixtures with x86-64
            | 0x0200 // Itanium
            | 0x0ebc // EFI byte code
            | 0x0162 | 0x0166 | 0x0266 | 0x0366 // MIPS
            | 0x01a2 | 0x01a6 // SuperH
            | 0x01f0 // PowerPC
            | 0x5032 | 0x5064 | 0x5128 // RISC-V
            | 0x6232 | 0x6264 // LoongArch
    )
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::format::testing::{carve, survives_damage, tool};

    /// A program linked for `emulation` of GNU ld.
    fn program(options: &[&str], emulation: &str, link: &[&str]) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let run = |command: &mut Command| tool(command.current_dir(folder.path()));
        std::fs::write(folder.path().join("a.c"), "char data[5000] = {1}; int start(void) { return data[7]; }").unwrap();
        run(Command::new("gcc").args(["-c", "-fno-pic", "-fno-asynchronous-unwind-tables", "a.c"]).args(options));
        run(Command::new("objcopy").args(["-R", ".comment", "-R", ".note*", "a.o"]));
        run(Command::new("ld").args(["-m", emulation, "-e", "start", "-o", "a.exe", "a.o"]).args(link));
        std::fs::read(folder.path().join("a.exe")).unwrap()
    }

    #[test]
    fn programs_reach_to_their_end() {
        if crate::testing::lacking(&["gcc", "ld", "objcopy"]) {
            return;
        }
        for (options, emulation) in [(&[][..], "i386pep"), (&["-m32"], "i386pe")] {
            for link in [&[][..], &["-s"]] {
                let bytes = program(options, emulation, link);
                let length = bytes.len() as u64;
                assert_eq!(carve(&Pe, &bytes, 0), Some(length), "{emulation} {link:?}");
                assert_eq!(carve(&Pe, &[&[0xff; 3], &bytes[..], &[0; 100]].concat(), 3), Some(length));
                assert_eq!(carve(&Pe, &bytes[..bytes.len() - 10], 0).map(|cut| cut < length), Some(true), "truncated");
                survives_damage(&Pe, &bytes);
            }
        }
    }

    #[test]
    fn certificates_are_part_of_it() {
        if crate::testing::lacking(&["gcc", "ld", "objcopy"]) {
            return;
        }
        let mut bytes = program(&[], "i386pep", &["-s"]);
        let pe = u32::from_le_bytes(bytes[0x3c..0x40].try_into().unwrap()) as usize;
        let start = bytes.len() as u32;
        bytes[pe + 24 + 112 + 32..][..4].copy_from_slice(&start.to_le_bytes());
        bytes[pe + 24 + 112 + 36..][..4].copy_from_slice(&64_u32.to_le_bytes());
        bytes.extend([7; 64]);
        let length = bytes.len() as u64;
        bytes.extend([0xff; 10]);
        assert_eq!(carve(&Pe, &bytes, 0), Some(length));
    }

    #[test]
    fn two_letters_are_no_program() {
        if crate::testing::lacking(&["gcc", "ld", "objcopy"]) {
            return;
        }
        assert_eq!(carve(&Pe, b"MZ", 0), None);
        assert_eq!(carve(&Pe, &[b"MZ".as_slice(), &[0; 1000]].concat(), 0), None);
        let mut object = program(&[], "i386pep", &["-s"]);
        let pe = u32::from_le_bytes(object[0x3c..0x40].try_into().unwrap()) as usize;
        object[pe + 22] &= !2;
        assert_eq!(carve(&Pe, &object, 0), None);
    }
}
