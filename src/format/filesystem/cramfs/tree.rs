//! From the root down: each inode of the image once.

use std::collections::BTreeSet;

use super::inode::{INODE_SIZE, Inode, Type};
use super::{Image, path_text};
use crate::problem::Fault;

/// Longest path that any system opens. Bounds the depth of folders, too.
const LONGEST_PATH: usize = 4096;

/// An inode and the path that leads to it.
pub(super) struct Node {
    pub(super) path: String,
    pub(super) inode: Inode,
    /// Where the inode is.
    pub(super) at: u64,
}

/// Everything below the root, each folder before what is in it; what cannot be read with its place.
pub(super) struct Tree<'a> {
    image: Image<'a>,
    levels: Vec<Level>,
    /// Where inodes were read: one that comes twice is part of a loop.
    seen: BTreeSet<u64>,
}

/// A folder on the way.
struct Level {
    path: String,
    /// The rest of its listing.
    next: u64,
    end: u64,
}

impl<'a> Tree<'a> {
    pub(super) fn new(image: Image<'a>) -> Self {
        let root = Level { path: String::new(), next: image.root.offset, end: image.root.end() };
        Self { image, levels: vec![root], seen: BTreeSet::new() }
    }

    /// The inode at `at`, in the folder `folder`, and where the next one is.
    fn node(&mut self, folder: &str, at: u64) -> Result<(Node, u64), Fault> {
        let inode = Inode::read(self.image.bytes, at, self.image.endian)?;
        let name_at = at.saturating_add(INODE_SIZE);
        let name = self.image.bytes.text(name_at, inode.name_length)?;
        if name.is_empty() {
            return Err(Fault::corrupt(format!("an inode without name in {folder:?}")));
        }
        if !self.seen.insert(at) {
            return Err(Fault::corrupt(format!("the listing of {folder:?} is that of another folder")));
        }
        let name = path_text(name);
        let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
        Ok((Node { path, inode, at }, name_at.saturating_add(inode.name_length)))
    }
}

impl Iterator for Tree<'_> {
    type Item = Result<Node, (Fault, u64)>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut level = self.levels.pop()?;
        while level.next >= level.end {
            level = self.levels.pop()?;
        }
        // After an inode that cannot be read, the rest of the folder cannot either.
        let (node, next) = match self.node(&level.path, level.next) {
            Ok(found) => found,
            Err(fault) => return Some(Err((fault, level.next))),
        };
        level.next = next;
        self.levels.push(level);
        if node.inode.kind() == Some(Type::Directory) {
            if node.path.len() > LONGEST_PATH {
                return Some(Err((Fault::corrupt("a path without end"), node.at)));
            }
            self.levels.push(Level { path: node.path.clone(), next: node.inode.offset, end: node.inode.end() });
        }
        Some(Ok(node))
    }
}
