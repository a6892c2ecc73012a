//! The index: which of all nodes are true as of the last commit. Nodes that are newer than that are true as well; all others are what
//! was deleted or replaced, and not erased yet.

use std::collections::BTreeSet;

use super::node::{INDEX, Key, Node, Scan, Superblock};
use crate::blob::{Bytes, to_usize};

/// Size of the smallest node of a file.
const LEAST_LEAF: u64 = 48;

/// What the index leads to.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// Place and key of every node, by place.
    leaves: Vec<(u64, Key)>,
    /// Sequence number at which the last commit began.
    commit: u64,
}

impl Index {
    /// Nothing if any part of it is damaged.
    ///
    /// `struct ubifs_mst_node`: header (24), `highest_inum`, `cmt_no` (8 each), `flags`, `log_lnum`, `root_lnum`, `root_offs` (4 each).
    pub(super) fn read(bytes: Bytes<'_>, superblock: &Superblock, scan: &Scan) -> Option<Self> {
        let master = Node::read(bytes, scan.master?.1).ok()?;
        let cmt_no = master.u64(32);
        let commit = scan.commits.iter().filter(|(number, _)| *number == cmt_no).map(|(_, sqnum)| *sqnum).max()?;
        let root = superblock.leb(master.u32(48)).saturating_add(master.u32(52).into());
        let mut index = Self { leaves: Vec::new(), commit };
        let (mut seen, mut todo) = (BTreeSet::from([root]), vec![root]);
        // No two leaves are the same node; a forged index that says otherwise must not cost memory.
        let most = to_usize(bytes.len() / LEAST_LEAF);
        while let Some(start) = todo.pop() {
            if index.leaves.len() > most {
                return None;
            }
            let node = Node::read(bytes, start).ok().filter(|node| node.kind == INDEX)?;
            index.branches(&node, superblock, &mut |child| {
                if seen.insert(child) {
                    todo.push(child);
                }
            });
        }
        index.leaves.sort_unstable();
        index.leaves.dedup();
        Some(index)
    }

    /// `struct ubifs_idx_node`: header (24), `child_cnt`, `level` (2 each), then for each child `struct ubifs_branch`: `lnum`, `offs`,
    /// `len` (4 each), key (8), in signed images also a hash. On level 0 the children are nodes of files.
    fn branches(&mut self, node: &Node<'_>, superblock: &Superblock, push: &mut dyn FnMut(u64)) {
        let (count, level) = (u64::from(node.u16(24)), node.u16(26));
        let size = node.bytes.len().saturating_sub(28).checked_div(count).unwrap_or(0);
        if size < 20 {
            return;
        }
        for number in 0..count {
            let at = size.saturating_mul(number).saturating_add(28);
            let field = |offset: u64| node.u32(at.saturating_add(offset));
            let start = superblock.leb(field(0)).saturating_add(field(4).into());
            match level {
                0 => self.leaves.push((start, Key::new(field(12), field(16)))),
                _ => push(start),
            }
        }
    }

    /// Whether the node at `start` is true.
    pub(super) fn is_current(&self, start: u64, sqnum: u64) -> bool {
        sqnum > self.commit || self.leaves.binary_search_by_key(&start, |leaf| leaf.0).is_ok()
    }

    /// All nodes that should be there but for those in `sound`, which is sorted.
    pub(super) fn missing(&self, sound: &[u64]) -> Vec<(u64, Key)> {
        let mut missing = self.leaves.clone();
        missing.retain(|(start, _)| sound.binary_search(start).is_err());
        missing
    }
}
