//! The journal: blocks that were to be written to their places when the system stopped. They are read from the journal instead.

use std::collections::BTreeMap;

use super::map::Map;
use super::volume::Volume;
use crate::blob::{Bytes, Endian};
use crate::problem::Fault;

/// What each block of the journal that is not data begins with, behind it u32 kind, u32 number of the transaction.
const MAGIC: u32 = 0xc03b_3998;
const HEADER: u64 = 12;

const DESCRIPTOR: u32 = 1;
const COMMIT: u32 = 2;
const REVOKE: u32 = 5;

const WIDE: u32 = 0x2;
const CHECKSUM_2: u32 = 0x8;
const CHECKSUM_3: u32 = 0x10;
/// Revocations, 64 bits, commits that are not waited for, two kinds of checksums, and fast commits, of which only what is whole counts.
const KNOWN: u32 = 0x3f;

/// The block begins with the magic, which was taken out of it.
const ESCAPED: u32 = 1;
const SAME_UUID: u32 = 2;
const LAST: u32 = 8;

/// Where the newest copy of each block of the file system stands in the journal.
pub(super) type Replayed = BTreeMap<u64, u64>;

/// The superblock of the journal, big endian: 12 u32 block size, 16 u32 blocks, 20 u32 first one, 24 u32 transaction, 28 u32 where that
/// begins, 0 if there is nothing to do; 40 u32 features.
struct Journal<'a, 'v> {
    volume: &'v Volume<'a>,
    /// Numbers of its blocks in the file system.
    blocks: Vec<u64>,
    first: u64,
    features: u32,
}

/// One copy of a block in the journal.
struct Copy {
    transaction: u32,
    block: u64,
    place: u64,
    escaped: bool,
}

/// Reads the journal. Returns the blocks that it holds, and how many of them cannot be put back.
pub(super) fn replay(volume: &mut Volume<'_>) -> Result<(Replayed, u64), Fault> {
    let inode = volume.inode(volume.superblock.journal)?;
    let map = Map::read(volume, &inode);
    let most = volume.image.len().checked_div(volume.superblock.block_size).unwrap_or(0);
    let count = crate::blob::to_usize(most);
    let blocks: Vec<u64> =
        map.runs.iter().flat_map(|run| (0..run.count).map(|index| run.physical.saturating_add(index))).take(count).collect();
    let head = Journal { volume, blocks, first: 0, features: 0 };
    let bytes = head.block(0)?;
    let word = |at| bytes.u32(at, Endian::Big);
    if word(0)? != MAGIC || u64::from(word(12)?) != volume.superblock.block_size {
        return Err(Fault::corrupt("the journal begins with something else"));
    }
    let features = if word(4)? == 4 { word(40)? } else { 0 };
    if features & !KNOWN != 0 {
        return Err(Fault::unsupported(format!("unknown features of the journal: {features:#x}")));
    }
    let (first, transaction, start) = (word(20)?, word(24)?, word(28)?);
    if start == 0 {
        return Ok((Replayed::new(), 0));
    }
    Ok(Journal { first: first.into(), features, ..head }.run(transaction, start.into()))
}

