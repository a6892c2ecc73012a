//! LZMA, with its 13-byte header or without, on lzma-rust2.

use std::io::{ErrorKind, Read};

use lzma_rust2::LzmaReader;
use lzma_rust2::filter::bcj::BcjReader;

use super::{STEP, Sink, Stream, collect, guard};
use crate::blob::{Bytes, Endian, OutOfBounds, to_u64, to_usize};
use crate::limits::{Budget, Output};
use crate::problem::Fault;

/// Dictionaries are decoded with at least and at most this: some firmware has 0 in the field, or all ones, as its decoder never asked. The
/// decoder's memory grows with what comes out, not with this.
const DICTIONARY: (u32, u32) = (8 << 20, 64 << 20);

/// Stands where the size is not known: the data has an end marker.
const UNKNOWN: u64 = u64::MAX;

/// Parameters of a raw LZMA stream that its container keeps elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LzmaProperties {
    /// Literal context bits, 0 to 8.
    pub lc: u8,
    /// Literal position bits, 0 to 4.
    pub lp: u8,
    /// Position bits, 0 to 4.
    pub pb: u8,
    /// Dictionary size, bytes.
    pub dictionary: u32,
}

/// Undoes what 7-Zip's BCJ filter does to the targets of jumps in x86 code, as UEFI's LZMA F86 sections have it.
pub(crate) fn x86_jumps(input: &[u8]) -> Vec<u8> {
    let mut output = Vec::new();
    let result = guard("bcj", || {
        let mut reader = BcjReader::new_x86(input, 0);
        reader.read_to_end(&mut output).map_err(|error| fault(&error))
    });
    // Nothing in it can break; whatever does not come out stays as it was.
    let rest = if result.is_ok() { output.len() } else { 0 };
    output.truncate(rest);
    output.extend_from_slice(input.get(rest..).unwrap_or_default());
    output
}

/// Decompresses one raw LZMA block, without any header. It ends at its end marker, or when `limit` bytes came out.
///
/// # Errors
/// If the block is broken, or ends before.
pub fn raw_block(input: &[u8], properties: LzmaProperties, limit: u64) -> Result<Vec<u8>, Fault> {
    collect("lzma", limit, |sink| {
        let raw = Raw { properties, size: UNKNOWN, most: limit };
        let run = raw.run(input, sink);
        (run.consumed, run.fault)
    })
}

pub(super) fn block(input: &[u8], limit: u64) -> Result<Vec<u8>, Fault> {
    let (properties, size) = header(Bytes(input))?;
    if size != UNKNOWN && size > limit {
        return Err(Fault::corrupt(format!("lzma: a block of {size} bytes, more than {limit}")));
    }
    collect("lzma", limit, |sink| {
        let run = Raw { properties, size, most: u64::MAX }.run(Bytes(input).tail(HEADER), sink);
        (run.consumed, run.fault)
    })
}

pub(super) fn stream<'b>(input: &[u8], budget: &'b Budget) -> Stream<'b> {
    match header(Bytes(input)) {
        Ok((properties, size)) => {
            let stream = raw_stream(Bytes(input).tail(HEADER), properties, (size != UNKNOWN).then_some(size), budget);
            Stream { consumed: stream.consumed.saturating_add(HEADER), ..stream }
        }
        Err(fault) => Stream { output: Output::new(budget, 0), consumed: 0, fault: Some(fault) },
    }
}

/// Decompresses a raw LZMA stream at the start of `input`, without any header. It ends at its end marker, or when `size` bytes came out.
///
/// Sizes are wrong in the wild in both directions. Where one leads to an error, or to a place that is no end, the end marker is looked for.
pub fn raw_stream<'b>(input: &[u8], properties: LzmaProperties, size: Option<u64>, budget: &'b Budget) -> Stream<'b> {
    let decode = |size| {
        let mut output = Output::new(budget, to_u64(input.len()));
        let run = Raw { properties, size, most: u64::MAX }.run(input, &mut |bytes| Ok(output.push(bytes)?));
        (output, run)
    };
    let (output, run) = decode(size.unwrap_or(UNKNOWN));
    let doubtful = !run.ended && !output.is_empty() && matches!(run.fault, None | Some(Fault::Corrupt(_)));
    if size.is_some() && doubtful {
        let (output, run) = decode(UNKNOWN);
        if run.fault.is_none() {
            return Stream { output, consumed: run.consumed, fault: None };
        }
    }
    let more = || Fault::corrupt(format!("lzma: the data goes on after {} bytes, which should be all", output.len()));
    let fault = run.fault.or_else(|| (!run.ended).then(more));
    Stream { output, consumed: run.consumed, fault }
}

