//! xz on lzma-rust2.

use std::io::Read;

use lzma_rust2::{Action, Status, XzReader, XzStream};

use super::{Part, STEP, Sink, Stream, collect, guard, several};
use crate::blob::{Bytes, to_u64, to_usize};
use crate::limits::Budget;
use crate::problem::Fault;

/// What one decoder may hold, KiB: a dictionary of 1 GiB, and what goes with it. It grows with what comes out, up to this.
const MEMORY: u32 = (1 << 20) + (64 << 10);

const MAGIC: &[u8] = &[0xfd, b'7', b'z', b'X', b'Z', 0];

pub(super) fn block(input: &[u8], limit: u64) -> Result<Vec<u8>, Fault> {
    collect("xz", limit, |sink| one(Bytes(input), sink))
}

pub(super) fn stream<'b>(input: &[u8], budget: &'b Budget) -> Stream<'b> {
    several(input, budget, next, one)
}

/// Streams in a row may have padding between them: zeros, a multiple of four.
fn next(rest: Bytes<'_>) -> Option<u64> {
    let zeros = rest.0.iter().position(|byte| *byte != 0).map(to_u64)?;
    (zeros.is_multiple_of(4) && rest.has(zeros, MAGIC)).then_some(zeros)
}

fn one(input: Bytes<'_>, sink: &mut Sink<'_>) -> Part {
    let mut state = XzStream::new_mem_limit(false, MEMORY);
    let result = guard("xz", || run(&mut state, input, sink));
    let several = state.total_out() == 0 && matches!(&result, Err(Fault::Unsupported(why)) if why.contains("multiple non-LZMA2 filters"));
    if several { chained(input, sink) } else { (state.total_in().min(input.len()), result.err()) }
}

/// A stream with several filters in a row, which only the crate's other decoder reads; less of a truncated one comes out of it.
fn chained(input: Bytes<'_>, sink: &mut Sink<'_>) -> Part {
    let mut reader = XzReader::new_mem_limit(input.0, false, MEMORY);
    let mut buffer = vec![0; STEP];
    let result = guard("xz", || {
        loop {
            match reader.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(fresh) => sink(buffer.get(..fresh).unwrap_or_default())?,
                Err(error) => return Err(fault(&error)),
            }
        }
    });
    (input.len().saturating_sub(to_u64(reader.inner().len())), result.err())
}

fn run(state: &mut XzStream, input: Bytes<'_>, sink: &mut Sink<'_>) -> Result<(), Fault> {
    let mut buffer = vec![0; STEP];
    loop {
        let (read, written) = (state.total_in(), state.total_out());
        // Not `Finish` at the end: it would turn what a truncated stream still holds into an error.
        let result = state.process(input.tail(read), &mut buffer, Action::Run);
        let fresh = to_usize(state.total_out().saturating_sub(written));
        sink(buffer.get(..fresh).unwrap_or_default())?;
        match result {
            Ok(result) if result.status == Status::StreamEnd => return Ok(()),
            Ok(_) if state.total_in() == read && fresh == 0 => return Err(Fault::Truncated("xz data ends early".to_owned())),
            Ok(_) => (),
            Err(error) => return Err(fault(&error)),
        }
    }
}

fn fault(error: &std::io::Error) -> Fault {
    let message = format!("xz: {error}");
    match error.kind() {
        std::io::ErrorKind::UnexpectedEof => Fault::Truncated(message),
        std::io::ErrorKind::OutOfMemory | std::io::ErrorKind::Unsupported => Fault::Unsupported(message),
        // The decoder has no kind of its own for this.
        _ if message.contains("checksum mismatch") => Fault::Checksum(message),
        _ if message.contains("not supported") => Fault::Unsupported(message),
        _ => Fault::Corrupt(message),
    }
}

#[cfg(test)]
mod tests {
    use crate::codec::Codec;
    use crate::codec::testing::{Check, checksum, code, noise, pipe};

    #[test]
    fn streams() {
        if crate::testing::lacking(&["xz"]) {
            return;
        }
        let data = noise(300_000);
        for check in ["none", "crc32", "crc64", "sha256"] {
            let packed = pipe("xz", &["-c1", "--check", check], &data);
            Check { codec: Codec::Xz, packed: &packed, data: &data, joins: true, least_of_half: 100_000 }.all();
        }
        let padded = [pipe("xz", &["-c"], b"one"), vec![0; 8], pipe("xz", &["-c"], b"two"), vec![0; 5]].concat();
        let (output, consumed, fault) = super::super::testing::run(Codec::Xz, &padded);
        assert_eq!((output.as_slice(), consumed, fault), (b"onetwo".as_slice(), padded.len() - 5, None));
    }

    #[test]
    fn filters_in_a_row_and_large_dictionaries() {
        if crate::testing::lacking(&["xz"]) {
            return;
        }
        let data = code(300_000);
        for options in [
            ["--delta=dist=4", "--lzma2=dict=1MiB"].as_slice(),
            &["--arm64", "--delta=dist=4", "--lzma2=dict=1MiB"],
            &["--x86", "--arm", "--delta=dist=1", "--lzma2=dict=1MiB"],
            &["--lzma2=preset=0,dict=1GiB"],
        ] {
            let packed = pipe("xz", &[&["-c"], options].concat(), &data);
            let (output, consumed, fault) = super::super::testing::run(Codec::Xz, &[packed.as_slice(), b"junk"].concat());
            assert_eq!((output == data, consumed, fault), (true, packed.len(), None), "{options:?}");
            assert!(super::super::testing::run(Codec::Xz, &packed[..packed.len() / 2]).2.is_some());
        }
    }

    #[test]
    fn every_filter_of_squashfs() {
        if crate::testing::lacking(&["xz"]) {
            return;
        }
        let data = code(300_000);
        for filter in ["x86", "powerpc", "ia64", "arm", "armthumb", "sparc", "arm64"] {
            let packed = pipe("xz", &["-c", "--check=crc32", &format!("--{filter}"), "--lzma2=dict=128KiB"], &data);
            assert_eq!(Codec::Xz.block(&packed, 300_000).unwrap(), data, "{filter}");
            let (output, consumed, fault) = super::super::testing::run(Codec::Xz, &[packed.as_slice(), b"junk"].concat());
            assert_eq!((output == data, consumed, fault), (true, packed.len(), None), "{filter}");
        }
    }

    #[test]
    fn wrong_checksum() {
        if crate::testing::lacking(&["xz"]) {
            return;
        }
        let data = noise(100_000);
        let mut packed = pipe("xz", &["-c", "--check=crc32"], &data);
        // Before the check of the block: the end of its data. After it: the index of one block, and the footer, which says how long it is.
        let index = u32::from_le_bytes(packed[packed.len() - 8..][..4].try_into().unwrap());
        let check = packed.len() - 12 - 4 * usize::try_from(index + 1).unwrap() - 4;
        packed[check] ^= 1;
        checksum(Codec::Xz, &packed, &data);
    }
}
