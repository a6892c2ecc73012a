//! Which compressed blocks hold which part of a file: one index for each block of the file, full or packed.

use super::inode::{Detail, Layout};
use super::superblock::Superblock;
use crate::blob::{Bytes, Endian};
use crate::format::unix::inodes::Inode;
use crate::problem::Fault;

const COMPACTED_2B: u16 = 0x1;
const BIG_CLUSTERS: u16 = 0x2;
const BIG_CLUSTERS_2: u16 = 0x4;
const INLINE: u16 = 0x8;
const INTERLACED: u16 = 0x10;
const FRAGMENT: u16 = 0x20;

/// Kinds of indexes: a part that is not compressed, one of the first algorithm, none that begins here, one of the second algorithm.
const PLAIN: u8 = 0;
const NONE: u8 = 2;
const SECOND: u8 = 3;

/// Marks, in the first index behind a head, the number of compressed blocks of that head.
const COUNT: u32 = 1 << 11;

/// A part of the file and what holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    /// Its first byte in the file.
    pub(super) start: u64,
    /// Where the next one begins.
    pub(super) end: u64,
    /// Where its data is.
    pub(super) source: Source,
    /// How it is packed.
    pub(super) packing: Packing,
}

/// Where the data of an extent is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// In the image, at an offset, so many bytes.
    Image(u64, u64),
    /// Behind the indexes, so many bytes without padding.
    Inline(u64, u64),
    /// In the packed inode, from this byte.
    Packed(u64),
}

/// How an extent is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    /// Not at all.
    Shifted,
    /// Not at all, and each byte stands as far from the start of its block as it does in the file.
    Interlaced,
    /// By the algorithm with this number.
    Compressed(u8),
}

/// One index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Index {
    kind: u8,
    /// Where in its block of the file the extent begins; of one that begins nothing, the distance to the head or a number of blocks.
    low: u32,
    block: u64,
}

/// What stands before the indexes: `struct z_erofs_map_header`, 8 bytes.
///
/// ```text
/// 0 u32 place in the packed inode; or 2 u16 bytes of the inline end   4 u16 flags   6 u8 two algorithms of 4 bits
/// 7 u8 logarithm of the size that one index stands for, over the block size; bit 7: all of the file is in the packed inode
/// ```
struct Indexes<'a> {
    image: Bytes<'a>,
    /// Where they begin.
    base: u64,
    layout: Layout,
    flags: u16,
    algorithms: u8,
    bits: u32,
    /// How many there are.
    count: u64,
    big: bool,
}

/// The extents of a compressed file, in order, without gaps. The indexes that are broken end them.
pub(super) fn extents(image: Bytes<'_>, superblock: &Superblock, inode: &Inode<Detail>) -> (Vec<Extent>, Option<Fault>) {
    let mut found = Vec::new();
    let fault = read(image, superblock, inode, &mut found).err();
    (found, fault)
}

fn read(image: Bytes<'_>, superblock: &Superblock, inode: &Inode<Detail>, found: &mut Vec<Extent>) -> Result<(), Fault> {
    let header = inode.detail.end.saturating_add(7) & !7;
    let (low, high) = (image.u32(header, Endian::Little)?, image.u8(header.saturating_add(7))?);
    let whole = |place: u64| Extent { start: 0, end: inode.size, source: Source::Packed(place), packing: Packing::Shifted };
    if high & 0x80 != 0 {
        found.push(whole(image.u64(header, Endian::Little)? & !(1 << 63)));
        return Ok(());
    }
    let flags = image.u16(header.saturating_add(4), Endian::Little)?;
    let bits = superblock.block_bits.saturating_add(u32::from(high & 7));
    let full = inode.detail.layout == Layout::Full;
    let indexes = Indexes {
        image,
        base: header.saturating_add(if full { 16 } else { 8 }),
        layout: inode.detail.layout,
        flags,
        algorithms: image.u8(header.saturating_add(6))?,
        bits,
        count: inode.size.div_ceil(1_u64.checked_shl(bits).unwrap_or(1)),
        big: flags & (BIG_CLUSTERS | BIG_CLUSTERS_2) != 0,
    };
    let tail = indexes.walk(superblock, inode.size, found)?;
    let Some(last) = found.last_mut() else { return Ok(()) };
    if flags & INLINE != 0 {
        last.source = Source::Inline(indexes.end(), u64::from(low >> 16));
    } else if flags & FRAGMENT != 0 {
        let place = u64::from(low) | if full { tail.block << 32 } else { 0 };
        if last.start < 1_u64.checked_shl(bits).unwrap_or(0) {
            found.clear();
            found.push(whole(place));
        } else {
            last.source = Source::Packed(place);
        }
    }
    Ok(())
}

