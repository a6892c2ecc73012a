//! romfs: the smallest of read-only file systems, not compressed.

use std::collections::{BTreeMap, BTreeSet};

use crate::blob::{Blob, Bytes, Endian, Span, to_u64};
use crate::format::{Attributes, Carved, Children, EntryKind, Format, Kind, Magic, Spec, path_text};
use crate::limits::{Budget, Exceeded};
use crate::problem::{Fault, Rejected};

/// romfs.
#[derive(Debug)]
pub(super) struct Romfs;

static SPEC: Spec = Spec {
    id: "romfs",
    name: "romfs",
    kind: Kind::FileSystem,
    magics: &[Magic::anywhere(b"-rom1fs-")],
    leaf: false,
    references: &["https://docs.kernel.org/filesystems/romfs.html"],
    limitations: &[],
};

/// Longest name, its NUL included, that is looked for.
const LONGEST_NAME: u64 = 256;

/// Longest path that any system opens. Bounds the depth of folders, too.
const LONGEST_PATH: usize = 4096;

/// Bytes that the checksum of the image covers, if there are as many.
const CHECKED: u64 = 512;

/// The beginning of an image. Numbers are big endian, and everything starts at a multiple of 16.
///
/// ```text
///  0 u8[8] "-rom1fs-"    8 u32 full size    12 u32 checksum of the first 512 bytes    16 volume name, NUL, padding
/// ```
struct Image<'a> {
    bytes: Bytes<'a>,
    size: u64,
    /// Where the header of the uppermost folder is.
    root: u64,
}

impl<'a> Image<'a> {
    fn read(bytes: Bytes<'a>) -> Result<Self, Rejected> {
        if !bytes.has(0, b"-rom1fs-") {
            return Err(Rejected("magic"));
        }
        let size = u64::from(bytes.u32(8, Endian::Big)?);
        let name = name_length(bytes, 16).ok_or(Rejected("volume name"))?;
        let root = padded(name.saturating_add(16));
        if size < root.saturating_add(HEADER_SIZE) {
            return Err(Rejected("size"));
        }
        if sum(bytes.get(0, size.min(CHECKED))?) != 0 {
            return Err(Rejected("checksum"));
        }
        Ok(Self { bytes: Bytes(bytes.up_to(0, size)), size, root })
    }

    /// The header at `at`.
    fn header(&self, at: u64) -> Result<Header, Fault> {
        let word = |offset: u64| self.bytes.u32(at.saturating_add(offset), Endian::Big);
        let (next, info, size) = (word(0)?, word(4)?, word(8)?);
        let name_at = at.saturating_add(HEADER_SIZE);
        let length = name_length(self.bytes, name_at).ok_or_else(|| Fault::corrupt("a name without end"))?;
        let data = padded(name_at.saturating_add(length));
        Ok(Header {
            at,
            next: (next & !0xf).into(),
            kind: next & 7,
            executable: next & 8 != 0,
            info,
            data: Span::new(data, size.into()),
            name: path_text(self.bytes.text(name_at, length)?),
            sound: self.bytes.part(Span::between(at, data)).is_ok_and(|header| sum(header.0) == 0),
        })
    }
}

/// Bytes of a header without its name.
const HEADER_SIZE: u64 = 16;

/// What stands in front of each file.
///
/// ```text
///  0 u32 next header, in the lower four bits the type    4 u32 info    8 u32 size    12 u32 checksum    16 name, NUL, padding
/// ```
struct Header {
    at: u64,
    /// The next one in the same folder; 0 for none.
    next: u64,
    kind: u32,
    executable: bool,
    /// Of a hard link the header that it means, of a folder the first header in it, of a device its number.
    info: u32,
    data: Span,
    name: String,
    /// Whether the checksum fits.
    sound: bool,
}

impl Header {
    /// The mode that Linux shows: the image has one bit of it.
    fn mode(&self) -> u32 {
        let mode = match self.kind {
            1 => 0o040_644,
            2 => 0o100_644,
            3 => 0o120_777,
            4 => 0o060_600,
            5 => 0o020_600,
            6 => 0o140_644,
            _ => 0o010_644,
        };
        if self.executable { mode | 0o111 } else { mode }
    }
}

impl Format for Romfs {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let image = Image::read(Bytes(blob.bytes().tail(start)))?;
        Ok(Carved::new(image.size, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let image = Image::read(blob.bytes()).map_err(|rejected| Fault::corrupt(rejected.0))?;
        let size = image.size;
        let first = image.header(image.root)?.info;
        let mut tree = Tree { image, children, seen: BTreeSet::new(), paths: BTreeMap::new(), links: Vec::new() };
        tree.walk(first)?;
        tree.hard_links();
        if size > blob.len() {
            return Err(Fault::Truncated(format!("{} of {size} bytes are there", blob.len())));
        }
        Ok(())
    }
}

struct Tree<'a, 'c, 'w> {
    image: Image<'a>,
    children: &'c mut Children<'w>,
    /// Headers that were read: one that comes twice is part of a loop.
    seen: BTreeSet<u64>,
    /// What is at the headers that hard links may mean.
    paths: BTreeMap<u64, String>,
    /// Hard links, and the header that each means. It may come later.
    links: Vec<(String, Header)>,
}

