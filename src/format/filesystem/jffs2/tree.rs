//! From names and inodes to paths, for file systems that keep both as records in any order: jffs2 and UBIFS.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::format::{Attributes, Children, EntryKind, path_text};
use crate::limits::{Exceeded, Output};
use crate::problem::Fault;

/// Paths longer than this are not followed: an image of a few MB could otherwise ask for many GB of them.
const LONGEST_PATH: usize = 1024;
/// Where things without a name go.
const LOST: &str = "lost+found";

/// One record that gives an inode a name in a folder.
#[derive(Debug, Clone, Copy)]
pub(in crate::format) struct Name<'b> {
    /// Inode of the folder.
    pub(in crate::format) parent: u64,
    /// The name as it stands there.
    pub(in crate::format) bytes: &'b [u8],
    /// Of two records for one name, the one with the higher version is true.
    pub(in crate::format) version: u64,
    /// What is named; 0 where the name was removed.
    pub(in crate::format) inode: u64,
    /// `S_IFMT` bits of what is named, as far as the record itself says.
    pub(in crate::format) kind: u32,
    /// Whether the record is marked as no longer true.
    pub(in crate::format) obsolete: bool,
}

/// What a file system knows of its inodes.
pub(in crate::format) trait Inodes {
    /// Numbers of all that ought to have a name, ascending.
    fn all(&self) -> Vec<u64>;

    /// Whether its own records say that it was deleted.
    fn deleted(&self, inode: u64) -> bool;

    /// Mode, owner, time; nothing if no intact record of the inode is there.
    fn attributes(&self, inode: u64) -> Option<Attributes>;

    /// Whether names in this folder, or the content of this file, are encrypted.
    fn encrypted(&self, inode: u64) -> bool;

    /// Appends the content of a file, the target of a link or the number of a device. Says why it is not whole.
    fn content(&self, inode: u64, output: &mut Output<'_>) -> Result<Option<Fault>, Exceeded>;

    /// Major and minor number of a device with this content.
    fn device(&self, content: &[u8]) -> (u32, u32);
}

/// The names that are true, by folder and name.
struct Names<'b> {
    list: Vec<Name<'b>>,
    /// What they name.
    named: BTreeSet<u64>,
    /// What had a name once: removed, or given to something else.
    former: BTreeSet<u64>,
}

impl<'b> Names<'b> {
    fn new(mut list: Vec<Name<'b>>) -> Self {
        list.sort_by_key(|name| (name.parent, name.bytes, name.obsolete, Reverse(name.version)));
        let former = list.iter().map(|name| name.inode).collect();
        list.dedup_by_key(|name| (name.parent, name.bytes));
        list.retain(|name| name.inode != 0 && !name.obsolete);
        let named = list.iter().map(|name| name.inode).collect();
        Self { list, named, former }
    }

    fn within(&self, parent: u64) -> &[Name<'b>] {
        let start = self.list.partition_point(|name| name.parent < parent);
        let end = self.list.partition_point(|name| name.parent <= parent);
        self.list.get(start..end).unwrap_or_default()
    }

    /// Whether it had a name and has none now.
    fn unlinked(&self, inode: u64) -> bool {
        self.former.contains(&inode) && !self.named.contains(&inode)
    }
}

/// Hands over everything below the folder `root`, and under `lost+found` what no folder leads to.
pub(in crate::format) fn hand_over(
    root: u64,
    names: Vec<Name<'_>>,
    inodes: &dyn Inodes,
    children: &mut Children<'_>,
) -> Result<(), Exceeded> {
    let names = Names::new(names);
    let mut walk = Walk { names: &names, inodes, children, paths: BTreeMap::new(), entered: BTreeSet::new(), unfollowed: 0, encrypted: 0 };
    walk.folder(root, String::new())?;
    walk.lost(root)?;
    let (unfollowed, encrypted) = (walk.unfollowed, walk.encrypted);
    if unfollowed > 0 {
        let why = format!("{unfollowed} names are not followed: longer than {LONGEST_PATH} bytes, or a folder inside itself");
        children.problem(&Fault::corrupt(why), None);
    }
    if encrypted > 0 {
        children.problem(&Fault::Encrypted(format!("{encrypted} files and links are encrypted")), None);
    }
    Ok(())
}

struct Walk<'a, 'b, 'w> {
    names: &'a Names<'b>,
    inodes: &'a dyn Inodes,
    children: &'a mut Children<'w>,
    /// Every inode that was handed over, and where.
    paths: BTreeMap<u64, String>,
    entered: BTreeSet<u64>,
    unfollowed: u64,
    encrypted: u64,
}

