//! From the root folder to everything below it.

use std::collections::{BTreeMap, BTreeSet};

use super::folder::{join, names};
use super::inode::Inode;
use super::map::{Map, Run};
use super::volume::Volume;
use crate::blob::{Bytes, Span};
use crate::format::{Children, EntryKind, part_text, path_text};
use crate::limits::{Exceeded, Output};
use crate::problem::Fault;

const ROOT: u32 = 2;

/// Longer paths cannot be used on Linux: only a broken or hostile image has them.
const LONGEST_PATH: usize = 4096;

/// Hands over what is in a file system.
pub(super) struct Walk<'v, 'a, 'c, 'w> {
    volume: &'v mut Volume<'a>,
    children: &'c mut Children<'w>,
    /// Folders still to be read, the next one last.
    folders: Vec<(u32, String)>,
    seen_folders: BTreeSet<u32>,
    /// First path of each file.
    seen: BTreeMap<u32, String>,
    /// Whether a folder or an inode could not be read, so that files may be missing.
    damaged: bool,
}

impl<'v, 'a, 'c, 'w> Walk<'v, 'a, 'c, 'w> {
    /// A walk that did not begin.
    pub(super) fn new(volume: &'v mut Volume<'a>, children: &'c mut Children<'w>) -> Self {
        Self { volume, children, folders: Vec::new(), seen_folders: BTreeSet::new(), seen: BTreeMap::new(), damaged: false }
    }

    /// Everything below the root, and, if folders are broken, every file that no folder led to.
    pub(super) fn run(&mut self) -> Result<(), Exceeded> {
        match self.volume.inode(ROOT) {
            Ok(root) if root.is_folder() => {
                self.seen_folders.insert(ROOT);
                self.folders.push((ROOT, String::new()));
            }
            Ok(root) => self.damage(&Fault::corrupt("the root is no folder"), Some(root.at)),
            Err(fault) => self.damage(&fault, None),
        }
        self.below()?;
        if self.damaged { self.lost() } else { Ok(()) }
    }

    fn damage(&mut self, fault: &Fault, at: Option<u64>) {
        self.damaged = true;
        self.children.problem(fault, at);
    }

    fn below(&mut self) -> Result<(), Exceeded> {
        while let Some((number, path)) = self.folders.pop() {
            let waiting = self.folders.len();
            match self.volume.inode(number) {
                Ok(inode) => self.folder(&inode, &path)?,
                Err(fault) => self.damage(&fault, None),
            }
            if let Some(new) = self.folders.get_mut(waiting..) {
                new.reverse();
            }
        }
        Ok(())
    }

