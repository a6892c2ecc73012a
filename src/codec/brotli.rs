//! Brotli (RFC 7932) on brotli-decompressor. It has no magic: only what names it is decompressed with it.

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};

use super::{Part, STEP, Sink, Stream, collect, guard};
use crate::blob::{Bytes, to_u64};
use crate::limits::{Budget, Output};
use crate::problem::Fault;

pub(super) fn block(input: &[u8], limit: u64) -> Result<Vec<u8>, Fault> {
    collect("brotli", limit, |sink| one(Bytes(input), sink))
}

pub(super) fn stream<'b>(input: &[u8], budget: &'b Budget) -> Stream<'b> {
    let mut output = Output::new(budget, to_u64(input.len()));
    let (consumed, fault) = one(Bytes(input), &mut |bytes| Ok(output.push(bytes)?));
    Stream { output, consumed, fault }
}

fn one(input: Bytes<'_>, sink: &mut Sink<'_>) -> Part {
    let mut taken = 0;
    let fault = guard("brotli", || run(input.0, &mut taken, sink)).err();
    (to_u64(taken).min(input.len()), fault)
}

fn run(input: &[u8], taken: &mut usize, sink: &mut Sink<'_>) -> Result<(), Fault> {
    let mut state = BrotliState::new(StandardAlloc::default(), StandardAlloc::default(), StandardAlloc::default());
    let (mut buffer, mut left, mut total) = (vec![0; STEP], input.len(), 0);
    loop {
        let (mut room, mut fresh) = (STEP, 0);
        let result = BrotliDecompressStream(&mut left, taken, input, &mut room, &mut fresh, &mut buffer, &mut total, &mut state);
        sink(buffer.get(..fresh).unwrap_or_default())?;
        match result {
            BrotliResult::ResultSuccess => return Ok(()),
            BrotliResult::NeedsMoreOutput => {}
            BrotliResult::NeedsMoreInput => return Err(Fault::Truncated("brotli data ends early".to_owned())),
            BrotliResult::ResultFailure => return Err(Fault::corrupt("brotli: broken data")),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::codec::Codec;
    use crate::codec::testing::{noise, pipe, run};

    #[test]
    fn what_brotli_writes() {
        if crate::testing::lacking(&["brotli"]) {
            return;
        }
        let data = noise(300_000);
        for quality in ["-1", "-9"] {
            let packed = pipe("brotli", &["-c", quality], &data);
            let (output, consumed, fault) = run(Codec::Brotli, &[packed.as_slice(), b"junk"].concat());
            assert_eq!((output == data, consumed, fault), (true, packed.len(), None));
            assert_eq!(Codec::Brotli.block(&packed, 300_000).unwrap(), data);
            assert!(Codec::Brotli.block(&packed, 299_999).is_err());
            assert!(run(Codec::Brotli, &packed[..packed.len() / 2]).2.is_some());
            for copy in crate::testing::damaged(&packed, 100, 300) {
                run(Codec::Brotli, &copy);
            }
        }
    }
}
