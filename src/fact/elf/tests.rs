//! Programs of this machine and small ones made by hand.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::*;
use crate::fact::hex;
use crate::fact::testing::{Said, analyze, survives_damage};
use crate::format::testing::tool;

const SOURCE: &str = r#"
    #include <stdio.h>
    int exported_object = 5;
    __attribute__((weak)) void weak_function(void) {}
    void exported_function(int number) { printf("%d\n", number); }
    static int hidden(void) { return 1; }
    int main_entry(void) { exported_function(hidden()); return 0; }
    int main(void) { return main_entry(); }
"#;

fn said(bytes: &[u8]) -> Said {
    analyze(&Elf, bytes, Some("elf"))
}

/// A library built for `compiler`'s machine.
fn library(folder: &Path, compiler: &str, options: &[&str]) -> PathBuf {
    let (source, output) = (folder.join("a.c"), folder.join(format!("{compiler}.so")));
    std::fs::write(&source, SOURCE).unwrap();
    let common = ["-shared", "-fPIC", "-Wl,-soname,libtouch.so.3", "-Wl,--build-id=0x0123456789abcdef", "-o"];
    tool(Command::new(compiler).args(common).arg(&output).arg(&source).args(options));
    output
}

fn readelf(options: &[&str], path: &Path) -> String {
    String::from_utf8_lossy(&tool(Command::new("readelf").args(options).arg(path))).into_owned()
}

/// Names of the symbols that `readelf` shows as defined, or as undefined, and that we would show.
fn symbols(listing: &str, defined: bool) -> Vec<String> {
    let mut names = Vec::new();
    for line in listing.lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [number, _, _, kind, binding, _, section, name, ..] = fields[..] else { continue };
        let counts = number.ends_with(':') && matches!(binding, "GLOBAL" | "WEAK" | "UNIQUE");
        if counts && (section == "UND") != defined && (!defined || matches!(kind, "FUNC" | "OBJECT" | "IFUNC" | "TLS" | "COMMON")) {
            names.push(name.split('@').next().unwrap().to_owned());
        }
    }
    names.sort();
    names.dedup();
    names
}

fn sorted(mut names: Vec<&str>) -> Vec<&str> {
    names.sort_unstable();
    names
}

fn agrees_with_readelf(path: &Path) {
    let said = said(&std::fs::read(path).unwrap());
    let listing = readelf(&["-W", "--syms", "--dyn-syms"], path);
    assert_eq!(sorted(said.values("elf.symbol")), symbols(&listing, true), "{path:?}");
    assert_eq!(sorted(said.values("elf.import")), symbols(&listing, false), "{path:?}");
    let dynamic = readelf(&["-W", "-d"], path);
    let named = |tag: &str| -> Vec<String> {
        let lines = dynamic.lines().filter(|line| line.contains(tag));
        lines.map(|line| line.split_once('[').unwrap().1.trim_end_matches(']').to_owned()).collect()
    };
    assert_eq!(sorted(said.values("elf.needed")), {
        let mut names = named("(NEEDED)");
        names.sort();
        names
    });
    assert_eq!(said.values("elf.soname"), named("(SONAME)"));
    let comments = readelf(&["-p", ".comment"], path);
    let comments: Vec<&str> = comments.lines().filter_map(|line| line.split_once("]  ")).map(|(_, text)| text).collect();
    assert_eq!(said.values("elf.comment"), comments);
    let notes = readelf(&["-W", "-n"], path);
    let ids: Vec<&str> = notes.lines().filter_map(|line| line.split_once("Build ID: ")).map(|(_, id)| id).collect();
    assert_eq!(said.values("elf.build-id"), ids);
    let tags = notes.lines().filter_map(|line| line.split_once("OS: ")).map(|(_, tag)| tag.trim().replace(", ABI:", ""));
    assert_eq!(said.values("elf.abi-tag"), tags.collect::<Vec<_>>());
    assert_eq!(said.values("elf.runpath"), named("(RUNPATH)"));
    header_agrees(&said, &readelf(&["-W", "-h"], path));
    assert_eq!(sorted(said.values("elf.version-need")), needs(&readelf(&["-W", "-V"], path)));
    let program = readelf(&["-W", "-l"], path);
    let interpreters = program.lines().filter_map(|line| line.split_once("interpreter: ")).map(|(_, path)| path.trim_end_matches(']'));
    assert_eq!(said.values("elf.interpreter"), interpreters.collect::<Vec<_>>());
    spans_hold_what_is_said(&std::fs::read(path).unwrap(), &said);
}

