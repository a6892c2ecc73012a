//! The version resource of a PE file.

use memchr::memmem;

use crate::blob::{Bytes, Endian, Span, to_u64};
use crate::fact::ordered::Ordered;

/// Strings of the resource by what they are called in it.
const STRINGS: &[(&str, &str)] = &[
    ("CompanyName", "pe.company"),
    ("ProductName", "pe.product"),
    ("ProductVersion", "pe.version"),
    ("FileVersion", FILE_VERSION),
    ("FileDescription", "pe.description"),
    ("OriginalFilename", "pe.original-name"),
    ("InternalName", "pe.internal-name"),
    ("LegalCopyright", "pe.copyright"),
    ("LegalTrademarks", "pe.trademarks"),
    ("Comments", "pe.comments"),
];

/// Found by its key and not through the resource tree: so damage elsewhere does not matter.
pub(super) fn read(bytes: Bytes<'_>, all: &mut Ordered<'_>) {
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
        fixed(bytes, resource.value, all);
        for (key, value, span) in found {
            all.text(key, value, span);
        }
    }
}

/// VS_FIXEDFILEINFO: a mark, the version of the structure, then four words with the versions of file and product, two numbers in each.
fn fixed(bytes: Bytes<'_>, value: Span, all: &mut Ordered<'_>) {
    const MARK: u32 = 0xfeef_04bd;
    let word = |at: u64| bytes.u32(value.start.saturating_add(at), Endian::Little).ok();
    if value.length < 52 || word(0) != Some(MARK) {
        return;
    }
    for (at, key) in [(8, "pe.fixed-file-version"), (16, "pe.fixed-product-version")] {
        if let (Some(high), Some(low)) = (word(at), word(at.saturating_add(4))) {
            let text = format!("{}.{}.{}.{}", high >> 16, high & 0xffff, low >> 16, low & 0xffff);
            all.text(key, text, Span::new(value.start.saturating_add(at), 8));
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
                let Some((_, key)) = STRINGS.iter().find(|row| row.0 == string.key) else { continue };
                // Some compilers count bytes where characters are meant, so it ends at its NUL or with its block.
                let Some((value, end)) = text(bytes, string.value.start, string.end) else { continue };
                let length = to_u64(value.encode_utf16().count()).saturating_mul(2);
                let span = Span::new(string.value.start, length.min(end.saturating_sub(string.value.start)));
                if !value.trim().is_empty() {
                    found.push((*key, value, span));
                }
            }
        }
    }
}

/// `wLength`, `wValueLength`, `wType`, the key and its padding.
const HEADER: u64 = 40;
const FILE_VERSION: &str = "pe.file-version";

/// Where there is no version of the product, that of the file stands in for it.
fn version(found: &mut Vec<Found>) {
    if !found.iter().any(|found| found.0 == "pe.version") {
        let files = found.iter().filter(|found| found.0 == FILE_VERSION);
        let more: Vec<Found> = files.map(|(_, value, span)| ("pe.version", value.clone(), *span)).collect();
        found.extend(more);
    }
}
