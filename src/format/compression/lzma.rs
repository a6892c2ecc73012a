//! LZMA streams with the 13-byte header of LZMA-alone, which has no magic to speak of.

use crate::blob::{Blob, Bytes, Endian};
use crate::codec::Codec;
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
    ],
    leaf: false,
    references: &["https://www.7-zip.org/sdk.html", "https://github.com/tukaani-project/xz/blob/master/doc/lzma-file-format.txt"],
    limitations: &[
        "headers of 5 or 9 bytes, with no size or a short one",
        "dictionary sizes below 64 KiB, and sizes that are neither 2^n nor 3 * 2^n",
        "streams of less than 64 bytes",
    ],
};

/// Less than this is not worth the false alarms.
const LEAST: u64 = 64;

/// A stream that breaks off before this many bytes was none: LZMA reads nearly anything for a while.
const LEAST_BROKEN: u64 = 4096;

impl Format for Lzma {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, budget: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let input = Bytes(blob.bytes().tail(start));
        let size = plausible(input)?;
        let stream = Codec::Lzma.stream(input.0, budget);
        let made = stream.output.len();
        let real = match &stream.fault {
            None => made >= LEAST,
            // A size that nobody would give says that this is no header; one that is smaller than what came out is no size.
            Some(fault) => made >= LEAST_BROKEN && (size == u64::MAX || size > made) && !matches!(fault, Fault::Unsupported(_)),
        };
        if !real {
            return Err(Rejected("no LZMA data"));
        }
        Ok(Carved { length: stream.consumed, payload: Some(Payload { name: String::new(), output: stream.output, fault: stream.fault }) })
    }
}

/// u8 properties, u32 dictionary size, u64 size or -1; little-endian. Then the data: a zero byte, and the first four bytes of the range
/// coder, which are no zeros, or the data would be nothing but zeros. Returns the size.
fn plausible(input: Bytes<'_>) -> Result<u64, Rejected> {
    let (dictionary, size) = (input.u32(1, Endian::Little)?, input.u64(5, Endian::Little)?);
    let round = dictionary >> dictionary.trailing_zeros().min(31);
    if !(matches!(round, 1 | 3) && (1 << 16..=1 << 30).contains(&dictionary)) && dictionary != u32::MAX {
        return Err(Rejected("dictionary size"));
    }
    if size != u64::MAX && !(LEAST..1 << 32).contains(&size) {
        return Err(Rejected("size"));
    }
    if input.u8(13)? != 0 || matches!(input.u32(14, Endian::Big)?, 0 | u32::MAX) {
        return Err(Rejected("range coder"));
    }
    Ok(size)
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
