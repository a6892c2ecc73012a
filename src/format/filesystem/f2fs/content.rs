//! Content: block numbers in the inode and in trees of further nodes, and clusters of blocks that are compressed.

use super::inode::{Detail, NODES};
use super::superblock::BLOCK;
use super::volume::F2fs;
use crate::blob::{Bytes, Endian, to_u64};
use crate::codec::Codec;
use crate::format::unix::inodes::{Inode, finish, put};
use crate::limits::Output;
use crate::problem::Fault;

/// Block numbers that are none: a hole, a block that was never written, the head of a compressed cluster.
const HOLE: u32 = 0;
const UNWRITTEN: u32 = u32::MAX;
const COMPRESSED: u32 = u32::MAX - 1;

/// Node numbers in a node of nodes.
const NODES_OF_NODE: u64 = 1018;

/// Levels of nodes behind each of the five numbers of an inode.
const LEVELS: [u32; 5] = [1, 1, 2, 2, 3];

/// Bytes before compressed data: u32 length, u32 checksum, 16 reserved.
const CLUSTER_HEADER: u64 = 24;

impl<'a> F2fs<'a, '_> {
    /// The blocks of a file that are no holes: place in the file and number. What is behind a broken node is missing.
    pub(super) fn blocks_of(&mut self, inode: &Inode<Detail<'a>>) -> (Vec<(u64, u32)>, Option<Fault>) {
        let (mut found, mut fault) = (Vec::new(), None);
        let wanted = inode.size.div_ceil(BLOCK);
        numbers(inode.detail.node, inode.detail.numbers, inode.detail.count, 0, wanted, &mut found);
        let mut place = inode.detail.count;
        for (index, levels) in (0_u64..).zip(LEVELS) {
            let covers = inode.detail.per_node.saturating_mul(NODES_OF_NODE.saturating_pow(levels.saturating_sub(1)));
            if place < wanted {
                let node = inode.detail.node.u32(NODES.saturating_add(index.saturating_mul(4)), Endian::Little).unwrap_or(0);
                self.below(node, levels, place, wanted, inode.detail.per_node, &mut found, &mut fault);
            }
            place = place.saturating_add(covers);
        }
        (found, fault)
    }

    /// The blocks behind a node: its own if it is of the lowest level, else those of the nodes that it names.
    #[allow(clippy::too_many_arguments, reason = "a recursion of three levels")]
    fn below(
        &mut self,
        node: u32,
        levels: u32,
        place: u64,
        wanted: u64,
        per_node: u64,
        found: &mut Vec<(u64, u32)>,
        fault: &mut Option<Fault>,
    ) {
        if node == 0 || matches!(fault, Some(Fault::Exceeded(_))) {
            return;
        }
        let bytes = match self.node(node) {
            Ok((bytes, _)) => bytes,
            Err(limit @ Fault::Exceeded(_)) => {
                *fault = Some(limit);
                return;
            }
            Err(broken) => {
                fault.get_or_insert(broken);
                return;
            }
        };
        let Some(lower) = levels.checked_sub(2) else {
            numbers(bytes, 0, per_node, place, wanted, found);
            return;
        };
        let covers = per_node.saturating_mul(NODES_OF_NODE.saturating_pow(lower));
        for index in 0..NODES_OF_NODE {
            let place = place.saturating_add(index.saturating_mul(covers));
            if place >= wanted {
                return;
            }
            let node = bytes.u32(index.saturating_mul(4), Endian::Little).unwrap_or(0);
            self.below(node, levels.saturating_sub(1), place, wanted, per_node, found, fault);
        }
    }

    /// Writes all blocks, those of compressed clusters decompressed.
    pub(super) fn write_blocks(&mut self, inode: &Inode<Detail<'a>>, output: &mut Output<'_>) -> Result<(), Fault> {
        let (blocks, mut fault) = self.blocks_of(inode);
        let mut rest = blocks.as_slice();
        while let Some(((place, number), after)) = rest.split_first() {
            let (result, left) = if *number == COMPRESSED {
                let cluster = inode.detail.compression.map_or(1, |(_, cluster)| cluster);
                let last = place.saturating_add(cluster);
                let count = after.iter().take_while(|(place, _)| *place < last).count();
                let (packed, left) = after.split_at_checked(count).unwrap_or((after, &[]));
                (self.cluster(inode, *place, packed, output), left)
            } else {
                let written =
                    self.block(u64::from(*number)).and_then(|block| Ok(put(output, place.saturating_mul(BLOCK), block.0, inode.size)?));
                (written, after)
            };
            rest = left;
            match result {
                Err(limit @ Fault::Exceeded(_)) => return Err(limit),
                other => fault = fault.or(other.err()),
            }
        }
        match fault {
            Some(fault) => Err(fault),
            None => Ok(finish(output, inode.size)?),
        }
    }

    fn cluster(&mut self, inode: &Inode<Detail<'a>>, place: u64, packed: &[(u64, u32)], output: &mut Output<'_>) -> Result<(), Fault> {
        let (algorithm, blocks) =
            inode.detail.compression.ok_or_else(|| Fault::corrupt("a compressed block in a file without compression"))?;
        let mut data = Vec::new();
        for (_, number) in packed {
            data.extend_from_slice(self.block(u64::from(*number))?.0);
        }
        let length = u64::from(Bytes(&data).u32(0, Endian::Little)?);
        let data = Bytes(&data).get(CLUSTER_HEADER, length)?;
        let most = blocks.saturating_mul(BLOCK);
        self.effort.spend(most)?;
        let content = match algorithm {
            0 => Codec::Lzo.block(data, most)?,
            1 => Codec::Lz4.block(data, most)?,
            2 => Codec::Zstd.first(data, most)?,
            3 => return Err(Fault::unsupported("LZO with run lengths")),
            other => return Err(Fault::unsupported(format!("the compression algorithm {other}"))),
        };
        put(output, place.saturating_mul(BLOCK), &content, inode.size)?;
        let end = place.saturating_mul(BLOCK).saturating_add(most).min(inode.size);
        if place.saturating_mul(BLOCK).saturating_add(to_u64(content.len())) < end {
            return Err(Fault::corrupt("a compressed cluster is shorter than it should be"));
        }
        Ok(())
    }
}

/// Adds the numbers of a node that are no holes, as far as the file goes.
fn numbers(node: Bytes<'_>, at: u64, count: u64, place: u64, wanted: u64, found: &mut Vec<(u64, u32)>) {
    let count = count.min(wanted.saturating_sub(place));
    for (index, number) in (0_u64..).zip(node.up_to(at, count.saturating_mul(4)).chunks_exact(4)) {
        let number = Bytes(number).u32(0, Endian::Little).unwrap_or(HOLE);
        if !matches!(number, HOLE | UNWRITTEN) {
            found.push((place.saturating_add(index), number));
        }
    }
}
