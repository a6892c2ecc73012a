//! Nodes: the records that a jffs2 is made of, and the way from one to the next.

use flate2::Crc;

use crate::blob::{Bytes, Endian, to_u64};
use crate::problem::Rejected;

/// A node with a name for an inode.
pub(super) const DIRENT: u16 = 0xe001;
/// A node with data of a file.
pub(super) const INODE: u16 = 0xe002;
/// A node that says that its erase block was erased to the end.
pub(super) const CLEANMARKER: u16 = 0x2003;

/// Cleared in `nodetype` once a node is obsolete; the checksum was made while it was set.
const ACCURATE: u16 = 0x2000;
/// `struct jffs2_unknown_node`: what all nodes begin with.
const HEADER: u64 = 12;
/// No erase block is larger, and no node larger than its erase block.
const LARGEST_NODE: u64 = 1 << 20;
/// Erased flash that may lie between two nodes: some free erase blocks.
const LONGEST_BLANK: u64 = 2 << 20;
/// Anything else that may lie between two nodes: a damaged erase block.
const LONGEST_GARBAGE: u64 = 128 << 10;

/// The kernel's crc32 from 0 without final inversion. flate2's begins with all ones: four bytes 0xff bring those to 0.
pub(super) fn crc(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(&[0xff; 4]);
    crc.update(bytes);
    !crc.sum()
}

/// `struct jffs2_unknown_node`: `magic` 0x1985, once 0x1984 (2), `nodetype` (2), `totlen` (4), `hdr_crc` (4) over the first 8 bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    /// Where it begins.
    pub(super) start: u64,
    /// `totlen`; it may reach past the end of a truncated image.
    pub(super) length: u64,
    /// `nodetype`, with the bit that says that it is not obsolete.
    pub(super) kind: u16,
    /// Whether it is.
    pub(super) obsolete: bool,
}

impl Node {
    pub(super) fn read(bytes: Bytes<'_>, start: u64, endian: Endian) -> Result<Self, Rejected> {
        if !matches!(bytes.u16(start, endian)?, 0x1984 | 0x1985) {
            return Err(Rejected("no magic"));
        }
        let kind = bytes.u16(start.saturating_add(2), endian)?;
        let length = u64::from(bytes.u32(start.saturating_add(4), endian)?);
        if !(HEADER..=LARGEST_NODE).contains(&length) {
            return Err(Rejected("totlen"));
        }
        if crc(&as_written::<8>(bytes, start, endian)?) != bytes.u32(start.saturating_add(8), endian)? {
            return Err(Rejected("hdr_crc"));
        }
        Ok(Self { start, length, kind: kind | ACCURATE, obsolete: kind & ACCURATE == 0 })
    }

    /// Where the next node may begin.
    pub(super) fn end(&self) -> u64 {
        self.start.saturating_add(self.length.saturating_add(3) & !3)
    }
}

/// The first bytes of a node as they were before it became obsolete: its checksums are of those.
fn as_written<const N: usize>(bytes: Bytes<'_>, start: u64, endian: Endian) -> Result<[u8; N], Rejected> {
    let mut head = bytes.array::<N>(start)?;
    let upper = match endian {
        Endian::Little => 3,
        Endian::Big => 2,
    };
    if let Some(byte) = head.get_mut(upper) {
        *byte |= 0x20;
    }
    Ok(head)
}

/// All nodes in a row, whatever lies between them.
pub(super) struct Nodes<'b> {
    bytes: Bytes<'b>,
    endian: Endian,
    start: u64,
    at: u64,
    /// Runs of bytes between nodes that are neither erased nor zero, so far.
    pub(super) gaps: u64,
    /// Where the first of them begins.
    pub(super) first_gap: Option<u64>,
}

impl<'b> Nodes<'b> {
    pub(super) fn new(bytes: Bytes<'b>, start: u64, endian: Endian) -> Self {
        Self { bytes, endian, start, at: start, gaps: 0, first_gap: None }
    }

    /// Looks for the next node behind erased flash and rubbish. How far is bounded by how much was found before, so that many small
    /// pieces cost no more than a large one.
    fn resync(&mut self) -> Option<Node> {
        let most = self.at.saturating_sub(self.start).saturating_mul(4).min(LONGEST_GARBAGE);
        let (mut at, mut blank, mut garbage, mut dirt) = (self.at, 0_u64, 0_u64, None);
        while at < self.bytes.len() {
            let erased = blank_length(self.bytes, at, LONGEST_BLANK);
            if erased > 0 {
                blank = blank.saturating_add(erased);
                at = at.saturating_add(erased);
            } else if let Ok(node) = Node::read(self.bytes, at, self.endian) {
                if dirt.is_some() {
                    self.gaps = self.gaps.saturating_add(1);
                    self.first_gap = self.first_gap.or(dirt);
                }
                return Some(node);
            } else {
                if !self.bytes.has(at, &[0; 4]) {
                    dirt = dirt.or(Some(at));
                }
                garbage = garbage.saturating_add(4);
                at = at.saturating_add(4);
            }
            if blank > LONGEST_BLANK || garbage > most {
                return None;
            }
        }
        None
    }
}

