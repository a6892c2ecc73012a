//! Decompressors shared by formats. Nothing comes out of them that was not paid for or bounded.

use crate::blob::{Bytes, to_u64, to_usize};
use crate::limits::{Budget, Output};
use crate::problem::Fault;

pub(crate) mod aes;
mod bits;
pub(crate) mod blake2b;
mod brotli;
mod bzip2;
mod bzip2_bare;
pub(crate) mod chacha;
pub(crate) mod crc;
mod deflate;
mod efi;
mod huffman;
mod lz;
mod lz4;
pub(crate) mod lzd;
mod lzfse;
mod lzip;
mod lzma;
pub(crate) mod lzma2;
pub(crate) mod lzms;
mod lzo;
mod lzss;
pub(crate) mod lzw;
mod nrv;
mod snappy;
mod window;
mod xxhash;
mod xz;
mod zstd;

pub mod cms;
pub mod deflate64;
pub mod der;
pub mod implode;
pub mod lzh;
pub mod lzx;
pub mod mszip;
pub mod pem;
pub mod ppmd;
pub mod private_key;
pub mod public_key;
pub(crate) mod reduce;
pub(crate) mod shrink;
pub(crate) mod squeeze;
pub mod uu;
pub mod weakness;
pub mod x509;
pub mod xpress;

pub(crate) use bzip2_bare::stream as bzip2_bare;
pub(crate) use lzma::x86_jumps;
pub use lzma::{LzmaProperties, open_block as lzma_open_block, raw_block as lzma_raw_block, raw_stream as lzma_raw_stream};
pub(crate) use lzo::lzop_name;
pub use lzss::Lzss;
pub use nrv::{Nrv, nrv_block};

/// A way of compressing, as formats name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// Raw deflate, RFC 1951.
    Deflate,
    /// zlib, RFC 1950.
    Zlib,
    /// gzip, RFC 1952: one member, or several in a row.
    Gzip,
    /// bzip2: one stream, or several in a row.
    Bzip2,
    /// LZMA with its 13-byte header (properties, dictionary, size), also in the mutilations that firmware holds.
    Lzma,
    /// xz: one stream, or several in a row with padding between.
    Xz,
    /// One LZO1X block, or as a stream an lzop file.
    Lzo,
    /// One raw LZ4 block, or as a stream an LZ4 frame, or several in a row.
    Lz4,
    /// LZ4 as `lz4 -l` and the Linux kernel write it.
    Lz4Legacy,
    /// Zstandard: one frame, or several in a row.
    Zstd,
    /// Brotli, RFC 7932: without any header.
    Brotli,
    /// LZFSE and LZVN: Apple's.
    Lzfse,
    /// lzip: one member, or several in a row.
    Lzip,
    /// LZW as compress(1) writes it.
    Lzw,
    /// One raw Snappy block, or as a stream the framing format.
    Snappy,
    /// The compression of the EFI specification with its 8-byte header (compressed size, size).
    Efi,
    /// The same with more bits for distances, as EDK II has it.
    Tiano,
}

/// What a compressed stream held.
#[derive(Debug)]
pub struct Stream<'b> {
    /// All bytes that came out, up to where it broke.
    pub output: Output<'b>,
    /// Bytes of input that the stream took, headers and trailers included.
    pub consumed: u64,
    /// Why it is not whole, if it is not.
    pub fault: Option<Fault>,
}

impl Codec {
    /// Decompresses one block of which the container says that it holds at most `limit` bytes.
    ///
    /// # Errors
    /// If the block is broken or holds more than `limit` bytes.
    pub fn block(self, input: &[u8], limit: u64) -> Result<Vec<u8>, Fault> {
        match self {
            Self::Deflate => deflate::block(input, limit, false),
            Self::Zlib => deflate::block(input, limit, true),
            Self::Bzip2 => bzip2::block(input, limit),
            Self::Lzma => lzma::block(input, limit),
            Self::Xz => xz::block(input, limit),
            Self::Lzo => lzo::block(input, limit),
            Self::Lz4 => lz4::block(input, limit),
            Self::Zstd => zstd::block(input, limit),
            Self::Brotli => brotli::block(input, limit),
            Self::Snappy => snappy::block(input, limit),
            Self::Efi => efi::block(input, limit, efi::Variant::Efi11),
            Self::Tiano => efi::block(input, limit, efi::Variant::Tiano),
            Self::Lzfse => lzfse::whole(input, limit),
            Self::Gzip | Self::Lz4Legacy | Self::Lzip | Self::Lzw => Err(Fault::unsupported("this codec has streams only, no blocks")),
        }
    }

