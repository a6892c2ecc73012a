//! LZO1X blocks on lzokay; lzop files around them.

use super::{Part, Sink, Stream, crc32, guard, room};
use crate::blob::{Bytes, Endian, to_u64};
use crate::limits::{Budget, Output};
use crate::problem::Fault;
use adler2::adler32_slice;

/// No byte of a block makes more than this many of the output.
const RATIO: u64 = 256;

/// lzop refuses larger blocks.
const MOST: u32 = 64 << 20;

const MAGIC: &[u8] = &[0x89, b'L', b'Z', b'O', 0, 0x0d, 0x0a, 0x1a, 0x0a];

pub(super) fn block(input: &[u8], limit: u64) -> Result<Vec<u8>, Fault> {
    let mut output = room(limit, input, RATIO);
    let made = guard("lzo", || {
        lzokay::decompress::decompress(input, &mut output).map_err(|error| match error {
            lzokay::Error::InputOverrun => Fault::Truncated("lzo data ends early".to_owned()),
            lzokay::Error::OutputOverrun => Fault::corrupt(format!("lzo: a block holds more than {limit} bytes")),
            error => Fault::corrupt(format!("lzo: {error:?}")),
        })
    })?;
    output.truncate(made);
    Ok(output)
}

/// An lzop file.
pub(super) fn stream<'b>(input: &[u8], budget: &'b Budget) -> Stream<'b> {
    let mut output = Output::new(budget, to_u64(input.len()));
    let (consumed, fault) = file(Bytes(input), &mut |bytes| Ok(output.push(bytes)?));
    Stream { output, consumed, fault }
}

/// The name in the header of an lzop file.
pub(crate) fn lzop_name(input: &[u8]) -> Option<&[u8]> {
    Header::read(Bytes(input), &mut 0).ok().map(|header| header.name)
}

fn file(input: Bytes<'_>, sink: &mut Sink<'_>) -> Part {
    let mut at = 0;
    let fault = Header::read(input, &mut at).and_then(|header| header.blocks(input, sink, &mut at)).err();
    (at.min(input.len()), fault)
}

/// Bits of the flags: which checksums stand where.
const ADLER32_OF_OUTPUT: u32 = 1;
const ADLER32_OF_BLOCK: u32 = 2;
const EXTRA_FIELD: u32 = 0x40;
const CRC32_OF_OUTPUT: u32 = 0x100;
const CRC32_OF_BLOCK: u32 = 0x200;
const FILTER: u32 = 0x800;
const CRC32_OF_HEADER: u32 = 0x1000;

/// The header of an lzop file, big-endian: 9 bytes magic, u16 version, u16 library version; from version 0x940 u16 version needed; u8
/// method; from 0x940 u8 level; u32 flags; u32 filter if the flags say so; u32 mode, u32 time; from 0x940 u32 upper half of time; u8 length
/// of name, name, u32 checksum of all since the magic; and if the flags say so u32 length, extra field, u32 checksum. Leaves `at`
/// behind it.
struct Header<'a> {
    flags: u32,
    name: &'a [u8],
}

impl<'a> Header<'a> {
    fn read(input: Bytes<'a>, at: &mut u64) -> Result<Self, Fault> {
        if !input.has(0, MAGIC) {
            return Err(Fault::corrupt("no lzop file"));
        }
        let version = input.u16(9, Endian::Big)?;
        let new = version >= 0x940;
        let method_at = if new { 15 } else { 13_u64 };
        let method = input.u8(method_at)?;
        let flags_at = method_at.saturating_add(if new { 2 } else { 1 });
        let flags = input.u32(flags_at, Endian::Big)?;
        let times = if new { 12 } else { 8_u64 };
        let name_at = flags_at.saturating_add(4).saturating_add(if flags & FILTER == 0 { 0 } else { 4 }).saturating_add(times);
        let name = input.get(name_at.saturating_add(1), input.u8(name_at)?.into())?;
        let checksum_at = name_at.saturating_add(1).saturating_add(to_u64(name.len()));
        let covered = input.get(9, checksum_at.saturating_sub(9))?;
        let sum = if flags & CRC32_OF_HEADER == 0 { adler32_slice(covered) } else { crc32(covered) };
        if input.u32(checksum_at, Endian::Big)? != sum {
            return Err(Fault::Checksum("lzop: the checksum of the header does not fit".to_owned()));
        }
        *at = checksum_at.saturating_add(4);
        if !matches!(method, 1..=3) || flags & FILTER != 0 {
            return Err(Fault::unsupported(format!("lzop: method {method}, flags {flags:#x}")));
        }
        if flags & EXTRA_FIELD != 0 {
            *at = at.saturating_add(input.u32(*at, Endian::Big)?.into()).saturating_add(8);
        }
        Ok(Self { flags, name })
    }

