//! What the nodes of a jffs2 say together: files, from the newest piece to the oldest.

use std::collections::BTreeMap;

use super::node::{DIRENT, Dirent, INODE, Inode, Nodes};
use super::rtime;
use super::rubin;
use super::tree::{Inodes, Name};
use crate::blob::{Bytes, Endian, to_usize};
use crate::codec::{Codec, LzmaProperties, lzma_raw_block};
use crate::format::Attributes;
use crate::format::unix::inodes::device_numbers;
use crate::limits::{Exceeded, Output};
use crate::problem::Fault;

/// A node holds no more than a page of memory, decompressed.
const LARGEST_PIECE: u32 = 64 << 10;

/// An intact inode node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Piece {
    inode: u32,
    version: u32,
    start: u64,
}

/// All intact inode nodes.
pub(super) struct Files<'b> {
    bytes: Bytes<'b>,
    endian: Endian,
    pieces: Vec<Piece>,
    /// Nodes, and runs of bytes between nodes, that are broken.
    pub(super) damaged: u64,
    /// Where the first of them is.
    pub(super) first_damaged: Option<u64>,
    /// The node that the end of the image cuts off.
    pub(super) cut: Option<u64>,
}

impl<'b> Files<'b> {
    /// Reads all nodes, and checks every checksum.
    pub(super) fn read(bytes: Bytes<'b>, endian: Endian) -> (Self, Vec<Name<'b>>) {
        let mut files = Self { bytes, endian, pieces: Vec::new(), damaged: 0, first_damaged: None, cut: None };
        let mut names = Vec::new();
        let mut nodes = Nodes::new(bytes, 0, endian);
        for node in nodes.by_ref() {
            if node.start.saturating_add(node.length) > bytes.len() {
                files.cut = Some(node.start);
                continue;
            }
            let sound = match node.kind {
                DIRENT => {
                    Dirent::read(bytes, &node, endian).map(|dirent| names.push(name(&dirent, node.obsolete))).is_ok() || node.obsolete
                }
                INODE => node.obsolete || files.add(node.start),
                _ => true,
            };
            if !sound {
                files.damaged = files.damaged.saturating_add(1);
                files.first_damaged = files.first_damaged.or(Some(node.start));
            }
        }
        files.damaged = files.damaged.saturating_add(nodes.gaps);
        files.first_damaged = [files.first_damaged, nodes.first_gap].into_iter().flatten().min();
        (files, names)
    }

    fn add(&mut self, start: u64) -> bool {
        match Inode::read(self.bytes, start, self.endian) {
            Ok(node) if node.is_intact() => {
                self.pieces.push(Piece { inode: node.ino, version: node.version, start });
                true
            }
            _ => false,
        }
    }

    /// Brings the pieces in the order in which they were written.
    pub(super) fn sort(&mut self) {
        self.pieces.sort_unstable();
    }

    fn pieces(&self, inode: u64) -> &[Piece] {
        let start = self.pieces.partition_point(|piece| u64::from(piece.inode) < inode);
        let end = self.pieces.partition_point(|piece| u64::from(piece.inode) <= inode);
        self.pieces.get(start..end).unwrap_or_default()
    }

    fn newest(&self, inode: u64) -> Option<Inode<'b>> {
        let piece = self.pieces(inode).last()?;
        Inode::read(self.bytes, piece.start, self.endian).ok()
    }
}

fn name<'b>(dirent: &Dirent<'b>, obsolete: bool) -> Name<'b> {
    Name {
        parent: dirent.pino.into(),
        bytes: dirent.name,
        version: dirent.version.into(),
        inode: dirent.ino.into(),
        kind: u32::from(dirent.kind).saturating_mul(0x1000),
        obsolete,
    }
}

