//! The image file system of QNX Neutrino: what its computers boot with.

use crate::blob::{Blob, Bytes, Endian, Span, to_u64};
use crate::format::{Attributes, Carved, Children, EntryKind, Format, Kind, Magic, Spec, entry_path, path_text};
use crate::limits::{Budget, Exceeded};
use crate::problem::{Fault, Rejected};

/// QNX image file system.
#[derive(Debug)]
pub(super) struct QnxIfs;

static SPEC: Spec = Spec {
    id: "qnx-ifs",
    name: "QNX image file system",
    kind: Kind::FileSystem,
    magics: &[Magic::anywhere(b"imagefs")],
    leaf: false,
    references: &[
        "https://www.qnx.com/developers/docs/7.1/com.qnx.doc.neutrino.utilities/topic/m/mkifs.html",
        "https://github.com/askac/dumpifs/blob/master/sys/image.h",
    ],
    limitations: &["boot scripts are handed over as mkifs compiled them"],
};

/// Bytes of the header up to the path where it is mounted.
const HEADER: u64 = 88;

impl Format for QnxIfs {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let header = Header::read(Bytes(blob.bytes().tail(start)))?;
        Ok(Carved::new(header.size, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let image = blob.bytes();
        let header = Header::read(image).map_err(|rejected| Fault::corrupt(rejected.0))?;
        if let Ok(whole) = image.get(0, header.size) {
            let words = whole.chunks_exact(4).map(|word| Bytes(word).u32(0, header.endian).unwrap_or(0));
            let sum = words.fold(0, u32::wrapping_add);
            if sum != 0 {
                let message = format!("all words of the image and its checksum should add up to 0, not {sum:#010x}");
                children.problem(&Fault::Checksum(message), Some(header.size.saturating_sub(4)));
            }
        }
        let mut at = header.directory;
        while at < header.end {
            let Ok(length @ 1..) = image.u16(at, header.endian) else { break };
            let entry = Bytes(image.up_to(at, length.into()));
            if header.entry(entry, at, children)?.is_none() {
                children.problem(&Fault::corrupt("an entry of the directory is broken"), Some(at));
                if length < 24 {
                    break;
                }
            }
            at = at.saturating_add(length.into());
        }
        if header.size > image.len() {
            return Err(Fault::Truncated(format!("{} of {} bytes are there", image.len(), header.size)));
        }
        Ok(())
    }
}

/// The header:
///
/// ```text
///  0 "imagefs"   7 flags u8 (1: big endian, 2: read-only)   8 bytes of all u32   12 bytes up to the end of the directory u32
/// 16 where the directory begins u32   20 programs that run at boot[4] u32   36 script u32   84 mode of the root u32   88 path
/// ```
struct Header {
    endian: Endian,
    size: u64,
    end: u64,
    directory: u64,
}

impl Header {
    fn read(bytes: Bytes<'_>) -> Result<Self, Rejected> {
        let flags = bytes.u8(7)?;
        let endian = if flags & 1 == 0 { Endian::Little } else { Endian::Big };
        let word = |at| bytes.u32(at, endian).map(u64::from);
        let header = Self { endian, size: word(8)?, end: word(12)?, directory: word(16)? };
        if !bytes.has(0, b"imagefs") || flags & 0xe0 != 0 || header.directory < HEADER || header.directory & 3 != 0 {
            return Err(Rejected("magic or flags"));
        }
        if header.end <= header.directory || header.end > header.size || header.size > 1 << 31 {
            return Err(Rejected("sizes of the header"));
        }
        let first = bytes.u16(header.directory, endian)?;
        let kind = bytes.u32(header.directory.saturating_add(8), endian)? & 0o170_000;
        let known = matches!(kind, 0o010_000 | 0o020_000 | 0o040_000 | 0o060_000 | 0o100_000 | 0o120_000);
        if first != 0 && (first < 24 || first & 3 != 0 || !known) {
            return Err(Rejected("the first entry of the directory"));
        }
        Ok(header)
    }

