//! What the nodes of a UBIFS say together.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::index::Index;
use super::node::{DATA, DENTRY, Found, INODE, Key, Node, Scan, Truncation};
use crate::blob::{Bytes, Endian, to_u64, to_usize};
use crate::codec::Codec;
use crate::format::Attributes;
use crate::format::filesystem::jffs2::tree::{Inodes, Name};
use crate::format::unix::inodes::device_numbers;
use crate::limits::{Exceeded, Output};
use crate::problem::Fault;

/// `UBIFS_BLOCK_SIZE`: bytes of a file in one data node.
const BLOCK: u64 = 4096;
/// Flag of an inode that holds the value of an extended attribute.
const XATTR: u32 = 0x20;
/// Flag of an inode with encrypted content or names.
const CRYPT: u32 = 0x40;

/// The nodes that are true.
pub(super) struct Files<'b> {
    bytes: Bytes<'b>,
    /// Sequence number and place of the newest inode node.
    inodes: BTreeMap<u32, (u64, u64)>,
    /// The newest node of each block, sorted by inode and block.
    data: Vec<Found>,
    /// Blocks whose node is damaged, sorted.
    lost: Vec<(u32, u32)>,
    /// Nodes that should be there and are not, or are damaged.
    pub(super) damaged: u64,
    /// Where the first of them is.
    pub(super) first_damaged: Option<u64>,
}

impl<'b> Files<'b> {
    pub(super) fn new(bytes: Bytes<'b>, scan: Scan, index: Option<&Index>) -> (Self, Vec<Name<'b>>) {
        let missing = missing(&scan, index);
        let is_current = |start, sqnum| index.is_none_or(|index| index.is_current(start, sqnum));
        let mut files = Self {
            bytes,
            inodes: BTreeMap::new(),
            data: Vec::new(),
            lost: missing.iter().filter(|(_, key)| key.kind == DATA).map(|(_, key)| (key.inode, key.block)).collect(),
            damaged: to_u64(missing.len()),
            first_damaged: missing.iter().map(|(start, _)| *start).min(),
        };
        files.lost.sort_unstable();
        let mut names = Vec::new();
        for found in scan.found.into_iter().filter(|found| found.sound && is_current(found.start, found.sqnum)) {
            match found.key.kind {
                INODE => {
                    let newest = files.inodes.entry(found.key.inode).or_default();
                    *newest = (*newest).max((found.sqnum, found.start));
                }
                DATA => files.data.push(found),
                DENTRY => names.extend(name(bytes, &found)),
                _ => (),
            }
        }
        let cuts = Cuts::new(scan.truncations);
        files.data.retain(|found| !cuts.removes(found));
        files.data.sort_by_key(|found| (found.key.inode, found.key.block, Reverse(found.sqnum), found.start));
        files.data.dedup_by_key(|found| (found.key.inode, found.key.block));
        (files, names)
    }

    /// The newest inode node.
    ///
    /// `struct ubifs_ino_node`, 160 bytes: header (24), key (16), `creat_sqnum`, `size`, `atime_sec`, `ctime_sec`, `mtime_sec` (8 each),
    /// their `_nsec` (4 each), `nlink`, `uid`, `gid`, `mode`, `flags`, `data_len`, `xattr_cnt`, `xattr_size` (4 each), padding (4),
    /// `xattr_names` (4), `compr_type` (2), padding (26), data.
    fn inode(&self, inode: u64) -> Option<Node<'b>> {
        let (_, start) = self.inodes.get(&u32::try_from(inode).ok()?)?;
        Node::read(self.bytes, *start).ok()
    }

    fn flags(&self, inode: u64) -> u32 {
        self.inode(inode).map_or(0, |node| node.u32(108))
    }

    fn blocks(&self, inode: u64) -> &[Found] {
        let start = self.data.partition_point(|found| u64::from(found.key.inode) < inode);
        let end = self.data.partition_point(|found| u64::from(found.key.inode) <= inode);
        self.data.get(start..end).unwrap_or_default()
    }

    /// Blocks of the file whose only node is damaged.
    fn lost_blocks(&self, inode: u64, blocks: &[Found]) -> u64 {
        let start = self.lost.partition_point(|(owner, _)| u64::from(*owner) < inode);
        let lost = self.lost.iter().skip(start).take_while(|(owner, _)| u64::from(*owner) == inode);
        to_u64(lost.filter(|(_, block)| blocks.binary_search_by_key(block, |found| found.key.block).is_err()).count())
    }
}

/// Nodes of files that are damaged: those that the index leads to in vain, or without an index all that are damaged.
fn missing(scan: &Scan, index: Option<&Index>) -> Vec<(u64, Key)> {
    let Some(index) = index else {
        return scan.found.iter().filter(|found| !found.sound).map(|found| (found.start, found.key)).collect();
    };
    let sound: Vec<u64> = scan.found.iter().filter(|found| found.sound).map(|found| found.start).collect();
    let mut missing = index.missing(&sound);
    missing.retain(|(_, key)| matches!(key.kind, INODE | DATA | DENTRY));
    missing
}

/// `struct ubifs_dent_node`, 56 bytes: header (24), key (16), `inum` (8), padding (1), `type` (1), `nlen` (2), `cookie` (4), name.
fn name<'b>(bytes: Bytes<'b>, found: &Found) -> Option<Name<'b>> {
    let node = Node::read(bytes, found.start).ok()?;
    let kind = match node.bytes.u8(49).ok()? {
        0 => 0x8000,
        1 => 0x4000,
        2 => 0xa000,
        3 => 0x6000,
        4 => 0x2000,
        5 => 0x1000,
        _ => 0xc000,
    };
    let bytes = node.bytes.get(56, node.u16(50).into()).ok()?;
    Some(Name { parent: found.key.inode.into(), bytes, version: found.sqnum, inode: node.u64(40), kind, obsolete: false })
}

