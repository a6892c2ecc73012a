//! PLF: the firmware of Parrot's drones and car kits.

use crate::blob::{Blob, Bytes, Endian, Span, to_u64};
use crate::codec::{Codec, Stream};
use crate::format::{Attributes, Carved, Children, EntryKind, Format, Kind, Magic, Spec, entry_path, path_text};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// Parrot firmware.
#[derive(Debug)]
pub(super) struct ParrotPlf;

static SPEC: Spec = Spec {
    id: "parrot-plf",
    name: "Parrot PLF",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"PLF!")],
    leaf: false,
    references: &[
        "https://github.com/Parrot-Developers/libpuf/blob/master/src/libpuf_plf.h",
        "http://embedded-software.blogspot.com/2010/12/plf-file-format.html",
    ],
    limitations: &["checksums of the sections are not verified", "the table of partitions is handed over, not read"],
};

/// Bytes of the header of a section.
const SECTION: u64 = 20;

/// The kind of section that is a file, and the largest kind there is.
const FILE: u32 = 9;
const LAST_KIND: u32 = 12;

/// Longest path that is believed.
const LONGEST_PATH: u64 = 512;

impl Format for ParrotPlf {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let (_, length) = header(Bytes(blob.bytes().tail(start)))?;
        Ok(Carved::new(length, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        let (mut at, length) = header(bytes).map_err(|rejected| Fault::corrupt(rejected.0))?;
        let mut index = 0_u64;
        while at.saturating_add(SECTION) <= length {
            let word = |offset: u64| bytes.u32(at.saturating_add(offset), Endian::Little);
            let (kind, size, unpacked) = (word(0)?, u64::from(word(4)?), word(16)?);
            if kind > LAST_KIND {
                return Err(Fault::corrupt(format!("plf: a section of unknown kind {kind} at {at:#x}")));
            }
            let data = Span::new(at.saturating_add(SECTION), size);
            section(&format!("section-{index}-type-{kind}"), kind, unpacked > 0, data, bytes, children)?;
            at = data.end().next_multiple_of(4);
            index = index.saturating_add(1);
        }
        Ok(())
    }
}

/// Where the sections begin, and where all ends. Little endian u32: "PLF!", version, size of the header, size of a section's header: 20,
/// type of file, entry point, platform, application, hardware, version[3], language, size of the file.
fn header(bytes: Bytes<'_>) -> Result<(u64, u64), Rejected> {
    let word = |at| bytes.u32(at, Endian::Little).map(u64::from);
    let (version, size, section, kind, length) = (word(4)?, word(8)?, word(12)?, word(16)?, word(52)?);
    if !(1..=64).contains(&version) || !(56..=1024).contains(&size) || section != SECTION || kind > 16 || length < size {
        return Err(Rejected("header"));
    }
    Ok((size, length))
}

/// Hands over a section: what a file holds under its own name.
fn section(name: &str, kind: u32, packed: bool, data: Span, bytes: Bytes<'_>, children: &mut Children<'_>) -> Result<(), Fault> {
    if !packed {
        let content = Bytes(bytes.up_to(data.start, data.length));
        if let Some(file) = File::read(content).filter(|_| kind == FILE) {
            let span = Span::between(data.start.saturating_add(file.start), data.end());
            return match file.entry(content) {
                Some(entry) => {
                    children.entry(file.path, entry, file.attributes);
                    Ok(())
                }
                None => Ok(children.span(file.path, span, file.attributes)?),
            };
        }
        return Ok(children.span(name, data, Attributes::default())?);
    }
    let Stream { output, fault, .. } = Codec::Gzip.stream(bytes.up_to(data.start, data.length), children.budget());
    let content = Bytes(output.as_slice());
    let Some(file) = File::read(content).filter(|_| kind == FILE) else {
        return Ok(children.made_with(name, output, Attributes::default(), fault.as_ref())?);
    };
    if let Some(entry) = file.entry(content) {
        children.entry(file.path, entry, file.attributes);
        return Ok(());
    }
    let mut whole = children.output();
    whole.push(content.tail(file.start))?;
    Ok(children.made_with(file.path, whole, file.attributes, fault.as_ref())?)
}

/// A file: path ended by NUL, u32 mode, u32 user, u32 group, bytes.
struct File {
    path: String,
    attributes: Attributes,
    start: u64,
}

impl File {
    fn read(content: Bytes<'_>) -> Option<Self> {
        let text = content.up_to(0, LONGEST_PATH);
        let length = text.iter().position(|byte| *byte == 0)?;
        let path = text.get(..length).filter(|path| !path.is_empty() && !path.iter().any(u8::is_ascii_control))?;
        let at = to_u64(length).saturating_add(1);
        let word = |offset: u64| content.u32(at.saturating_add(offset), Endian::Little).ok();
        let mode = word(0).filter(|mode| matches!(mode >> 12, 4 | 8 | 10))?;
        let attributes = Attributes { mode: Some(mode), uid: word(4), gid: word(8), modified: None };
        Some(Self { path: entry_path(path.strip_prefix(b"/").unwrap_or(path)), attributes, start: at.saturating_add(12) })
    }

    /// What it is if it is no file.
    fn entry(&self, content: Bytes<'_>) -> Option<EntryKind> {
        match self.attributes.mode? >> 12 {
            4 => Some(EntryKind::Directory),
            10 => Some(EntryKind::Symlink(path_text(content.tail(self.start).split(|byte| *byte == 0).next()?))),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, tree, unpack, unpack_at};
    use crate::problem::Code;

    const IMAGE: &[u8] = include_bytes!("../../../fixtures/parrot-plf/update.plf");

    #[test]
    fn sections_and_files_come_back() {
        let junk = [b"before".as_slice(), IMAGE, b"after"].concat();
        assert_eq!(carve(&ParrotPlf, &junk, 6), Some(to_u64(IMAGE.len())));
        let unpacked = unpack_at(&ParrotPlf, &junk, 6);
        assert_eq!((unpacked.names(), unpacked.problems.len()), (vec!["section-0-type-3", "etc/motd", "story.txt"], 0));
        assert_eq!(unpacked.file("story.txt"), include_bytes!("../../../fixtures/content/tree/story.txt"));
        assert_eq!(unpacked.file("etc/motd"), include_bytes!("../../../fixtures/content/tree/etc/motd"));
        assert_eq!(tree::kind(&unpacked, "bin/sh"), Some(EntryKind::Symlink("tool".to_owned())));
        assert_eq!(tree::kind(&unpacked, "etc"), Some(EntryKind::Directory));
    }

    #[test]
    fn damage_is_told_and_the_rest_kept() {
        let cut = unpack(&ParrotPlf, &IMAGE[..IMAGE.len() - 60]);
        assert!(cut.problems.iter().any(|(code, _)| *code == Code::Truncated), "{:?}", cut.problems);
        survives_damage(&ParrotPlf, IMAGE);
        assert_eq!(carve(&ParrotPlf, b"PLF! is the magic of firmware for drones, and this is only a text about one", 0), None);
    }
}
