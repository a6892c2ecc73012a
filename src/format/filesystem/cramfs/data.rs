//! The content of files: blocks of a page each, and a pointer to the end of each.

use super::inode::{Inode, Type};
use super::{EXT_BLOCK_POINTERS, Image};
use crate::blob::{Bytes, Span, to_u64};
use crate::codec::Codec;
use crate::limits::{Effort, Exceeded, Output};
use crate::problem::Fault;

/// Bytes of a block: a page of the machine that made the image.
const BLOCK_SIZE: u32 = 4096;

/// In a block pointer, if the image has extended ones: the block stands as it is.
const UNCOMPRESSED: u32 = 1 << 31;
/// The same: it points to the block's start, in fours, not to its end.
const DIRECT: u32 = 1 << 30;

/// Where a block is stored, and whether it stands there as it is.
struct Stored {
    span: Span,
    raw: bool,
}

impl Image<'_> {
    /// Writes the content of a file or link to `output`. A damaged block is zeros, unless nothing comes after it; the first damage is
    /// returned.
    pub(super) fn contents(&self, inode: &Inode, output: &mut Output<'_>, effort: &mut Effort<'_>) -> Result<Option<Fault>, Exceeded> {
        let mut fault = None;
        for index in 0..blocks(inode) {
            let at = u64::from(index).saturating_mul(BLOCK_SIZE.into());
            let expected = u64::from(inode.size).saturating_sub(at).min(BLOCK_SIZE.into());
            match self.block(inode, index, expected) {
                Ok(Some(bytes)) => {
                    output.write_at(at, &[])?;
                    output.push(Bytes(&bytes).up_to(0, expected))?;
                    if to_u64(bytes.len()) != expected {
                        fault.get_or_insert(Fault::corrupt(format!("{} of {expected} bytes in block {index}", bytes.len())));
                    }
                }
                Ok(None) => output.write_at(at.saturating_add(expected), &[])?,
                Err(found) => {
                    effort.spend(BLOCK_SIZE.into())?;
                    fault.get_or_insert(found);
                }
            }
        }
        Ok(fault)
    }

    /// Block `index`; nothing if it is a hole.
    fn block(&self, inode: &Inode, index: u32, expected: u64) -> Result<Option<Vec<u8>>, Fault> {
        let stored = self.stored(inode, index, expected)?;
        if stored.span.length == 0 {
            return Ok(None);
        }
        let most = u64::from(BLOCK_SIZE).saturating_mul(if stored.raw { 1 } else { 2 });
        if stored.span.length > most {
            return Err(Fault::corrupt(format!("block {index} at {:#x}: {} bytes", stored.span.start, stored.span.length)));
        }
        let bytes = self.bytes.part(stored.span)?.0;
        let bytes = if stored.raw { Ok(bytes.to_vec()) } else { decompressed(bytes) };
        bytes.map(Some).map_err(|fault| Fault::corrupt(format!("block {index} at {:#x}: {fault}", stored.span.start)))
    }

    /// A block starts where the one before it ends, the first after all pointers.
    fn stored(&self, inode: &Inode, index: u32, expected: u64) -> Result<Stored, Fault> {
        let pointer = self.pointer(inode, index)?;
        if pointer & self.direct() != 0 {
            return self.direct_block(pointer, expected);
        }
        let start = match index.checked_sub(1).map(|before| self.pointer(inode, before)) {
            None => inode.offset.saturating_add(u64::from(blocks(inode)).saturating_mul(4)),
            Some(before) => self.end_of(before?)?,
        };
        let (end, raw) = (self.end_of(pointer)?, pointer & self.uncompressed() != 0);
        if end < start {
            return Err(Fault::corrupt(format!("block {index} from {start:#x} to {end:#x}")));
        }
        Ok(Stored { span: Span::between(start, end), raw })
    }

    fn end_of(&self, pointer: u32) -> Result<u64, Fault> {
        if pointer & self.direct() != 0 {
            return Ok(self.direct_block(pointer, BLOCK_SIZE.into())?.span.end());
        }
        Ok(u64::from(pointer & !self.uncompressed()))
    }

    /// One that is compressed has a `u16` in front that counts its bytes.
    fn direct_block(&self, pointer: u32, expected: u64) -> Result<Stored, Fault> {
        let start = u64::from(pointer & !(UNCOMPRESSED | DIRECT)).saturating_mul(4);
        if pointer & UNCOMPRESSED != 0 {
            return Ok(Stored { span: Span::new(start, expected), raw: true });
        }
        let length = self.bytes.u16(start, self.endian)?;
        Ok(Stored { span: Span::new(start.saturating_add(2), length.into()), raw: false })
    }

    fn pointer(&self, inode: &Inode, index: u32) -> Result<u32, Fault> {
        Ok(self.bytes.u32(inode.offset.saturating_add(u64::from(index).saturating_mul(4)), self.endian)?)
    }

    fn direct(&self) -> u32 {
        if self.flags & EXT_BLOCK_POINTERS != 0 { DIRECT } else { 0 }
    }

    fn uncompressed(&self) -> u32 {
        if self.flags & EXT_BLOCK_POINTERS != 0 { UNCOMPRESSED } else { 0 }
    }

    /// Where the last part of an inode ends.
    pub(super) fn end(&self, inode: &Inode) -> u64 {
        match inode.kind() {
            Some(Type::Directory) => inode.end(),
            Some(Type::File | Type::Symlink) => {
                let last = blocks(inode).checked_sub(1).and_then(|last| self.pointer(inode, last).ok());
                last.and_then(|pointer| self.end_of(pointer).ok()).unwrap_or(0)
            }
            _ => 0,
        }
    }
}

/// What a block holds. Linux knows zlib only; some vendors changed that, and nothing but the bytes says to what.
fn decompressed(block: &[u8]) -> Result<Vec<u8>, Fault> {
    let others: &[Codec] = match block {
        [0xfd, b'7', ..] => &[Codec::Xz],
        [0x5d, ..] => &[Codec::Lzma, Codec::Lzo],
        _ => &[Codec::Lzo],
    };
    let whole = |codec: &Codec| codec.block(block, BLOCK_SIZE.into()).ok().filter(|bytes| !bytes.is_empty());
    match Codec::Zlib.block(block, BLOCK_SIZE.into()) {
        // The header of zlib: a broken block of it is nothing else.
        Err(fault) if matches!(block, [0x78, ..]) => Err(fault),
        Err(fault) => others.iter().find_map(whole).ok_or(fault),
        bytes => bytes,
    }
}

fn blocks(inode: &Inode) -> u32 {
    inode.size.div_ceil(BLOCK_SIZE)
}