/// What truncations cut off: sorted by inode and sequence number, each with the smallest size that it or a later one left.
struct Cuts(Vec<Truncation>);

impl Cuts {
    fn new(mut list: Vec<Truncation>) -> Self {
        list.sort_unstable();
        let mut later: Option<Truncation> = None;
        for cut in list.iter_mut().rev() {
            if let Some(later) = later.filter(|later| later.inode == cut.inode) {
                cut.new_size = cut.new_size.min(later.new_size);
            }
            later = Some(*cut);
        }
        Self(list)
    }

    /// Whether the whole block was cut off after it was written.
    fn removes(&self, found: &Found) -> bool {
        let next = self.0.partition_point(|cut| (cut.inode, cut.sqnum) <= (found.key.inode, found.sqnum));
        let cut = self.0.get(next).filter(|cut| cut.inode == found.key.inode);
        cut.is_some_and(|cut| BLOCK.saturating_mul(found.key.block.into()) >= cut.new_size)
    }
}

impl Inodes for Files<'_> {
    fn all(&self) -> Vec<u64> {
        let mut all: Vec<u64> = self.inodes.keys().map(|inode| u64::from(*inode)).collect();
        all.retain(|inode| self.flags(*inode) & XATTR == 0);
        all
    }

    fn deleted(&self, inode: u64) -> bool {
        self.inode(inode).is_some_and(|node| node.u32(92) == 0)
    }

    fn attributes(&self, inode: u64) -> Option<Attributes> {
        let node = self.inode(inode)?;
        let modified = i64::try_from(node.u64(72)).ok();
        Some(Attributes { mode: Some(node.u32(104)), uid: Some(node.u32(96)), gid: Some(node.u32(100)), modified })
    }

    fn encrypted(&self, inode: u64) -> bool {
        self.flags(inode) & CRYPT != 0
    }

    fn content(&self, inode: u64, output: &mut Output<'_>) -> Result<Option<Fault>, Exceeded> {
        if self.encrypted(inode) {
            return Ok(Some(Fault::Encrypted("encrypted by fscrypt".to_owned())));
        }
        let blocks = self.blocks(inode);
        let end = |found: &Found| BLOCK.saturating_mul(u64::from(found.key.block).saturating_add(1));
        let (mut fault, size) = match self.inode(inode) {
            Some(node) if node.u32(104) & 0xf000 != 0x8000 => {
                output.push(node.bytes.up_to(160, node.u32(112).into()))?;
                return Ok(None);
            }
            Some(node) => (None, file_size(self.bytes, &node, blocks)),
            None => (Some(Fault::corrupt("its inode node is damaged: the size is a guess")), blocks.last().map_or(0, end)),
        };
        for found in blocks {
            let start = BLOCK.saturating_mul(found.key.block.into());
            if start >= size {
                break;
            }
            match decompress(self.bytes, found) {
                Ok(data) => output.write_at(start, Bytes(&data).up_to(0, size.saturating_sub(start)))?,
                Err(why) => fault = fault.or(Some(why)),
            }
        }
        let lost = self.lost_blocks(inode, blocks);
        if lost > 0 {
            fault = fault.or_else(|| Some(Fault::corrupt(format!("{lost} blocks of {BLOCK} bytes are damaged"))));
        }
        output.zeros(size.saturating_sub(output.len()))?;
        Ok(fault)
    }

    /// `union ubifs_dev_desc`: 32 bits, or 64 of which the upper half is 0.
    fn device(&self, content: &[u8]) -> (u32, u32) {
        device_numbers(Bytes(content).u32(0, Endian::Little).unwrap_or(0))
    }
}

/// The size in the inode node, unless data was written behind it later: then power was lost before the inode was written again.
fn file_size(bytes: Bytes<'_>, node: &Node<'_>, blocks: &[Found]) -> u64 {
    let later = blocks.iter().rev().find(|found| found.sqnum > node.sqnum);
    let end = later.and_then(|found| {
        let data = Node::read(bytes, found.start).ok()?;
        Some(BLOCK.saturating_mul(found.key.block.into()).saturating_add(u64::from(data.u32(40)).min(BLOCK)))
    });
    end.unwrap_or(0).max(node.u64(48))
}

/// `struct ubifs_data_node`, 48 bytes: header (24), key (16), `size` once decompressed (4), `compr_type`, `compr_size` (2 each), data.
fn decompress(bytes: Bytes<'_>, found: &Found) -> Result<Vec<u8>, Fault> {
    let node = Node::read(bytes, found.start).map_err(|why| Fault::corrupt(why.to_string()))?;
    let (size, data) = (u64::from(node.u32(40)), node.bytes.tail(48));
    if size > BLOCK {
        return Err(Fault::corrupt(format!("a block of {size} bytes")));
    }
    let block = match node.u16(44) {
        0 => data.to_vec(),
        1 => Codec::Lzo.block(data, size)?,
        2 => Codec::Deflate.block(data, size)?,
        3 => Codec::Zstd.block(data, size)?,
        other => return Err(Fault::unsupported(format!("compression {other}"))),
    };
    match block.len() < to_usize(size) {
        true => Err(Fault::corrupt(format!("a block of {} bytes instead of {size}", block.len()))),
        false => Ok(block),
    }
}