impl Tree<'_, '_, '_> {
    /// Everything below the uppermost folder, whose first header is at `first`.
    fn walk(&mut self, first: u32) -> Result<(), Exceeded> {
        let mut levels = vec![(String::new(), u64::from(first & !0xf))];
        while let Some((folder, at)) = levels.pop() {
            self.children.budget().check()?;
            if at == 0 {
                continue;
            }
            let header = match self.image.header(at) {
                Ok(header) if self.seen.insert(at) => header,
                Ok(_) => {
                    self.children.problem(&Fault::corrupt(format!("{folder:?} comes to a header of another folder")), Some(at));
                    continue;
                }
                Err(fault) => {
                    self.children.problem(&fault, Some(at));
                    continue;
                }
            };
            levels.push((folder, header.next));
            levels.extend(self.visit(header, levels.last().map(|(folder, _)| folder.as_str()).unwrap_or_default())?);
        }
        Ok(())
    }

    /// Hands over what is at `header`; if it is a folder, its path and first header.
    fn visit(&mut self, header: Header, folder: &str) -> Result<Option<(String, u64)>, Exceeded> {
        if matches!(header.name.as_str(), "." | "..") {
            return Ok(None);
        }
        let path = if folder.is_empty() { header.name.clone() } else { format!("{folder}/{}", header.name) };
        if header.name.is_empty() || path.len() > LONGEST_PATH {
            self.children.problem(&Fault::corrupt("a file without name, or a path without end"), Some(header.at));
            return Ok(None);
        }
        if !header.sound {
            self.children.problem(&Fault::Checksum(format!("the header of {path:?} does not fit its checksum")), Some(header.at));
        }
        if header.kind != 0 {
            self.paths.insert(header.at, path.clone());
        }
        self.hand_over(path, header)
    }

    fn hand_over(&mut self, path: String, header: Header) -> Result<Option<(String, u64)>, Exceeded> {
        let attributes = Attributes { mode: Some(header.mode()), ..Attributes::default() };
        let (major, minor) = (header.info >> 16, header.info & 0xffff);
        let kind = match header.kind {
            0 => {
                self.links.push((path, header));
                return Ok(None);
            }
            2 => {
                self.children.span(path, header.data, attributes)?;
                return Ok(None);
            }
            1 => EntryKind::Directory,
            3 => {
                let target = self.image.bytes.up_to(header.data.start, header.data.length);
                if to_u64(target.len()) < header.data.length {
                    self.children.problem(&Fault::Truncated(format!("the target of {path:?} is cut off")), Some(header.at));
                }
                EntryKind::Symlink(path_text(target))
            }
            4 => EntryKind::BlockDevice(major, minor),
            5 => EntryKind::CharacterDevice(major, minor),
            6 => EntryKind::Socket,
            _ => EntryKind::Fifo,
        };
        let below = (kind == EntryKind::Directory).then(|| (path.clone(), u64::from(header.info & !0xf)));
        self.children.entry(path, kind, attributes);
        Ok(below)
    }

    fn hard_links(&mut self) {
        for (path, header) in std::mem::take(&mut self.links) {
            match self.paths.get(&u64::from(header.info & !0xf)) {
                Some(target) => self.children.entry(path, EntryKind::HardLink(target.clone()), Attributes::default()),
                None => {
                    let fault = Fault::corrupt(format!("{path:?} is a link to {:#x}, where no file is", header.info));
                    self.children.problem(&fault, Some(header.at));
                }
            }
        }
    }
}

/// Bytes of the name at `at`, its NUL included.
fn name_length(bytes: Bytes<'_>, at: u64) -> Option<u64> {
    let nul = bytes.up_to(at, LONGEST_NAME).iter().position(|byte| *byte == 0)?;
    Some(to_u64(nul).saturating_add(1))
}

/// The next multiple of 16.
fn padded(at: u64) -> u64 {
    at.saturating_add(15) & !15
}