    /// Blocks: u32 size, u32 packed size, Adler-32 and CRC-32 of the output, and if it is packed of the block too, all as the flags say;
    /// bytes. After the last one u32 0.
    fn blocks(&self, input: Bytes<'_>, sink: &mut Sink<'_>, at: &mut u64) -> Result<(), Fault> {
        let mut problem = None;
        loop {
            let (start, size) = (*at, next(input, at)?);
            if size == 0 {
                return problem.map_or(Ok(()), Err);
            }
            let packed = next(input, at)?;
            if size > MOST || packed > size || packed == 0 {
                return Err(Fault::corrupt(format!("lzop: a block of {packed} bytes for {size} at {start:#x}")));
            }
            let mut sums = [None; 4];
            for (sum, flag) in sums.iter_mut().zip([ADLER32_OF_OUTPUT, CRC32_OF_OUTPUT, ADLER32_OF_BLOCK, CRC32_OF_BLOCK]) {
                let of_block = flag == ADLER32_OF_BLOCK || flag == CRC32_OF_BLOCK;
                if self.flags & flag != 0 && !(of_block && packed == size) {
                    *sum = Some(next(input, at)?);
                }
            }
            let bytes = input.get(*at, packed.into()).map_err(|_| early())?;
            *at = at.saturating_add(packed.into());
            let output = if packed == size { bytes.to_vec() } else { block(bytes, size.into())? };
            sink(&output)?;
            let [adler_out, crc_out, adler_in, crc_in] = sums;
            let wrong = adler_out.is_some_and(|sum| sum != adler32_slice(&output))
                || crc_out.is_some_and(|sum| sum != crc32(&output))
                || adler_in.is_some_and(|sum| sum != adler32_slice(bytes))
                || crc_in.is_some_and(|sum| sum != crc32(bytes));
            if wrong && problem.is_none() {
                problem = Some(Fault::Checksum(format!("lzop: the checksum of the block at {start:#x} does not fit")));
            }
            if to_u64(output.len()) != u64::from(size) {
                return Err(Fault::corrupt(format!("lzop: the block at {start:#x} holds {} bytes, not {size}", output.len())));
            }
        }
    }
}

fn early() -> Fault {
    Fault::Truncated("lzop data ends early".to_owned())
}

fn next(input: Bytes<'_>, at: &mut u64) -> Result<u32, Fault> {
    let number = input.u32(*at, Endian::Big).map_err(|_| early())?;
    *at = at.saturating_add(4);
    Ok(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Codec;
    use crate::codec::testing::{Check, checksum, noise, pipe, run};

    #[test]
    fn lzop_files() {
        if crate::testing::lacking(&["lzop"]) {
            return;
        }
        let data = noise(800_000);
        for options in [["-c", "-1"], ["-c", "-9"], ["-c", "--no-checksum"], ["-c", "--crc32"], ["-c", "-CC"]] {
            let packed = pipe("lzop", &options, &data);
            Check { codec: Codec::Lzo, packed: &packed, data: &data, joins: false, least_of_half: 250_000 }.all();
        }
    }

    #[test]
    fn what_does_not_compress_is_stored() {
        if crate::testing::lacking(&["lzop"]) {
            return;
        }
        let data: Vec<u8> = noise(300_000).chunks(4).map(|chunk| crc32(chunk).to_le_bytes()[0]).collect();
        let (output, _, fault) = run(Codec::Lzo, &pipe("lzop", &["-c"], &data));
        assert_eq!((output == data, fault), (true, None));
    }

    #[test]
    fn wrong_checksum() {
        if crate::testing::lacking(&["lzop"]) {
            return;
        }
        let data = noise(10_000);
        let mut packed = pipe("lzop", &["-c"], &data);
        let sizes = packed.windows(4).position(|word| word == 10_000_u32.to_be_bytes()).unwrap();
        packed[sizes + 8] ^= 1;
        checksum(Codec::Lzo, &packed, &data);
    }

    #[test]
    fn blocks_keep_their_limit() {
        if crate::testing::lacking(&["lzop"]) {
            return;
        }
        let data = noise(10_000);
        let packed = pipe("lzop", &["-c", "--no-checksum"], &data);
        let sizes = packed.windows(4).position(|word| word == 10_000_u32.to_be_bytes()).unwrap();
        let packed = &packed[sizes + 8..packed.len() - 4];
        assert_eq!(Codec::Lzo.block(packed, 10_000).unwrap(), data);
        assert_eq!(Codec::Lzo.block(packed, 1 << 40).unwrap(), data);
        assert!(Codec::Lzo.block(packed, 9_999).is_err());
        assert!(Codec::Lzo.block(&packed[..100], 10_000).is_err());
    }
}
