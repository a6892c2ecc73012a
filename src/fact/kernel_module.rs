//! What a Linux kernel module says of itself: its `.modinfo` section.

use super::elf::image::Image;
use super::{Analyzer, Facts, Key, Subject};
use crate::blob::{Bytes, Span, to_u64, to_usize};

/// Loadable modules of Linux 2.6 and later.
#[derive(Debug)]
pub(super) struct KernelModule;

impl Analyzer for KernelModule {
    fn id(&self) -> &'static str {
        "kernel_module"
    }

    fn keys(&self) -> &'static [Key] {
        const {
            &[
                Key::new("module.name", "name of the module"),
                Key::new("module.author", "who wrote it, as it says"),
                Key::new("module.description", "what it is for"),
                Key::new("module.version", "its version"),
                Key::new("module.vermagic", "the kernel that it was built for"),
                Key::new("module.license", "its licence"),
                Key::new("module.intree", "Y if it was built with the kernel"),
                Key::new("module.srcversion", "a sum over its sources"),
                Key::new("module.depends", "modules that it needs"),
            ]
        }
    }

    fn analyze(&self, subject: &Subject<'_>, facts: &mut Facts<'_>) {
        if subject.format != Some("elf") {
            return;
        }
        let bytes = subject.blob.bytes();
        let Some(image) = Image::read(bytes) else { return };
        let Some(section) = image.section(b".modinfo").or_else(|| orphan(&image, bytes)) else { return };
        let mut found = Vec::new();
        modinfo(self.keys(), image.part(section), &mut found);
        if !found.iter().any(|found| found.0 == "module.name") {
            found.extend(struct_name(&image));
        }
        found.sort_by_key(|found| found.2);
        for (key, value, span) in found {
            facts.say(key, value, span);
        }
    }
}

/// Key, value and place.
type Found<'a> = (&'static str, &'a [u8], Span);

/// `key=value`, each ended by a NUL, with more NULs between for alignment.
fn modinfo<'a>(keys: &[Key], (section, start): (&'a [u8], u64), found: &mut Vec<Found<'a>>) {
    let mut at = start;
    for entry in section.split(|byte| *byte == 0) {
        let name_length = memchr::memchr(b'=', entry).unwrap_or(entry.len());
        let (name, value) = entry.split_at_checked(name_length).unwrap_or((entry, &[]));
        let value = value.get(1..).unwrap_or_default();
        let key = keys.iter().map(|key| key.name).find(|key| key.strip_prefix("module.").is_some_and(|key| key.as_bytes() == name));
        if let Some(key) = key.filter(|_| !value.is_empty()) {
            let value_at = at.saturating_add(to_u64(name.len())).saturating_add(1);
            found.push((key, value, Span::new(value_at, to_u64(value.len()))));
        }
        at = at.saturating_add(to_u64(entry.len())).saturating_add(1);
    }
}

/// The `.modinfo` of an object whose section table is cut off, as it is first when a file breaks off: the run of `key=value` strings around
/// an entry that every module has.
fn orphan(image: &Image<'_>, bytes: Bytes<'_>) -> Option<Span> {
    if image.header.e_type != goblin::elf::header::ET_REL || !image.sections.is_empty() {
        return None;
    }
    let marks: [&[u8]; 2] = [b"\0license=", b"\0vermagic="];
    let mark = marks.iter().find_map(|mark| memchr::memmem::find(bytes.0, mark))?;
    let (before, after) = bytes.0.split_at_checked(mark)?;
    let outside = |byte: &u8| !matches!(byte, 0 | b'\t' | b'\n' | b' '..=b'~' | 0x80..);
    let start = before.iter().rposition(outside).map_or(0, |last| last.saturating_add(1));
    let length = after.iter().position(outside).unwrap_or(after.len());
    Some(Span::between(to_u64(start), to_u64(mark.saturating_add(length))))
}

