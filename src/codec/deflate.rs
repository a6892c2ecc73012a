//! Deflate (RFC 1951), zlib (RFC 1950) and gzip (RFC 1952) on zlib-rs.

use flate2::{Decompress, FlushDecompress, Status};

use super::{Part, STEP, Sink, Stream, room, several};
use crate::blob::{Bytes, Endian, to_u64, to_usize};
use crate::limits::{Budget, Output};
use crate::problem::Fault;

/// No byte of deflate data makes more than this many of the output.
const RATIO: u64 = 1032;

pub(super) fn block(input: &[u8], limit: u64, zlib: bool) -> Result<Vec<u8>, Fault> {
    let mut state = Decompress::new(zlib);
    let mut output = room(limit, input, RATIO);
    let status = state.decompress(input, &mut output, FlushDecompress::Finish);
    output.truncate(to_usize(state.total_out()));
    match status {
        Ok(Status::StreamEnd) => Ok(output),
        Ok(_) if state.total_out() >= limit => Err(Fault::corrupt(format!("deflate block holds more than {limit} bytes"))),
        Ok(_) => Err(Fault::Truncated("deflate block ends early".to_owned())),
        Err(error) => Err(Fault::corrupt(format!("deflate: {error}"))),
    }
}

/// The first `limit` bytes of a block, whatever follows.
pub(super) fn first(input: &[u8], limit: u64, zlib: bool) -> Result<Vec<u8>, Fault> {
    let mut state = Decompress::new(zlib);
    let mut output = room(limit, input, RATIO);
    let status = state.decompress(input, &mut output, FlushDecompress::None);
    output.truncate(to_usize(state.total_out()));
    match status {
        Ok(Status::StreamEnd) => Ok(output),
        Ok(_) if state.total_out() >= limit => Ok(output),
        Ok(_) => Err(Fault::Truncated("deflate block ends early".to_owned())),
        Err(error) => Err(Fault::corrupt(format!("deflate: {error}"))),
    }
}

pub(super) fn stream<'b>(input: &[u8], budget: &'b Budget, zlib: bool) -> Stream<'b> {
    let mut output = Output::new(budget, to_u64(input.len()));
    let mut state = Decompress::new(zlib);
    let fault = inflate(&mut state, input, &mut |bytes| Ok(output.push(bytes)?)).err();
    Stream { output, consumed: state.total_in(), fault }
}

fn inflate(state: &mut Decompress, input: &[u8], sink: &mut Sink<'_>) -> Result<(), Fault> {
    let mut buffer = vec![0; STEP];
    loop {
        let (read, written) = (state.total_in(), state.total_out());
        let rest = input.get(to_usize(read)..).unwrap_or_default();
        let status = state.decompress(rest, &mut buffer, FlushDecompress::None);
        sink(buffer.get(..to_usize(state.total_out().saturating_sub(written))).unwrap_or_default())?;
        match status {
            Ok(Status::StreamEnd) => return Ok(()),
            Ok(_) if state.total_in() == read && state.total_out() == written => {
                return Err(Fault::Truncated("deflate data ends early".to_owned()));
            }
            Ok(_) => (),
            Err(error) => return Err(Fault::corrupt(format!("deflate: {error}"))),
        }
    }
}

/// All members in a row, as gunzip does.
pub(super) fn gzip<'b>(input: &[u8], budget: &'b Budget) -> Stream<'b> {
    several(input, budget, |rest| rest.has(0, &[0x1f, 0x8b, 0x08]).then_some(0), member)
}

