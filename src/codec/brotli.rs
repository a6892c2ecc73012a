//! Brotli on brotli-decompressor.

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};

use super::{Part, STEP, Sink, Stream, collect, guard};
use crate::blob::to_u64;
use crate::limits::{Budget, Output};
use crate::problem::Fault;

pub(super) fn block(input: &[u8], limit: u64) -> Result<Vec<u8>, Fault> {
    collect("brotli", limit, |sink| one(input, sink))
}

pub(super) fn stream<'b>(input: &[u8], budget: &'b Budget) -> Stream<'b> {
    let mut output = Output::new(budget, to_u64(input.len()));
    let (consumed, fault) = one(input, &mut |bytes| Ok(output.push(bytes)?));
    Stream { output, consumed, fault }
}

fn one(input: &[u8], sink: &mut Sink<'_>) -> Part {
    let mut consumed = 0;
    let result = guard("brotli", || run(input, sink, &mut consumed));
    (to_u64(consumed), result.err())
}

fn run(input: &[u8], sink: &mut Sink<'_>, consumed: &mut usize) -> Result<(), Fault> {
    let allocator = StandardAlloc::default;
    let mut state = BrotliState::new(allocator(), allocator(), allocator());
    let mut buffer = vec![0; STEP];
    let (mut left, mut total) = (input.len(), 0);
    loop {
        let (mut room, mut written) = (buffer.len(), 0);
        let result = BrotliDecompressStream(&mut left, consumed, input, &mut room, &mut written, &mut buffer, &mut total, &mut state);
        sink(buffer.get(..written).unwrap_or_default())?;
        match result {
            BrotliResult::ResultSuccess => return Ok(()),
            BrotliResult::NeedsMoreOutput => (),
            // There may be more in its window.
            BrotliResult::NeedsMoreInput if written > 0 => (),
            BrotliResult::NeedsMoreInput => return Err(Fault::Truncated("brotli data ends early".to_owned())),
            BrotliResult::ResultFailure => return Err(Fault::corrupt("brotli: broken data")),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::codec::Codec;
    use crate::codec::testing::{Check, noise, pipe};

    #[test]
    fn what_the_tool_packs_comes_back() {
        if crate::testing::lacking(&["brotli"]) {
            return;
        }
        let data = noise(400_000);
        let packed = pipe("brotli", &["-c", "-q", "9"], &data);
        Check { codec: Codec::Brotli, packed: &packed, data: &data, joins: false, least_of_half: 100_000 }.all();
    }
}