const HEADER: u64 = 13;

/// u8 properties = (pb * 5 + lp) * 9 + lc, u32 dictionary size, u64 uncompressed size or -1; little-endian.
fn header(input: Bytes<'_>) -> Result<(LzmaProperties, u64), Fault> {
    let short = |_: OutOfBounds| Fault::Truncated("lzma: the header is cut".to_owned());
    let properties = input.u8(0).map_err(short)?;
    let dictionary = input.u32(1, Endian::Little).map_err(short)?;
    let size = input.u64(5, Endian::Little).map_err(short)?;
    if properties >= 225 {
        return Err(Fault::corrupt("lzma: the first byte is above 224"));
    }
    let (lc, lp, pb) = (properties % 9, properties / 9 % 5, properties / 45);
    Ok((LzmaProperties { lc, lp, pb, dictionary }, size))
}

/// A raw LZMA stream.
struct Raw {
    properties: LzmaProperties,
    /// Bytes that must come out, or [`UNKNOWN`].
    size: u64,
    /// Bytes after which nobody wants more.
    most: u64,
}

/// What became of it.
struct Run {
    /// Bytes of input taken.
    consumed: u64,
    /// Whether it ended where LZMA data ends: the range coder says so, or the end marker.
    ended: bool,
    fault: Option<Fault>,
}

impl Raw {
    fn run(&self, input: &[u8], sink: &mut Sink<'_>) -> Run {
        let mut run = Run { consumed: 0, ended: false, fault: None };
        run.fault = guard("lzma", || self.decode(input, sink, &mut run)).err();
        run
    }

    fn decode(&self, input: &[u8], sink: &mut Sink<'_>, run: &mut Run) -> Result<(), Fault> {
        let LzmaProperties { lc, lp, pb, dictionary } = self.properties;
        let (least, most) = DICTIONARY;
        let reader = LzmaReader::new(input, self.size, lc.into(), lp.into(), pb.into(), dictionary.clamp(least, most), None);
        let mut reader = reader.map_err(|error| fault(&error))?;
        reader.set_defer_errors(true);
        reader.set_relaxed_end_condition(false);
        let result = self.read(&mut reader, sink, run);
        let (rest, unused) = reader.into_parts();
        run.consumed = to_u64(input.len()).saturating_sub(to_u64(rest.len())).saturating_sub(to_u64(unused.len()));
        result
    }

    fn read(&self, reader: &mut LzmaReader<&[u8]>, sink: &mut Sink<'_>, run: &mut Run) -> Result<(), Fault> {
        let (mut buffer, mut made) = (vec![0; STEP], 0_u64);
        loop {
            let wanted = self.most.saturating_sub(made).min(to_u64(STEP));
            if wanted == 0 {
                return Ok(());
            }
            match reader.read(buffer.get_mut(..to_usize(wanted)).unwrap_or_default()) {
                Ok(0) => {
                    run.ended = true;
                    return Ok(());
                }
                Ok(fresh) => {
                    made = made.saturating_add(to_u64(fresh));
                    sink(buffer.get(..fresh).unwrap_or_default())?;
                }
                // All that the header promised came out. Whether the data ends there is for the caller to mind.
                Err(_) if made == self.size => return Ok(()),
                Err(error) => return Err(fault(&error)),
            }
        }
    }
}

