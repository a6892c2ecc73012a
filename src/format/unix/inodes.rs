//! What file systems of Unix have in common: inodes with numbers, folders that name them, and how all of that is handed over.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use crate::blob::{Span, to_u64};
use crate::format::{Attributes, Children, EntryKind, part_text, path_text};
use crate::limits::{Effort, Exceeded, Output};
use crate::problem::Fault;

/// Longest path that any system opens. Bounds the depth of folders, too.
const LONGEST_PATH: usize = 4096;

/// Longest target of a link that any system follows.
const LONGEST_TARGET: u64 = 4096;

/// How often the bytes of an image may be handed over as they stand: deduplicated images share some, hostile ones all.
const SHARING: u64 = 16;

/// The bits of `st_mode` that say what something is, and their values.
const FORMAT: u32 = 0o170_000;
const SOCKET: u32 = 0o140_000;
const LINK: u32 = 0o120_000;
const FILE: u32 = 0o100_000;
const BLOCK: u32 = 0o060_000;
const FOLDER: u32 = 0o040_000;
const CHARACTER: u32 = 0o020_000;
const FIFO: u32 = 0o010_000;

/// An inode, with what else a file system must know of it.
#[derive(Debug, Clone)]
pub(in crate::format) struct Inode<D> {
    /// Where it stands.
    pub(in crate::format) at: u64,
    /// Type and permissions as in `st_mode`.
    pub(in crate::format) mode: u32,
    /// Bytes of its content.
    pub(in crate::format) size: u64,
    /// Major and minor number, if it is a device.
    pub(in crate::format) device: (u32, u32),
    /// Owner.
    pub(in crate::format) uid: u32,
    /// Group.
    pub(in crate::format) gid: u32,
    /// Last change, seconds since 1970, if it is kept.
    pub(in crate::format) modified: Option<i64>,
    /// What the file system needs to find the content.
    pub(in crate::format) detail: D,
}

impl<D> Inode<D> {
    fn is(&self, format: u32) -> bool {
        self.mode & FORMAT == format
    }

    /// Whether it is a folder.
    pub(in crate::format) fn is_folder(&self) -> bool {
        self.is(FOLDER)
    }

    fn attributes(&self) -> Attributes {
        Attributes { mode: Some(self.mode), uid: Some(self.uid), gid: Some(self.gid), modified: self.modified }
    }

    fn special(&self) -> Option<EntryKind> {
        let (major, minor) = self.device;
        match self.mode & FORMAT {
            SOCKET => Some(EntryKind::Socket),
            FIFO => Some(EntryKind::Fifo),
            CHARACTER => Some(EntryKind::CharacterDevice(major, minor)),
            BLOCK => Some(EntryKind::BlockDevice(major, minor)),
            _ => None,
        }
    }
}

/// A device number as Linux keeps it in 32 bits: 12 bits of the major between 8 and 12 of the minor.
pub(in crate::format) fn device_numbers(device: u32) -> (u32, u32) {
    ((device >> 8) & 0xfff, (device & 0xff) | ((device >> 12) & 0xf_ff00))
}

/// A device number as QNX keeps it: 10 bits of the minor, then 6 of the major.
pub(in crate::format) fn qnx_device_numbers(device: u32) -> (u32, u32) {
    (device >> 10 & 0x3f, device & 0x3ff)
}

/// A device number as Apple's systems keep it: 24 bits of the minor, then 8 of the major.
pub(in crate::format) fn apple_device_numbers(device: u32) -> (u32, u32) {
    (device >> 24, device & 0x00ff_ffff)
}

/// A name and the number of the inode that it means.
pub(in crate::format) type Name<N> = (Vec<u8>, N);

/// A file system that can be walked.
pub(in crate::format) trait Volume {
    /// What inodes are known by.
    type Number: Copy + Ord + Debug;
    /// What it needs to find the content of an inode.
    type Detail;

    /// The inode with this number.
    fn inode(&mut self, number: Self::Number) -> Result<Inode<Self::Detail>, Fault>;