    fn folder(&mut self, inode: &Inode<'a>, path: &str) -> Result<(), Exceeded> {
        self.children.budget().check()?;
        if inode.is_encrypted() {
            self.children.problem(&Fault::Encrypted(format!("the names in {path:?} are encrypted")), Some(inode.at));
        }
        if inode.is_inline() {
            // The first four bytes are the number of the parent folder.
            let parts = [inode.block_field().tail(4), inode.inline_rest().unwrap_or_default()];
            return parts.into_iter().try_for_each(|part| self.names(Bytes(part), path, inode.at));
        }
        let map = Map::read(self.volume, inode);
        if let Some(fault) = &map.fault {
            self.damage(fault, Some(inode.at));
        }
        for run in map.runs {
            for index in 0..run.count {
                let number = run.physical.saturating_add(index);
                match self.volume.index_block(number) {
                    Ok(block) => self.names(block, path, self.volume.span(number, 1).start)?,
                    Err(fault) => {
                        self.damage(&fault, Some(inode.at));
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    fn names(&mut self, block: Bytes<'a>, path: &str, at: u64) -> Result<(), Exceeded> {
        let (names, broken) = names(block, self.volume.superblock.entries_have_types());
        if broken {
            self.damage(&Fault::corrupt(format!("a part of the folder {path:?} is broken")), Some(at));
        }
        for (number, name) in names {
            if name == b"." || name == b".." {
                continue;
            }
            let path = join(path, &part_text(name));
            match self.volume.inode(number) {
                Ok(inode) => self.entry(&inode, path)?,
                Err(Fault::Truncated(why)) => self.damage(&Fault::Truncated(format!("{path:?}: {why}")), Some(at)),
                Err(fault) => self.damage(&Fault::corrupt(format!("{path:?}: {fault}")), Some(at)),
            }
        }
        Ok(())
    }

    fn entry(&mut self, inode: &Inode<'a>, path: String) -> Result<(), Exceeded> {
        let attributes = inode.attributes();
        if inode.is_folder() {
            if path.len() > LONGEST_PATH || !self.seen_folders.insert(inode.number) {
                self.damage(&Fault::corrupt(format!("the folder {path:.200?} is inside itself or too deep")), Some(inode.at));
                return Ok(());
            }
            self.children.entry(path.clone(), EntryKind::Directory, attributes);
            self.folders.push((inode.number, path));
            return Ok(());
        }
        if let Some(first) = self.seen.get(&inode.number) {
            self.children.entry(path, EntryKind::HardLink(first.clone()), attributes);
            return Ok(());
        }
        self.seen.insert(inode.number, path.clone());
        if inode.is_file() {
            return self.file(inode, path);
        }
        let kind = if inode.kind() == 0xa000 { Some(self.link(inode)?) } else { inode.special() };
        match kind {
            Some(kind) => self.children.entry(path, kind, attributes),
            None => self.damage(&Fault::corrupt(format!("{path:?} is of no kind")), Some(inode.at)),
        }
        Ok(())
    }

    fn link(&mut self, inode: &Inode<'a>) -> Result<EntryKind, Exceeded> {
        if inode.is_encrypted() {
            self.children.problem(&Fault::Encrypted("the target of a link is encrypted".to_owned()), Some(inode.at));
            return Ok(EntryKind::Symlink(String::new()));
        }
        let mut output = self.children.output();
        let target = match inode.short_target(&self.volume.superblock) {
            Some(target) => target,
            None if inode.size() > 4096 => {
                self.children.problem(&Fault::corrupt("the target of a link is too long"), Some(inode.at));
                &[]
            }
            None => {
                if let Some(fault) = self.content(inode, &mut output)? {
                    self.children.problem(&fault, Some(inode.at));
                }
                output.as_slice()
            }
        };
        Ok(EntryKind::Symlink(path_text(target)))
    }

    fn file(&mut self, inode: &Inode<'a>, path: String) -> Result<(), Exceeded> {
        let mut fault = if inode.is_encrypted() {
            Some(Fault::Encrypted("the content is encrypted".to_owned()))
        } else if inode.is_compressed() && self.volume.superblock.compressed() {
            Some(Fault::unsupported("the content is compressed by e2compr"))
        } else {
            None
        };
        let mut output = self.children.output();
        if fault.is_none() && !inode.is_inline() {
            let map = Map::read(self.volume, inode);
            if let Some(span) = self.in_one_piece(inode, &map)
                && self.volume.pay(span.length).is_ok()
            {
                return self.children.span(path, span, inode.attributes());
            }
            fault = self.runs(inode, map, &mut output)?;
        } else {
            let broken = self.content(inode, &mut output)?;
            fault = fault.or(broken);
        }
        self.children.made_with(path, output, inode.attributes(), fault.as_ref())
    }

    /// Where a file stands, if it stands there from its first byte to its last.
    fn in_one_piece(&self, inode: &Inode<'a>, map: &Map) -> Option<Span> {
        let [run] = map.runs.as_slice() else { return None };
        let span = self.volume.span(run.physical, run.count);
        (map.fault.is_none() && run.logical == 0 && span.length >= inode.size()).then(|| Span::new(span.start, inode.size()))
    }

    /// Writes the content to `output`: as much as can be read. Returns why that is not all.
    fn content(&mut self, inode: &Inode<'a>, output: &mut Output<'_>) -> Result<Option<Fault>, Exceeded> {
        if !inode.is_inline() {
            let map = Map::read(self.volume, inode);
            return self.runs(inode, map, output);
        }
        output.push(inode.block_field().up_to(0, inode.size()))?;
        let rest = inode.size().saturating_sub(output.len());
        if rest > 0 {
            output.push(Bytes(inode.inline_rest().unwrap_or_default()).up_to(0, rest))?;
        }
        Ok((output.len() < inode.size()).then(|| Fault::corrupt("the end of content that stands in the inode is missing")))
    }

    fn runs(&mut self, inode: &Inode<'a>, map: Map, output: &mut Output<'_>) -> Result<Option<Fault>, Exceeded> {
        let mut fault = map.fault;
        for run in &map.runs {
            match self.run_of(inode, run, output) {
                Ok(()) => {}
                // What one file alone may not do ends this file only.
                Err(Fault::Exceeded(limit @ (Exceeded::Artifact(_) | Exceeded::Ratio(_)))) => return Ok(Some(limit.into())),
                Err(Fault::Exceeded(limit)) => return Err(limit),
                Err(other) => fault = fault.or(Some(other)),
            }
        }
        if fault.is_none() && inode.size() > output.len() {
            match output.zeros(inode.size().saturating_sub(output.len())) {
                Err(limit @ (Exceeded::Artifact(_) | Exceeded::Ratio(_))) => return Ok(Some(limit.into())),
                other => other?,
            }
        }
        Ok(fault)
    }

    fn run_of(&mut self, inode: &Inode<'a>, run: &Run, output: &mut Output<'_>) -> Result<(), Fault> {
        let start = self.volume.span(run.logical, 1).start;
        let wanted = self.volume.span(run.physical, run.count);
        let length = wanted.length.min(inode.size().saturating_sub(start));
        self.volume.pay(length)?;
        let bytes = self.volume.image.up_to(wanted.start, length);
        if !bytes.is_empty() {
            // Before it: a hole, or blocks that are not there.
            output.zeros(start.saturating_sub(output.len()))?;
            output.push(bytes)?;
        }
        if crate::blob::to_u64(bytes.len()) < length {
            return Err(Fault::Truncated("blocks of the file are behind the end of the image".to_owned()));
        }
        Ok(())
    }

    /// Files and folders that are in use and that nothing led to, named as `e2fsck` does.
    fn lost(&mut self) -> Result<(), Exceeded> {
        let mut left = self.volume.image.len().checked_div(self.volume.superblock.inode_size).unwrap_or(0);
        let (per_group, size) = (self.volume.superblock.inodes_per_group, self.volume.superblock.inode_size);
        for group in 0..self.volume.superblock.groups {
            if self.volume.image.get(self.volume.superblock.descriptor_at(group), 32).is_err() {
                break;
            }
            let Ok(table) = self.volume.inode_table(group) else { continue };
            if self.volume.is_unwritten(group) {
                continue;
            }
            let first = u32::try_from(group).unwrap_or(u32::MAX).saturating_mul(per_group);
            for index in 0..per_group {
                let at = table.saturating_add(size.saturating_mul(index.into()));
                let Ok(bytes) = self.volume.image.part(Span::new(at, size)) else { break };
                let Some(rest) = left.checked_sub(1) else { return Ok(()) };
                left = rest;
                self.lost_inode(Inode::new(first.saturating_add(index).saturating_add(1), at, bytes))?;
            }
        }
        Ok(())
    }

    fn lost_inode(&mut self, inode: Inode<'a>) -> Result<(), Exceeded> {
        let known = self.seen.contains_key(&inode.number) || self.seen_folders.contains(&inode.number);
        if known || inode.number < self.volume.superblock.first_inode || !inode.is_live() || !(inode.is_file() || inode.is_folder()) {
            return Ok(());
        }
        self.entry(&inode, format!("lost+found/#{}", inode.number))?;
        self.below()
    }
}
