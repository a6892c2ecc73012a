//! Hashes over what a program imports, by which similar programs are looked up elsewhere: imphash, Rich hash, telfhash.

use std::collections::HashMap;
use std::sync::LazyLock;

use md5::{Digest, Md5};

use super::elf::image::Image as ElfImage;
use super::elf::table::{Strings, symbol_tables};
use super::ordered::Ordered;
use super::pe::image::Image;
use super::pe::imports::{What, each};
use super::pe::rich;
use super::{Analyzer, Facts, Key, Subject, hex};
use crate::blob::{Span, to_u64};

/// Hashes of ELF and PE files.
#[derive(Debug)]
pub(super) struct Hashes;

impl Analyzer for Hashes {
    fn id(&self) -> &'static str {
        "hashes"
    }

    fn keys(&self) -> &'static [Key] {
        const {
            &[
                Key::new("hash.imphash", "MD5 of a PE file's imports in their order, as pefile and VirusTotal have it"),
                Key::new("hash.rich", "MD5 of a PE file's Rich header in clear"),
                Key::new("hash.telfhash", "TLSH of an ELF file's function names, as telfhash has it"),
            ]
        }
    }

    fn analyze(&self, subject: &Subject<'_>, facts: &mut Facts<'_>) {
        let bytes = subject.blob.bytes();
        let mut found = Ordered::default();
        match subject.format {
            Some("pe") => {
                let Some(image) = Image::read(bytes) else { return };
                if let Some(hash) = imphash(&image) {
                    found.text("hash.imphash", hash, Span::new(0, bytes.len()));
                }
                if let Some(rich) = rich::find(&image) {
                    found.text("hash.rich", hex(&Md5::digest(rich.clear(&image))), rich.span);
                }
            }
            Some("elf") => {
                let Some(image) = ElfImage::read(bytes) else { return };
                if let Some((hash, start)) = telfhash(&image) {
                    found.text("hash.telfhash", hash, Span::between(start.min(bytes.len()), bytes.len()));
                }
            }
            _ => (),
        }
        found.deliver(subject, facts);
    }
}

/// `library number name`, one a line: functions of libraries that are usually imported by number.
const ORDINALS: &str = include_str!("hashes/ordinals.txt");

/// The names by library, without its extension, and number.
static NAMES: LazyLock<HashMap<(&str, u16), &str>> = LazyLock::new(|| {
    let row = |line: &'static str| {
        let (library, rest) = line.split_once(' ')?;
        let (number, name) = rest.split_once(' ')?;
        Some(((library, number.parse().ok()?), name))
    };
    ORDINALS.lines().filter_map(row).collect()
});

/// MD5 of `library.function,…` in lower case. Libraries lose the extensions dll, ocx and sys; numbers become the names that are known, or
/// `ord7`.
fn imphash(image: &Image<'_>) -> Option<String> {
    let mut all: Vec<u8> = Vec::new();
    let function = |import: super::pe::imports::Import<'_>| {
        if import.delayed {
            return;
        }
        let library = import.library.to_ascii_lowercase();
        let stem = [&b".dll"[..], b".ocx", b".sys"].iter().find_map(|extension| library.strip_suffix(*extension)).unwrap_or(&library);
        if !all.is_empty() {
            all.push(b',');
        }
        all.extend(stem);
        all.push(b'.');
        match import.what {
            What::Name(name) => all.extend(name.to_ascii_lowercase()),
            What::Number(number) => all.extend(ordinal(&library, number).into_bytes()),
        }
    };
    // The hash of a part would be that of another program.
    let is_all = each(image, |_, _| (), function);
    (is_all && !all.is_empty()).then(|| hex(&Md5::digest(&all)))
}

/// What function `number` of a library is called.
fn ordinal(library: &[u8], number: u16) -> String {
    let stem = library.strip_suffix(b".dll").and_then(|stem| std::str::from_utf8(stem).ok());
    let name = stem.and_then(|stem| NAMES.get(&(stem, number)));
    name.map_or_else(|| format!("ord{number}"), |name| (*name).to_owned())
}

/// Names that say more about the compiler or the machine than about the program.
const COMMON: &[&[u8]] = &[b"main", b"abort", b"cachectl", b"cacheflush", b"puts", b"atol", b"malloc_trim"];

/// TLSH of the names of global functions of the default visibility, in lower case, sorted, with commas between:
/// <https://github.com/trendmicro/telfhash>. What that computes from the code of programs without symbols is not computed.
fn telfhash(image: &ElfImage<'_>) -> Option<(String, u64)> {
    use goblin::elf::sym::{STB_GLOBAL, STT_FUNC};
    let tables = symbol_tables(image, &image.dynamic_entries());
    // The dynamic table, or what comes first.
    let table = tables.first()?;
    let mut strings = Strings::new(image, table.strings);
    let mut names = Vec::new();
    for symbol in image.symbols(table.symbols) {
        if symbol.st_type() != STT_FUNC || symbol.st_bind() != STB_GLOBAL || symbol.st_other & 3 != 0 {
            continue;
        }
        let Some((name, _)) = strings.get(to_u64(symbol.st_name)) else { continue };
        let prefixes: [&[u8]; 4] = [b"_", b".", b"str", b"mem"];
        if !COMMON.contains(&name) && !prefixes.iter().any(|prefix| name.starts_with(prefix)) && !name.ends_with(b"64") {
            names.push(name.to_ascii_lowercase());
        }
    }
    names.sort_unstable();
    let text = names.join(&b',');
    let hash = tlsh2::TlshDefaultBuilder::build_from(&text)?.hash();
    Some((String::from_utf8_lossy(&hash).to_ascii_lowercase(), table.strings.start))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::fact::testing::{analyze, survives_damage};
    use crate::format::testing::tool;

    #[test]
    fn numbers_become_names() {
        assert_eq!(ordinal(b"ws2_32.dll", 1), "accept");
        assert_eq!(ordinal(b"oleaut32.dll", 2), "sysallocstring");
        assert_eq!(ordinal(b"ws2_32.dll", 60_000), "ord60000");
        assert_eq!(ordinal(b"mfc42.dll", 7), "ord7");
        assert!(ORDINALS.lines().count() == NAMES.len());
    }

    #[test]
    fn imports_are_hashed() {
        let bytes = crate::fact::pe::tests::library();
        let said = analyze(&Hashes, &bytes, Some("pe"));
        // kernel32.exitprocess,kernel32.createfilew,ws2_32.accept,ws2_32.ord60000
        assert_eq!(said.values("hash.imphash"), ["2ac15fbd8469f143f366696d376e3922"]);
        assert_eq!(said.values("hash.rich").len(), 1);
        survives_damage(&Hashes, &bytes, Some("pe"));
    }

    #[test]
    fn names_of_functions_are_hashed() {
        if crate::testing::lacking(&["gcc"]) {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("a.c"), folder.path().join("a.so"));
        let source: String = (0..60).map(|index| format!("int Function_{index}_{}(void) {{ return {index}; }}\n", index * 7919)).collect();
        std::fs::write(&from, source).unwrap();
        tool(Command::new("gcc").args(["-shared", "-o"]).arg(&to).arg(&from));
        let bytes = std::fs::read(&to).unwrap();
        let said = analyze(&Hashes, &bytes, Some("elf"));
        let [hash] = said.values("hash.telfhash")[..] else { panic!("{said:?}") };
        assert!(hash.len() == 72 && hash.starts_with("t1"), "{hash}");
        survives_damage(&Hashes, &bytes, Some("elf"));
    }
}
