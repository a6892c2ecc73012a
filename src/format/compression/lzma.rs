//! LZMA streams with the 13-byte header of LZMA-alone, or what firmware has instead of it. There is no magic to speak of.

use crate::blob::{Blob, Bytes, Endian, to_u64};
use crate::codec::{Codec, LzmaProperties, Stream, lzma_raw_block, lzma_raw_stream};
use crate::format::{Carved, Format, Kind, Magic, Payload, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// LZMA-alone.
#[derive(Debug)]
pub(super) struct Lzma;

static SPEC: Spec = Spec {
    id: "lzma",
    name: "LZMA",
    kind: Kind::Compression,
    // Properties (pb * 5 + lp) * 9 + lc as encoders in the wild take them, and the lower bytes of a dictionary size: those of round ones,
    // and those of the largest.
    magics: &[
        Magic::anywhere(&[0x5d, 0, 0]),
        Magic::anywhere(&[0x5d, 0xff, 0xff, 0xff, 0xff]),
        Magic::anywhere(&[0x2c, 0, 0]),
        Magic::anywhere(&[0x2d, 0, 0]),
        Magic::anywhere(&[0x51, 0, 0]),
        Magic::anywhere(&[0x5a, 0, 0]),
        Magic::anywhere(&[0x5b, 0, 0]),
        Magic::anywhere(&[0x5c, 0, 0]),
        Magic::anywhere(&[0x5e, 0, 0]),
        Magic::anywhere(&[0x63, 0, 0]),
        Magic::anywhere(&[0x64, 0, 0]),
        Magic::anywhere(&[0x65, 0, 0]),
        Magic::anywhere(&[0x66, 0, 0]),
        Magic::anywhere(&[0x6c, 0, 0]),
        Magic::anywhere(&[0x6d, 0, 0]),
        Magic::anywhere(&[0x6e, 0, 0]),
        Magic::anywhere(&[0x87, 0, 0]),
        Magic::anywhere(&[0x88, 0, 0]),
        Magic::anywhere(&[0xb4, 0, 0]),
        // Any dictionary, where nothing else can be in front of it.
        Magic::start(&[0x5d]),
        Magic::start(&[0x5e]),
        Magic::start(&[0x6d]),
        Magic::start(&[0x6e]),
    ],
    leaf: false,
    references: &["https://www.7-zip.org/sdk.html", "https://github.com/tukaani-project/xz/blob/master/doc/lzma-file-format.txt"],
    limitations: &[
        "in the middle of other bytes: dictionary sizes below 64 KiB but 0, and sizes that are neither 2^n nor 3 * 2^n",
        "in the middle of other bytes: broken streams behind a header of 5 or 9 bytes, or a wrong one",
        "streams of less than 64 bytes",
    ],
};

/// Less than this is not worth the false alarms.
const LEAST: u64 = 64;

/// A stream that breaks off before this many bytes was none: LZMA reads nearly anything for a while.
const LEAST_BROKEN: u64 = 4096;

/// The same behind a header that says next to nothing.
const LEAST_BROKEN_AND_WEAK: u64 = 64 << 10;

/// What must come out of a doubtful stream before it is decompressed as a whole.
const TRIAL: u64 = 4096;

/// Headers that are not as they should be: their length, and that of the size in them, which is at its end. Longest first: a shorter one
/// would have to begin its data with zeros that the longer one explains better.
const MANGLED: &[(u64, u64)] = &[(13, 0), (9, 4), (5, 0)];

impl Format for Lzma {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, budget: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let input = Bytes(blob.bytes().tail(start));
        if let Some(stream) = proper(input, budget) {
            return Ok(carved(stream));
        }
        let properties = plausible(input, start == 0)?;
        let mut mangled = MANGLED.iter().filter_map(|(length, size)| behind(input, properties, *length, *size, start == 0, budget));
        mangled.next().map(carved).ok_or(Rejected("no LZMA data"))
    }
}

