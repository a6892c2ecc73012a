//! LZ4 blocks on lz4_flex; frames and legacy streams around them.

use lz4_flex::block::{DecompressError, decompress_into, decompress_into_with_dict};

use super::xxhash::Xxh32;
use super::zstd::skippable;
use super::{Part, Sink, Stream, guard, room, several};
use crate::blob::{Bytes, Endian, to_u64, to_usize};
use crate::limits::Budget;
use crate::problem::Fault;

/// No byte of a block makes more than this many of the output.
const RATIO: u64 = 255;

const FRAME: u32 = 0x184d_2204;
const LEGACY: u32 = 0x184c_2102;

pub(super) fn block(input: &[u8], limit: u64) -> Result<Vec<u8>, Fault> {
    let mut output = room(limit, input, RATIO);
    let made = guard("lz4", || {
        decompress_into(input, &mut output).map_err(|error| match error {
            DecompressError::OutputTooSmall { .. } => Fault::corrupt(format!("lz4: a block holds more than {limit} bytes")),
            error => Fault::corrupt(format!("lz4: {error}")),
        })
    })?;
    output.truncate(made);
    Ok(output)
}

/// The frame format: <https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md>
pub(super) fn stream<'b>(input: &[u8], budget: &'b Budget) -> Stream<'b> {
    let next = |rest: Bytes<'_>| (rest.u32(0, Endian::Little) == Ok(FRAME) || skippable(rest).is_some()).then_some(0);
    several(input, budget, next, frame)
}

fn frame(input: Bytes<'_>, sink: &mut Sink<'_>) -> Part {
    if let Some(length) = skippable(input) {
        return (length, None);
    }
    let mut at = 0;
    let fault = Frame::read(input, &mut at).and_then(|frame| frame.blocks(input, sink, &mut at)).err();
    (at.min(input.len()), fault)
}

/// The frame descriptor.
struct Frame {
    /// Blocks refer back into earlier ones.
    linked: bool,
    block_checksum: bool,
    content_checksum: bool,
    content_size: Option<u64>,
    /// Most bytes in a block.
    most: u64,
}

impl Frame {
    /// u32 magic, u8 FLG, u8 BD, u64 content size if FLG bit 3, u32 dictionary id if FLG bit 0, u8 HC: second byte of XXH32 of all since
    /// the magic. FLG: version 01, block independence, block checksum, content size, content checksum, reserved, dictionary id.
    /// BD: reserved, three bits of block size, four reserved. Leaves `at` behind it.
    fn read(input: Bytes<'_>, at: &mut u64) -> Result<Self, Fault> {
        let (flags, size) = (input.u8(4)?, input.u8(5)?);
        let most = match size {
            0x40 => 64 << 10,
            0x50 => 256 << 10,
            0x60 => 1 << 20,
            0x70 => 4 << 20,
            _ => return Err(Fault::corrupt(format!("lz4: block size code {size:#x}"))),
        };
        if input.u32(0, Endian::Little)? != FRAME || flags & 0xc2 != 0x40 {
            return Err(Fault::corrupt("lz4: not a frame"));
        }
        let content_size = if flags & 8 == 0 { None } else { Some(input.u64(6, Endian::Little)?) };
        let dictionary = if content_size.is_some() { 14 } else { 6_u64 };
        let checksum = if flags & 1 == 0 { dictionary } else { dictionary.saturating_add(4) };
        let [_, expected, ..] = Xxh32::of(input.get(4, checksum.saturating_sub(4))?).to_le_bytes();
        if input.u8(checksum)? != expected {
            return Err(Fault::Checksum("lz4: the checksum of the frame header does not fit".to_owned()));
        }
        *at = checksum.saturating_add(1);
        if flags & 1 != 0 {
            return Err(Fault::unsupported(format!("lz4: needs the dictionary {:#x}", input.u32(dictionary, Endian::Little)?)));
        }
        Ok(Self { linked: flags & 0x20 == 0, block_checksum: flags & 0x10 != 0, content_checksum: flags & 4 != 0, content_size, most })
    }

