//! Packages of apk-tools 3, as OpenWrt 25 and Alpine have them: a tree of what they hold, signatures, files.

use sha2::{Digest, Sha256};

use self::adb::{Adb, Value};
use crate::blob::{Blob, Bytes, Endian, Span, to_u64};
use crate::format::unix::inodes::device_numbers;
use crate::format::{Attributes, Carved, Children, EntryKind, Format, Kind, Magic, Spec, entry_path, path_text};
use crate::limits::{Budget, Effort};
use crate::problem::{Fault, Rejected};

mod adb;
mod packed;

pub(super) use packed::AdbPacked;

/// A package.
#[derive(Debug)]
pub(super) struct Apk;

static SPEC: Spec = Spec {
    id: "apk-v3",
    name: "package of apk-tools 3 (ADB)",
    kind: Kind::Archive,
    magics: &[Magic::anywhere(b"ADB.pckg")],
    leaf: false,
    references: &[
        "https://gitlab.alpinelinux.org/alpine/apk-tools/-/blob/master/doc/apk-v3.5.scd",
        "https://github.com/alpinelinux/apk-tools",
    ],
    limitations: &[
        "signatures are handed over, not verified; the hashes of files are, where they are SHA-256",
        "extended attributes",
        "owners, which are names",
        "indexes and databases of what is installed",
    ],
};

/// Magic and what kind of tree follows.
const HEADER: u64 = 8;

/// Bytes of work that an entry of the tree is worth, beside its texts: many entries may have the same ones.
const ENTRY: u64 = 256;

/// Scripts in the order of the tree.
const SCRIPTS: [&str; 7] = ["trigger", "pre-install", "post-install", "pre-deinstall", "post-deinstall", "pre-upgrade", "post-upgrade"];

/// A block: u32, whose two highest bits say what it is (0 tree, 1 signature, 2 file) and the others how many bytes it has with this word;
/// or 3, then the others say what it is, and u64 at 8 how many bytes. Blocks begin at multiples of eight.
struct Block {
    kind: u32,
    content: Span,
    next: u64,
}

impl Block {
    fn read(bytes: Bytes<'_>, at: u64) -> Option<Self> {
        let word = bytes.u32(at, Endian::Little).ok()?;
        let (kind, header, length) = match word >> 30 {
            3 => (word & 0x3fff_ffff, 16, bytes.u64(at.saturating_add(8), Endian::Little).ok()?),
            kind => (kind, 4, u64::from(word & 0x3fff_ffff)),
        };
        let content = Span::between(at.saturating_add(header), at.saturating_add(length));
        // Blocks stand at multiples of eight from the end of the header, which has eight bytes.
        let next = content.end().checked_next_multiple_of(8)?;
        // A file says to which entry of the tree it belongs, counted from 1 on: what stands behind a package hardly does.
        let number = |at: u64| bytes.u32(content.start.saturating_add(at), Endian::Little).unwrap_or(0);
        let numbered = kind != 2 || [0, 4].map(number).iter().all(|number| (1..=0xf_ffff).contains(number));
        (kind < 3 && length > header && numbered).then_some(Self { kind, content, next })
    }

    /// All blocks, as long as they come in their order.
    fn all(bytes: Bytes<'_>) -> impl Iterator<Item = Self> {
        let (mut at, mut kind) = (HEADER, 0);
        std::iter::from_fn(move || {
            let block = Self::read(bytes, at).filter(|block| if at == HEADER { block.kind == 0 } else { block.kind >= kind.max(1) })?;
            (at, kind) = (block.next, block.kind);
            Some(block)
        })
    }
}