fn carved(stream: Stream<'_>) -> Carved<'_> {
    let payload = Payload { name: String::new(), output: stream.output, fault: stream.fault };
    Carved { length: stream.consumed, payload: Some(payload) }
}

/// u8 properties, u32 dictionary size; little-endian. Encoders make round dictionaries; 0 and all ones are from those who need none.
fn plausible(input: Bytes<'_>, alone: bool) -> Result<LzmaProperties, Rejected> {
    let dictionary = input.u32(1, Endian::Little)?;
    let properties = LzmaProperties::unpacked(input.u8(0)?, dictionary).ok_or(Rejected("properties"))?;
    let round = dictionary >> dictionary.trailing_zeros().min(31);
    let usual = (matches!(round, 1 | 3) && (1 << 16..=1 << 30).contains(&dictionary)) || matches!(dictionary, 0 | u32::MAX);
    if usual || alone { Ok(properties) } else { Err(Rejected("dictionary size")) }
}

/// The data begins with a zero byte, and the first four bytes of the range coder: those are no zeros, or the data would be nothing but
/// zeros, and say that there is a literal first, as there is nothing to repeat.
fn begins(input: Bytes<'_>, at: u64) -> bool {
    let coder = input.u32(at.saturating_add(1), Endian::Big).unwrap_or(0);
    input.u8(at) == Ok(0) && (1..0x7fff_fc00).contains(&coder)
}

/// Whether the range coder's bytes are as mixed as those of compressed data: tables of small numbers look like headers without a dictionary.
fn is_dense(input: Bytes<'_>, at: u64) -> bool {
    let bytes = input.up_to(at, 16);
    let distinct: std::collections::BTreeSet<&u8> = bytes.iter().collect();
    bytes.iter().filter(|byte| **byte == 0).count() <= 3 && distinct.len() >= 9
}

/// The stream behind the header as it should be: u8 properties, u32 dictionary size, u64 size or -1; little-endian.
fn proper<'b>(input: Bytes<'_>, budget: &'b Budget) -> Option<Stream<'b>> {
    let properties = plausible(input, false).ok()?;
    let size = input.u64(5, Endian::Little).ok()?;
    if properties.dictionary == 0 && !is_dense(input, 14) {
        return None;
    }
    if (size != u64::MAX && !(LEAST..1 << 32).contains(&size)) || !begins(input, 13) {
        return None;
    }
    let stream = Codec::Lzma.stream(input.0, budget);
    let made = stream.output.len();
    let real = match &stream.fault {
        None => made >= LEAST,
        // A size that nobody would give says that this is no header; one that is smaller than what came out is no size.
        Some(fault) => made >= LEAST_BROKEN && (size == u64::MAX || size > made) && !matches!(fault, Fault::Unsupported(_)),
    };
    real.then_some(stream)
}

/// The stream behind a header of `length` bytes that ends with a size of `width` bytes, or none that is worth anything. In the middle of other
/// bytes only one that is whole counts.
fn behind<'b>(
    input: Bytes<'_>,
    properties: LzmaProperties,
    length: u64,
    width: u64,
    alone: bool,
    budget: &'b Budget,
) -> Option<Stream<'b>> {
    let size = if width == 4 { Some(u64::from(input.u32(length.checked_sub(width)?, Endian::Little).ok()?)) } else { None };
    if !begins(input, length) || !is_dense(input, length.saturating_add(1)) || size.is_some_and(|size| size < LEAST) {
        return None;
    }
    let data = input.tail(length);
    // What is behind is decompressed twice only if a little of it is LZMA.
    let whole_trial = lzma_raw_block(data, properties, TRIAL.min(size.unwrap_or(TRIAL)));
    if !matches!(whole_trial, Ok(_) | Err(Fault::Truncated(_))) {
        return None;
    }
    let mut stream = lzma_raw_stream(data, properties, size.filter(|size| *size != u64::from(u32::MAX)), budget);
    let made = stream.output.len();
    // Without a size, and without an end marker, the end of the blob is the end.
    let ends_with_blob = alone && size.is_none() && stream.consumed == to_u64(data.len());
    let real = match &stream.fault {
        None => made >= LEAST && (alone || made >= stream.consumed),
        Some(Fault::Truncated(_)) if ends_with_blob => made >= LEAST_BROKEN,
        Some(fault) => alone && made >= LEAST_BROKEN_AND_WEAK && !matches!(fault, Fault::Unsupported(_)),
    };
    stream.consumed = stream.consumed.saturating_add(length);
    real.then_some(stream)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::testing::{noise, pipe};
    use crate::format::testing::{carve, survives_damage, try_unpack_at, unpack_at};
    use crate::problem::Code;

    fn packed(options: &str, data: &[u8]) -> Vec<u8> {
        pipe("xz", &["-c", "--format=lzma", options], data)
    }

    #[test]
    fn streams_in_the_middle_of_other_bytes() {
        if crate::testing::lacking(&["xz"]) {
            return;
        }
        let data = noise(50_000);
        for options in ["--lzma1=dict=64KiB", "--lzma1=lc=1,lp=2,pb=2,dict=8MiB", "--lzma1=lc=0,lp=0,pb=0,dict=768KiB", "-9"] {
            let packed = packed(options, &data);
            if packed[0] == 0 {
                continue;
            }
            let image = [b"before".as_slice(), &packed, b"after"].concat();
            let unpacked = unpack_at(&Lzma, &image, 6);
            assert_eq!((unpacked.file("") == data, unpacked.problems), (true, vec![]), "{options}");
            assert_eq!(carve(&Lzma, &image, 6), Some(u64::try_from(packed.len()).unwrap()));
        }
        survives_damage(&Lzma, &packed("-1", &data[..20_000]));
    }

    /// Header bytes, as firmware has them, in front of the data that `xz` makes; `size` is what the header says of it.
    #[test]
    fn headers_that_are_not_as_they_should_be() {
        if crate::testing::lacking(&["xz"]) {
            return;
        }
        let data = noise(50_000);
        let stream = packed("--lzma1=dict=1MiB", &data);
        let (props, body) = (&stream[..1], &stream[13..]);
        let heads: [(&str, Vec<u8>); 8] = [
            ("no size", vec![0, 0, 0x10, 0]),
            ("32-bit size", [&[0, 0, 0x10, 0], 50_000_u32.to_le_bytes().as_slice()].concat()),
            ("32-bit size of -1", [0, 0, 0x10, 0].into_iter().chain([0xff; 4]).collect()),
            ("no dictionary", [&[0; 4], [0xff; 8].as_slice()].concat()),
            ("no dictionary, no size", vec![0; 4]),
            ("size too small", [&[0, 0, 0x10, 0], 70_u64.to_le_bytes().as_slice()].concat()),
            ("size too large", [&[0, 0, 0x10, 0], 70_000_u64.to_le_bytes().as_slice()].concat()),
            ("size is nonsense", [0, 0, 0x10, 0].into_iter().chain([0x5a; 8]).collect()),
        ];
        for (what, head) in heads {
            let image = [b"before".as_slice(), props, &head, body, &[0xff; 300]].concat();
            let unpacked = unpack_at(&Lzma, &image, 6);
            assert_eq!((unpacked.file("") == data, unpacked.problems), (true, vec![]), "{what}");
            assert_eq!(carve(&Lzma, &image, 6), Some(u64::try_from(1 + head.len() + body.len()).unwrap()), "{what}");
        }
        let odd = [props, &[0x12, 0x34, 0x56, 0], &[0xff; 8], body].concat();
        assert!(unpack_at(&Lzma, &odd, 0).file("") == data, "odd dictionaries are taken where nothing is in front");
        let cut = [props, &[0, 0, 0x10, 0], &body[..body.len() - 8]].concat();
        let unpacked = unpack_at(&Lzma, &cut, 0);
        assert!(unpacked.file("").len() > 49_000, "without a size the end of the blob is the end");
    }

    #[test]
    fn truncated_streams_give_what_they_have() {
        if crate::testing::lacking(&["xz"]) {
            return;
        }
        let data = noise(50_000);
        let packed = packed("-9", &data);
        let unpacked = unpack_at(&Lzma, &packed[..packed.len() / 2], 0);
        assert!(unpacked.file("").len() > 20_000);
        assert_eq!(unpacked.problems[0].0, Code::Truncated);
    }

    #[test]
    fn look_alikes_are_refused() {
        if crate::testing::lacking(&["xz"]) {
            return;
        }
        let data = noise(50_000);
        let small = packed("-9", b"few bytes");
        assert_eq!(carve(&Lzma, &small, 0), None);
        let zeros = [[0x5d, 0, 0, 1, 0].as_slice(), &1000_u64.to_le_bytes(), &[0; 4096]].concat();
        assert_eq!(carve(&Lzma, &zeros, 0), None);
        // The header, and other data behind it: compressed text, and the plain text.
        let header = &packed("-9", &data)[..14];
        for (seed, junk) in [packed("-5", &data), data].concat().chunks(5000).enumerate() {
            let image = [header, &junk[1..]].concat();
            assert!(try_unpack_at(&Lzma, &image, 0).is_none(), "{seed}");
        }
    }
}