/// The sum of all words: 0 if a checksum among them fits.
fn sum(bytes: &[u8]) -> u32 {
    let words = bytes.chunks(4).map(|word| Bytes(word).u32(0, Endian::Big).unwrap_or(0));
    words.fold(0, u32::wrapping_add)
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::Command;

    use super::*;
    use crate::format::testing::{carve, survives_damage, tool, tree, unpack, unpack_at};
    use crate::problem::Code;

    fn image_of(root: &Path, options: &[&str]) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let image = folder.path().join("image");
        tool(Command::new("genromfs").arg("-d").arg(root).arg("-f").arg(&image).args(options));
        std::fs::read(image).unwrap()
    }

    fn sample(options: &[&str]) -> (tempfile::TempDir, Vec<u8>) {
        let folder = tempfile::tempdir().unwrap();
        tree::plant(folder.path());
        std::fs::hard_link(folder.path().join("bin/busybox"), folder.path().join("bin/zcat")).unwrap();
        let image = image_of(folder.path(), options);
        (folder, image)
    }

    #[test]
    fn images_hold_what_was_put_in() {
        if crate::testing::lacking(&["genromfs"]) {
            return;
        }
        for options in [[].as_slice(), &["-V", "a volume with a name"], &["-a", "4096"]] {
            let (folder, image) = sample(options);
            let unpacked = unpack(&Romfs, &image);
            assert_eq!(unpacked.problems, []);
            tree::assert_same(&unpacked, folder.path());
            assert_eq!(tree::kind(&unpacked, "bin/sh"), Some(EntryKind::Symlink("busybox".to_owned())));
            assert_eq!(tree::kind(&unpacked, "proc"), Some(EntryKind::Directory));
            let links = unpacked.entries.iter().filter(|entry| matches!(entry.kind, EntryKind::HardLink(_))).count();
            assert_eq!(links, 1);
        }
    }

    #[test]
    fn devices_and_modes() {
        if crate::testing::lacking(&["genromfs"]) {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        for (name, numbers) in [("console", ["c", "5", "1"]), ("disk", ["b", "8", "17"])] {
            tool(Command::new("mknod").arg(folder.path().join(name)).args(numbers));
        }
        tool(Command::new("mkfifo").arg(folder.path().join("queue")));
        tool(Command::new("mkdir").arg(folder.path().join("dir")));
        let unpacked = unpack(&Romfs, &image_of(folder.path(), &[]));
        assert_eq!(unpacked.problems, []);
        assert_eq!(tree::kind(&unpacked, "console"), Some(EntryKind::CharacterDevice(5, 1)));
        assert_eq!(tree::kind(&unpacked, "disk"), Some(EntryKind::BlockDevice(8, 17)));
        assert_eq!(tree::kind(&unpacked, "queue"), Some(EntryKind::Fifo));
        let folder = unpacked.entries.iter().find(|entry| entry.path == "dir").unwrap();
        assert_eq!(folder.attributes.mode, Some(0o040_755));
    }

    #[test]
    fn the_end_is_what_the_header_says() {
        if crate::testing::lacking(&["genromfs"]) {
            return;
        }
        let (folder, image) = sample(&[]);
        let size = u32::from_be_bytes(image[8..12].try_into().unwrap());
        let among = [vec![0x5a; 700], image, tree::noise(5000)].concat();
        assert_eq!(carve(&Romfs, &among, 700), Some(size.into()));
        tree::assert_same(&unpack_at(&Romfs, &among, 700), folder.path());
    }

    #[test]
    fn what_only_looks_like_one_is_refused() {
        if crate::testing::lacking(&["genromfs"]) {
            return;
        }
        assert_eq!(carve(&Romfs, b"-rom1fs-", 0), None);
        assert_eq!(carve(&Romfs, &[b"-rom1fs-".as_slice(), &tree::noise(4096)].concat(), 0), None);
        let (_, mut image) = sample(&[]);
        image[100] ^= 1;
        assert_eq!(carve(&Romfs, &image, 0), None, "the checksum covers the first 512 bytes");
    }

    #[test]
    fn a_truncated_image_gives_what_is_left_of_it() {
        if crate::testing::lacking(&["genromfs"]) {
            return;
        }
        let (folder, image) = sample(&[]);
        let unpacked = unpack(&Romfs, &image[..image.len() / 2]);
        assert!(unpacked.problems.iter().any(|(code, _)| *code == Code::Truncated));
        let expected = tree::files(folder.path());
        assert!(!unpacked.files.is_empty());
        assert!(unpacked.files.iter().all(|(name, bytes)| expected[name].starts_with(bytes)));
    }

    #[test]
    fn a_damaged_header_is_told_and_a_loop_comes_to_an_end() {
        if crate::testing::lacking(&["genromfs"]) {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("folder")).unwrap();
        std::fs::write(folder.path().join("folder/name-of-file"), "text".repeat(200)).unwrap();
        let mut image = image_of(folder.path(), &[]);
        let header = image.windows(8).position(|bytes| bytes == b"name-of-").unwrap() - 16;
        let folder = image.windows(8).position(|bytes| bytes == b"folder\0\0").unwrap() - 16;
        image[header + 16] ^= 0x20;
        image[header..header + 4].copy_from_slice(&(u32::try_from(folder).unwrap() | 2).to_be_bytes());
        let fix = sum(&image[..512]).wrapping_neg();
        let checksum = u32::from_be_bytes(image[12..16].try_into().unwrap()).wrapping_add(fix);
        image[12..16].copy_from_slice(&checksum.to_be_bytes());
        let unpacked = unpack(&Romfs, &image);
        assert_eq!(unpacked.names(), ["folder/Name-of-file"]);
        let codes: Vec<_> = unpacked.problems.iter().map(|(code, _)| *code).collect();
        assert_eq!(codes, [Code::Checksum, Code::Corrupt], "{:?}", unpacked.problems);
    }

    #[test]
    fn damage_is_survived() {
        if crate::testing::lacking(&["genromfs"]) {
            return;
        }
        survives_damage(&Romfs, &sample(&[]).1);
    }
}