/// The name in `struct module`, for kernels before 4.13, whose `.modinfo` has none. The structure begins with
///
/// ```text
/// enum module_state state; struct list_head list; char name[MODULE_NAME_LEN];
/// ```
///
/// so the name follows an `int` and two pointers, and MODULE_NAME_LEN is 64 less one `long`.
fn struct_name<'a>(image: &Image<'a>) -> Option<Found<'a>> {
    let section = image.section(b".gnu.linkonce.this_module")?;
    let (name_at, length) = if image.is_wide() { (24, 56) } else { (12, 60) };
    let (content, start) = image.part(section);
    let name = Bytes(content).text(name_at, length).ok()?;
    let is_name = !name.is_empty() && name.len() < to_usize(length) && name.iter().all(u8::is_ascii_graphic);
    is_name.then(|| ("module.name", name, Span::new(start.saturating_add(name_at), to_u64(name.len()))))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::fact::testing::{Said, analyze, survives_damage};
    use crate::format::testing::tool;

    /// An object with the sections that a module has, made from `modinfo` and, if it is given, the name in `struct module`.
    fn module(compiler: &str, modinfo: &[u8], name: Option<&str>, word: usize) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("a.c"), "int init_module(void) { return 0; }").unwrap();
        std::fs::write(path("modinfo"), modinfo).unwrap();
        let mut this = vec![0; 3 * word];
        this.extend(name.unwrap_or("").bytes());
        this.resize(400, 0);
        std::fs::write(path("this"), this).unwrap();
        tool(Command::new(compiler).current_dir(folder.path()).args(["-c", "a.c", "-o", "a.o"]));
        let objcopy = compiler.replace("gcc", "objcopy");
        tool(Command::new(objcopy).current_dir(folder.path()).args([
            "--add-section",
            ".modinfo=modinfo",
            "--add-section",
            ".gnu.linkonce.this_module=this",
            "a.o",
            "a.ko",
        ]));
        std::fs::read(path("a.ko")).unwrap()
    }

    fn said(bytes: &[u8]) -> Said {
        let said = analyze(&KernelModule, bytes, Some("elf"));
        for (_, value, span) in &said.facts {
            assert_eq!(&bytes[span.start as usize..span.end() as usize], value.as_bytes());
        }
        said
    }

    const OLD: &[u8] = b"license=GPL\0author=One <one@example.com>\0author=Two\0\0\0\0description=A test\0depends=usbcore,scsi_mod\0\
        srcversion=0123456789ABCDEF0123456\0vermagic=3.4.35 mod_unload ARMv7 p2v8 \0parm=debug:Level (int)\0parmtype=debug:int\0";

    #[test]
    fn every_field_is_said_with_its_place() {
        if crate::testing::lacking(&["arm-linux-gnueabihf-gcc", "gcc", "mipsel-linux-gnu-gcc", "objcopy"]) {
            return;
        }
        for (compiler, word) in [("gcc", 8), ("arm-linux-gnueabihf-gcc", 4), ("mipsel-linux-gnu-gcc", 4)] {
            let said = said(&module(compiler, OLD, Some("hi_test"), word));
            assert_eq!(said.values("module.name"), ["hi_test"], "{compiler}");
            assert_eq!(said.values("module.author"), ["One <one@example.com>", "Two"]);
            assert_eq!(said.values("module.license"), ["GPL"]);
            assert_eq!(said.values("module.description"), ["A test"]);
            assert_eq!(said.values("module.vermagic"), ["3.4.35 mod_unload ARMv7 p2v8 "]);
            assert_eq!(said.values("module.depends"), ["usbcore,scsi_mod"]);
            assert_eq!(said.values("module.srcversion"), ["0123456789ABCDEF0123456"]);
            assert_eq!(said.facts.len(), 8, "parameters are none of it");
        }
    }

    #[test]
    fn newer_kernels_write_the_name_themselves() {
        if crate::testing::lacking(&["gcc", "objcopy"]) {
            return;
        }
        let modinfo = b"version=1.2\0license=Dual MIT/GPL\0depends=\0intree=Y\0name=inside\0vermagic=6.1.0 SMP \0";
        let said = said(&module("gcc", modinfo, Some("struct"), 8));
        assert_eq!(said.values("module.name"), ["inside"]);
        assert_eq!(said.values("module.intree"), ["Y"]);
        assert_eq!(said.values("module.version"), ["1.2"]);
        assert!(said.values("module.depends").is_empty());
    }

    #[test]
    fn a_module_cut_off_before_its_section_table_still_says_who_it_is() {
        if crate::testing::lacking(&["gcc", "mipsel-linux-gnu-gcc", "objcopy"]) {
            return;
        }
        let whole = module("mipsel-linux-gnu-gcc", OLD, Some("hi_test"), 4);
        let end = memchr::memmem::find(&whole, b"parmtype=debug:int\0").unwrap() + 20;
        let said = said(&whole[..end]);
        assert_eq!(said.values("module.author"), ["One <one@example.com>", "Two"]);
        assert_eq!(said.values("module.license"), ["GPL"]);
    }

    #[test]
    fn programs_are_no_modules() {
        if crate::testing::lacking(&["gcc", "objcopy"]) {
            return;
        }
        assert!(said(&std::fs::read("/bin/sh").unwrap()).facts.is_empty());
        let with_text = module("gcc", b"nothing here", None, 8);
        assert!(said(&with_text).facts.is_empty());
        assert!(analyze(&KernelModule, &module("gcc", OLD, None, 8), None).facts.is_empty());
    }

    #[test]
    fn damage_does_no_harm() {
        if crate::testing::lacking(&["arm-linux-gnueabihf-gcc", "gcc", "objcopy"]) {
            return;
        }
        survives_damage(&KernelModule, &module("arm-linux-gnueabihf-gcc", OLD, Some("hi_test"), 4), Some("elf"));
    }
}
