//! bzip2 on libbz2-rs.

use bzip2::{Decompress, Status};

use super::{Part, STEP, Sink, Stream, collect, guard, several};
use crate::blob::{Bytes, to_usize};
use crate::limits::Budget;
use crate::problem::Fault;

/// First bits of a block, and of the end of a stream.
const BLOCK: u128 = 0x3141_5926_5359;
const END: u128 = 0x1772_4538_5090;

pub(super) fn block(input: &[u8], limit: u64) -> Result<Vec<u8>, Fault> {
    collect("bzip2", limit, |sink| one(Bytes(input), sink))
}

pub(super) fn stream<'b>(input: &[u8], budget: &'b Budget) -> Stream<'b> {
    several(input, budget, |rest| rest.has(0, b"BZh").then_some(0), one)
}

/// Behind the level: the end of a stream, and the checksum of nothing.
const EMPTY: &[u8] = &[0x17, 0x72, 0x45, 0x38, 0x50, 0x90, 0, 0, 0, 0];

fn one(input: Bytes<'_>, sink: &mut Sink<'_>) -> Part {
    // A decoder costs far more than these, and there may be many.
    if input.has(0, b"BZh") && input.has(4, EMPTY) {
        return (14, None);
    }
    let mut state = Decompress::new(false);
    let result = guard("bzip2", || run(&mut state, input, sink));
    (state.total_in().min(input.len()), result.err())
}

fn run(state: &mut Decompress, input: Bytes<'_>, sink: &mut Sink<'_>) -> Result<(), Fault> {
    let mut buffer = vec![0; STEP];
    loop {
        let (read, written) = (state.total_in(), state.total_out());
        let status = state.decompress(input.tail(read), &mut buffer);
        let fresh = to_usize(state.total_out().saturating_sub(written));
        sink(buffer.get(..fresh).unwrap_or_default())?;
        match status {
            Ok(Status::StreamEnd) => return Ok(()),
            Ok(Status::MemNeeded) => return Err(Fault::unsupported("bzip2: no memory for the block")),
            Ok(_) if state.total_in() == read && state.total_out() == written => {
                return Err(Fault::Truncated("bzip2 data ends early".to_owned()));
            }
            Ok(_) => (),
            Err(_) if at_end_of_block(input, state.total_in()) => {
                return Err(Fault::Checksum("bzip2: the checksum of a block does not fit".to_owned()));
            }
            Err(error) => return Err(Fault::corrupt(format!("bzip2: {error}"))),
        }
    }
}

/// libbz2 says of wrong checksums what it says of broken data. It compares them where a block was read to its end, so then the bits that
/// begin the next block, or those that end the stream, come next or were among the last that it read ahead.
fn at_end_of_block(input: Bytes<'_>, read: u64) -> bool {
    let window = input.up_to(read.saturating_sub(11), 16).iter().fold(0_u128, |bits, byte| (bits << 8) | u128::from(*byte));
    (0..=80_u32).map(|shift| (window >> shift) & 0xffff_ffff_ffff).any(|found| found == BLOCK || found == END)
}

#[cfg(test)]
mod tests {
    use crate::codec::Codec;
    use crate::codec::testing::{Check, noise, pipe};

    #[test]
    fn streams() {
        if crate::testing::lacking(&["bzip2"]) {
            return;
        }
        let data = noise(600_000);
        let packed = pipe("bzip2", &["-c", "-1"], &data);
        Check { codec: Codec::Bzip2, packed: &packed, data: &data, joins: true, least_of_half: 200_000 }.all();
    }

    #[test]
    fn wrong_checksums() {
        if crate::testing::lacking(&["bzip2"]) {
            return;
        }
        let data = noise(300_000);
        let mut packed = pipe("bzip2", &["-c"], &data);
        packed[11] ^= 1;
        super::super::testing::checksum(Codec::Bzip2, &packed, &data);
        let end = packed.len() - 3;
        packed[11] ^= 1;
        packed[end] ^= 0x10;
        super::super::testing::checksum(Codec::Bzip2, &packed, &data);
    }

    #[test]
    fn blocks_keep_their_limit() {
        if crate::testing::lacking(&["bzip2"]) {
            return;
        }
        let packed = pipe("bzip2", &["-c"], &[7; 1000]);
        assert_eq!(Codec::Bzip2.block(&packed, 1000).unwrap(), [7; 1000]);
        assert!(Codec::Bzip2.block(&packed, 999).is_err());
    }
}
