//! From the uppermost folder down to all files, and to those that no folder leads to any more.

use std::collections::BTreeMap;

use super::directory::Entry;
use super::inode::{Content, File, Inode, Listing, Reference};
use super::metadata::Reader;
use super::tables::Owners;
use crate::format::{Attributes, Children, EntryKind, path_text};
use crate::limits::Exceeded;
use crate::problem::Fault;

/// Longest path that any system opens. Bounds the depth of folders, too.
const LONGEST_PATH: usize = 4096;

/// What it costs to report something, in bytes of work: an image must not fill the report with problems.
const NOTED: u64 = 4 << 10;

/// What it costs to come to a folder again. Damage does that once or twice, malice does it a million times.
const REPEATED: u64 = 64 << 10;

/// Where files go whose names are lost.
pub(super) const LOST: &str = "lost+found";

/// Hands over all that the image holds.
pub(super) fn unpack(mut reader: Reader<'_>, children: &mut Children<'_>) -> Result<(), Fault> {
    if reader.superblock.inode_table.start >= reader.image.len() {
        return reader.salvage(children);
    }
    let (owners, fault) = reader.owners();
    let mut tree = Tree { reader, owners, children, seen: BTreeMap::new(), damaged: false };
    if let Some(fault) = fault {
        tree.note(&fault, "the table of owners")?;
    }
    let root = tree.reader.superblock.root;
    match tree.inode(root) {
        Ok(Inode { content: Content::Directory(listing), .. }) => {
            tree.seen.insert(root, String::new());
            let folder = tree.level(String::new(), &listing)?;
            tree.descend(folder)?;
        }
        Ok(_) => tree.lose(&Fault::corrupt("it is not a folder"), "the uppermost folder")?,
        Err(fault) => tree.lose(&fault, "the uppermost folder")?,
    }
    if tree.damaged { tree.lost() } else { Ok(()) }
}

struct Tree<'r, 'c, 'w> {
    reader: Reader<'r>,
    owners: Owners,
    children: &'c mut Children<'w>,
    /// The first path of each inode.
    seen: BTreeMap<Reference, String>,
    /// Whether names were lost.
    damaged: bool,
}

/// A folder on the way.
struct Level {
    path: String,
    entries: std::vec::IntoIter<Entry>,
}

