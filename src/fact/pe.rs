//! What the version resource of a PE file says.

use memchr::memmem;

use super::{Analyzer, Facts, Key, Subject};
use crate::blob::{Bytes, Endian, Span, to_u64};

/// PE programs, libraries and drivers.
#[derive(Debug)]
pub(super) struct Pe;

impl Analyzer for Pe {
    fn id(&self) -> &'static str {
        "pe"
    }

    fn keys(&self) -> &'static [Key] {
        const {
            &[
                Key::new("pe.company", "CompanyName of the version resource"),
                Key::new("pe.product", "ProductName of the version resource"),
                Key::new("pe.version", "ProductVersion of the version resource, or FileVersion where that lacks"),
            ]
        }
    }

    fn analyze(&self, subject: &Subject<'_>, facts: &mut Facts<'_>) {
        if subject.format != Some("pe") {
            return;
        }
        let bytes = subject.blob.bytes();
        // Found by its key and not through the resource tree: so damage elsewhere does not matter.
        let mut end = 0;
        for place in memmem::find_iter(bytes.0, KEY) {
            let place = to_u64(place);
            if place < end {
                continue;
            }
            let Some(resource) = place.checked_sub(6).and_then(|start| Node::read(bytes, start, start, u64::MAX)) else { continue };
            end = resource.end;
            let mut found = Vec::new();
            strings(bytes, &resource, &mut found);
            // Each language says it again.
            found.sort();
            found.dedup_by(|again, first| again.0 == first.0 && again.1 == first.1);
            version(&mut found);
            found.sort_by_key(|found| found.2);
            for (key, value, span) in &found {
                facts.say(key, value.as_bytes(), *span);
            }
        }
    }
}

/// `VS_VERSION_INFO` and its end.
const KEY: &[u8] = b"V\0S\0_\0V\0E\0R\0S\0I\0O\0N\0_\0I\0N\0F\0O\0\0\0";