impl<'a, 'b> Walk<'a, 'b, '_> {
    /// Everything below one folder. A stack instead of recursion: the depth is the image's.
    fn folder(&mut self, inode: u64, path: String) -> Result<(), Exceeded> {
        self.entered.insert(inode);
        let mut stack = vec![(path, self.names.within(inode).iter())];
        while let Some((path, names)) = stack.last_mut() {
            let Some(name) = names.next() else {
                stack.pop();
                continue;
            };
            let path = self.join(path, name);
            if self.inodes.deleted(name.inode) {
                continue;
            }
            if path.len() > LONGEST_PATH {
                self.unfollowed = self.unfollowed.saturating_add(1);
            } else if !self.is_folder(name) {
                self.leaf(path, name.inode, name.kind)?;
            } else if self.entered.insert(name.inode) {
                self.leaf(path.clone(), name.inode, name.kind)?;
                stack.push((path, self.names.within(name.inode).iter()));
            } else {
                self.unfollowed = self.unfollowed.saturating_add(1);
            }
        }
        Ok(())
    }

    /// What the folders did not lead to: first whole folders that lost their own name, then rings of folders, then files.
    fn lost(&mut self, root: u64) -> Result<(), Exceeded> {
        let mut parents: Vec<u64> = self.names.list.iter().map(|name| name.parent).collect();
        parents.dedup();
        let mut found = 0_u64;
        for rings in [false, true] {
            for &parent in &parents {
                if !self.entered.contains(&parent) && !self.is_gone(parent) && self.names.named.contains(&parent) == rings {
                    let path = format!("{LOST}/inode-{parent}");
                    self.leaf(path.clone(), parent, 0x4000)?;
                    self.folder(parent, path)?;
                    found = found.saturating_add(1);
                }
            }
        }
        for inode in self.inodes.all() {
            if inode != root && !self.paths.contains_key(&inode) && !self.is_gone(inode) {
                self.leaf(format!("{LOST}/inode-{inode}"), inode, 0)?;
                found = found.saturating_add(1);
            }
        }
        if found > 0 {
            self.children.problem(&Fault::corrupt(format!("{found} inodes have no name: they are under {LOST}")), None);
        }
        Ok(())
    }

    fn is_gone(&self, inode: u64) -> bool {
        self.inodes.deleted(inode) || self.names.unlinked(inode)
    }

    fn join(&self, folder: &str, name: &Name<'b>) -> String {
        let name = match self.inodes.encrypted(name.parent) {
            true => name.bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
            false => path_text(name.bytes),
        };
        if folder.is_empty() { name } else { format!("{folder}/{name}") }
    }

    fn is_folder(&self, name: &Name<'b>) -> bool {
        let mode = self.inodes.attributes(name.inode).and_then(|attributes| attributes.mode);
        mode.unwrap_or(name.kind) & 0xf000 == 0x4000
    }

    /// Hands over one inode. `kind` is its type where no record of it is left.
    fn leaf(&mut self, path: String, inode: u64, kind: u32) -> Result<(), Exceeded> {
        if let Some(first) = self.paths.get(&inode) {
            let attributes = self.inodes.attributes(inode).unwrap_or_default();
            self.children.entry(path, EntryKind::HardLink(first.clone()), attributes);
            return Ok(());
        }
        self.paths.insert(inode, path.clone());
        let attributes = self.inodes.attributes(inode).unwrap_or_default();
        let kind = match attributes.mode.unwrap_or(kind) & 0xf000 {
            0x1000 => EntryKind::Fifo,
            0x2000 => {
                let (major, minor) = self.inodes.device(&self.small(inode)?);
                EntryKind::CharacterDevice(major, minor)
            }
            0x4000 => EntryKind::Directory,
            0x6000 => {
                let (major, minor) = self.inodes.device(&self.small(inode)?);
                EntryKind::BlockDevice(major, minor)
            }
            0xa000 => EntryKind::Symlink(path_text(&self.small(inode)?)),
            0xc000 => EntryKind::Socket,
            _ => return self.file(path, inode, attributes),
        };
        self.children.entry(path, kind, attributes);
        Ok(())
    }

    fn file(&mut self, path: String, inode: u64, attributes: Attributes) -> Result<(), Exceeded> {
        let mut output = self.children.output();
        let fault = match self.inodes.content(inode, &mut output) {
            Ok(fault) => fault,
            // These two are about this file alone: one absurd size must not hide all others.
            Err(limit @ (Exceeded::Artifact(_) | Exceeded::Ratio(_))) => Some(Fault::from(limit)),
            Err(limit) => return Err(limit),
        };
        if matches!(fault, Some(Fault::Encrypted(_))) {
            self.encrypted = self.encrypted.saturating_add(1);
        }
        self.children.made_with(path, output, attributes, fault.as_ref())
    }

    /// The content of a link or device.
    fn small(&mut self, inode: u64) -> Result<Vec<u8>, Exceeded> {
        let mut output = self.children.output();
        match self.inodes.content(inode, &mut output) {
            Ok(Some(Fault::Encrypted(_))) => self.encrypted = self.encrypted.saturating_add(1),
            Ok(Some(fault)) => self.children.problem(&fault, None),
            Ok(None) | Err(Exceeded::Artifact(_) | Exceeded::Ratio(_)) => (),
            Err(limit) => return Err(limit),
        }
        output.truncate(4096);
        Ok(output.as_slice().to_vec())
    }
}