fn header_agrees(said: &Said, header: &str) {
    let field = |name: &str| header.lines().find_map(|line| line.trim().strip_prefix(name)).unwrap().trim();
    assert_eq!(said.values("elf.class"), [field("Class:").trim_start_matches("ELF")]);
    assert!(field("Data:").contains(&format!("{} endian", said.values("elf.endian")[0])));
    let kind = field("Type:").split(' ').next().unwrap();
    let kinds = [("REL", "relocatable"), ("EXEC", "executable"), ("DYN", "shared")];
    assert!(kinds.contains(&(kind, said.values("elf.type")[0])), "{kind}");
    let flags = said.values("elf.flags").first().map_or("0x0", |flags| flags.split(' ').next().unwrap());
    assert_eq!(field("Flags:").split(',').next().unwrap(), flags);
}

/// Library and version, as `readelf -V` shows them.
fn needs(versions: &str) -> Vec<String> {
    let (mut file, mut needs) = ("", Vec::new());
    for line in versions.lines().skip_while(|line| !line.contains("Version needs section")) {
        file = line.split_once("File: ").map_or(file, |(_, rest)| rest.split(' ').next().unwrap());
        if let Some((_, rest)) = line.split_once("Name: ").filter(|_| !line.contains("File: ")) {
            needs.push(format!("{file} {}", rest.split(' ').next().unwrap()));
        }
    }
    needs.sort();
    needs
}

fn spans_hold_what_is_said(bytes: &[u8], said: &Said) {
    for (key, value, span) in &said.facts {
        let there = &bytes[span.start as usize..span.end() as usize];
        match *key {
            "elf.class" | "elf.endian" | "elf.os-abi" => assert_eq!(there.len(), 1),
            "elf.machine" | "elf.type" => assert_eq!(there.len(), 2),
            "elf.flags" | "elf.property" => assert_eq!(there.len(), 4),
            "elf.abi-tag" => assert_eq!(there.len(), 16),
            "elf.version-need" => assert!(value.ends_with(&format!(" {}", String::from_utf8_lossy(there))), "{value}"),
            "elf.build-id" => assert_eq!(&hex(there), value),
            _ => assert_eq!(there, value.as_bytes(), "{key}"),
        }
    }
    assert!(said.facts.is_sorted_by_key(|fact| fact.2.start));
}

