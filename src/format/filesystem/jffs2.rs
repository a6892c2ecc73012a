//! jffs2, the journalling flash file system: a log of nodes, each with its own checksums, in either byte order.

use std::collections::BTreeMap;

use self::files::Files;
use self::node::{CLEANMARKER, DIRENT, Dirent, INODE, Inode, Node, Nodes, blank_length};
use crate::blob::{Blob, Bytes, Endian};
use crate::format::{Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

mod files;
mod node;
mod rtime;
mod rubin;
#[cfg(test)]
pub(in crate::format) mod tests;
pub(in crate::format) mod tree;

/// Journalling Flash File System, version 2.
#[derive(Debug)]
pub(super) struct Jffs2;

static SPEC: Spec = Spec {
    id: "jffs2",
    name: "jffs2",
    kind: Kind::FileSystem,
    // magic 0x1985 and nodetype, in both byte orders; the second of a pair is the same node once obsolete
    magics: &[
        Magic::anywhere(&[0x85, 0x19, 0x01, 0xe0]),
        Magic::anywhere(&[0x85, 0x19, 0x01, 0xc0]),
        Magic::anywhere(&[0x85, 0x19, 0x02, 0xe0]),
        Magic::anywhere(&[0x85, 0x19, 0x02, 0xc0]),
        Magic::anywhere(&[0x85, 0x19, 0x03, 0x20]),
        Magic::anywhere(&[0x85, 0x19, 0x04, 0x20]),
        Magic::anywhere(&[0x85, 0x19, 0x06, 0x20]),
        Magic::anywhere(&[0x85, 0x19, 0x08, 0xe0]),
        Magic::anywhere(&[0x85, 0x19, 0x09, 0xe0]),
        Magic::anywhere(&[0x19, 0x85, 0xe0, 0x01]),
        Magic::anywhere(&[0x19, 0x85, 0xc0, 0x01]),
        Magic::anywhere(&[0x19, 0x85, 0xe0, 0x02]),
        Magic::anywhere(&[0x19, 0x85, 0xc0, 0x02]),
        Magic::anywhere(&[0x19, 0x85, 0x20, 0x03]),
        Magic::anywhere(&[0x19, 0x85, 0x20, 0x04]),
        Magic::anywhere(&[0x19, 0x85, 0x20, 0x06]),
        Magic::anywhere(&[0x19, 0x85, 0xe0, 0x08]),
        Magic::anywhere(&[0x19, 0x85, 0xe0, 0x09]),
        // the magic of 2001, of what a file system usually begins with
        Magic::anywhere(&[0x84, 0x19, 0x01, 0xe0]),
        Magic::anywhere(&[0x84, 0x19, 0x02, 0xe0]),
        Magic::anywhere(&[0x84, 0x19, 0x03, 0x20]),
        Magic::anywhere(&[0x19, 0x84, 0xe0, 0x01]),
        Magic::anywhere(&[0x19, 0x84, 0xe0, 0x02]),
        Magic::anywhere(&[0x19, 0x84, 0x20, 0x03]),
    ],
    leaf: false,
    references: &[
        "https://git.kernel.org/pub/scm/linux/kernel/git/torvalds/linux.git/tree/include/uapi/linux/jffs2.h",
        "https://sourceware.org/jffs2/jffs2.pdf",
    ],
    limitations: &["extended attributes", "images of 2001 whose nodes have no checksum of their header"],
};

/// A lone node that says nothing but "erased" must have this much erased flash behind it.
const LEAST_BLANK: u64 = 4096;
/// Two nodes that contradict each other may be a fluke; with this many it is another file system.
const CONTRADICTIONS: u32 = 2;

impl Format for Jffs2 {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let bytes = blob.bytes();
        let endian = byte_order(bytes, start)?;
        let first = Node::read(bytes, start, endian)?;
        if first.start.saturating_add(first.length) > bytes.len() {
            return Err(Rejected("the first node is not all there"));
        }
        let sound = match first.kind {
            DIRENT if !first.obsolete => Dirent::read(bytes, &first, endian).map(|_| true)?,
            INODE if !first.obsolete => Inode::read(bytes, start, endian).map(|_| true)?,
            _ => false,
        };
        let mut extent = Extent::default();
        for node in Nodes::new(bytes, start, endian) {
            if !extent.takes(bytes, &node, endian) {
                break;
            }
        }
        if extent.nodes < 2 && !sound && blank_length(bytes, first.end(), LEAST_BLANK) < LEAST_BLANK {
            return Err(Rejected("a single node"));
        }
        Ok(Carved::new(extent.end.saturating_sub(start), start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        let endian = byte_order(bytes, 0).map_err(|why| Fault::corrupt(why.to_string()))?;
        let (mut files, names) = Files::read(bytes, endian);
        if files.damaged > 0 {
            let why = format!("{} nodes are damaged", files.damaged);
            children.problem(&Fault::Checksum(why), files.first_damaged);
        }
        files.sort();
        tree::hand_over(1, names, &files, children)?;
        match files.cut {
            Some(at) => Err(Fault::Truncated(format!("the node at {at:#x} is not all there"))),
            None => Ok(()),
        }
    }
}

fn byte_order(bytes: Bytes<'_>, start: u64) -> Result<Endian, Rejected> {
    match bytes.array(start)? {
        [0x84 | 0x85, 0x19] => Ok(Endian::Little),
        [0x19, 0x84 | 0x85] => Ok(Endian::Big),
        _ => Err(Rejected("no magic")),
    }
}

/// How far one file system reaches. Nothing in it says so: it ends where no more nodes follow, or where those that follow give what
/// was already said (this inode's third version is that) another meaning, as two images next to each other do.
#[derive(Default)]
struct Extent {
    nodes: u64,
    end: u64,
    /// Checksum of the node for each kind, inode and version.
    said: BTreeMap<(u16, u32, u32), u32>,
    /// Where the nodes before the newest erase block end, as far as one can see blocks.
    block: Option<u64>,
    /// In that block.
    contradictions: u32,
}

impl Extent {
    /// Whether the node still belongs to it.
    fn takes(&mut self, bytes: Bytes<'_>, node: &Node, endian: Endian) -> bool {
        if self.nodes > 0 && (node.kind == CLEANMARKER || node.start != self.end) {
            (self.block, self.contradictions) = (Some(self.end), 0);
        }
        let said = match node.kind {
            _ if node.obsolete => None,
            DIRENT => Dirent::read(bytes, node, endian).ok().map(|it| ((DIRENT, it.pino, it.version), it.node_crc)),
            INODE => Inode::read(bytes, node.start, endian).ok().map(|it| ((INODE, it.ino, it.version), it.node_crc)),
            _ => None,
        };
        if let Some((what, crc)) = said
            && *self.said.entry(what).or_insert(crc) != crc
        {
            self.contradictions = self.contradictions.saturating_add(1);
            if let Some(end) = self.block.filter(|_| self.contradictions >= CONTRADICTIONS) {
                self.end = end;
                return false;
            }
        }
        self.nodes = self.nodes.saturating_add(1);
        self.end = node.end();
        true
    }
}
