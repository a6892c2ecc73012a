//! Decompressors shared by formats. Nothing comes out of them that was not paid for or bounded.

use crate::limits::{Budget, Output};
use crate::problem::Fault;

mod bzip2;
mod deflate;
mod lz4;
mod lzma;
mod lzo;
mod zstd;

pub mod der;
pub mod pem;
pub mod private_key;
pub mod public_key;
pub mod x509;

pub use lzma::{LzmaProperties, raw_block as lzma_raw_block};

/// A way of compressing, as formats name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// Raw deflate, RFC 1951.
    Deflate,
    /// zlib, RFC 1950.
    Zlib,
    /// gzip, RFC 1952: one member.
    Gzip,
    /// bzip2: one stream.
    Bzip2,
    /// LZMA with its 13-byte header (properties, dictionary, size), also in the mutilations that firmware holds.
    Lzma,
    /// xz: one stream.
    Xz,
    /// One LZO1X block, or as a stream an lzop file.
    Lzo,
    /// One raw LZ4 block, or as a stream an LZ4 frame.
    Lz4,
    /// LZ4 as `lz4 -l` and the Linux kernel write it.
    Lz4Legacy,
    /// Zstandard: one frame.
    Zstd,
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
            Self::Xz => lzma::xz_block(input, limit),
            Self::Lzo => lzo::block(input, limit),
            Self::Lz4 => lz4::block(input, limit),
            Self::Zstd => zstd::block(input, limit),
            Self::Gzip | Self::Lz4Legacy => Err(Fault::unsupported("this codec has streams only, no blocks")),
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
            Self::Xz => lzma::xz_stream(input, budget),
            Self::Lzo => lzo::stream(input, budget),
            Self::Lz4 => lz4::stream(input, budget),
            Self::Lz4Legacy => lz4::legacy(input, budget),
            Self::Zstd => zstd::stream(input, budget),
        }
    }
}