#[test]
fn libraries_of_all_widths_and_byte_orders_agree_with_readelf() {
    if crate::testing::lacking(&["arm-linux-gnueabihf-gcc", "gcc", "mipsel-linux-gnu-gcc", "readelf"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (compiler, machine) in [("gcc", "x86-64"), ("arm-linux-gnueabihf-gcc", "ARM"), ("mipsel-linux-gnu-gcc", "MIPS")] {
        let path = library(folder.path(), compiler, &[]);
        agrees_with_readelf(&path);
        let said = said(&std::fs::read(&path).unwrap());
        assert_eq!(said.values("elf.machine"), [machine]);
        assert_eq!(said.values("elf.soname"), ["libtouch.so.3"]);
        assert_eq!(said.values("elf.build-id"), ["0123456789abcdef"]);
        assert!(said.values("elf.symbol").contains(&"exported_function"));
        assert!(said.values("elf.symbol").contains(&"weak_function"));
        assert!(!said.values("elf.symbol").contains(&"hidden"));
        assert!(said.values("elf.import").contains(&"printf"));
    }
}

#[test]
fn programs_of_this_machine_agree_with_readelf() {
    if crate::testing::lacking(&["readelf"]) {
        return;
    }
    for path in ["/bin/sh", "/bin/ls", "/usr/bin/openssl"] {
        agrees_with_readelf(&std::fs::canonicalize(path).unwrap());
    }
}

#[test]
fn objects_say_their_symbols() {
    if crate::testing::lacking(&["gcc", "readelf"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let object = folder.path().join("a.o");
    std::fs::write(folder.path().join("a.c"), SOURCE).unwrap();
    tool(Command::new("gcc").args(["-c", "-o"]).arg(&object).arg(folder.path().join("a.c")));
    agrees_with_readelf(&object);
}

/// Without sections, the dynamic segment gives what it has; that must be all of it whichever hash table there is.
#[test]
fn the_dynamic_segment_alone_gives_all_that_is_linked() {
    if crate::testing::lacking(&["arm-linux-gnueabihf-gcc", "gcc", "mipsel-linux-gnu-gcc"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (compiler, style) in [("gcc", "gnu"), ("gcc", "sysv"), ("arm-linux-gnueabihf-gcc", "gnu"), ("mipsel-linux-gnu-gcc", "sysv")] {
        let option = format!("-Wl,--hash-style={style}");
        let path = library(folder.path(), compiler, &["-s", &option]);
        let whole = std::fs::read(&path).unwrap();
        let mut cut = whole.clone();
        let wide = cut[4] == 2;
        let (shoff, size, shnum) = if wide { (40, 8, 60) } else { (32, 4, 48) };
        cut[shoff..shoff + size].fill(0);
        cut[shnum..shnum + 4].fill(0);
        let (whole, cut) = (said(&whole), said(&cut));
        for key in ["elf.machine", "elf.soname", "elf.needed", "elf.symbol", "elf.import", "elf.build-id"] {
            assert_eq!(whole.values(key), cut.values(key), "{key} {compiler} {style}");
        }
        assert!(cut.values("elf.comment").is_empty());
    }
}

#[test]
fn a_truncated_file_says_what_is_left() {
    let bytes = std::fs::read(std::fs::canonicalize("/bin/sh").unwrap()).unwrap();
    let half = said(&bytes[..bytes.len() / 2]);
    assert_eq!(half.values("elf.machine"), said(&bytes).values("elf.machine"));
    assert_eq!(half.values("elf.interpreter"), said(&bytes).values("elf.interpreter"));
    assert_eq!(half.values("elf.build-id"), said(&bytes).values("elf.build-id"));
    for length in 0..200 {
        said(&bytes[..length]);
    }
}

#[test]
fn damage_does_no_harm() {
    if crate::testing::lacking(&["mipsel-linux-gnu-gcc"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let bytes = std::fs::read(library(folder.path(), "mipsel-linux-gnu-gcc", &[])).unwrap();
    survives_damage(&Elf, &bytes, Some("elf"));
}

/// A million symbols whose names are all the long end of one string.
#[test]
fn names_that_share_their_ends_are_read_within_bounds() {
    let (symbols, names) = (100_000_usize, 2_000_000_usize);
    let mut bytes = vec![0; 64];
    bytes[..16].copy_from_slice(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
    bytes[16..24].copy_from_slice(&[1, 0, 62, 0, 1, 0, 0, 0]);
    bytes[52..64].copy_from_slice(&[64, 0, 56, 0, 0, 0, 64, 0, 3, 0, 0, 0]);
    let table = bytes.len();
    for index in 0..symbols {
        bytes.extend((index as u32 * 20).to_le_bytes());
        bytes.extend([0x12, 0, 1, 0]);
        bytes.extend([1; 16]);
    }
    let strings = bytes.len();
    bytes.extend((0..names).map(|index| if index % 4096 == 4095 { 0 } else { b'a' + (index % 26) as u8 }));
    let sections = bytes.len() as u64;
    bytes[40..48].copy_from_slice(&sections.to_le_bytes());
    bytes.extend([0; 64]);
    for (kind, offset, length, link) in [(2_u32, table, symbols * 24, 2_u32), (3, strings, names, 0)] {
        bytes.extend([0_u32, kind].iter().flat_map(|word| word.to_le_bytes()));
        bytes.extend([0, 0, offset as u64, length as u64].iter().flat_map(|word| word.to_le_bytes()));
        bytes.extend([link, 0].iter().flat_map(|word| word.to_le_bytes()));
        bytes.extend([1, 24_u64].iter().flat_map(|word| word.to_le_bytes()));
    }
    let said = said(&bytes);
    let length: usize = said.facts.iter().map(|fact| fact.1.len()).sum();
    assert!(said.facts.len() > 1000 && length < 5 * names, "{length}");
    assert_eq!(said.problems[0].code, Code::Limit);
}