impl Inodes for Files<'_> {
    fn all(&self) -> Vec<u64> {
        let mut all: Vec<u64> = self.pieces.iter().map(|piece| piece.inode.into()).collect();
        all.dedup();
        all
    }

    fn deleted(&self, _: u64) -> bool {
        false
    }

    fn attributes(&self, inode: u64) -> Option<Attributes> {
        let newest = self.newest(inode)?;
        Some(Attributes {
            mode: Some(newest.mode),
            uid: Some(newest.uid.into()),
            gid: Some(newest.gid.into()),
            modified: Some(newest.mtime.into()),
        })
    }

    fn encrypted(&self, _: u64) -> bool {
        false
    }

    fn content(&self, inode: u64, output: &mut Output<'_>) -> Result<Option<Fault>, Exceeded> {
        let Some(newest) = self.newest(inode) else {
            return Ok(Some(Fault::corrupt("none of its nodes is intact")));
        };
        // Of a device, mkfs gives the size as 0.
        let size = if matches!(newest.mode & 0xf000, 0x2000 | 0x6000) { newest.dsize } else { newest.isize };
        let mut fault = None;
        let mut open = Open::new(size.into());
        for piece in self.pieces(inode).iter().rev() {
            let Ok(node) = Inode::read(self.bytes, piece.start, self.endian) else { continue };
            let start = u64::from(node.offset);
            let end = start.saturating_add(node.dsize.into());
            if !open.touches(start, end) {
                continue;
            }
            match decompress(&node) {
                Ok(data) => {
                    for (from, to) in open.close(start, end) {
                        let part = Bytes(&data).up_to(from.saturating_sub(start), to.saturating_sub(from));
                        output.write_at(from, part)?;
                    }
                }
                Err(why) => fault = fault.or(Some(why)),
            }
        }
        output.zeros(u64::from(size).saturating_sub(output.len()))?;
        let missing = open.length();
        if missing > 0 {
            fault = fault.or_else(|| Some(Fault::corrupt(format!("{missing} of its {size} bytes are missing"))));
        }
        Ok(fault)
    }

    /// `union jffs2_device_node`: 16 bits as of old, or 32 bits.
    fn device(&self, content: &[u8]) -> (u32, u32) {
        let bytes = Bytes(content);
        match (bytes.u32(0, self.endian), bytes.u16(0, self.endian)) {
            (Ok(new), _) => device_numbers(new),
            (_, Ok(old)) => (u32::from(old >> 8), u32::from(old & 0xff)),
            _ => (0, 0),
        }
    }
}

/// The data of one node; nothing for a hole, whose bytes are zero without being written.
fn decompress(node: &Inode<'_>) -> Result<Vec<u8>, Fault> {
    let (size, limit) = (to_usize(node.dsize.into()), u64::from(node.dsize));
    if !matches!(node.compr, 0 | 1) && node.dsize > LARGEST_PIECE {
        return Err(Fault::unsupported(format!("a piece of {size} bytes")));
    }
    let data = match node.compr {
        0 => node.data.to_vec(),
        1 => return Ok(Vec::new()),
        2 => rtime::decompress(node.data, size),
        3 | 5 => rubin::decompress(node.data, size, node.compr == 5).ok_or_else(|| Fault::corrupt("rubin: the data is damaged"))?,
        6 => Codec::Zlib.block(node.data, limit)?,
        7 => Codec::Lzo.block(node.data, limit)?,
        8 => lzma_raw_block(node.data, LZMA, limit)?,
        other => return Err(Fault::unsupported(format!("compression {other}"))),
    };
    if data.len() < size {
        return Err(Fault::corrupt(format!("a piece of {} bytes instead of {size}", data.len())));
    }
    Ok(data)
}

/// What OpenWrt's patch, the only writer of compression 8, sets for every node.
const LZMA: LzmaProperties = LzmaProperties { lc: 0, lp: 0, pb: 0, dictionary: 0x2000 };

/// Those bytes of a file that no newer piece gave yet: disjoint runs, by start.
struct Open(BTreeMap<u64, u64>);

impl Open {
    fn new(size: u64) -> Self {
        Self((size > 0).then_some((0, size)).into_iter().collect())
    }

    /// Whether a byte from `start` to `end` is open.
    fn touches(&self, start: u64, end: u64) -> bool {
        self.last_before(end).is_some_and(|(_, last)| last > start) && start < end
    }

    fn last_before(&self, end: u64) -> Option<(u64, u64)> {
        self.0.range(..end).next_back().map(|(from, to)| (*from, *to))
    }

    /// Takes out the open runs from `start` to `end`.
    fn close(&mut self, start: u64, end: u64) -> Vec<(u64, u64)> {
        let mut closed = Vec::new();
        while let Some((from, to)) = self.last_before(end).filter(|(_, to)| *to > start) {
            self.0.remove(&from);
            if to > end {
                self.0.insert(end, to);
            }
            if from < start {
                self.0.insert(from, start);
            }
            closed.push((from.max(start), to.min(end)));
        }
        closed
    }

    fn length(&self) -> u64 {
        self.0.iter().fold(0, |sum, (from, to)| sum.saturating_add(to.saturating_sub(*from)))
    }
}