    /// Blocks: u32 size, its highest bit set if not compressed; bytes; XXH32 of them if FLG says so. After the last one u32 0, and XXH32
    /// of the content if FLG says so.
    fn blocks(&self, input: Bytes<'_>, sink: &mut Sink<'_>, at: &mut u64) -> Result<(), Fault> {
        let (mut history, mut total, mut sum) = (Vec::new(), 0_u64, Xxh32::new());
        let mut problem = None;
        loop {
            let size = input.u32(*at, Endian::Little).map_err(|_| early())?;
            *at = at.saturating_add(4);
            if size == 0 {
                break;
            }
            let (length, stored) = (u64::from(size & 0x7fff_ffff), size & 0x8000_0000 != 0);
            if length > self.most {
                return Err(Fault::corrupt(format!("lz4: a block of {length} bytes at {:#x}", at.saturating_sub(4))));
            }
            let packed = input.up_to(*at, length);
            let (bytes, fault) = if stored { (packed.to_vec(), None) } else { piece(packed, &history, self.most) };
            sink(&bytes)?;
            *at = at.saturating_add(to_u64(packed.len()));
            if to_u64(packed.len()) < length {
                return Err(early());
            }
            fault.map_or(Ok(()), Err)?;
            total = total.saturating_add(to_u64(bytes.len()));
            sum.update(&bytes);
            if self.block_checksum {
                problem = problem.or(compare(input, at, Xxh32::of(packed))?);
            }
            if self.linked {
                history.extend_from_slice(&bytes);
                history.drain(..history.len().saturating_sub(64 << 10));
            }
        }
        if self.content_checksum {
            problem = problem.or(compare(input, at, sum.finish())?);
        }
        if self.content_size.is_some_and(|size| size != total) {
            problem = problem.or(Some(Fault::corrupt(format!("lz4: {total} bytes came out, not as many as the header says"))));
        }
        problem.map_or(Ok(()), Err)
    }
}

fn early() -> Fault {
    Fault::Truncated("lz4 data ends early".to_owned())
}

fn compare(input: Bytes<'_>, at: &mut u64, actual: u32) -> Result<Option<Fault>, Fault> {
    let stored = input.u32(*at, Endian::Little).map_err(|_| early())?;
    *at = at.saturating_add(4);
    Ok((stored != actual).then(|| Fault::Checksum(format!("lz4: checksum {stored:08x} before {at:#x} should be {actual:08x}"))))
}

/// A block that is maybe broken: all that comes out before the break.
fn piece(input: &[u8], history: &[u8], most: u64) -> (Vec<u8>, Option<Fault>) {
    let mut output = room(most, input, RATIO);
    let decompress = || decompress_into_with_dict(input, &mut output, history).map_err(|error| Fault::corrupt(format!("lz4: {error}")));
    match guard("lz4", decompress) {
        Ok(made) => {
            output.truncate(made);
            (output, None)
        }
        Err(fault) => {
            let made = readable(Bytes(input), to_u64(history.len()), to_u64(output.len()));
            output.truncate(to_usize(made));
            (output, Some(fault))
        }
    }
}

/// How many bytes the sequences before the break of a broken block make: the decoder wrote them, but does not say how many.
/// A sequence: token (literals, match length - 4), more literal length, literals, u16 offset, more match length.
fn readable(input: Bytes<'_>, history: u64, most: u64) -> u64 {
    let (mut at, mut made) = (0_u64, 0_u64);
    while let Some((end, literals, offset, length)) = sequence(input, at) {
        let after = made.saturating_add(literals);
        let total = after.saturating_add(length);
        if offset == 0 || u64::from(offset) > after.saturating_add(history) || total > most {
            return if after > most { made } else { after };
        }
        (at, made) = (end, total);
    }
    made
}

