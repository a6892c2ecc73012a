//! DEAFBEAD: the archive of files, each compressed, in the firmware of D-Link DSL-500G and DSL-504G.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec, path_text};
use crate::problem::Rejected;

/// D-Link DEAFBEAD.
pub(super) static DLINK_DEAFBEAD: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "dlink-deafbead",
    name: "D-Link DSL firmware archive (DEAFBEAD)",
    kind: Kind::Archive,
    magics: &[Magic::anywhere(b"\xde\xaf\xbe\xad\x86"), Magic::anywhere(b"\xde\xaf\xbe\xad\x87")],
    leaf: false,
    references: &["https://github.com/onekey-sec/unblob/blob/main/python/unblob/handlers/archive/dlink/deafbead.py"],
    limitations: &[],
};

/// More entries than any archive has.
const MOST: usize = 4096;

/// Entries behind the magic deafbead; numbers are little endian:
///
/// ```text
///  0 type: 86 folder, 87 file   1 size of the name, u16   3 name; files: size, u32, and a gzip stream of that size
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let (mut at, mut entries) = (4, Vec::new());
    while entries.len() < MOST {
        let Some((name, data)) = entry(bytes, at) else { break };
        let start = at;
        at = data.end();
        entries.push((start, name, data));
    }
    if entries.iter().all(|(.., data)| data.length == 0) {
        return Err(Rejected("no file"));
    }
    let mut image = Image::new(at, 4);
    for (start, name, data) in entries {
        image.known(Span::between(start, data.start));
        if bytes.u8(start)? == 0x86 {
            image.folder(name);
        } else {
            image.part(name, data);
        }
    }
    Ok(image)
}

/// The path of an entry and the bytes of it if it is a file.
fn entry(bytes: Bytes<'_>, at: u64) -> Option<(String, Span)> {
    let size = u64::from(bytes.u16(at.saturating_add(1), Endian::Little).ok()?);
    let name = bytes.get(at.saturating_add(3), size.min(1024)).ok()?;
    if name.is_empty() || !name.iter().all(|byte| matches!(byte, b' '..=b'~' | 0x80..)) {
        return None;
    }
    let end = at.saturating_add(3).saturating_add(size);
    let path = path_text(name).replace('\\', "/");
    match bytes.u8(at).ok()? {
        0x86 => Some((path, Span::new(end, 0))),
        0x87 if bytes.has(end.saturating_add(4), &[0x1f, 0x8b]) => {
            Some((path, Span::new(end.saturating_add(4), bytes.u32(end, Endian::Little).ok()?.into())))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{holds, unpack};

    const IMAGE: &[u8] = include_bytes!("../../../fixtures/dlink-deafbead/modem.bin");

    #[test]
    fn files_and_folders_come_out() {
        let story = include_bytes!("../../../fixtures/gzip/story.gz");
        holds(&DLINK_DEAFBEAD, IMAGE, &[("web/index.htm", story), ("etc/story", story)]);
        assert_eq!(unpack(&DLINK_DEAFBEAD, IMAGE).entries.iter().map(|entry| entry.path.as_str()).collect::<Vec<_>>(), ["web", "etc"]);
    }
}