impl Iterator for Nodes<'_> {
    type Item = Node;

    fn next(&mut self) -> Option<Node> {
        let node = match Node::read(self.bytes, self.at, self.endian) {
            Ok(node) => node,
            Err(_) if self.at == self.start => return None,
            Err(_) => self.resync()?,
        };
        self.at = node.end();
        Some(node)
    }
}

/// Length of the run of 0xff at `start`, in whole words of 4 bytes; not much more than `most`.
pub(super) fn blank_length(bytes: Bytes<'_>, start: u64, most: u64) -> u64 {
    let run = bytes.up_to(start, most.saturating_add(4));
    let length = run.iter().position(|byte| *byte != 0xff).unwrap_or(run.len());
    to_u64(length) & !3
}

/// `struct jffs2_raw_dirent`, 40 bytes: header (12), `pino`, `version`, `ino`, `mctime` (4 each), `nsize`, `type` (1 each), unused (2),
/// `node_crc` over the first 32 bytes, `name_crc`, name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dirent<'b> {
    pub(super) pino: u32,
    pub(super) version: u32,
    pub(super) ino: u32,
    /// `DT_*`: the upper bits of `S_IFMT`.
    pub(super) kind: u8,
    pub(super) name: &'b [u8],
    pub(super) node_crc: u32,
}

impl<'b> Dirent<'b> {
    /// Reads and checks all of it.
    pub(super) fn read(bytes: Bytes<'b>, node: &Node, endian: Endian) -> Result<Self, Rejected> {
        let word = |field: u64| bytes.u32(node.start.saturating_add(field), endian);
        let node_crc = word(32)?;
        if crc(&as_written::<32>(bytes, node.start, endian)?) != node_crc {
            return Err(Rejected("node_crc"));
        }
        let nsize = u64::from(bytes.u8(node.start.saturating_add(28))?);
        let name = bytes.get(node.start.saturating_add(40), nsize)?;
        if nsize.saturating_add(40) > node.length || crc(name) != word(36)? {
            return Err(Rejected("name_crc"));
        }
        let kind = bytes.u8(node.start.saturating_add(29))?;
        Ok(Self { pino: word(12)?, version: word(16)?, ino: word(20)?, kind, name, node_crc })
    }
}

/// `struct jffs2_raw_inode`, 68 bytes: header (12), `ino`, `version`, `mode` (4 each), `uid`, `gid` (2 each), `isize`, `atime`, `mtime`,
/// `ctime`, `offset`, `csize`, `dsize` (4 each), `compr`, `usercompr` (1 each), `flags` (2), `data_crc`, `node_crc` over the first 60
/// bytes, data.
#[derive(Debug, Clone, Copy)]
pub(super) struct Inode<'b> {
    pub(super) ino: u32,
    pub(super) version: u32,
    pub(super) mode: u32,
    pub(super) uid: u16,
    pub(super) gid: u16,
    /// Size of the whole file when this was written.
    pub(super) isize: u32,
    pub(super) mtime: u32,
    /// Where in the file the data goes.
    pub(super) offset: u32,
    /// Size of the data once decompressed.
    pub(super) dsize: u32,
    pub(super) compr: u8,
    pub(super) data: &'b [u8],
    data_crc: u32,
    pub(super) node_crc: u32,
}

impl<'b> Inode<'b> {
    /// Reads it and checks all but the data.
    pub(super) fn read(bytes: Bytes<'b>, start: u64, endian: Endian) -> Result<Self, Rejected> {
        let word = |field: u64| bytes.u32(start.saturating_add(field), endian);
        let half = |field: u64| bytes.u16(start.saturating_add(field), endian);
        let node_crc = word(64)?;
        if crc(bytes.get(start, 60)?) != node_crc {
            return Err(Rejected("node_crc"));
        }
        let csize = u64::from(word(48)?);
        if csize.saturating_add(68) > word(4)?.into() {
            return Err(Rejected("csize"));
        }
        Ok(Self {
            ino: word(12)?,
            version: word(16)?,
            mode: word(20)?,
            uid: half(24)?,
            gid: half(26)?,
            isize: word(28)?,
            mtime: word(36)?,
            offset: word(44)?,
            dsize: word(52)?,
            compr: bytes.u8(start.saturating_add(56))?,
            data: bytes.get(start.saturating_add(68), csize)?,
            data_crc: word(60)?,
            node_crc,
        })
    }

    /// Whether the data is what was written.
    pub(super) fn is_intact(&self) -> bool {
        crc(self.data) == self.data_crc
    }
}
