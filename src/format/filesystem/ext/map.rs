//! Where the blocks of a file stand: extent trees and indirect blocks.

use super::inode::Inode;
use super::volume::Volume;
use crate::blob::{Bytes, Endian};
use crate::problem::Fault;

/// Blocks of a file that stand in a row. What no run covers is a hole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    /// Number of its first block in the file.
    pub(super) logical: u64,
    /// Number of that block in the file system.
    pub(super) physical: u64,
    /// Blocks.
    pub(super) count: u64,
}

impl Run {
    fn end(&self) -> u64 {
        self.logical.saturating_add(self.count)
    }
}

/// Where the blocks of one file stand, and why not all of them are known.
#[derive(Debug, Default)]
pub(super) struct Map {
    /// In ascending order.
    pub(super) runs: Vec<Run>,
    /// The first thing that went wrong.
    pub(super) fault: Option<Fault>,
    /// Blocks up to the end of the file.
    blocks: u64,
}

impl Map {
    /// Reads the map of `inode`.
    pub(super) fn read(volume: &mut Volume<'_>, inode: &Inode<'_>) -> Self {
        let mut map = Self { blocks: inode.size().div_ceil(volume.superblock.block_size.max(1)), ..Self::default() };
        if inode.has_extents() {
            map.extents(volume, inode.block_field(), None);
        } else {
            map.pointers(volume, inode.block_field());
        }
        map
    }

    fn fail(&mut self, fault: Fault) {
        self.fault.get_or_insert(fault);
    }

    fn add(&mut self, volume: &Volume<'_>, run: Run) {
        let run = Run { count: run.count.min(self.blocks.saturating_sub(run.logical)), ..run };
        if run.count == 0 {
            return;
        }
        if run.physical == 0 || run.physical.saturating_add(run.count) > volume.superblock.blocks {
            return self.fail(Fault::corrupt(format!("block {} is outside of the file system", run.physical)));
        }
        if volume.replayed.range(run.physical..run.physical.saturating_add(run.count)).next().is_none() {
            return self.push(run);
        }
        for index in 0..run.count {
            let physical = volume.newest(run.physical.saturating_add(index));
            self.push(Run { logical: run.logical.saturating_add(index), physical, count: 1 });
        }
    }

    fn push(&mut self, run: Run) {
        match self.runs.last_mut() {
            Some(last) if run.logical < last.end() => self.fail(Fault::corrupt("the blocks of the file are not in order")),
            Some(last) if run.logical == last.end() && run.physical == last.physical.saturating_add(last.count) => {
                last.count = last.count.saturating_add(run.count);
            }
            _ => self.runs.push(run),
        }
    }

    /// A node of an extent tree: `eh_magic` 0xf30a, `eh_entries`, `eh_max`, `eh_depth` (all u16), `eh_generation` u32, then entries of
    /// 12 bytes. In a leaf: `ee_block` u32, `ee_len` u16, `ee_start_hi` u16, `ee_start_lo` u32. Above: `ei_block` u32, `ei_leaf_lo` u32,
    /// `ei_leaf_hi` u16.
    fn extents(&mut self, volume: &mut Volume<'_>, node: Bytes<'_>, expected: Option<u16>) {
        let half = |at| node.u16(at, Endian::Little).unwrap_or(0);
        let (entries, depth) = (half(2), half(6));
        let room = node.len().saturating_sub(12).checked_div(12).unwrap_or(0);
        if half(0) != 0xf30a || u64::from(entries) > room || depth > 5 || expected.is_some_and(|expected| depth != expected) {
            return self.fail(Fault::corrupt("broken node of an extent tree"));
        }
        for entry in node.tail(12).chunks_exact(12).take(entries.into()).map(Bytes) {
            let half = |at| u64::from(entry.u16(at, Endian::Little).unwrap_or(0));
            let word = |at| u64::from(entry.u32(at, Endian::Little).unwrap_or(0));
            let address = |low, high| word(low).saturating_add(half(high).saturating_mul(1 << 32));
            if word(0) >= self.blocks {
                continue;
            }
            if let Some(below) = depth.checked_sub(1) {
                match volume.index_block(address(4, 8)) {
                    Ok(node) => self.extents(volume, node, Some(below)),
                    Err(fault) => self.fail(fault),
                }
            } else if half(4) <= 0x8000 {
                // More than 0x8000 is an extent that was reserved and never written: a hole to the reader.
                self.add(volume, Run { logical: word(0), physical: address(8, 6), count: half(4) });
            }
        }
    }

    /// `i_block` as pointers: twelve blocks, and one indirect, one double indirect and one triple indirect block.
    fn pointers(&mut self, volume: &mut Volume<'_>, field: Bytes<'_>) {
        let mut logical = 0;
        for (index, pointer) in (0_u32..15).zip(field.0.chunks_exact(4)) {
            self.pointer(volume, Bytes(pointer), index.saturating_sub(11), &mut logical);
        }
    }

    fn pointer(&mut self, volume: &mut Volume<'_>, pointer: Bytes<'_>, level: u32, logical: &mut u64) {
        let physical = u64::from(pointer.u32(0, Endian::Little).unwrap_or(0));
        let start = *logical;
        if start >= self.blocks {
            return;
        }
        let Some(below) = level.checked_sub(1) else {
            *logical = start.saturating_add(1);
            if physical != 0 {
                self.add(volume, Run { logical: start, physical, count: 1 });
            }
            return;
        };
        if physical != 0 {
            match volume.index_block(physical) {
                Ok(block) => block.0.chunks_exact(4).for_each(|pointer| self.pointer(volume, Bytes(pointer), below, logical)),
                Err(fault) => self.fail(fault),
            }
        }
        *logical = start.saturating_add((volume.superblock.block_size >> 2).saturating_pow(level));
    }
}
