//! Inodes: what a file is, and what of it stands in the inode itself.

use super::superblock::Superblock;
use crate::blob::{Bytes, Endian};
use crate::format::unix::inodes::{Inode, device_numbers};
use crate::problem::Fault;

const INLINE_XATTR: u8 = 0x01;
const INLINE_DATA: u8 = 0x02;
const INLINE_NAMES: u8 = 0x04;
const EXTRA: u8 = 0x20;
const ADVISE_ENCRYPTED: u8 = 0x04;
const FLAG_COMPRESSED: u32 = 0x4;

/// Where the block numbers begin, how many there are in an inode without anything else, and where the numbers of further nodes are.
const NUMBERS: u64 = 360;
const MOST_NUMBERS: u64 = 923;
pub(super) const NODES: u64 = 4052;

/// Block numbers in a node that has nothing else.
const NUMBERS_OF_NODE: u64 = 1018;

/// Words of the attributes, where the inode does not say it.
const ATTRIBUTES: u64 = 50;

/// What leads to the content of an inode.
#[derive(Debug, Clone)]
pub(super) struct Detail<'a> {
    /// The node.
    pub(super) node: Bytes<'a>,
    /// Where its block numbers begin, and how many there are.
    pub(super) numbers: u64,
    pub(super) count: u64,
    /// Block numbers in further nodes of this file.
    pub(super) per_node: u64,
    /// Content that stands in the inode, if it does.
    pub(super) inline: Option<&'a [u8]>,
    /// Whether names stand there.
    pub(super) inline_names: bool,
    pub(super) encrypted: bool,
    /// Algorithm and blocks of a cluster, if it may be compressed.
    pub(super) compression: Option<(u8, u64)>,
}

/// Reads the inode that stands in `node`, a block at `at`:
///
/// ```text
///  0 u16 mode   2 u8 advise   3 u8 inline flags   4 u32 owner   8 u32 group   16 u64 size   48 u64 time   80 u32 flags
/// 360 u16 bytes of what follows, u16 words of attributes, …   392 u8 compression   393 u8 log2 blocks of a cluster (all if flags say so)
/// then u32[] blocks, or what is inline behind one of them   4052 u32[5] nodes   4072 u32 node   4076 u32 inode
/// ```
pub(super) fn read<'a>(superblock: &Superblock, node: Bytes<'a>, number: u32, at: u64) -> Result<Inode<Detail<'a>>, Fault> {
    let word = |at| node.u32(at, Endian::Little);
    if word(4072)? != number || word(4076)? != number {
        return Err(Fault::corrupt(format!("where inode {number} should be is another node")));
    }
    let (inline, mode, flags) = (node.u8(3)?, u32::from(node.u16(0, Endian::Little)?), word(80)?);
    let extra = if inline & EXTRA != 0 { u64::from(node.u16(NUMBERS, Endian::Little)?) } else { 0 };
    if extra % 4 != 0 || extra > 400 {
        return Err(Fault::corrupt("extra attributes of a strange size"));
    }
    let attributes = if superblock.flexible_attributes() {
        if extra >= 4 { u64::from(node.u16(NUMBERS.saturating_add(2), Endian::Little)?) } else { 0 }
    } else if inline & (INLINE_XATTR | INLINE_NAMES) != 0 {
        ATTRIBUTES
    } else {
        0
    };
    let mut count = MOST_NUMBERS.saturating_sub(extra / 4).saturating_sub(attributes);
    let numbers = NUMBERS.saturating_add(extra);
    let (mut compression, mut per_node) = (None, NUMBERS_OF_NODE);
    if flags & FLAG_COMPRESSED != 0 && extra >= 36 {
        let cluster = 1_u64.checked_shl(node.u8(393)?.into()).filter(|cluster| *cluster <= 256).unwrap_or(4);
        compression = Some((node.u8(392)?, cluster));
        let whole = |count: u64| count.checked_div(cluster).unwrap_or(0).saturating_mul(cluster);
        if mode & 0o170_000 == 0o100_000 {
            (count, per_node) = (whole(count), whole(per_node));
        }
    }
    let is_inline = inline & (INLINE_DATA | INLINE_NAMES) != 0;
    let inline_data = node.up_to(numbers.saturating_add(4), count.saturating_sub(1).saturating_mul(4));
    let (old, new) = (word(numbers)?, word(numbers.saturating_add(4))?);
    Ok(Inode {
        at,
        mode,
        size: node.u64(16, Endian::Little)?,
        device: device_numbers(if old == 0 { new } else { old & 0xffff }),
        uid: word(4)?,
        gid: word(8)?,
        modified: i64::try_from(node.u64(48, Endian::Little)?).ok(),
        detail: Detail {
            node,
            numbers,
            count,
            per_node,
            inline: is_inline.then_some(inline_data),
            inline_names: inline & INLINE_NAMES != 0,
            encrypted: node.u8(2)? & ADVISE_ENCRYPTED != 0,
            compression,
        },
    })
}