fn fault(error: &std::io::Error) -> Fault {
    match error.kind() {
        ErrorKind::UnexpectedEof => Fault::Truncated("lzma data ends early".to_owned()),
        _ => Fault::corrupt(format!("lzma: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Codec;
    use crate::codec::testing::{Check, noise, pipe, run};

    const PROPERTIES: LzmaProperties = LzmaProperties { lc: 3, lp: 0, pb: 2, dictionary: 1 << 20 };

    fn marked(data: &[u8]) -> Vec<u8> {
        pipe("xz", &["-c", "--format=lzma", "--lzma1=dict=1MiB"], data)
    }

    /// As 7-Zip writes it: with the size, without end marker. It is taken out of an archive, where it stands behind 32 bytes of header
    /// and ends where the second header begins.
    fn sized(data: &[u8]) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("data"), data).unwrap();
        let mut command = std::process::Command::new("7z");
        crate::format::testing::tool(command.current_dir(&folder).args(["a", "-m0=lzma:d=1m", "-mf=off", "-mhc=off", "packed.7z", "data"]));
        let archive = std::fs::read(folder.path().join("packed.7z")).unwrap();
        let length = usize::try_from(u64::from_le_bytes(archive[12..20].try_into().unwrap())).unwrap();
        let size = u64::try_from(data.len()).unwrap().to_le_bytes();
        [&[0x5d, 0, 0, 0x10, 0], size.as_slice(), &archive[32..32 + length]].concat()
    }

    fn with(packed: &[u8], dictionary: u32, size: u64) -> Vec<u8> {
        [&packed[..1], &dictionary.to_le_bytes(), &size.to_le_bytes(), &packed[13..]].concat()
    }

    #[test]
    fn with_end_marker() {
        if crate::testing::lacking(&["xz"]) {
            return;
        }
        let data = noise(400_000);
        let packed = marked(&data);
        Check { codec: Codec::Lzma, packed: &packed, data: &data, joins: false, least_of_half: 150_000 }.all();
    }

    #[test]
    fn with_a_size() {
        if crate::testing::lacking(&["7z"]) {
            return;
        }
        let data = noise(400_000);
        let packed = with(&sized(&data), 1 << 20, 400_000);
        Check { codec: Codec::Lzma, packed: &packed, data: &data, joins: false, least_of_half: 150_000 }.all();
    }

    #[test]
    fn headers_that_lie() {
        if crate::testing::lacking(&["7z", "xz"]) {
            return;
        }
        let data = noise(300_000);
        let (marked, sized) = (marked(&data), with(&sized(&data), 1 << 20, 300_000));
        let whole = |packed: &[u8]| {
            let (output, consumed, fault) = run(Codec::Lzma, &[packed, &[0xff; 4096]].concat());
            assert_eq!((output == data, fault), (true, None));
            assert_eq!(consumed, packed.len());
        };
        for dictionary in [0, 1, 1000, u32::MAX] {
            whole(&with(&marked, dictionary, UNKNOWN));
            whole(&with(&sized, dictionary, 300_000));
        }
        whole(&with(&marked, 1 << 20, 300_000));
        whole(&with(&marked, 1 << 20, 1000));
        whole(&with(&marked, 1 << 20, 400_000));
        let (output, _, fault) = run(Codec::Lzma, &with(&sized, 1 << 20, 1000));
        assert!(output == data[..1000] && matches!(fault, Some(Fault::Corrupt(_))));
    }

    #[test]
    fn blocks() {
        if crate::testing::lacking(&["7z", "xz"]) {
            return;
        }
        let data = noise(100_000);
        let (marked, sized) = (marked(&data), with(&sized(&data), 1 << 17, 100_000));
        assert_eq!(Codec::Lzma.block(&marked, 131_072).unwrap(), data);
        assert_eq!(Codec::Lzma.block(&sized, 131_072).unwrap(), data);
        assert!(Codec::Lzma.block(&sized, 99_999).is_err());
        assert!(Codec::Lzma.block(&marked, 99_999).is_err());
        assert!(Codec::Lzma.block(&sized[..sized.len() / 2], 131_072).is_err());
        for raw in [&sized[13..], &marked[13..]] {
            assert_eq!(raw_block(raw, PROPERTIES, 100_000).unwrap(), data);
            assert_eq!(raw_block(raw, PROPERTIES, 1000).unwrap(), data[..1000]);
        }
        assert_eq!(raw_block(&marked[13..], PROPERTIES, 131_072).unwrap(), data);
        assert!(raw_block(&sized[13..], PROPERTIES, 131_072).is_err());
    }
}