    /// Adds all that a folder names to `names`. What is broken there is returned, after all that could be read was added.
    fn names(&mut self, folder: &Inode<Self::Detail>, names: &mut Vec<Name<Self::Number>>) -> Result<(), Fault>;

    /// Where the content stands, if it stands there as it is from its first byte to its last.
    fn place(&mut self, inode: &Inode<Self::Detail>) -> Option<Span> {
        let _ = inode;
        None
    }

    /// Writes the content, holes included: all of it that can be read, even if an error comes of it.
    fn content(&mut self, inode: &Inode<Self::Detail>, output: &mut Output<'_>) -> Result<(), Fault>;
}

/// Hands over everything below the folder `root` of `volume`. The paths begin with `prefix`.
pub(in crate::format) fn walk<V: Volume>(
    volume: &mut V,
    children: &mut Children<'_>,
    roots: &[(String, V::Number)],
    length: u64,
) -> Result<(), Exceeded> {
    let spans_left = length.saturating_mul(SHARING);
    let paths = Effort::new(children.budget(), length);
    let (folders, seen_folders, seen) = (Vec::new(), BTreeSet::new(), BTreeMap::new());
    let mut walk = Walk { volume, children, folders, seen_folders, seen, spans_left, paths };
    walk.folders.extend(roots.iter().rev().cloned());
    walk.seen_folders.extend(roots.iter().map(|(_, number)| *number));
    while let Some((path, number)) = walk.folders.pop() {
        walk.children.budget().check()?;
        walk.folder(&path, number)?;
    }
    Ok(())
}

struct Walk<'v, 'c, 'w, V: Volume> {
    volume: &'v mut V,
    children: &'c mut Children<'w>,
    /// Folders that are still to be read.
    folders: Vec<(String, V::Number)>,
    /// Folders that were named: one that comes twice is inside itself.
    seen_folders: BTreeSet<V::Number>,
    /// Anything else that was named, and its first name.
    seen: BTreeMap<V::Number, String>,
    spans_left: u64,
    /// What the paths may cost: all of them are kept, and a folder may name the same file as often as it likes.
    paths: Effort<'w>,
}

