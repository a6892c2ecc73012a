//! What the ELF header itself says, and the program interpreter.

use goblin::elf::header::{ET_CORE, ET_DYN, ET_EXEC, ET_REL};
use goblin::elf::program_header::PT_INTERP;

use super::{Reader, flags, machine, table};
use crate::blob::Span;

/// EI_OSABI by its number. 0 is System V: no system in particular.
const SYSTEMS: &[(u8, &str)] = &[
    (1, "HP-UX"),
    (2, "NetBSD"),
    (3, "Linux"),
    (6, "Solaris"),
    (7, "AIX"),
    (8, "IRIX"),
    (9, "FreeBSD"),
    (10, "TRU64"),
    (11, "Modesto"),
    (12, "OpenBSD"),
    (13, "OpenVMS"),
    (14, "NonStop"),
    (15, "AROS"),
    (16, "FenixOS"),
    (17, "CloudABI"),
    (64, "AMDGPU HSA"),
    (97, "ARM"),
    (255, "standalone"),
];

impl Reader<'_, '_> {
    /// The fields up to `e_machine` stand at the same places in files of both widths (gABI, "ELF Header").
    pub(super) fn headers(&mut self) {
        let header = &self.image.header;
        let (class, endian) = (if self.image.is_wide() { "64" } else { "32" }, self.image.endian());
        self.say("elf.class", class.as_bytes(), Span::new(4, 1));
        let order = if endian == crate::blob::Endian::Little { "little" } else { "big" };
        self.say("elf.endian", order.as_bytes(), Span::new(5, 1));
        let system = header.e_ident.get(7).copied().unwrap_or(0);
        if let Some((_, name)) = SYSTEMS.iter().find(|known| known.0 == system) {
            self.say("elf.os-abi", name.as_bytes(), Span::new(7, 1));
        }
        let kind = match header.e_type {
            ET_REL => Some("relocatable"),
            ET_EXEC => Some("executable"),
            ET_DYN => Some("shared"),
            ET_CORE => Some("core"),
            _ => None,
        };
        if let Some(kind) = kind {
            self.say("elf.type", kind.as_bytes(), Span::new(16, 2));
        }
        let machine = machine::name(header.e_machine).into_owned().into_bytes();
        self.say("elf.machine", machine, Span::new(18, 2));
        if header.e_flags != 0 {
            let at = if self.image.is_wide() { 48 } else { 36 };
            self.say("elf.flags", flags::text(header.e_machine, header.e_flags).into_bytes(), Span::new(at, 4));
        }
        self.interpreter();
    }

    fn interpreter(&mut self) {
        let segment = self.image.segments.iter().find(|segment| segment.p_type == PT_INTERP);
        let interpreter = match segment {
            Some(segment) => Some(Span::new(segment.p_offset, segment.p_filesz)),
            None => self.image.section(b".interp"),
        };
        self.text("elf.interpreter", interpreter.and_then(|span| table::Strings::new(self.image, span).get(0)));
    }
}