/// One member: bytes taken, and why it is not whole. RFC 1952 section 2.3.
fn member(input: Bytes<'_>, sink: &mut Sink<'_>) -> Part {
    let header = match header_length(input) {
        Ok(length) => length,
        Err(fault) => return (0, Some(fault)),
    };
    let (mut state, mut crc) = (Decompress::new(false), flate2::Crc::new());
    let result = inflate(&mut state, input.tail(header), &mut |bytes| {
        crc.update(bytes);
        sink(bytes)
    });
    let trailer = header.saturating_add(state.total_in());
    if let Err(fault) = result {
        return (trailer.min(input.len()), Some(fault));
    }
    let end = trailer.saturating_add(8).min(input.len());
    match (input.u32(trailer, Endian::Little), input.u32(trailer.saturating_add(4), Endian::Little)) {
        (Ok(stored), Ok(size)) if stored == crc.sum() && size == crc.amount() => (end, None),
        (Ok(_), Ok(_)) => (end, Some(Fault::Checksum("gzip: CRC-32 or size does not fit".to_owned()))),
        _ => (end, Some(Fault::Truncated("gzip: the trailer is missing".to_owned()))),
    }
}

/// RFC 1952 section 2.3: ten fixed bytes, then FEXTRA (bit 2), FNAME (bit 3), FCOMMENT (bit 4), FHCRC (bit 1).
fn header_length(input: Bytes<'_>) -> Result<u64, Fault> {
    let flags = input.u8(3)?;
    let mut at = 10_u64;
    if flags & 4 != 0 {
        at = at.saturating_add(2).saturating_add(input.u16(at, Endian::Little)?.into());
    }
    for bit in [8, 16] {
        if flags & bit != 0 {
            let length = input.tail(at).iter().position(|byte| *byte == 0);
            let length = length.ok_or_else(|| Fault::Truncated("gzip: a name without end".to_owned()))?;
            at = at.saturating_add(to_u64(length)).saturating_add(1);
        }
    }
    if flags & 2 != 0 {
        at = at.saturating_add(2);
    }
    Ok(at)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::codec::Codec;
    use crate::limits::Limits;

    fn gz(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn check(input: &[u8], output: &[u8], consumed: usize, whole: bool) {
        let budget = Budget::new(Limits::default(), std::sync::Arc::default());
        let stream = Codec::Gzip.stream(input, &budget);
        assert_eq!(stream.output.as_slice(), output);
        assert_eq!(stream.consumed, to_u64(consumed));
        assert_eq!(stream.fault.is_none(), whole, "{:?}", stream.fault);
    }

    #[test]
    fn one_member_two_members_and_what_follows() {
        let (one, text) = (gz(b"hello hello hello"), b"hello hello hello".as_slice());
        check(&one, text, one.len(), true);
        check(&[one.as_slice(), b"junk"].concat(), text, one.len(), true);
        check(&[one.as_slice(), &one].concat(), &[text, text].concat(), one.len() * 2, true);
    }

    #[test]
    fn what_came_out_before_the_break_is_kept() {
        let text: Vec<u8> = (0..200_000_u32).flat_map(|n| (n.wrapping_mul(2_654_435_761) >> 16).to_le_bytes()).collect();
        let whole = gz(&text);
        let budget = Budget::new(Limits::default(), std::sync::Arc::default());
        let stream = Codec::Gzip.stream(&whole[..whole.len() / 2], &budget);
        assert!(matches!(stream.fault, Some(Fault::Truncated(_))));
        assert!(stream.output.len() > to_u64(text.len() / 3));
        let mut wrong = whole.clone();
        let crc = wrong.len() - 8;
        wrong[crc] ^= 1;
        let stream = Codec::Gzip.stream(&wrong, &budget);
        assert!(matches!(stream.fault, Some(Fault::Checksum(_))));
        assert_eq!(stream.output.as_slice(), text);
    }

    #[test]
    fn blocks_keep_their_limit() {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(&[7; 1000]).unwrap();
        let packed = encoder.finish().unwrap();
        assert_eq!(Codec::Zlib.block(&packed, 1000).unwrap(), [7; 1000]);
        assert_eq!(Codec::Zlib.block(&packed, 4096).unwrap(), [7; 1000]);
        assert!(Codec::Zlib.block(&packed, 999).is_err());
        assert!(Codec::Zlib.block(&packed[..5], 1000).is_err());
    }
}