fn sequence(input: Bytes<'_>, start: u64) -> Option<(u64, u64, u16, u64)> {
    let mut at = start.saturating_add(1);
    let token = input.u8(start).ok()?;
    let literals = number(input, token >> 4, &mut at)?;
    at = at.saturating_add(literals);
    let offset = input.u16(at, Endian::Little).ok()?;
    at = at.saturating_add(2);
    let length = number(input, token & 15, &mut at)?.saturating_add(4);
    Some((at, literals, offset, length))
}

/// A length of which `nibble` is the beginning: 15 goes on in the bytes at `at`, of which each but the last is 255.
fn number(input: Bytes<'_>, nibble: u8, at: &mut u64) -> Option<u64> {
    let mut number = u64::from(nibble);
    if nibble == 15 {
        loop {
            let more = input.u8(*at).ok()?;
            *at = at.saturating_add(1);
            number = number.saturating_add(more.into());
            if more != 255 {
                break;
            }
        }
    }
    Some(number)
}

/// The first `limit` bytes of a block, whatever follows.
pub(super) fn first(input: &[u8], limit: u64) -> Result<Vec<u8>, Fault> {
    let mut output = Vec::new();
    sequences(Bytes(input), &mut output, limit).ok_or_else(early)?;
    Ok(output)
}

fn sequences(input: Bytes<'_>, output: &mut Vec<u8>, limit: u64) -> Option<()> {
    let mut at = 0_u64;
    loop {
        let token = input.u8(at).ok()?;
        at = at.saturating_add(1);
        let literals = number(input, token >> 4, &mut at)?;
        let room = limit.saturating_sub(to_u64(output.len()));
        output.extend_from_slice(input.get(at, literals.min(room)).ok()?);
        at = at.saturating_add(literals);
        if literals >= room || at >= input.len() {
            return Some(());
        }
        let offset = usize::from(input.u16(at, Endian::Little).ok()?);
        at = at.saturating_add(2);
        let length = number(input, token & 15, &mut at)?.saturating_add(4);
        let mut left = to_usize(length.min(limit.saturating_sub(to_u64(output.len()))));
        let start = output.len().checked_sub(offset).filter(|_| offset > 0)?;
        while left > 0 {
            let piece = left.min(output.len().saturating_sub(start));
            output.extend_from_within(start..start.saturating_add(piece));
            left = left.saturating_sub(piece);
        }
    }
}

/// Bytes in every block of a legacy stream but the last.
const LEGACY_BLOCK: u64 = 8 << 20;

/// The legacy format: u32 magic, then blocks of u32 size and bytes. Nothing marks the end: the last block is the first that is not full.
/// Behind a Linux kernel stands its unpacked size, which looks like one more block.
pub(super) fn legacy<'b>(input: &[u8], budget: &'b Budget) -> Stream<'b> {
    several(input, budget, |rest| (rest.u32(0, Endian::Little) == Ok(LEGACY)).then_some(0), one_legacy)
}

