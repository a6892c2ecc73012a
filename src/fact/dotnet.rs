//! What the metadata of a .NET assembly says: its name, its version, and what it refers to (ECMA-335, partition II).

use sha1::{Digest, Sha1};

use self::tables::{Row, Tables};
use super::ordered::Ordered;
use super::pe::image::Image;
use super::{Analyzer, Facts, Key, Subject, hex};
use crate::blob::{Bytes, Endian, Span, to_u64};

mod tables;

/// .NET assemblies in PE files.
#[derive(Debug)]
pub(super) struct DotNet;

impl Analyzer for DotNet {
    fn id(&self) -> &'static str {
        "dotnet"
    }

    fn keys(&self) -> &'static [Key] {
        const {
            &[
                Key::new("dotnet.runtime", "version of the runtime that an assembly was made for"),
                Key::new("dotnet.assembly", "display name of the assembly: name, version, culture, token of its key"),
                Key::new("dotnet.reference", "display name of an assembly that it refers to"),
                Key::new("dotnet.module", "name of its module"),
                Key::new("dotnet.module-reference", "library of machine code that it calls"),
            ]
        }
    }

    fn analyze(&self, subject: &Subject<'_>, facts: &mut Facts<'_>) {
        if subject.format != Some("pe") {
            return;
        }
        let mut found = Ordered::default();
        let _ = Image::read(subject.blob.bytes()).and_then(|image| read(&image, &mut found));
        found.deliver(subject, facts);
    }
}

/// IMAGE_DIRECTORY_ENTRY_COM_DESCRIPTOR
const CLR: u64 = 14;
/// References that are said; large programs have a few hundred.
const MOST: usize = 4096;

/// The CLR header has address and size of the metadata at 8. The metadata's root:
///
/// ```text
/// "BSJB"  u16 major  u16 minor  u32 0  u32 length  version  u16 flags  u16 streams   then for each stream  u32 offset  u32 size  name
/// ```
fn read<'a>(image: &Image<'a>, found: &mut Ordered<'a>) -> Option<()> {
    let header = image.offset(image.directory(CLR)?.0)?;
    let root = image.offset(image.u32(header.saturating_add(8))?.into())?;
    let size = image.u32(header.saturating_add(12))?;
    let bytes = Bytes(image.bytes.up_to(root, size.into()));
    if !bytes.has(0, b"BSJB") {
        return None;
    }
    let length = u64::from(bytes.u32(12, Endian::Little).ok()?);
    found.verbatim("dotnet.runtime", bytes.text(16, length.min(256)).ok()?, root.saturating_add(16));
    let count = bytes.u16(length.saturating_add(18), Endian::Little).ok()?;
    let mut at = length.saturating_add(20);
    let (mut tables, mut strings, mut blobs) = (Span::default(), Span::default(), Span::default());
    for _ in 0..count.min(32) {
        let word = |at: u64| bytes.u32(at, Endian::Little).ok().map(u64::from);
        let (Some(offset), Some(length)) = (word(at), word(at.saturating_add(4))) else { break };
        let name = bytes.up_to(at.saturating_add(8), 32).split(|byte| *byte == 0).next().unwrap_or_default();
        let span = Span::new(offset, length);
        match name {
            b"#~" | b"#-" => tables = span,
            b"#Strings" => strings = span,
            b"#Blob" => blobs = span,
            _ => (),
        }
        at = at.saturating_add(8).saturating_add((to_u64(name.len()) / 4).saturating_add(1).saturating_mul(4));
    }
    let heaps = Heaps { root, strings: Bytes(bytes.up_to(strings.start, strings.length)), strings_at: strings.start, blobs, bytes };
    let tables = Tables::read(Bytes(bytes.up_to(tables.start, tables.length)), root.saturating_add(tables.start))?;
    heaps.say(&tables, found);
    Some(())
}

/// Where the names and keys are.
struct Heaps<'a> {
    root: u64,
    strings: Bytes<'a>,
    strings_at: u64,
    blobs: Span,
    bytes: Bytes<'a>,
}

impl<'a> Heaps<'a> {
    fn say(&self, tables: &Tables<'a>, found: &mut Ordered<'a>) {
        for (table, column, key) in [(tables::MODULE, 1, "dotnet.module"), (tables::MODULE_REF, 0, "dotnet.module-reference")] {
            if tables.rows(table).nth(MOST).is_some() {
                found.limit("rows of .NET metadata");
            }
            for row in tables.rows(table).take(MOST) {
                if let Some((name, at)) = row.get(column).and_then(|index| self.string(index)) {
                    found.verbatim(key, name, at);
                }
            }
        }
        // HashAlgId, four of the version, Flags, PublicKey, Name, Culture; a reference lacks the first and has a token instead of the key.
        for (table, first, key) in [(tables::ASSEMBLY, 1, "dotnet.assembly"), (tables::ASSEMBLY_REF, 0, "dotnet.reference")] {
            if tables.rows(table).nth(MOST).is_some() {
                found.limit("rows of .NET metadata");
            }
            for row in tables.rows(table).take(MOST) {
                if let Some(name) = self.display_name(&row, first) {
                    found.text(key, name, row.span);
                }
            }
        }
    }

