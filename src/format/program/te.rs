//! Terse executables: PE programs of UEFI's early phases, with most of their headers cut off.

use super::pe::is_machine;
use crate::blob::{Blob, Bytes, Endian};
use crate::format::{Carved, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::Rejected;

/// UEFI terse executable.
#[derive(Debug)]
pub(super) struct Te;

static SPEC: Spec = Spec {
    id: "te",
    name: "UEFI terse executable",
    kind: Kind::Program,
    // Two letters: only ever what a section of a firmware file holds.
    magics: &[Magic::start(b"VZ")],
    leaf: true,
    references: &["https://uefi.org/specs/PI/1.8/V1_TE_Image.html"],
    limitations: &[],
};

/// Bytes of the header.
const HEADER: u64 = 40;
/// Bytes of an entry of the section table.
const SECTION: u64 = 40;

impl Format for Te {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    /// The header, then the section table as in PE, whose offsets count from the start of the PE file that it was:
    ///
    /// ```text
    /// 0 "VZ"   2 machine u16   4 number of sections u8   5 subsystem u8   6 bytes cut off u16   8 entry point u32
    /// c base of code u32   10 image base u64   18 relocations: address u32, size u32   20 debug data: address u32, size u32
    /// ```
    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let bytes = Bytes(blob.bytes().tail(start));
        let half = |at| bytes.u16(at, Endian::Little);
        let word = |at| bytes.u32(at, Endian::Little);
        let (sections, subsystem, stripped) = (u64::from(bytes.u8(4)?), bytes.u8(5)?, u64::from(half(6)?));
        if !bytes.has(0, b"VZ") || !is_machine(half(2)?) || !(1..=32).contains(&sections) || subsystem > 32 {
            return Err(Rejected("machine, sections or subsystem"));
        }
        if !(HEADER..=0x2000).contains(&stripped) {
            return Err(Rejected("bytes cut off"));
        }
        let (mut end, mut has_code) = (HEADER.saturating_add(sections.saturating_mul(SECTION)), false);
        for index in 0..sections {
            let entry = HEADER.saturating_add(index.saturating_mul(SECTION));
            let (size, pointer) = (u64::from(word(entry.saturating_add(16))?), u64::from(word(entry.saturating_add(20))?));
            if size == 0 {
                continue;
            }
            if pointer < stripped || pointer > 1 << 28 || size > 1 << 28 {
                return Err(Rejected("place of a section"));
            }
            has_code = true;
            end = end.max(pointer.saturating_sub(stripped).saturating_add(HEADER).saturating_add(size));
        }
        if !has_code {
            return Err(Rejected("no section holds anything"));
        }
        Ok(Carved::new(end, start, blob))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage};

    /// A program of one section of `code`.
    fn program(code: &[u8]) -> Vec<u8> {
        let mut bytes = b"VZ\x64\x86\x01\x0b".to_vec();
        bytes.extend(0x178_u16.to_le_bytes());
        bytes.resize(40, 0);
        bytes.extend(b".text\0\0\0");
        for word in [code.len() as u32, 0x1a0, code.len() as u32, 0x1a0, 0, 0, 0, 0x6000_0020] {
            bytes.extend(word.to_le_bytes());
        }
        bytes.extend(code);
        bytes
    }

    #[test]
    fn a_program_reaches_to_the_end_of_its_last_section() {
        let bytes = program(&[0x90; 500]);
        assert_eq!(carve(&Te, &[&bytes[..], &[0xff; 7]].concat(), 0), Some(bytes.len() as u64));
        assert_eq!(carve(&Te, &bytes[..300], 0), Some(300));
        survives_damage(&Te, &bytes);
    }

    #[test]
    fn two_letters_are_no_program() {
        assert_eq!(carve(&Te, b"VZ stands at the start of a text that goes on and on and on and on and on", 0), None);
        assert_eq!(carve(&Te, &[b"VZ\x64\x86\x01\x0b".as_slice(), &[0; 200]].concat(), 0), None);
    }
}