impl<'a> Journal<'a, '_> {
    fn block(&self, index: u64) -> Result<Bytes<'a>, Fault> {
        let number = self.blocks.get(crate::blob::to_usize(index)).ok_or_else(|| Fault::corrupt("the journal is too short"))?;
        Ok(self.volume.image.part(self.volume.span(*number, 1))?)
    }

    /// The place behind `index`: the journal goes round.
    fn next(&self, index: u64) -> u64 {
        let next = index.saturating_add(1);
        if next >= crate::blob::to_u64(self.blocks.len()) { self.first } else { next }
    }

    /// All transactions from the one that begins at `start`, up to the first that was not committed.
    fn run(&self, transaction: u32, start: u64) -> (Replayed, u64) {
        let (mut committed, mut pending) = (Vec::new(), Vec::new());
        let mut revoked: BTreeMap<u64, u32> = BTreeMap::new();
        let mut revoking = Vec::new();
        let (mut at, mut current) = (start, transaction);
        // No block is looked at twice.
        for _ in 0..self.blocks.len() {
            let Ok(block) = self.block(at) else { break };
            let word = |at| block.u32(at, Endian::Big);
            if word(0) != Ok(MAGIC) || word(8) != Ok(current) {
                break;
            }
            at = match word(4) {
                Ok(DESCRIPTOR) => self.descriptor(block, at, current, &mut pending),
                Ok(REVOKE) => {
                    revoking.extend(self.revoked(block));
                    self.next(at)
                }
                Ok(COMMIT) => {
                    committed.append(&mut pending);
                    revoked.extend(revoking.drain(..).map(|block| (block, current)));
                    current = current.wrapping_add(1);
                    self.next(at)
                }
                _ => break,
            };
        }
        self.newest(&committed, &revoked)
    }

    fn newest(&self, committed: &[Copy], revoked: &BTreeMap<u64, u32>) -> (Replayed, u64) {
        let (mut replayed, mut lost) = (Replayed::new(), 0_u64);
        for copy in committed {
            let void = revoked.get(&copy.block).is_some_and(|last| last.wrapping_sub(copy.transaction).cast_signed() >= 0);
            let Some(number) = self.blocks.get(crate::blob::to_usize(copy.place)).filter(|_| !void) else { continue };
            if copy.escaped {
                lost = lost.saturating_add(1);
                replayed.remove(&copy.block);
            } else {
                replayed.insert(copy.block, *number);
            }
        }
        (replayed, lost)
    }

    /// The copies behind a descriptor: for each u32 block, u16 checksum, u16 flags, u32 upper half if wide; or with the newer checksums u32
    /// block, u32 flags, u32 upper half, u32 checksum. A UUID follows unless it is the same. Returns the place behind the last one.
    fn descriptor(&self, block: Bytes<'_>, at: u64, transaction: u32, copies: &mut Vec<Copy>) -> u64 {
        let newer = self.features & CHECKSUM_3 != 0;
        let wide = self.features & WIDE != 0;
        let size = match (newer, wide) {
            (true, _) => 16,
            (false, true) => 12,
            (false, false) => 8_u64,
        };
        let tail = if self.features & (CHECKSUM_2 | CHECKSUM_3) != 0 { 4 } else { 0 };
        let (mut tag, mut place) = (HEADER, self.next(at));
        while tag.saturating_add(size).saturating_add(tail) <= block.len() {
            let word = |offset: u64| block.u32(tag.saturating_add(offset), Endian::Big).unwrap_or(0);
            let flags = if newer { word(4) } else { word(4) & 0xffff };
            let high = if wide { u64::from(word(8)) << 32 } else { 0 };
            copies.push(Copy { transaction, block: high | u64::from(word(0)), place, escaped: flags & ESCAPED != 0 });
            place = self.next(place);
            tag = tag.saturating_add(size).saturating_add(if flags & SAME_UUID == 0 { 16 } else { 0 });
            if flags & LAST != 0 {
                break;
            }
        }
        place
    }

    /// Blocks whose older copies count no more: u32 bytes in use, then numbers of 4 or 8 bytes.
    fn revoked(&self, block: Bytes<'a>) -> Vec<u64> {
        let used = block.u32(HEADER, Endian::Big).map_or(0, u64::from).min(block.len());
        let list = block.up_to(16, used.saturating_sub(16));
        let wide = self.features & WIDE != 0;
        let number =
            |bytes: &[u8]| if wide { Bytes(bytes).u64(0, Endian::Big).ok() } else { Bytes(bytes).u32(0, Endian::Big).ok().map(u64::from) };
        list.chunks_exact(if wide { 8 } else { 4 }).filter_map(number).collect()
    }
}