impl Format for Apk {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let bytes = Bytes(blob.bytes().tail(start));
        let first = Block::read(bytes, HEADER).filter(|block| block.kind == 0).ok_or(Rejected("no tree"))?;
        if Adb::new(bytes, first.content).root().is_none() {
            return Err(Rejected("the root of the tree"));
        }
        let end = Block::all(bytes).last().map_or(first.next, |block| block.next);
        Ok(Carved::new(end, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        let tree = Block::read(bytes, HEADER).ok_or_else(|| Fault::corrupt("apk: no tree"))?;
        let adb = Adb::new(bytes, tree.content);
        let root = adb.root().ok_or_else(|| Fault::corrupt("apk: no root"))?;
        let info = adb.slots(root.slot(&adb, 1));
        for (key, index) in [("header.name", 1), ("header.version", 2), ("header.vendor", 8)] {
            let text = info.as_ref().and_then(|info| adb.blob(info.slot(&adb, index)));
            if let Some((span, text)) = text.filter(|(_, text)| !text.is_empty()) {
                children.fact(key, text, span);
            }
        }
        let mut effort = Effort::new(children.budget(), blob.len());
        let mut waiting = entries(&adb, root.slot(&adb, 2), children, &mut effort)?;
        scripts(&adb, root.slot(&adb, 3), children)?;
        for block in Block::all(bytes).skip(1) {
            if block.kind == 1 {
                children.span("[signature]", block.content, Attributes::default())?;
                continue;
            }
            let number = |at: u64| bytes.u32(block.content.start.saturating_add(at), Endian::Little);
            let (Ok(path), Ok(index)) = (number(0), number(4)) else { break };
            let span = Span::between(block.content.start.saturating_add(8), block.content.end());
            match waiting.remove(&(path, index)) {
                Some(file) => hand_out(file, bytes, span, children)?,
                None => children.span(format!("at-{:#x}", span.start), span, Attributes::default())?,
            }
        }
        for file in waiting.into_values() {
            let fault = (file.size > 0).then(|| Fault::Truncated(format!("0 of {} bytes are there", file.size)));
            children.made_with(file.path, children.output(), file.attributes, fault.as_ref())?;
        }
        Ok(())
    }
}

/// A file whose bytes come later.
struct File {
    path: String,
    attributes: Attributes,
    size: u64,
    hash: Option<[u8; 32]>,
}

type Waiting = std::collections::BTreeMap<(u32, u32), File>;

fn hand_out(file: File, bytes: Bytes<'_>, span: Span, children: &mut Children<'_>) -> Result<(), Fault> {
    let differs = |content: &&[u8]| file.hash.is_some_and(|hash| Sha256::digest(content).as_slice() != hash);
    if let Some(content) = bytes.get(span.start, span.length).ok().filter(differs) {
        let message = format!("the hash of {:?} does not fit its {} bytes", file.path, content.len());
        children.problem(&Fault::Checksum(message), Some(span.start));
    }
    Ok(children.span(file.path, span, file.attributes)?)
}

/// Folders and links are told at once, files are returned by the number of their folder and their own, from 1 on.
///
/// A folder: 1 name, 2 rights, 3 files. A file: 1 name, 2 rights, 3 size, 4 time, 5 hash, 6 what it is if it is no file. Rights: 1 mode.
fn entries(adb: &Adb<'_>, paths: Value, children: &mut Children<'_>, effort: &mut Effort<'_>) -> Result<Waiting, Fault> {
    let mut waiting = Waiting::new();
    let Some(folders) = adb.slots(paths) else { return Ok(waiting) };
    let mode = |rights: Value| adb.slots(rights).and_then(|rights| u32::try_from(adb.number(rights.slot(adb, 1))).ok());
    for place in 1..folders.count {
        let folder = adb.slots(folders.slot(adb, place));
        let name = folder.as_ref().map(|folder| adb.text(folder.slot(adb, 1))).unwrap_or_default();
        effort.spend(cost(&[name]))?;
        let Some(folder) = folder else { continue };
        if !name.is_empty() {
            let attributes = Attributes { mode: mode(folder.slot(adb, 2)), ..Attributes::default() };
            children.entry(entry_path(name), EntryKind::Directory, attributes);
        }
        let Some(files) = adb.slots(folder.slot(adb, 3)) else { continue };
        for index in 1..files.count {
            let file = adb.slots(files.slot(adb, index));
            let text = |slot: u32| file.as_ref().map(|file| adb.text(file.slot(adb, slot))).unwrap_or_default();
            let (own, hash, target) = (text(1), text(5), text(6));
            effort.spend(cost(&[name, own, hash, target]))?;
            let Some(file) = file else { continue };
            let path = if name.is_empty() { entry_path(own) } else { entry_path(&[name, b"/", own].concat()) };
            let modified = i64::try_from(adb.number(file.slot(adb, 4))).ok().filter(|time| *time > 0);
            let attributes = Attributes { mode: mode(file.slot(adb, 2)), modified, ..Attributes::default() };
            if let Some(kind) = special(target) {
                children.entry(path, kind, attributes);
                continue;
            }
            let (size, hash) = (adb.number(file.slot(adb, 3)), <[u8; 32]>::try_from(hash).ok());
            waiting.insert((place, index), File { path, attributes, size, hash });
        }
    }
    Ok(waiting)
}

/// What an entry with these texts costs.
fn cost(texts: &[&[u8]]) -> u64 {
    texts.iter().fold(ENTRY, |cost, text| cost.saturating_add(to_u64(text.len())))
}

/// What an entry is that has a target: u16 the type of `st_mode`, then the path, or the number of a device as Linux counts it u64.
fn special(target: &[u8]) -> Option<EntryKind> {
    let kind = Bytes(target).u16(0, Endian::Little).ok()?;
    let path = || path_text(Bytes(target).tail(2));
    let (major, minor) = device_numbers(Bytes(target).u32(2, Endian::Little).unwrap_or(0));
    match kind & 0o170_000 {
        0o120_000 => Some(EntryKind::Symlink(path())),
        0o100_000 => Some(EntryKind::HardLink(path())),
        0o020_000 => Some(EntryKind::CharacterDevice(major, minor)),
        0o060_000 => Some(EntryKind::BlockDevice(major, minor)),
        0o010_000 => Some(EntryKind::Fifo),
        _ => None,
    }
}

fn scripts(adb: &Adb<'_>, value: Value, children: &mut Children<'_>) -> Result<(), Fault> {
    let Some(scripts) = adb.slots(value) else { return Ok(()) };
    for (index, name) in (1..).zip(SCRIPTS) {
        if let Some((span, _)) = adb.blob(scripts.slot(adb, index)).filter(|(_, text)| to_u64(text.len()) > 0) {
            children.span(format!("[scripts]/{name}"), span, Attributes::default())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, try_unpack_at, unpack, unpack_at};
    use crate::problem::Code;

    const STORY: &[u8] = include_bytes!("../../../fixtures/content/tree/story.txt");
    const PACKED: &[u8] = include_bytes!("../../../fixtures/adb-compressed/example.apk");
    const ZSTD: &[u8] = include_bytes!("../../../fixtures/adb-compressed/zstd.apk");
    const PLAIN: &[u8] = include_bytes!("../../../fixtures/apk-v3/plain.apk");

    #[test]
    fn files_links_and_scripts_of_a_package() {
        for packed in [PACKED, ZSTD] {
            let junk = [b"junk".as_slice(), packed, b"more of it"].concat();
            assert_eq!(carve(&AdbPacked, &junk, 4), Some(packed.len() as u64));
            assert!(unpack_at(&AdbPacked, &junk, 4).files[0].1 == PLAIN);
        }
        let junk = [vec![7; 9], PLAIN.to_vec(), vec![0xff; 20]].concat();
        assert_eq!(carve(&Apk, &junk, 9), Some(PLAIN.len() as u64));
        let unpacked = unpack_at(&Apk, &junk, 9);
        assert_eq!(unpacked.problems, []);
        assert!(unpacked.file("opt/story.txt") == STORY);
        assert!(unpacked.file("[scripts]/post-install").starts_with(b"#!/bin/sh"));
        let link = unpacked.entries.iter().find(|entry| entry.path == "usr/bin/sh").unwrap();
        assert_eq!(link.kind, EntryKind::Symlink("tool".to_owned()));
        assert_eq!(unpacked.fact("header.name").as_deref(), Some("example-gateway"));
        survives_damage(&Apk, PLAIN);
        survives_damage(&AdbPacked, PACKED);
    }

    /// A package of one folder with `count` files, all of which have the same name of `length` bytes.
    fn alike(count: u32, length: u32) -> Vec<u8> {
        let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
        let object = |slots: &[u32]| words(&[&[u32::try_from(slots.len()).unwrap() + 1], slots].concat());
        let mut tree = words(&[0, 0]);
        let mut put = |bytes: &[u8]| {
            let place = u32::try_from(tree.len()).unwrap();
            tree.extend_from_slice(bytes);
            place
        };
        let name = 0xa000_0000 | put(&[words(&[length]), vec![b'n'; usize::try_from(length).unwrap()]].concat());
        let file = 0xe000_0000 | put(&object(&[name]));
        let files = 0xd000_0000 | put(&object(&vec![file; usize::try_from(count).unwrap()]));
        let folder = 0xe000_0000 | put(&object(&[0, 0, files]));
        let folders = 0xd000_0000 | put(&object(&[folder]));
        let root = 0xe000_0000 | put(&object(&[0, folders]));
        tree[4..8].copy_from_slice(&root.to_le_bytes());
        [b"ADB.pckg".to_vec(), words(&[u32::try_from(tree.len()).unwrap() + 4]), tree].concat()
    }

    #[test]
    fn one_long_name_for_many_files_is_paid_for() {
        assert_eq!(unpack(&Apk, &alike(3, 9)).names(), ["nnnnnnnnn"; 3]);
        assert_eq!(unpack(&Apk, &alike(20_000, 200_000)).problems[0].0, Code::Limit);
    }

    #[test]
    fn damage_is_told() {
        let mut copy = PLAIN.to_vec();
        let at = copy.windows(STORY.len()).position(|window| window == STORY).unwrap();
        copy[at] ^= 1;
        assert_eq!(unpack(&Apk, &copy).problems[0].0, Code::Checksum);
        let cut = unpack(&Apk, &PLAIN[..at + 100]);
        assert_eq!(cut.problems[0].0, Code::Truncated);
        assert!(cut.file("opt/story.txt") == &STORY[..100]);
        for text in [b"ADB.pckg is the magic of apk".repeat(9), b"ADBd and ADBc are the packed ones".repeat(9)] {
            assert!(try_unpack_at(&Apk, &text, 0).is_none() && try_unpack_at(&AdbPacked, &text, 0).is_none());
        }
    }
}
