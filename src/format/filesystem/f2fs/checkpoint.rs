//! The checkpoint: which copy of each block of the node table is in force, and what was changed since it was written.

use std::collections::BTreeMap;

use super::superblock::{BLOCK, MAGIC, SEGMENT, Superblock};
use crate::blob::{Bytes, Endian};
use crate::codec::crc::crc32;
use crate::problem::Fault;

const FLAG_UMOUNT: u32 = 0x1;
const FLAG_COMPACT_SUMMARY: u32 = 0x4;
const FLAG_LARGE_BITMAP: u32 = 0x400;

/// Entries of a block of the node table, and bytes of each: u8 version, u32 inode, u32 block.
const ENTRIES: u32 = 455;
const ENTRY: u64 = 9;

/// Where the journal begins in a summary block: behind 512 entries of 7 bytes.
const JOURNAL: u64 = 512 * 7;

/// Most entries of a journal.
const MOST_JOURNAL: u16 = 38;

/// What of `struct f2fs_checkpoint` leads to nodes. Two packs, of which the newer one that is whole is in force. Little endian:
///
/// ```text
///  0 u64 version   132 u32 flags   136 u32 blocks of the pack   140 u32 where in it the summaries begin   156 u32 bytes of the SIT bitmap
/// 160 u32 bytes of the NAT bitmap   164 u32 where the checksum is   192 bitmaps
/// ```
#[derive(Debug)]
pub(super) struct Checkpoint {
    bitmap: Vec<u8>,
    /// Nodes, and their blocks, that are not in the table yet.
    journal: BTreeMap<u32, u32>,
}

/// The head of a pack that is whole.
struct Pack<'a> {
    version: u64,
    start: u64,
    bytes: Bytes<'a>,
}

impl<'a> Pack<'a> {
    /// A pack is whole if its first and its last block say the same and fit their checksums.
    fn read(image: Bytes<'a>, start: u64) -> Result<Self, Fault> {
        let head = |block: u64| -> Result<(u64, Bytes<'a>), Fault> {
            let bytes = Bytes(image.get(block.saturating_mul(BLOCK), BLOCK)?);
            let place = u64::from(bytes.u32(164, Endian::Little)?);
            if place < 164 || crc32(MAGIC, bytes.get(0, place)?) != bytes.u32(place, Endian::Little)? {
                return Err(Fault::Checksum("a checkpoint does not fit its checksum".to_owned()));
            }
            Ok((bytes.u64(0, Endian::Little)?, bytes))
        };
        let (version, bytes) = head(start)?;
        let blocks = u64::from(bytes.u32(136, Endian::Little)?);
        let (last, _) = head(start.saturating_add(blocks).saturating_sub(1))?;
        if blocks < 2 || last != version {
            return Err(Fault::corrupt("a checkpoint was not written to its end"));
        }
        Ok(Self { version, start, bytes })
    }
}

impl Checkpoint {
    /// The one that is in force.
    pub(super) fn read(image: Bytes<'_>, superblock: &Superblock) -> Result<Self, Fault> {
        let first = Pack::read(image, superblock.checkpoints);
        let second = Pack::read(image, superblock.checkpoints.saturating_add(SEGMENT));
        let pack = match (first, second) {
            (Ok(first), Ok(second)) => {
                if second.version > first.version {
                    second
                } else {
                    first
                }
            }
            (Ok(pack), Err(_)) | (Err(_), Ok(pack)) => pack,
            (Err(fault), Err(_)) => return Err(fault),
        };
        let word = |at| pack.bytes.u32(at, Endian::Little);
        let flags = word(132)?;
        let sit = u64::from(word(156)?);
        let at = if flags & FLAG_LARGE_BITMAP != 0 {
            196
        } else if superblock.payload > 0 {
            192
        } else {
            sit.saturating_add(192)
        };
        let at = pack.start.saturating_mul(BLOCK).saturating_add(at);
        let bitmap = image.get(at, u64::from(word(160)?).min(BLOCK * SEGMENT))?.to_vec();
        let journal = if flags & FLAG_COMPACT_SUMMARY != 0 {
            pack.start.saturating_add(word(140)?.into()).saturating_mul(BLOCK)
        } else {
            let summaries = if flags & FLAG_UMOUNT != 0 { 7 } else { 4 };
            let block = pack.start.saturating_add(word(136)?.into()).saturating_sub(summaries);
            block.saturating_mul(BLOCK).saturating_add(JOURNAL)
        };
        Ok(Self { bitmap, journal: read_journal(image, journal)? })
    }

    /// The block of the node with this number: the journal's, or the one in the table.
    pub(super) fn block_of(&self, image: Bytes<'_>, superblock: &Superblock, node: u32) -> Result<u64, Fault> {
        let block = match self.journal.get(&node) {
            Some(block) => *block,
            None => {
                let (index, place) = (u64::from(node / ENTRIES), u64::from(node % ENTRIES));
                // Each segment of the table is there twice; a bit says which copy of a block is in force.
                let copy = self
                    .bitmap
                    .get(crate::blob::to_usize(index / 8))
                    .is_some_and(|byte| byte.rotate_left(u32::try_from(index % 8).unwrap_or(0)) & 0x80 != 0);
                let segment = (index / SEGMENT).saturating_mul(2).saturating_add(copy.into());
                let block = segment.saturating_mul(SEGMENT).saturating_add(index % SEGMENT);
                if block >= superblock.nat_blocks {
                    return Err(Fault::corrupt(format!("there is no node {node}")));
                }
                let at = superblock.nat.saturating_add(block).saturating_mul(BLOCK).saturating_add(place.saturating_mul(ENTRY));
                image.u32(at.saturating_add(5), Endian::Little)?
            }
        };
        let block = u64::from(block);
        if block < superblock.main || block >= superblock.blocks {
            return Err(Fault::corrupt(format!("the node {node} stands nowhere")));
        }
        Ok(block)
    }
}

/// A journal: u16 entries; each u32 node, u8 version, u32 inode, u32 block.
fn read_journal(image: Bytes<'_>, at: u64) -> Result<BTreeMap<u32, u32>, Fault> {
    let count = image.u16(at, Endian::Little)?;
    if count > MOST_JOURNAL {
        return Err(Fault::corrupt("a journal of too many entries"));
    }
    let entry = |index: u64| -> Result<(u32, u32), Fault> {
        let at = at.saturating_add(2).saturating_add(index.saturating_mul(13));
        Ok((image.u32(at, Endian::Little)?, image.u32(at.saturating_add(9), Endian::Little)?))
    };
    (0..u64::from(count)).map(entry).collect()
}
