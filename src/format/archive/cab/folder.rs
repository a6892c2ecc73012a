//! A folder of a cabinet: one stream, in blocks.

use super::header::Header;
use crate::blob::{Bytes, Endian, Span};
use crate::codec::lzx::{self, LzxProperties};
use crate::codec::mszip;
use crate::format::Children;
use crate::limits::{Exceeded, Output};
use crate::problem::{Fault, Rejected};

/// A folder: u32 offset of its first block, u16 blocks, u16 compression.
pub(super) struct Folder {
    start: u64,
    blocks: u64,
    compression: u16,
    /// Where its bytes stand, if they stand there as they are: not compressed, and in one block.
    pub(super) stored: Option<Span>,
}

/// A block: u32 checksum, u16 size, u16 size when unpacked, which is 0 if it goes on in the next cabinet; bytes kept free, data.
struct Block<'a> {
    header: Bytes<'a>,
    reserve: &'a [u8],
    data: &'a [u8],
    checksum: u32,
    size: u64,
    next: u64,
}

/// Methods of compression.
const STORED: u16 = 0;
const MSZIP: u16 = 1;
const QUANTUM: u16 = 2;
const LZX: u16 = 3;

impl Folder {
    pub(super) fn read(bytes: Bytes<'_>, at: u64, header: &Header) -> Result<Self, Rejected> {
        let start = u64::from(bytes.u32(at, Endian::Little)?);
        let short = |offset: u64| bytes.u16(at.saturating_add(offset), Endian::Little);
        let (blocks, compression) = (u64::from(short(4)?), short(6)?);
        let one = if compression & 15 == 0 && blocks == 1 { Block::read(bytes, start, header).ok() } else { None };
        let stored = one.map(|block| Span::new(block.next.saturating_sub(block.size), block.size));
        Ok(Self { start, blocks, compression, stored })
    }

    /// Visits all blocks with their places. Says why those are not all.
    fn visit<'a>(
        &self,
        bytes: Bytes<'a>,
        header: &Header,
        visit: &mut dyn FnMut(u64, &Block<'a>) -> Result<(), Exceeded>,
    ) -> Result<Option<Fault>, Exceeded> {
        let mut at = self.start;
        for _ in 0..self.blocks {
            match Block::read(bytes, at, header) {
                Ok(block) => {
                    visit(at, &block)?;
                    at = block.next;
                }
                Err(cut) => return Ok(Some(cut)),
            }
        }
        Ok(None)
    }
}

impl<'a> Block<'a> {
    fn read(bytes: Bytes<'a>, at: u64, header: &Header) -> Result<Self, Fault> {
        let start = at.saturating_add(8).saturating_add(header.block_reserve);
        let fields = Bytes(bytes.get(at, 8)?);
        let length = u64::from(fields.u16(4, Endian::Little)?);
        let data = bytes.get(start, length)?;
        let reserve = bytes.get(at.saturating_add(8), header.block_reserve)?;
        let checksum = fields.u32(0, Endian::Little)?;
        let size = fields.u16(6, Endian::Little)?.into();
        Ok(Self { header: Bytes(bytes.get(at.saturating_add(4), 4)?), reserve, data, checksum, size, next: start.saturating_add(length) })
    }

    fn is_intact(&self) -> bool {
        let covered = sum(self.reserve, sum(self.header.0, sum(self.data, 0)));
        // Bytes kept free are covered by some writers together with the rest, by others not at all.
        self.checksum == 0 || self.checksum == sum(self.header.0, sum(self.data, 0)) || self.checksum == covered
    }
}

/// All words, little endian, by exclusive or; what is left makes one more in the other order.
fn sum(bytes: &[u8], start: u32) -> u32 {
    let (words, rest) = bytes.as_chunks::<4>();
    let last = rest.iter().fold(0_u32, |last, byte| (last << 8) | u32::from(*byte));
    words.iter().fold(start ^ last, |sum, word| sum ^ u32::from_le_bytes(*word))
}

/// All bytes of a folder as far as they can be had, and why those are not all.
pub(super) fn unpack_folder<'w>(
    bytes: Bytes<'_>,
    header: &Header,
    folder: Option<&Folder>,
    children: &mut Children<'w>,
) -> Result<(Output<'w>, Option<Fault>), Exceeded> {
    let mut output = children.output();
    let Some(folder) = folder else { return Ok((output, Some(Fault::corrupt("cab: there is no such folder")))) };
    if folder.stored.is_some() {
        return Ok((output, None));
    }
    let (mut size, mut before) = (0_u64, Vec::new());
    let kind = folder.compression & 15;
    let fault = folder.visit(bytes, header, &mut |at, block| {
        if !block.is_intact() {
            children.problem(&Fault::Checksum("cab: the checksum of a block does not fit".to_owned()), Some(at));
        }
        size = size.saturating_add(block.size);
        if kind != MSZIP {
            return output.push(block.data);
        }
        match mszip::block(block.data, &before, block.size) {
            Ok(unpacked) => {
                output.push(&unpacked)?;
                before = unpacked;
            }
            Err(broken) => {
                // What is copied from it is lost, what stands by itself is not: all that follows stays at its place.
                children.problem(&broken, Some(at));
                output.zeros(block.size)?;
                before.clear();
            }
        }
        Ok(())
    })?;
    match kind {
        STORED | MSZIP => Ok((output, fault)),
        LZX => {
            let window_bits = u32::from(folder.compression >> 8) & 31;
            let properties = LzxProperties { window_bits, reset_interval: 0, windows_image: false };
            let stream = lzx::stream(output.as_slice(), properties, size, children.budget());
            Ok((stream.output, fault.or(stream.fault)))
        }
        kind => {
            let name = if kind == QUANTUM { "Quantum" } else { "a method that is not known" };
            Ok((children.output(), Some(Fault::unsupported(format!("cab: compressed with {name}")))))
        }
    }
}