/// Key, value and place.
type Found = (&'static str, String, Span);

/// One block of the version resource:
///
/// ```text
/// u16 wLength; u16 wValueLength; u16 wType; WCHAR szKey[]; padding to 4 bytes; Value; padding to 4 bytes; Children
/// ```
///
/// <https://learn.microsoft.com/windows/win32/menuref/vs-versioninfo>. Padding counts from the start of the whole resource.
struct Node {
    key: String,
    value: Span,
    end: u64,
}

impl Node {
    /// The block at `start` of the resource that starts at `origin`, in a block that ends at `limit`.
    fn read(bytes: Bytes<'_>, origin: u64, start: u64, limit: u64) -> Option<Self> {
        let half = |at: u64| bytes.u16(start.saturating_add(at), Endian::Little).ok();
        let (length, value_length, is_text) = (u64::from(half(0)?), u64::from(half(2)?), half(4)? == 1);
        let end = start.saturating_add(length).min(limit).min(bytes.len());
        if length < 8 || end <= start.saturating_add(6) {
            return None;
        }
        let (key, key_end) = text(bytes, start.saturating_add(6), end)?;
        // The length of text counts characters.
        let value_length = if is_text { value_length.saturating_mul(2) } else { value_length };
        let value_start = pad(origin, key_end);
        let value = Span::between(value_start, value_start.saturating_add(value_length).min(end));
        Some(Self { key, value, end })
    }
}

/// The next multiple of 4 bytes from `origin`.
fn pad(origin: u64, at: u64) -> u64 {
    at.saturating_sub(origin).checked_next_multiple_of(4).unwrap_or(u64::MAX).saturating_add(origin)
}

/// UTF-16 from `start` to its NUL, which is counted, or to `end`.
fn text(bytes: Bytes<'_>, start: u64, end: u64) -> Option<(String, u64)> {
    let (units, _) = bytes.get(start, end.checked_sub(start)?).ok()?.as_chunks::<2>();
    let length = units.iter().position(|unit| *unit == [0, 0]).unwrap_or(units.len());
    let text: Vec<u16> = units.iter().take(length).map(|unit| u16::from_le_bytes(*unit)).collect();
    let next = to_u64(length.saturating_add(1)).saturating_mul(2).saturating_add(start);
    Some((String::from_utf16_lossy(&text), next.min(end)))
}

/// The children of the block that ends at `end`, from `at`.
fn children(bytes: Bytes<'_>, origin: u64, mut at: u64, end: u64) -> impl Iterator<Item = Node> + '_ {
    std::iter::from_fn(move || {
        at = pad(origin, at);
        let node = Node::read(bytes, origin, at, end)?;
        at = node.end;
        Some(node)
    })
}

/// All strings that are said, and the two versions under their own names: `StringFileInfo` ▸ language ▸ string.
fn strings(bytes: Bytes<'_>, resource: &Node, found: &mut Vec<Found>) {
    let origin = resource.value.start.saturating_sub(HEADER);
    for info in children(bytes, origin, resource.value.end(), resource.end).filter(|info| info.key == "StringFileInfo") {
        for table in children(bytes, origin, info.value.end(), info.end) {
            for string in children(bytes, origin, table.value.end(), table.end) {
                let key = match string.key.as_str() {
                    "CompanyName" => "pe.company",
                    "ProductName" => "pe.product",
                    "ProductVersion" => "pe.version",
                    "FileVersion" => FILE_VERSION,
                    _ => continue,
                };
                // Some compilers count bytes where characters are meant, so it ends at its NUL or with its block.
                let Some((value, end)) = text(bytes, string.value.start, string.end) else { continue };
                let length = to_u64(value.encode_utf16().count()).saturating_mul(2);
                let span = Span::new(string.value.start, length.min(end.saturating_sub(string.value.start)));
                if !value.trim().is_empty() {
                    found.push((key, value, span));
                }
            }
        }
    }
}

/// `wLength`, `wValueLength`, `wType`, the key and its padding.
const HEADER: u64 = 40;
/// Said as `pe.version` where there is no version of the product.
const FILE_VERSION: &str = "";

/// Leaves one kind of version: the product's if there is one.
fn version(found: &mut Vec<Found>) {
    let has_product = found.iter().any(|found| found.0 == "pe.version");
    if has_product {
        found.retain(|found| found.0 != FILE_VERSION);
    }
    for entry in found.iter_mut().filter(|entry| entry.0 == FILE_VERSION) {
        entry.0 = "pe.version";
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::testing::{Said, analyze, survives_damage};

    fn said(bytes: &[u8]) -> Said {
        analyze(&Pe, bytes, Some("pe"))
    }

    fn wide(text: &str) -> Vec<u8> {
        text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
    }

    /// A block whose children are already written.
    fn block(key: &str, value: &[u8], is_text: bool, children: &[Vec<u8>]) -> Vec<u8> {
        let pad = |bytes: &mut Vec<u8>| bytes.resize(bytes.len().next_multiple_of(4), 0);
        let mut bytes = vec![0; 6];
        bytes.extend(wide(key));
        pad(&mut bytes);
        bytes.extend(value);
        for child in children {
            pad(&mut bytes);
            bytes.extend(child);
        }
        let length = if is_text { value.len() / 2 } else { value.len() } as u16;
        let header = [bytes.len() as u16, length, is_text.into()];
        bytes[..6].copy_from_slice(&header.map(u16::to_le_bytes).concat());
        bytes
    }

    fn resource(strings: &[(&str, &str)]) -> Vec<u8> {
        let strings: Vec<_> = strings.iter().map(|(key, value)| block(key, &wide(value), true, &[])).collect();
        let tables = [block("040904b0", &[], true, &strings), block("080404b0", &[], true, &strings)];
        let translation = block("Translation", &[9, 4, 0xb0, 4], false, &[]);
        let infos = [block("StringFileInfo", &[], true, &tables), block("VarFileInfo", &[], true, &[translation])];
        let mut fixed = vec![0; 52];
        fixed[..4].copy_from_slice(&0xfeef_04bd_u32.to_le_bytes());
        block("VS_VERSION_INFO", &fixed, false, &infos)
    }

    #[test]
    fn the_resource_says_company_product_and_version() {
        let strings = [
            ("CompanyName", "Größe & Co."),
            ("FileDescription", "A driver"),
            ("FileVersion", "1.0"),
            ("ProductName", "Thing"),
            ("ProductVersion", "2.3.4 beta"),
        ];
        for before in [0, 2, 77] {
            let bytes = [vec![0xff; before], resource(&strings), vec![0xff; 9]].concat();
            let said = said(&bytes);
            let found: Vec<_> = said.facts.iter().map(|fact| (fact.0, fact.1.as_str())).collect();
            assert_eq!(found, [("pe.company", "Größe & Co."), ("pe.product", "Thing"), ("pe.version", "2.3.4 beta")]);
            for (_, value, span) in &said.facts {
                assert_eq!([&bytes[span.start as usize..span.end() as usize], &[0, 0]].concat(), wide(value));
            }
        }
    }

    #[test]
    fn the_version_of_the_file_stands_in_for_the_products() {
        assert_eq!(said(&resource(&[("FileVersion", "1.0"), ("ProductName", " ")])).facts[0].1, "1.0");
    }

    #[test]
    fn only_programs_have_one() {
        assert!(analyze(&Pe, &resource(&[("FileVersion", "1.0")]), None).facts.is_empty());
        assert!(said(b"MZ").facts.is_empty());
        assert!(said(KEY).facts.is_empty());
    }

    #[test]
    fn damage_does_no_harm() {
        survives_damage(&Pe, &resource(&[("CompanyName", "A"), ("ProductVersion", "2")]).repeat(3), Some("pe"));
        said(&[b"\xff\xff\0\0\0\0", KEY].concat().repeat(20_000));
    }
}