    /// Decompresses the first `limit` bytes of one block, or all of it if it holds fewer. What follows is not looked at.
    ///
    /// # Errors
    /// If the block is broken before.
    pub fn first(self, input: &[u8], limit: u64) -> Result<Vec<u8>, Fault> {
        match self {
            Self::Deflate => deflate::first(input, limit, false),
            Self::Zlib => deflate::first(input, limit, true),
            Self::Lz4 => lz4::first(input, limit),
            Self::Zstd => zstd::first(input, limit),
            other => other.block(input, limit),
        }
    }

    /// Decompresses a stream at the start of `input`, whatever follows it. What came out before a break is kept.
    pub fn stream<'b>(self, input: &[u8], budget: &'b Budget) -> Stream<'b> {
        match self {
            Self::Deflate => deflate::stream(input, budget, false),
            Self::Zlib => deflate::stream(input, budget, true),
            Self::Gzip => deflate::gzip(input, budget),
            Self::Bzip2 => bzip2::stream(input, budget),
            Self::Lzma => lzma::stream(input, budget),
            Self::Xz => xz::stream(input, budget),
            Self::Lzo => lzo::stream(input, budget),
            Self::Lz4 => lz4::stream(input, budget),
            Self::Lz4Legacy => lz4::legacy(input, budget),
            Self::Zstd => zstd::stream(input, budget),
            Self::Brotli => brotli::stream(input, budget),
            Self::Lzfse => lzfse::stream(input, budget),
            Self::Lzip => lzip::stream(input, budget),
            Self::Lzw => lzw::stream(input, budget),
            Self::Snappy => snappy::stream(input, budget),
            Self::Efi => efi::stream(input, budget, efi::Variant::Efi11),
            Self::Tiano => efi::stream(input, budget, efi::Variant::Tiano),
        }
    }
}

/// Runs a parser that is not ours. If it panics, the bytes are to blame.
pub(crate) fn guard<T>(what: &'static str, run: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
    result.unwrap_or_else(|_| Err(Fault::corrupt(format!("{what}: the decoder gave up"))))
}

/// The CRC-32 of gzip, zip, xz and many headers.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    let mut sum = flate2::Crc::new();
    sum.update(bytes);
    sum.sum()
}

/// Bytes decompressed at a time.
const STEP: usize = 64 << 10;

/// Where decompressed bytes go, step by step; it fails when there are too many.
type Sink<'s> = dyn FnMut(&[u8]) -> Result<(), Fault> + 's;

/// Bytes that one part of a stream took, and why it is not whole.
type Part = (u64, Option<Fault>);

/// All that `one` hands out for a block that must not hold more than `limit` bytes.
fn collect(what: &str, limit: u64, one: impl FnOnce(&mut Sink<'_>) -> Part) -> Result<Vec<u8>, Fault> {
    let mut output = Vec::new();
    let (_, fault) = one(&mut |bytes| {
        if to_u64(output.len()).saturating_add(to_u64(bytes.len())) > limit {
            return Err(Fault::corrupt(format!("{what}: a block holds more than {limit} bytes")));
        }
        output.extend_from_slice(bytes);
        Ok(())
    });
    fault.map_or(Ok(output), Err)
}

/// Room for a block of at most `limit` bytes that no codec could make from `input` bytes at more than `ratio` to one.
fn room(limit: u64, input: &[u8], ratio: u64) -> Vec<u8> {
    let most = to_u64(input.len()).saturating_mul(ratio).saturating_add(1024);
    vec![0; to_usize(limit.min(most))]
}

/// One stream, or several in a row, which the tools read as one. `next` looks at what follows a whole stream and says how many bytes of
/// padding stand before the next one, if there is one.
fn several<'b>(
    input: &[u8],
    budget: &'b Budget,
    next: fn(Bytes<'_>) -> Option<u64>,
    one: fn(Bytes<'_>, &mut Sink<'_>) -> Part,
) -> Stream<'b> {
    let mut output = Output::new(budget, to_u64(input.len()));
    let (mut consumed, mut fault) = one(Bytes(input), &mut |bytes| Ok(output.push(bytes)?));
    while fault.is_none() && consumed > 0 {
        let rest = Bytes(Bytes(input).tail(consumed));
        let Some(padding) = next(rest) else { break };
        let before = output.len();
        let (used, broken) = one(Bytes(rest.tail(padding)), &mut |bytes| Ok(output.push(bytes)?));
        let nothing = output.len() == before && broken.as_ref().is_some_and(|fault| !fault.is_limit());
        if used == 0 || nothing {
            break;
        }
        (consumed, fault) = (consumed.saturating_add(padding).saturating_add(used), broken);
    }
    Stream { output, consumed, fault }
}

#[cfg(test)]
pub(crate) mod testing;