    /// Hands over what an entry of the directory says, if it says something:
    ///
    /// ```text
    /// 0 bytes of it u16   2 more attributes u16   4 inode u32   8 mode u32   12 group u32   16 owner u32   20 time u32
    /// file: 24 where its bytes stand u32, 28 bytes u32, 32 path     folder: 24 path
    /// link: 24 where the target stands in what follows u16, 26 its bytes u16, 28 path     device: 24, 28 numbers u32, 32 path
    /// ```
    fn entry(&self, entry: Bytes<'_>, at: u64, children: &mut Children<'_>) -> Result<Option<()>, Exceeded> {
        let Some((mode, attributes)) = self.attributes(entry) else { return Ok(None) };
        let (half, word) = (|at| entry.u16(at, self.endian).map(u64::from), |at| entry.u32(at, self.endian));
        let path = |at: u64| entry.text(at, entry.len().saturating_sub(at)).map(entry_path).unwrap_or_default();
        let (kind, path) = match mode & 0o170_000 {
            0o100_000 => {
                let (Ok(start), Ok(length)) = (word(24), word(28)) else { return Ok(None) };
                children.span(path(32), Span::new(start.into(), length.into()), attributes)?;
                return Ok(Some(()));
            }
            0o040_000 => (EntryKind::Directory, path(24)),
            0o120_000 => {
                let (Ok(place), Ok(length)) = (half(24), half(26)) else { return Ok(None) };
                let target = entry.up_to(place.saturating_add(28), length);
                if to_u64(target.len()) < length {
                    return Ok(None);
                }
                let target = Bytes(target).text(0, length).unwrap_or_default();
                (EntryKind::Symlink(path_text(target)), path(28))
            }
            0o010_000 => (EntryKind::Fifo, path(32)),
            0o020_000 | 0o060_000 => {
                // Ten bits for the minor number, six for the major one above.
                let number = word(28).unwrap_or(0);
                let (major, minor) = (number >> 10 & 0x3f, number & 0x3ff);
                let block = mode & 0o170_000 == 0o060_000;
                (if block { EntryKind::BlockDevice(major, minor) } else { EntryKind::CharacterDevice(major, minor) }, path(32))
            }
            _ => {
                children.problem(&Fault::unsupported(format!("an entry has the mode {mode:#o}")), Some(at));
                return Ok(Some(()));
            }
        };
        // The first entry is the root.
        if !path.is_empty() {
            children.entry(path, kind, attributes);
        }
        Ok(Some(()))
    }

    fn attributes(&self, entry: Bytes<'_>) -> Option<(u32, Attributes)> {
        let word = |at| entry.u32(at, self.endian).ok();
        let mode = word(8)?;
        let attributes = Attributes { mode: Some(mode), uid: word(16), gid: word(12), modified: word(20).map(i64::from) };
        Some((mode, attributes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, tree, unpack, unpack_at};
    use crate::problem::Code;

    const IMAGE: &[u8] = include_bytes!("../../../fixtures/qnx-ifs/tree.imagefs");
    const STORY: &[u8] = include_bytes!("../../../fixtures/content/tree/story.txt");

    #[test]
    fn files_links_and_folders_come_out() {
        let junk = [vec![7; 99], IMAGE.to_vec(), vec![0; 99]].concat();
        assert_eq!(carve(&QnxIfs, &junk, 99), Some(IMAGE.len() as u64));
        let unpacked = unpack_at(&QnxIfs, &junk, 99);
        assert_eq!(unpacked.problems, []);
        assert_eq!(unpacked.file("story.txt"), STORY);
        assert!(unpacked.file("bin/tool").starts_with(b"\x7fELF"));
        assert_eq!(tree::kind(&unpacked, "bin/sh"), Some(EntryKind::Symlink("tool".to_owned())));
        assert_eq!(tree::kind(&unpacked, "empty-folder"), Some(EntryKind::Directory));
        let big = unpack(&QnxIfs, include_bytes!("../../../fixtures/qnx-ifs/big-endian.imagefs"));
        assert_eq!((big.files, big.problems), (unpacked.files, vec![]));
        survives_damage(&QnxIfs, IMAGE);
    }

    #[test]
    fn damage_is_told() {
        let mut image = IMAGE.to_vec();
        let at = image.windows(20).position(|bytes| bytes == &STORY[..20]).unwrap();
        image[at] ^= 1;
        assert_eq!(unpack(&QnxIfs, &image).problems.iter().map(|(code, _)| *code).collect::<Vec<_>>(), [Code::Checksum]);
        let cut = unpack(&QnxIfs, &IMAGE[..at + 100]);
        assert!(cut.problems.iter().all(|(code, _)| *code == Code::Truncated) && !cut.problems.is_empty());
        assert_eq!(carve(&QnxIfs, &b"the imagefs is where it boots from. ".repeat(20), 4), None);
    }
}