    /// The display name, whose columns start at `first`.
    fn display_name(&self, row: &Row, first: usize) -> Option<String> {
        /// The blob is a whole key and not its token.
        const PUBLIC_KEY: u64 = 1;
        let column = |index: usize| row.get(first.saturating_add(index));
        let (name, _) = self.string(column(6)?)?;
        let culture = column(7).and_then(|index| self.string(index)).map_or(&b"neutral"[..], |(culture, _)| culture);
        let key = self.blob(column(5)?).filter(|key| !key.is_empty());
        let token = key.map_or_else(
            || "null".to_owned(),
            |key| {
                let is_key = first == 1 || column(4).is_some_and(|flags| flags & PUBLIC_KEY != 0);
                if is_key { token(key) } else { hex(key) }
            },
        );
        let (name, culture) = (String::from_utf8_lossy(name), String::from_utf8_lossy(culture));
        let version = format!("{}.{}.{}.{}", column(0)?, column(1)?, column(2)?, column(3)?);
        Some(format!("{name}, Version={version}, Culture={culture}, PublicKeyToken={token}"))
    }

    /// A name and where it stands in the file.
    fn string(&self, index: u64) -> Option<(&'a [u8], u64)> {
        let window = self.strings.up_to(index, 1024);
        let text = window.get(..memchr::memchr(0, window)?)?;
        let at = self.root.saturating_add(self.strings_at).saturating_add(index);
        (!text.is_empty() && std::str::from_utf8(text).is_ok()).then_some((text, at))
    }

    /// A blob after its length, which is one, two or four bytes, as the highest bits say.
    fn blob(&self, index: u64) -> Option<&'a [u8]> {
        let heap = Bytes(self.bytes.up_to(self.blobs.start, self.blobs.length));
        let first = heap.u8(index).ok()?;
        let (length, skip) = match first {
            0..0x80 => (u64::from(first), 1),
            0x80..0xc0 => (u64::from(heap.u16(index, Endian::Big).ok()? & 0x3fff), 2),
            _ => (u64::from(heap.u32(index, Endian::Big).ok()? & 0x1fff_ffff), 4),
        };
        heap.get(index.saturating_add(skip), length.min(64 << 10)).ok()
    }
}

/// The last 8 bytes of the key's SHA-1, the last first.
fn token(key: &[u8]) -> String {
    let hash = Sha1::digest(key);
    let last: Vec<u8> = hash.iter().rev().take(8).copied().collect();
    hex(&last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::testing::{analyze, pe, survives_damage};

    /// An assembly with a key, a reference with a token and a library of machine code, all in narrow tables.
    fn assembly() -> Vec<u8> {
        let strings = b"\0touch.dll\0Touch\0System\0kernel32.dll\0";
        let blobs = [&[0, 16][..], &[0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0], &[8], b"\xb7\x7a\x5c\x56\x19\x34\xe0\x89"].concat();
        let halves = |values: &[u16]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
        let tables = [
            &[0, 0, 0, 0, 2, 0, 0, 1][..],
            &(1_u64 | 1 << 0x1a | 1 << 0x20 | 1 << 0x23).to_le_bytes(),
            &[0; 8],
            &[1_u32; 4].map(u32::to_le_bytes).concat(),
            &halves(&[0, 1, 0, 0, 0]),
            &halves(&[24]),
            &halves(&[0x8004, 0, 1, 2, 3, 4, 1, 0, 1, 11, 0]),
            &halves(&[4, 0, 0, 0, 0, 0, 18, 17, 0, 0]),
        ]
        .concat();
        let mut root = b"BSJB\x01\0\x01\0\0\0\0\0\x0c\0\0\0v4.0.30319\0\0\0\0\x03\0".to_vec();
        let mut at = root.len() + 12 + 20 + 16;
        for (name, part) in [(&b"#~\0\0"[..], &tables[..]), (b"#Strings\0\0\0\0", strings), (b"#Blob\0\0\0", &blobs)] {
            root.extend([(at as u32).to_le_bytes(), (part.len() as u32).to_le_bytes()].concat());
            root.extend(name);
            at += part.len();
        }
        root.extend([&tables[..], strings, &blobs].concat());
        let mut header = vec![0; 72];
        header[8..16].copy_from_slice(&[0x1048_u32.to_le_bytes(), (root.len() as u32).to_le_bytes()].concat());
        pe(&[], &[(14, 0x1000, 72)], &[header, root].concat())
    }

    #[test]
    fn an_assembly_says_who_it_is_and_what_it_needs() {
        let bytes = assembly();
        let said = analyze(&DotNet, &bytes, Some("pe"));
        assert_eq!(said.values("dotnet.runtime"), ["v4.0.30319"]);
        assert_eq!(said.values("dotnet.module"), ["touch.dll"]);
        assert_eq!(said.values("dotnet.module-reference"), ["kernel32.dll"]);
        assert_eq!(said.values("dotnet.assembly"), ["Touch, Version=1.2.3.4, Culture=neutral, PublicKeyToken=b77a5c561934e089"]);
        assert_eq!(said.values("dotnet.reference"), ["System, Version=4.0.0.0, Culture=neutral, PublicKeyToken=b77a5c561934e089"]);
        survives_damage(&DotNet, &bytes, Some("pe"));
    }

    #[test]
    fn the_key_of_the_standard_is_known_by_its_token() {
        // ECMA-335, II.6.2.1.3: the public key of the standard's own assemblies.
        assert_eq!(token(&[0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0]), "b77a5c561934e089");
    }

    #[test]
    fn other_programs_are_none() {
        assert!(analyze(&DotNet, b"MZ BSJB", Some("pe")).facts.is_empty());
    }
}