impl Tree<'_, '_, '_> {
    fn inode(&mut self, reference: Reference) -> Result<Inode, Fault> {
        self.reader.inode(reference, &self.owners).map(|(inode, _)| inode)
    }

    /// Everything below a folder, which is not handed over itself.
    fn descend(&mut self, folder: Level) -> Result<(), Fault> {
        let mut levels = vec![folder];
        while let Some(level) = levels.last_mut() {
            let Some(entry) = level.entries.next() else {
                levels.pop();
                continue;
            };
            let path = join(&level.path, &entry.name);
            levels.extend(self.visit(path, entry.inode)?);
        }
        Ok(())
    }

    fn level(&mut self, path: String, listing: &Listing) -> Result<Level, Fault> {
        let (entries, fault) = self.reader.list(listing);
        if let Some(fault) = fault {
            self.lose(&fault, &format!("the folder {path:?}"))?;
        }
        Ok(Level { path, entries: entries.into_iter() })
    }

    /// Hands over what is at `path`; the folder to go on with, if it is one.
    fn visit(&mut self, path: String, reference: Reference) -> Result<Option<Level>, Fault> {
        // What is kept for each entry is work of the image's making.
        self.reader.effort.spend(crate::format::length_of(path.as_bytes()).saturating_add(64))?;
        if path.len() > LONGEST_PATH {
            self.lose(&Fault::corrupt("a path without end"), path.get(..64).unwrap_or_default())?;
            return Ok(None);
        }
        let inode = match self.inode(reference) {
            Ok(inode) => inode,
            Err(fault) => {
                self.lose(&fault, &format!("{path:?}"))?;
                return Ok(None);
            }
        };
        if let Some(first) = self.seen.get(&reference) {
            if matches!(inode.content, Content::Directory(_)) {
                let fault = Fault::corrupt(format!("{path:?} is the folder {first:?} again"));
                self.reader.effort.spend(REPEATED)?;
                self.children.problem(&fault, None);
            } else {
                self.children.entry(path, EntryKind::HardLink(first.clone()), inode.attributes);
            }
            return Ok(None);
        }
        self.seen.insert(reference, path.clone());
        self.hand_over(path, inode)
    }

    fn hand_over(&mut self, path: String, inode: Inode) -> Result<Option<Level>, Fault> {
        match inode.content {
            Content::Directory(listing) => {
                self.children.entry(path.clone(), EntryKind::Directory, inode.attributes);
                return self.level(path, &listing).map(Some);
            }
            Content::File(file) => self.file(path, &file, inode.attributes)?,
            Content::Other(kind) => self.children.entry(path, kind, inode.attributes),
        }
        Ok(None)
    }

    fn file(&mut self, path: String, file: &File, attributes: Attributes) -> Result<(), Exceeded> {
        if let Some(span) = self.reader.as_it_is(file) {
            return self.children.span(path, span, attributes);
        }
        let mut output = self.children.output();
        let fault = match self.reader.contents(file, &mut output) {
            Ok(fault) => fault,
            // One file that is too large says nothing about the others.
            Err(limit @ (Exceeded::Artifact(_) | Exceeded::Ratio(_))) => Some(limit.into()),
            Err(limit) => return Err(limit),
        };
        self.children.made_with(path, output, attributes, fault.as_ref())
    }

    /// Files and folders that no name leads to. Inodes of folders stand behind those of what is in them: the outermost come last.
    fn lost(&mut self) -> Result<(), Fault> {
        let (folders, files) = self.unnamed()?;
        for (reference, number) in folders.into_iter().rev().chain(files) {
            if self.seen.contains_key(&reference) {
                continue;
            }
            if let Some(folder) = self.visit(format!("{LOST}/#{number}"), reference)? {
                self.descend(folder)?;
            }
        }
        Ok(())
    }

    /// Walks the inode table from end to end: folders and others that were not seen, with their numbers.
    fn unnamed(&mut self) -> Result<(Vec<Numbered>, Vec<Numbered>), Fault> {
        let (mut folders, mut others) = (Vec::new(), Vec::new());
        let mut next = Some(Reference::new(0, 0));
        while let Some(at) = next.filter(|at| at.block() < self.reader.superblock.inode_table.length) {
            let after = self.reader.inode(at, &self.owners).and_then(|(inode, cursor)| {
                if !self.seen.contains_key(&at) {
                    let is_folder = matches!(inode.content, Content::Directory(_));
                    if is_folder { &mut folders } else { &mut others }.push((at, inode.number));
                }
                self.reader.after(&inode, cursor)
            });
            next = match after {
                Ok(after) => Some(after).filter(|after| *after > at),
                Err(fault) if fault.is_limit() => return Err(fault),
                // The next block may start amid an inode. A name that leads into one of the blocks behind tells where to go on.
                Err(_) => self.seen.range(Reference::new(at.block().saturating_add(1), 0)..).next().map(|(known, _)| *known),
            };
        }
        Ok((folders, others))
    }

    /// Names were lost because of `fault` in `what`.
    fn lose(&mut self, fault: &Fault, what: &str) -> Result<(), Fault> {
        self.damaged = true;
        self.note(fault, what)
    }

    fn note(&mut self, fault: &Fault, what: &str) -> Result<(), Fault> {
        let said = match fault {
            Fault::Exceeded(_) => return Err(fault.clone()),
            Fault::Truncated(why) => Fault::Truncated(format!("{what}: {why}")),
            _ => Fault::corrupt(format!("{what}: {fault}")),
        };
        self.reader.effort.spend(NOTED)?;
        self.children.problem(&said, None);
        Ok(())
    }
}

/// An inode and its number.
type Numbered = (Reference, u32);

fn join(folder: &str, name: &[u8]) -> String {
    let name = path_text(name);
    if folder.is_empty() { name } else { format!("{folder}/{name}") }
}
