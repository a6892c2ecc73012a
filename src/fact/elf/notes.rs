//! Notes: build ids, the system that is asked for, promised properties, packages. And where debug information went.

use goblin::elf::header as machines;
use goblin::elf::program_header::PT_NOTE;
use goblin::elf::section_header::SHT_NOTE;

use super::{Bytes, Reader, table};
use crate::blob::{Span, to_u64};
use crate::fact::hex;

/// A kernel's notes may be many; what is said of them is not.
const MOST_NOTES: usize = 4096;

const NT_GNU_ABI_TAG: u32 = 1;
const NT_GNU_BUILD_ID: u32 = 3;
const NT_GNU_PROPERTY_TYPE_0: u32 = 5;
const NT_GO_BUILD_ID: u32 = 4;
const NT_ANDROID_IDENT: u32 = 1;
/// <https://systemd.io/ELF_PACKAGE_METADATA>
const NT_PACKAGING_METADATA: u32 = 0xcafe_1a7e;

/// The systems of NT_GNU_ABI_TAG.
const SYSTEMS: &[(u32, &str)] = &[(0, "Linux"), (1, "Hurd"), (2, "Solaris"), (3, "FreeBSD"), (4, "NetBSD"), (5, "Syllable"), (6, "NaCl")];

/// Machine, property, bit and name (psABI of x86-64 section "Program Property", of AArch64 section "Program Property").
const PROPERTIES: &[(u16, u32, u32, &str)] = &[
    (machines::EM_X86_64, 0xc000_0002, 1, "x86 feature: IBT"),
    (machines::EM_X86_64, 0xc000_0002, 2, "x86 feature: SHSTK"),
    (machines::EM_X86_64, 0xc000_0002, 4, "x86 feature: LAM_U48"),
    (machines::EM_X86_64, 0xc000_0002, 8, "x86 feature: LAM_U57"),
    (machines::EM_X86_64, 0xc000_8002, 1, "x86 ISA needed: x86-64-baseline"),
    (machines::EM_X86_64, 0xc000_8002, 2, "x86 ISA needed: x86-64-v2"),
    (machines::EM_X86_64, 0xc000_8002, 4, "x86 ISA needed: x86-64-v3"),
    (machines::EM_X86_64, 0xc000_8002, 8, "x86 ISA needed: x86-64-v4"),
    (machines::EM_AARCH64, 0xc000_0000, 1, "AArch64 feature: BTI"),
    (machines::EM_AARCH64, 0xc000_0000, 2, "AArch64 feature: PAC"),
    (machines::EM_AARCH64, 0xc000_0000, 4, "AArch64 feature: GCS"),
];

impl Reader<'_, '_> {
    /// All notes, from sections, or where there are none from segments.
    pub(super) fn notes(&mut self) {
        let sections = self.image.sections.iter().filter(|section| section.header.sh_type == SHT_NOTE);
        let mut places: Vec<_> = sections.map(|section| (self.image.content(section), section.header.sh_addralign)).collect();
        if places.is_empty() {
            let segments = self.image.segments.iter().filter(|segment| segment.p_type == PT_NOTE);
            places = segments.map(|segment| (Span::new(segment.p_offset, segment.p_filesz), segment.p_align)).collect();
        }
        let all = places.into_iter().flat_map(|(span, align)| table::notes(self.image, span, align)).take(MOST_NOTES);
        for note in all.collect::<Vec<_>>() {
            let span = Span::new(note.start, to_u64(note.content.len()));
            match (note.owner, note.kind) {
                (b"GNU\0", NT_GNU_BUILD_ID) if (4..=64).contains(&note.content.len()) => {
                    self.say("elf.build-id", hex(note.content).into_bytes(), span);
                }
                (b"GNU\0", NT_GNU_ABI_TAG) => self.abi_tag(Bytes(note.content), span),
                (b"GNU\0", NT_GNU_PROPERTY_TYPE_0) => self.properties(Bytes(note.content), note.start),
                (b"FDO\0", NT_PACKAGING_METADATA) => self.note_text("elf.package", note.content, 0, note.start),
                (b"Go\0\0", NT_GO_BUILD_ID) => self.note_text("elf.go-build-id", note.content, 0, note.start),
                // u32 API level; char ndk_version[64]; char ndk_build_number[64]
                (b"Android\0", NT_ANDROID_IDENT) => self.note_text("elf.android-ndk", note.content, 4, note.start),
                _ => {}
            }
        }
    }

    /// The text from `from` of a note's descriptor, which starts at `start` of the file, up to its NUL.
    fn note_text(&mut self, key: &'static str, content: &[u8], from: usize, start: u64) {
        let text = content.get(from..).unwrap_or_default().split(|byte| *byte == 0).next().unwrap_or_default();
        if !text.is_empty() && std::str::from_utf8(text).is_ok() {
            let span = Span::new(start.saturating_add(to_u64(from)), to_u64(text.len()));
            self.say(key, text.to_vec(), span);
        }
    }

    /// Four words: the system, and its version in three numbers.
    fn abi_tag(&mut self, content: Bytes<'_>, span: Span) {
        let word = |at| content.u32(at, self.image.endian());
        let (Ok(system), Ok(major), Ok(minor), Ok(patch)) = (word(0), word(4), word(8), word(12)) else { return };
        if let Some((_, name)) = SYSTEMS.iter().find(|known| known.0 == system) {
            self.say("elf.abi-tag", format!("{name} {major}.{minor}.{patch}").into_bytes(), span);
        }
    }

    /// `u32 pr_type; u32 pr_datasz; data`, padded to 8 bytes in files for 64 bits and to 4 in others.
    fn properties(&mut self, content: Bytes<'_>, start: u64) {
        let (endian, align) = (self.image.endian(), if self.image.is_wide() { 8 } else { 4 });
        let machine = match self.image.header.e_machine {
            machines::EM_386 => machines::EM_X86_64,
            other => other,
        };
        let mut at = 0_u64;
        while let (Ok(kind), Ok(size)) = (content.u32(at, endian), content.u32(at.saturating_add(4), endian)) {
            let value_at = at.saturating_add(8);
            if let (4, Ok(bits)) = (size, content.u32(value_at, endian)) {
                let said = PROPERTIES.iter().filter(|row| row.0 == machine && row.1 == kind && bits & row.2 != 0);
                for (_, _, _, name) in said {
                    self.say("elf.property", name.as_bytes(), Span::new(start.saturating_add(value_at), 4));
                }
            }
            at = value_at.saturating_add(size.into()).checked_next_multiple_of(align).unwrap_or(u64::MAX);
        }
    }

    /// Both sections start with the name of a file and a NUL; a sum or a build id follows.
    pub(super) fn debug_links(&mut self) {
        for (section, key) in [(&b".gnu_debuglink"[..], "elf.debug-link"), (b".gnu_debugaltlink", "elf.debug-alt-link")] {
            let name = self.image.section(section).and_then(|span| table::Strings::new(self.image, span).get(0));
            self.text(key, name);
        }
    }
}
