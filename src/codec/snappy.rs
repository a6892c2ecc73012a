//! Snappy: raw blocks, and the framing format for files.

use super::{Part, Sink, Stream, crc, lz, several};
use crate::blob::{Bytes, Endian, to_u64};
use crate::limits::Budget;
use crate::problem::Fault;

/// A chunk that says that it is snappy: type ff, u24 length 6, `sNaPpY`.
const MAGIC: &[u8] = b"\xff\x06\0\0sNaPpY";

/// What one chunk holds at most, by the format.
const MOST: u64 = 65_536;

pub(super) fn stream<'b>(input: &[u8], budget: &'b Budget) -> Stream<'b> {
    several(input, budget, |rest| rest.has(0, MAGIC).then_some(0), one)
}

fn early() -> Fault {
    Fault::Truncated("snappy data ends early".to_owned())
}

/// Chunks: u8 type (0 packed, 1 as it is, fe padding, 80 to fd to skip), u24 length, and for the first two a masked CRC-32C of the content.
/// There is no end: it is where no chunk is any more.
fn one(input: Bytes<'_>, sink: &mut Sink<'_>) -> Part {
    if !input.has(0, MAGIC) {
        return (0, Some(Fault::corrupt("snappy: not this header")));
    }
    let (mut at, mut problem) = (to_u64(MAGIC.len()), None);
    while let (Ok(kind), Ok(length)) = (input.u8(at), input.u32(at, Endian::Little).map(|word| u64::from(word >> 8))) {
        let body = at.saturating_add(4);
        if !matches!(kind, 0 | 1 | 0x80..=0xfe) || (kind <= 1 && !(4..=MOST.saturating_mul(2)).contains(&length)) {
            break;
        }
        if kind == 0xfe && length == 0 {
            break;
        }
        let Ok(bytes) = input.get(body, length) else { return (input.len(), Some(early())) };
        if kind <= 1 {
            let (sum, packed) = (Bytes(bytes).u32(0, Endian::Little).unwrap_or(0), Bytes(bytes).tail(4));
            let content = if kind == 0 { block(packed, MOST) } else { Ok(packed.to_vec()) };
            let content = match content {
                Ok(content) => content,
                Err(fault) => return (at, Some(fault)),
            };
            if let Err(fault) = sink(&content) {
                return (at, Some(fault));
            }
            let wrong = || Fault::Checksum(format!("snappy: the checksum of the chunk at {at:#x} does not fit"));
            problem = problem.or_else(|| (masked(crc32c(&content)) != sum).then(wrong));
        }
        at = body.saturating_add(length);
    }
    (at, problem)
}

/// So that a checksum of bytes that hold checksums says something.
fn masked(sum: u32) -> u32 {
    sum.rotate_right(15).wrapping_add(0xa282_ead8)
}

fn crc32c(bytes: &[u8]) -> u32 {
    !crc::crc32c(u32::MAX, bytes)
}

/// A raw block: its size as a varint; then literals and copies, told apart by the two lowest bits of a tag.
pub(super) fn block(input: &[u8], limit: u64) -> Result<Vec<u8>, Fault> {
    let bytes = Bytes(input);
    let (size, mut at) = varint(bytes)?;
    if size > limit {
        return Err(Fault::corrupt(format!("snappy: a block holds more than {limit} bytes")));
    }
    let mut output = Vec::new();
    while at < bytes.len() {
        let tag = bytes.u8(at)?;
        let upper = u64::from(tag >> 2);
        let number = |width: u64| -> Result<u64, Fault> {
            let field = bytes.get(at.saturating_add(1), width).map_err(|_| early())?;
            Ok(field.iter().rev().fold(0, |value, byte| (value << 8) | u64::from(*byte)))
        };
        let (width, distance, length) = match tag & 3 {
            0 if upper < 60 => (0, None, upper.saturating_add(1)),
            0 => {
                let width = upper.saturating_sub(59);
                (width, None, number(width)?.saturating_add(1))
            }
            1 => (1, Some(number(1)? | (u64::from(tag >> 5) << 8)), (upper & 7).saturating_add(4)),
            2 => (2, Some(number(2)?), upper.saturating_add(1)),
            _ => (4, Some(number(4)?), upper.saturating_add(1)),
        };
        at = at.saturating_add(1).saturating_add(width);
        if let Some(distance) = distance {
            lz::copy(&mut output, distance, length, size).map_err(|why| Fault::corrupt(format!("snappy: {why}")))?;
        } else {
            let literal = bytes.get(at, length).map_err(|_| early())?;
            if to_u64(output.len()).saturating_add(length) > size {
                return Err(Fault::corrupt("snappy: a block holds more than it says"));
            }
            output.extend_from_slice(literal);
            at = at.saturating_add(length);
        }
    }
    if to_u64(output.len()) == size { Ok(output) } else { Err(early()) }
}

fn varint(bytes: Bytes<'_>) -> Result<(u64, u64), Fault> {
    let (mut value, mut shift) = (0_u64, 0_u32);
    for at in 0..5 {
        let byte = bytes.u8(at).map_err(|_| early())?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok((value, at.saturating_add(1)));
        }
        shift = shift.saturating_add(7);
    }
    Err(Fault::corrupt("snappy: the size of a block is none"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Codec;
    use crate::codec::testing::{checksum, run};

    #[test]
    fn raw_blocks() {
        // "abcabcabcd": literal of three, copy of six from three back, literal of one.
        let packed = [10, 2 << 2, b'a', b'b', b'c', 1 | (2 << 2), 3, 0, b'd'];
        assert_eq!(block(&packed, 10).unwrap(), b"abcabcabcd");
        assert!(block(&packed, 9).is_err());
        assert!(block(&packed[..7], 10).is_err());
    }

    #[test]
    fn checksums_are_those_of_the_standard() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }

    #[test]
    fn frames() {
        let mut packed = include_bytes!("../../fixtures/snappy/story.sz").to_vec();
        let story = include_bytes!("../../fixtures/content/tree/story.txt");
        let (output, consumed, fault) = run(Codec::Snappy, &[packed.as_slice(), &[0xff; 40]].concat());
        assert_eq!((output == story, consumed, fault), (true, packed.len(), None));
        packed[14] ^= 1;
        checksum(Codec::Snappy, &packed, story);
        for copy in crate::testing::damaged(&packed, 300, 300) {
            run(Codec::Snappy, &copy);
        }
    }
}