impl Indexes<'_> {
    /// Adds all extents; returns the head of the last one.
    fn walk(&self, superblock: &Superblock, size: u64, found: &mut Vec<Extent>) -> Result<Index, Fault> {
        let mut last = Index { kind: PLAIN, low: 0, block: 0 };
        // Whether the next index may say how many blocks the last head has.
        let mut fresh = false;
        for number in 0..self.count {
            let index = self.index(number)?;
            if index.kind == NONE {
                if fresh
                    && index.low & COUNT != 0
                    && let Some(Extent { source: Source::Image(_, length), .. }) = found.last_mut()
                {
                    *length = u64::from(index.low & !COUNT).saturating_mul(superblock.block_size);
                }
                fresh = false;
                continue;
            }
            let start = number.checked_shl(self.bits).unwrap_or(u64::MAX).saturating_add(index.low.into());
            if start >= size {
                break;
            }
            if let Some(last) = found.last_mut() {
                last.end = start;
            } else if start != 0 {
                return Err(Fault::corrupt("the first index does not begin at the first byte"));
            }
            let length = 1_u64.checked_shl(self.bits).unwrap_or(0);
            let source = Source::Image(index.block.saturating_mul(superblock.block_size), length);
            found.push(Extent { start, end: size, source, packing: self.packing(index.kind) });
            (last, fresh) = (index, self.is_big(index.kind));
        }
        Ok(last)
    }

    /// Whether a head of this kind may have more than one block.
    fn is_big(&self, kind: u8) -> bool {
        match kind {
            PLAIN => false,
            SECOND => self.flags & BIG_CLUSTERS_2 != 0,
            _ => self.flags & BIG_CLUSTERS != 0,
        }
    }

    fn packing(&self, kind: u8) -> Packing {
        match kind {
            PLAIN if self.flags & INTERLACED != 0 => Packing::Interlaced,
            PLAIN => Packing::Shifted,
            SECOND => Packing::Compressed(self.algorithms >> 4),
            _ => Packing::Compressed(self.algorithms & 15),
        }
    }

    /// Where the indexes end.
    fn end(&self) -> u64 {
        if self.layout == Layout::Full {
            return self.base.saturating_add(self.count.saturating_mul(8));
        }
        let Some(last) = self.count.checked_sub(1) else { return self.base };
        let (pack, bytes, _) = self.pack(last);
        pack.saturating_add(bytes)
    }

    fn index(&self, number: u64) -> Result<Index, Fault> {
        let mask = (1_u64.checked_shl(self.bits).unwrap_or(0)).saturating_sub(1);
        let index = if self.layout == Layout::Full {
            let at = self.base.saturating_add(number.saturating_mul(8));
            let [kind, _] = self.image.u16(at, Endian::Little)?.to_le_bytes();
            let block = self.image.u32(at.saturating_add(4), Endian::Little)?;
            let low = if kind & 3 == NONE { block & 0xffff } else { self.image.u16(at.saturating_add(2), Endian::Little)?.into() };
            Index { kind: kind & 3, low, block: block.into() }
        } else {
            self.packed_index(number)?
        };
        if index.kind != NONE && u64::from(index.low) > mask {
            return Err(Fault::corrupt("an index begins behind its block"));
        }
        Ok(index)
    }

    /// Where the pack with this index begins, its bytes, and the place of the index in it. Packs of 8 bytes hold 2 indexes, packs of 32
    /// bytes 16; the latter stand at multiples of 32, with the former before and behind.
    fn pack(&self, number: u64) -> (u64, u64, u64) {
        let before = 32_u64.saturating_sub(self.base % 32) / 4 % 8;
        let small = if self.flags & COMPACTED_2B != 0 { self.count.saturating_sub(before) & !15 } else { 0 };
        let small_at = self.base.saturating_add(before.saturating_mul(4));
        let pair = |at: u64, index: u64| (at.saturating_add((index / 2).saturating_mul(8)), 8, index % 2);
        match number.checked_sub(before) {
            None => pair(self.base, number),
            Some(index) if index < small => (small_at.saturating_add((index / 16).saturating_mul(32)), 32, index % 16),
            Some(index) => pair(small_at.saturating_add(small.saturating_mul(2)), index.saturating_sub(small)),
        }
    }

    /// An index of a pack: so many bits each, type above low bits, and at the end the block before the first head, u32.
    fn packed_index(&self, number: u64) -> Result<Index, Fault> {
        let (at, bytes, place) = self.pack(number);
        let each = if bytes == 8 { 2 } else { 16_u64 };
        if self.bits > 14 || (bytes == 32 && self.bits > 12) {
            return Err(Fault::unsupported("packed indexes for such large blocks"));
        }
        let pack = Bytes(self.image.get(at, bytes)?);
        let width = bytes.saturating_sub(4).saturating_mul(8).checked_div(each).unwrap_or(0);
        // There is room for a number of blocks, however small those are.
        let low_bits = self.bits.max(12);
        let one = |place: u64| {
            let bit = place.saturating_mul(width);
            let value = pack.u32(bit / 8, Endian::Little).unwrap_or(0) >> (bit % 8);
            let [kind, ..] = value.checked_shr(low_bits).unwrap_or(0).to_le_bytes();
            (kind & 3, value & 1_u32.checked_shl(low_bits).unwrap_or(0).saturating_sub(1))
        };
        let (kind, low) = one(place);
        if kind == NONE {
            return Ok(Index { kind, low, block: 0 });
        }
        let first = pack.u32(bytes.saturating_sub(4), Endian::Little)?;
        Ok(Index { kind, low, block: u64::from(first).wrapping_add(self.blocks_before(place, one)) & 0xffff_ffff })
    }

    /// Compressed blocks of the heads of a pack before the head at `place`.
    fn blocks_before(&self, place: u64, one: impl Fn(u64) -> (u8, u32)) -> u64 {
        let mut place = i64::try_from(place).unwrap_or(0);
        let mut blocks = u64::from(!self.big);
        while place > 0 {
            place = place.saturating_sub(1);
            let (kind, low) = one(u64::try_from(place).unwrap_or(0));
            if kind != NONE {
                blocks = blocks.saturating_add(1);
            } else if !self.big {
                place = place.saturating_sub(low.into());
                blocks = blocks.saturating_add(u64::from(place >= 0));
            } else if low & COUNT != 0 {
                place = place.saturating_sub(1);
                blocks = blocks.saturating_add(u64::from(low & !COUNT));
            } else {
                place = place.saturating_sub(i64::from(low).saturating_sub(2).max(0));
            }
        }
        blocks
    }
}