impl<V: Volume> Walk<'_, '_, '_, V> {
    fn folder(&mut self, path: &str, number: V::Number) -> Result<(), Exceeded> {
        let inode = match self.volume.inode(number) {
            Ok(inode) if inode.is_folder() => inode,
            Ok(inode) => {
                self.children.problem(&Fault::corrupt(format!("{path:.200?} is no folder")), Some(inode.at));
                return Ok(());
            }
            Err(fault) => return self.problem(&fault, &format!("{path:.200?}"), None),
        };
        let mut names = Vec::new();
        match self.volume.names(&inode, &mut names) {
            Ok(()) => {}
            // What one folder alone may not do ends this folder only.
            Err(limit @ Fault::Exceeded(Exceeded::Artifact(_) | Exceeded::Ratio(_))) => self.children.problem(&limit, Some(inode.at)),
            Err(fault) => self.problem(&fault, &format!("the folder {path:.200?}"), Some(inode.at))?,
        }
        let below = self.folders.len();
        for (name, number) in names {
            if name.is_empty() || name == b"." || name == b".." {
                continue;
            }
            let name = part_text(&name);
            let path = if path.is_empty() { name } else { format!("{path}/{name}") };
            self.paths.spend(to_u64(path.len()))?;
            match self.volume.inode(number) {
                Ok(inode) => self.entry(&inode, number, path)?,
                Err(fault) => self.problem(&fault, &format!("{path:.200?}"), Some(inode.at))?,
            }
        }
        // The last one is read first: as they are listed.
        if let Some(folders) = self.folders.get_mut(below..) {
            folders.reverse();
        }
        Ok(())
    }

    /// Says what is wrong with `what`. Limits that strike all of the image end it.
    fn problem(&mut self, fault: &Fault, what: &str, at: Option<u64>) -> Result<(), Exceeded> {
        let fault = match fault {
            Fault::Exceeded(limit) => return Err(*limit),
            Fault::Corrupt(why) => Fault::Corrupt(format!("{what}: {why}")),
            Fault::Truncated(why) => Fault::Truncated(format!("{what}: {why}")),
            Fault::Checksum(why) => Fault::Checksum(format!("{what}: {why}")),
            Fault::Unsupported(why) => Fault::Unsupported(format!("{what}: {why}")),
            Fault::Encrypted(why) => Fault::Encrypted(format!("{what}: {why}")),
        };
        self.children.problem(&fault, at);
        Ok(())
    }

    fn entry(&mut self, inode: &Inode<V::Detail>, number: V::Number, path: String) -> Result<(), Exceeded> {
        let attributes = inode.attributes();
        if inode.is_folder() {
            if path.len() > LONGEST_PATH || !self.seen_folders.insert(number) {
                let fault = Fault::corrupt(format!("the folder {path:.200?} is inside itself or too deep"));
                self.children.problem(&fault, Some(inode.at));
                return Ok(());
            }
            self.children.entry(path.clone(), EntryKind::Directory, attributes);
            self.folders.push((path, number));
            return Ok(());
        }
        if let Some(first) = self.seen.get(&number) {
            self.children.entry(path, EntryKind::HardLink(first.clone()), attributes);
            return Ok(());
        }
        self.seen.insert(number, path.clone());
        if inode.is(FILE) {
            return self.file(inode, path);
        }
        let kind = if inode.is(LINK) { Some(self.link(inode, &path)?) } else { inode.special() };
        match kind {
            Some(kind) => self.children.entry(path, kind, attributes),
            None => self.children.problem(&Fault::corrupt(format!("{path:.200?} is of no kind")), Some(inode.at)),
        }
        Ok(())
    }

    fn link(&mut self, inode: &Inode<V::Detail>, path: &str) -> Result<EntryKind, Exceeded> {
        let mut output = self.children.output();
        let result = if inode.size > LONGEST_TARGET {
            Err(Fault::corrupt("the target of the link is too long"))
        } else {
            self.volume.content(inode, &mut output)
        };
        if let Err(fault) = result {
            self.problem(&fault, &format!("{path:.200?}"), Some(inode.at))?;
        }
        let target = output.as_slice().split(|byte| *byte == 0).next().unwrap_or_default();
        Ok(EntryKind::Symlink(path_text(target)))
    }

    fn file(&mut self, inode: &Inode<V::Detail>, path: String) -> Result<(), Exceeded> {
        if let Some(span) = self.volume.place(inode) {
            if let Some(left) = self.spans_left.checked_sub(span.length) {
                self.spans_left = left;
                return self.children.span(path, span, inode.attributes());
            }
            self.children.problem(&Fault::corrupt(format!("{path:.200?}: too many files share the same blocks")), Some(inode.at));
            return Ok(());
        }
        let mut output = self.children.output();
        let fault = match self.volume.content(inode, &mut output) {
            Ok(()) => None,
            // What one file alone may not do ends this file only.
            Err(Fault::Exceeded(limit)) if !matches!(limit, Exceeded::Artifact(_) | Exceeded::Ratio(_)) => return Err(limit),
            Err(fault) => Some(fault),
        };
        self.children.made_with(path, output, inode.attributes(), fault.as_ref())
    }
}

/// Writes `bytes` to where they belong, and zeros for what is missing before them. No more than `size` bytes are ever there.
pub(in crate::format) fn put(output: &mut Output<'_>, start: u64, bytes: &[u8], size: u64) -> Result<(), Exceeded> {
    let room = size.saturating_sub(start);
    let bytes = crate::blob::Bytes(bytes).up_to(0, room);
    if bytes.is_empty() {
        return Ok(());
    }
    let skip = output.len().saturating_sub(start);
    output.zeros(start.saturating_sub(output.len()))?;
    if skip < to_u64(bytes.len()) {
        return output.push(crate::blob::Bytes(bytes).tail(skip));
    }
    Ok(())
}

/// Fills the hole at the end.
pub(in crate::format) fn finish(output: &mut Output<'_>, size: u64) -> Result<(), Exceeded> {
    output.zeros(size.saturating_sub(output.len()))
}