fn one_legacy(input: Bytes<'_>, sink: &mut Sink<'_>) -> Part {
    if input.u32(0, Endian::Little) != Ok(LEGACY) {
        return (0, Some(Fault::corrupt("lz4: no legacy stream")));
    }
    let (mut at, mut total) = (4, 0_u64);
    // Nothing inside is not worth believing in: the magic has no more than four bytes.
    let end = |at: u64, total: u64| (at, (total == 0).then(|| Fault::corrupt("lz4: a legacy stream with nothing inside")));
    loop {
        let Ok(size) = input.u32(at, Endian::Little).map(u64::from) else { return end(at, total) };
        // What the compressor makes at most of a block that does not compress.
        let most = LEGACY_BLOCK.saturating_add(LEGACY_BLOCK / 255).saturating_add(16);
        if size == 0 || size > most {
            return end(at, total);
        }
        let start = at.saturating_add(4);
        let packed = input.up_to(start, size);
        let (bytes, fault) = piece(packed, &[], LEGACY_BLOCK);
        let short = to_u64(packed.len()) < size;
        if (short || fault.is_some()) && total > 0 && size == total {
            return end(at, total);
        }
        at = start.saturating_add(to_u64(packed.len()));
        total = total.saturating_add(to_u64(bytes.len()));
        let fault = sink(&bytes).err().or(if short { Some(early()) } else { fault });
        if fault.is_some() {
            return (at, fault);
        }
        if to_u64(bytes.len()) < LEGACY_BLOCK {
            return end(at, total);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Codec;
    use crate::codec::testing::{Check, checksum, noise, pipe, run};

    #[test]
    fn frames() {
        if crate::testing::lacking(&["lz4"]) {
            return;
        }
        let data = noise(1_000_000);
        for options in [["-c", "-B4"], ["-c", "-B7"], ["-c", "-BD"], ["-c", "-BX"], ["-c", "--no-frame-crc"], ["-c", "-9"]] {
            let packed = pipe("lz4", &options, &data);
            Check { codec: Codec::Lz4, packed: &packed, data: &data, joins: true, least_of_half: 400_000 }.all();
        }
    }

    #[test]
    fn linked_blocks_longer_than_the_window() {
        if crate::testing::lacking(&["lz4"]) {
            return;
        }
        let data = noise(3_000_000);
        assert!(run(Codec::Lz4, &pipe("lz4", &["-c", "-B4", "-BD", "-9"], &data)).0 == data);
    }

    #[test]
    fn wrong_checksums() {
        if crate::testing::lacking(&["lz4"]) {
            return;
        }
        let data = noise(100_000);
        let mut packed = pipe("lz4", &["-c", "-BX"], &data);
        *packed.last_mut().unwrap() ^= 1;
        checksum(Codec::Lz4, &packed, &data);
        packed[6] ^= 1;
        let (output, consumed, fault) = run(Codec::Lz4, &packed);
        assert!(output.is_empty() && consumed == 0 && matches!(fault, Some(Fault::Checksum(_))));
    }

    #[test]
    fn legacy_streams() {
        if crate::testing::lacking(&["lz4"]) {
            return;
        }
        let data = noise(1_000_000);
        let packed = pipe("lz4", &["-c", "-l"], &data);
        Check { codec: Codec::Lz4Legacy, packed: &packed, data: &data, joins: true, least_of_half: 400_000 }.all();
    }

    #[test]
    fn legacy_streams_end_before_the_size_that_kernels_append() {
        if crate::testing::lacking(&["lz4"]) {
            return;
        }
        for length in [1_000_000, 8 << 20, (8 << 20) + 5] {
            let data = noise(length);
            let packed = pipe("lz4", &["-c", "-l"], &data);
            let size = u32::try_from(length).unwrap().to_le_bytes();
            for junk in [b"".as_slice(), &size, &[size.as_slice(), b"what follows it"].concat()] {
                let (output, consumed, fault) = run(Codec::Lz4Legacy, &[packed.as_slice(), junk].concat());
                assert_eq!((output == data, consumed, fault), (true, packed.len(), None), "{length} {}", junk.len());
            }
        }
    }

    #[test]
    fn blocks_keep_their_limit() {
        if crate::testing::lacking(&["lz4"]) {
            return;
        }
        let data = noise(10_000);
        let mut packed = vec![0; 20_000];
        let packed = {
            let frame = pipe("lz4", &["-c", "--no-frame-crc"], &data);
            let end = frame.len() - 4;
            packed.clear();
            packed.extend_from_slice(&frame[11..end]);
            packed
        };
        assert_eq!(Codec::Lz4.block(&packed, 10_000).unwrap(), data);
        assert_eq!(Codec::Lz4.block(&packed, 1 << 40).unwrap(), data);
        assert!(Codec::Lz4.block(&packed, 9_999).is_err());
    }
}
