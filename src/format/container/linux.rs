//! Linux kernels as boot loaders load them: the compressed ones with their decompressor, the plain one of arm64, and the configuration
//! that many carry.

use memchr::memmem::Finder;

use crate::blob::{Bytes, Endian, Span, to_u64};

mod arm64;
mod bzimage;
mod ikconfig;
mod riscv;
mod zboot;
mod zimage;

pub(super) use arm64::Arm64;
pub(super) use bzimage::BzImage;
pub(super) use ikconfig::IkConfig;
pub(super) use riscv::RiscV;
pub(super) use zboot::ZBOOT;
pub(super) use zimage::ZImage;

/// How the build of Linux names the compressed kernel inside the one that decompresses itself.
const PIGGY: &str = "piggy";

/// How a compressed stream begins, and what tells it from a constant in the code of a decompressor.
type Head = (&'static [u8], fn(Bytes<'_>) -> bool);

/// The compressions of `CONFIG_KERNEL_*`.
const HEADS: [Head; 7] = [
    // RFC 1952: no reserved flags, and an XFL that an encoder writes
    (&[0x1f, 0x8b, 8], |head| head.u8(3).is_ok_and(|flags| flags & 0xe0 == 0) && matches!(head.u8(8), Ok(0 | 2 | 4))),
    // bzip2: the first block, or the end, follows the level
    (b"BZh", |head| {
        matches!(head.u8(3), Ok(b'1'..=b'9')) && (head.has(4, &[0x31, 0x41, 0x59, 0x26]) || head.has(4, &[0x17, 0x72, 0x45, 0x38]))
    }),
    // xz: the CRC of the stream flags
    (b"\xfd7zXZ\0", |head| head.get(6, 2).is_ok_and(|flags| head.u32(8, Endian::Little) == Ok(crate::format::crc32(flags)))),
    // LZMA with lc=3, lp=0, pb=2: a dictionary of whole 64 KiB, a size that is unknown or small, the zero that a range coder begins with
    (&[0x5d, 0, 0], |head| {
        let size = head.u64(5, Endian::Little).unwrap_or(0);
        head.u16(3, Endian::Little).is_ok_and(|dictionary| dictionary != 0)
            && head.has(13, &[0])
            && (size == u64::MAX || matches!(size, 1..=0xffff_ffff))
    }),
    // lzop: written by 0.9 or later with LZO 1 or 2, by one of its three methods
    (b"\x89LZO\0\r\n\x1a\n", |head| {
        matches!(head.u16(9, Endian::Big), Ok(0x900..=0x1fff)) && matches!(head.u8(11), Ok(0x10..=0x2f)) && matches!(head.u8(15), Ok(1..=3))
    }),
    // LZ4 as `lz4 -l` writes it: a block of at most 8 MiB, which may be larger by 0.4 % when compressed
    (&[0x02, 0x21, 0x4c, 0x18], |head| matches!(head.u32(4, Endian::Little), Ok(16..=0x81_0000))),
    // Zstandard: no reserved bit, no dictionary
    (&[0x28, 0xb5, 0x2f, 0xfd], |head| head.u8(4).is_ok_and(|descriptor| descriptor & 0x0b == 0)),
];

/// Where the first compressed stream of `bytes` begins.
fn stream_head(bytes: Bytes<'_>) -> Option<u64> {
    let mut first: Option<usize> = None;
    for (magic, is_head) in HEADS {
        let end = first.map_or(bytes.0.len(), |first| first.saturating_add(magic.len())).min(bytes.0.len());
        let before = bytes.0.get(..end).unwrap_or_default();
        let found = Finder::new(magic).find_iter(before).find(|at| is_head(Bytes(bytes.tail(to_u64(*at)))));
        first = found.or(first);
    }
    first.map(to_u64)
}

/// The compressed kernel at `span` without the size that the build appends to it: 4 bytes, the kernel decompressed, after every stream that
/// does not end with that number anyway.
fn without_size(bytes: Bytes<'_>, span: Span) -> Span {
    let is_gzip = bytes.has(span.start, &[0x1f, 0x8b]);
    let size = bytes.u32(span.end().saturating_sub(4), Endian::Little).unwrap_or(0);
    let plausible = u64::from(size) > span.length && u64::from(size) < span.length.saturating_mul(64);
    if is_gzip || !plausible { span } else { Span::new(span.start, span.length.saturating_sub(4)) }
}

#[cfg(test)]
mod tests;
