//! What is left of an image whose tables are cut off: runs of data blocks, without names and without borders between files.

use super::metadata::Reader;
use super::tree::LOST;
use crate::blob::{Bytes, Endian, to_u64};
use crate::codec::{Codec, Stream};
use crate::format::{Attributes, Children, LEAST_BROKEN_STREAM};
use crate::limits::{Exceeded, Output};
use crate::problem::Fault;

/// Where the first block may be.
const FIRST: u64 = 96;

/// Bytes after which a run is handed over and the next one begins.
const LONG_RUN: u64 = 64 << 20;

/// What it costs to set a decompressor up for nothing, in bytes of work.
const ATTEMPT: u64 = 256 << 10;

impl Reader<'_> {
    /// Hands over all data that can be found in front of the tables.
    pub(super) fn salvage(&mut self, children: &mut Children<'_>) -> Result<(), Fault> {
        let marked = self.coding.codec().and_then(|codec| mark(codec).map(|mark| (codec, mark)));
        let Some((codec, mark)) = marked else {
            let why = format!("the tables are cut off, and where a block of {:?} starts can only be told by them", self.coding);
            children.problem(&Fault::unsupported(why), None);
            return Ok(());
        };
        let data = Bytes(self.image.up_to(0, self.superblock.inode_table.start));
        let mut at = FIRST;
        while let Some(start) = memchr::memmem::find(data.tail(at), mark).map(|index| at.saturating_add(to_u64(index))) {
            let mut run = children.output();
            at = self.run(data, start, (codec, mark), &mut run)?;
            if !run.is_empty() {
                children.made(format!("{LOST}/@{start:#x}"), run, Attributes::default())?;
            }
            at = at.max(start.saturating_add(1));
        }
        Ok(())
    }

    /// Appends all blocks from `start` on that follow each other without a gap; where the last one ends.
    fn run(&mut self, data: Bytes<'_>, start: u64, (codec, mark): (Codec, &[u8]), run: &mut Output<'_>) -> Result<u64, Exceeded> {
        let mut at = start;
        while data.has(at, mark) && may_start(codec, data, at) && run.len() < LONG_RUN {
            let Stream { output, consumed, fault } = codec.stream(data.tail(at), self.effort.budget());
            self.effort.spend(output.len().saturating_add(consumed))?;
            let cut_off = matches!(fault, Some(Fault::Truncated(_))) && output.len() >= LEAST_BROKEN_STREAM;
            if let Some(Fault::Exceeded(exceeded)) = fault {
                return Err(exceeded);
            }
            if fault.is_some() && !cut_off {
                self.effort.spend(ATTEMPT)?;
                break;
            }
            run.push(output.as_slice())?;
            at = at.saturating_add(consumed.max(1));
        }
        Ok(at)
    }
}

/// The mark of zlib is one byte, and says little without its check: RFC 1950 section 2.2, FCHECK.
fn may_start(codec: Codec, data: Bytes<'_>, at: u64) -> bool {
    codec != Codec::Zlib || data.u16(at, Endian::Big).is_ok_and(|header| header.is_multiple_of(31))
}

/// What all blocks start with, of those compressions that have such a thing.
fn mark(codec: Codec) -> Option<&'static [u8]> {
    Some(match codec {
        // CMF: deflate, window of 32 KiB. What mksquashfs writes, whatever the level.
        Codec::Zlib => &[0x78],
        // lc 3, lp 0, pb 2, and a dictionary of whole 64 KiB.
        Codec::Lzma => &[0x5d, 0x00, 0x00],
        Codec::Xz => &[0xfd, b'7', b'z', b'X', b'Z', 0x00],
        Codec::Zstd => &[0x28, 0xb5, 0x2f, 0xfd],
        _ => return None,
    })
}
