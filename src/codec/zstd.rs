//! Zstandard (RFC 8878) on ruzstd.

use std::io::Read;

use ruzstd::decoding::errors::FrameDecoderError;
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::{Part, STEP, Sink, Stream, collect, guard, several};
use crate::blob::{Bytes, Endian, to_u64};
use crate::limits::Budget;
use crate::problem::Fault;

/// The largest window that is decoded: that of `zstd --ultra -22`. The decoder's memory grows with what comes out, up to this.
const WINDOW: u64 = 128 << 20;

const MAGIC: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// RFC 8878 section 3.1.2, also of LZ4: magic 0x184d2a50 to 0x184d2a5f, u32 size, bytes of no meaning. The length of one that is whole.
pub(super) fn skippable(input: Bytes<'_>) -> Option<u64> {
    let magic = input.u32(0, Endian::Little).ok()?;
    let length = u64::from(input.u32(4, Endian::Little).ok()?).saturating_add(8);
    (magic & 0xffff_fff0 == 0x184d_2a50 && length <= input.len()).then_some(length)
}

pub(super) fn block(input: &[u8], limit: u64) -> Result<Vec<u8>, Fault> {
    collect("zstd", limit, |sink| one(Bytes(input), sink))
}

/// The first `limit` bytes of a block, whatever follows.
pub(super) fn first(input: &[u8], limit: u64) -> Result<Vec<u8>, Fault> {
    let mut output = Vec::new();
    let (_, fault) = one(Bytes(input), &mut |bytes| {
        let room = limit.saturating_sub(crate::blob::to_u64(output.len()));
        output.extend_from_slice(Bytes(bytes).up_to(0, room));
        if crate::blob::to_u64(output.len()) < limit { Ok(()) } else { Err(Fault::corrupt("zstd: there is more")) }
    });
    if crate::blob::to_u64(output.len()) >= limit { Ok(output) } else { fault.map_or(Ok(output), Err) }
}

pub(super) fn stream<'b>(input: &[u8], budget: &'b Budget) -> Stream<'b> {
    several(input, budget, |rest| (rest.has(0, MAGIC) || skippable(rest).is_some()).then_some(0), one)
}

/// Input that remembers whether it was asked for more than there is.
struct Source<'a> {
    rest: &'a [u8],
    dry: bool,
}

impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.dry |= buffer.len() > self.rest.len();
        self.rest.read(buffer)
    }
}

fn one(input: Bytes<'_>, sink: &mut Sink<'_>) -> Part {
    if let Some(length) = skippable(input) {
        return (length, None);
    }
    let mut source = Source { rest: input.0, dry: false };
    let mut decoder = FrameDecoder::new();
    decoder.set_max_window_size(WINDOW);
    let result = guard("zstd", || run(&mut decoder, &mut source, sink));
    let fault = match result {
        Err(Fault::Corrupt(_)) if source.dry => Some(Fault::Truncated("zstd data ends early".to_owned())),
        result => result.err(),
    };
    let rest = if source.dry || fault.is_none() {
        to_u64(source.rest.len())
    } else {
        input.len().saturating_sub(decoder.bytes_read_from_source())
    };
    (input.len().saturating_sub(rest), fault)
}

fn run(decoder: &mut FrameDecoder, source: &mut Source<'_>, sink: &mut Sink<'_>) -> Result<(), Fault> {
    decoder.reset(&mut *source).map_err(fault)?;
    while !decoder.is_finished() {
        let result = decoder.decode_blocks(&mut *source, BlockDecodingStrategy::UptoBytes(STEP));
        if let Err(error) = result {
            // The decoder keeps its window until the frame ends, which may be all there is. An empty last block, and a checksum if the
            // frame has one, end it.
            let end = [1, 0, 0, 0, 0, 0, 0];
            if decoder.decode_blocks(end.as_slice(), BlockDecodingStrategy::UptoBlocks(1)).is_ok() {
                drain(decoder, sink)?;
            }
            return Err(fault(error));
        }
        drain(decoder, sink)?;
    }
    match (decoder.get_checksum_from_data(), decoder.get_calculated_checksum()) {
        (Some(stored), Some(actual)) if stored != actual => {
            Err(Fault::Checksum(format!("zstd: the checksum of the content is {actual:08x}, not {stored:08x}")))
        }
        _ => Ok(()),
    }
}

fn drain(decoder: &mut FrameDecoder, sink: &mut Sink<'_>) -> Result<(), Fault> {
    let mut buffer = vec![0; STEP];
    loop {
        let fresh = decoder.read(&mut buffer).map_err(|error| Fault::corrupt(format!("zstd: {error}")))?;
        if fresh == 0 {
            return Ok(());
        }
        sink(buffer.get(..fresh).unwrap_or_default())?;
    }
}

fn fault(error: FrameDecoderError) -> Fault {
    match error {
        FrameDecoderError::DictNotProvided { dict_id } => Fault::unsupported(format!("zstd: needs the dictionary {dict_id:#x}")),
        FrameDecoderError::WindowSizeTooBig { requested, .. } => Fault::unsupported(format!("zstd: a window of {requested} bytes")),
        error => Fault::corrupt(format!("zstd: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use crate::codec::Codec;
    use crate::codec::testing::{Check, checksum, noise, pipe, run};

    #[test]
    fn streams() {
        if crate::testing::lacking(&["zstd"]) {
            return;
        }
        let data = noise(600_000);
        for options in [["-c", "-3"], ["-c", "-19"], ["-c", "--no-check"]] {
            let packed = pipe("zstd", &options, &data);
            Check { codec: Codec::Zstd, packed: &packed, data: &data, joins: true, least_of_half: 150_000 }.all();
        }
    }

    #[test]
    fn wrong_checksum() {
        if crate::testing::lacking(&["zstd"]) {
            return;
        }
        let data = noise(100_000);
        let mut packed = pipe("zstd", &["-c"], &data);
        *packed.last_mut().unwrap() ^= 1;
        checksum(Codec::Zstd, &packed, &data);
    }

    #[test]
    fn skippable_frames_belong_to_the_stream() {
        if crate::testing::lacking(&["zstd"]) {
            return;
        }
        let packed = pipe("zstd", &["-c"], b"hello");
        let skip = [0x5e, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3];
        let (output, consumed, fault) = run(Codec::Zstd, &[packed.as_slice(), &skip, &packed, &skip, b"junk"].concat());
        assert_eq!((output.as_slice(), consumed, fault), (b"hellohello".as_slice(), 2 * packed.len() + 2 * skip.len(), None));
        assert_eq!(run(Codec::Zstd, &[packed.as_slice(), &skip[..9]].concat()).1, packed.len());
    }
}
