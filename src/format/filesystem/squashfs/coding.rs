//! How blocks are compressed, whatever the superblock says of it.

use super::inode::plausible;
use super::superblock::{METADATA_SIZE, Superblock};
use crate::codec::{Codec, LzmaProperties, lzma_open_block};
use crate::problem::Fault;

/// A compression and, for LZMA without its usual header, what the header would say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    /// As its tools write it.
    Whole(Codec),
    /// LZMA data that starts `skipped` bytes into the block. What stands there instead of a header differs with the vendor.
    Bare { properties: LzmaProperties, skipped: u64 },
}

/// Bytes that vendors have before LZMA data: nothing, a length, properties, both.
const SKIPPED: [u64; 5] = [0, 4, 9, 5, 13];

/// Literal context, literal position and position bits that were met in the wild.
const USUAL: [(u8, u8, u8); 4] = [(3, 0, 2), (0, 0, 2), (0, 2, 2), (2, 0, 2)];

/// Attempts for each this many bytes of the image.
const BYTES_OF_ATTEMPT: u64 = 64;

impl Coding {
    /// Decompresses one block that holds at most `limit` bytes. A block of an image of several compressions says itself which one it is of.
    pub(super) fn block(self, input: &[u8], limit: u64) -> Result<Vec<u8>, Fault> {
        let result = self.usual(input, limit);
        if result.is_ok() {
            return result;
        }
        let others = [Codec::Zlib, Codec::Lzma, Codec::Xz].into_iter().filter(|codec| marked(*codec, input));
        others.into_iter().find_map(|codec| Self::Whole(codec).usual(input, limit).ok()).map_or(result, Ok)
    }

    fn usual(self, input: &[u8], limit: u64) -> Result<Vec<u8>, Fault> {
        match self {
            Self::Whole(codec) => codec.block(input, limit),
            Self::Bare { properties, skipped } => lzma_open_block(crate::blob::Bytes(input).tail(skipped), properties, limit),
        }
    }

    /// The codec, if its own tools would read it.
    pub(super) fn codec(self) -> Option<Codec> {
        match self {
            Self::Whole(codec) => Some(codec),
            Self::Bare { .. } => None,
        }
    }
}

/// Which one made `input`, a metadata block of the inode table; none if none fits.
pub(super) fn detect(input: &[u8], superblock: &Superblock, image: u64) -> Option<Coding> {
    let good = |coding: &Coding| {
        let block = coding.usual(input, METADATA_SIZE);
        block.is_ok_and(|bytes| plausible(&bytes, superblock.layout, superblock.endian))
    };
    // Others have no marks of their own: nearly all bytes are good LZO and LZ4.
    let whole = [superblock.codec, Codec::Zlib, Codec::Lzma, Codec::Xz, Codec::Zstd].map(Coding::Whole);
    let attempts = usize::try_from(image / BYTES_OF_ATTEMPT).unwrap_or(usize::MAX);
    whole.into_iter().chain(bare(input).take(attempts)).find(good)
}

/// All ways to read `input` as LZMA without header. The first byte of LZMA data is always zero.
fn bare(input: &[u8]) -> impl Iterator<Item = Coding> + '_ {
    let combinations = (0..=4_u8).flat_map(|lc| (0..=4_u8).flat_map(move |lp| (0..=4_u8).map(move |pb| (lc, lp, pb))));
    let stated = input.first().filter(|byte| **byte < 225).map(|byte| (byte % 9, byte / 9 % 5, byte / 45));
    let all: Vec<_> = stated.into_iter().chain(USUAL).chain(combinations).collect();
    let places = SKIPPED.into_iter().filter(|skipped| crate::blob::Bytes(input).u8(*skipped) == Ok(0));
    places.flat_map(move |skipped| {
        all.clone()
            .into_iter()
            .map(move |(lc, lp, pb)| Coding::Bare { properties: LzmaProperties { lc, lp, pb, dictionary: 8 << 20 }, skipped })
    })
}

fn marked(codec: Codec, input: &[u8]) -> bool {
    match codec {
        Codec::Zlib => input.first() == Some(&0x78),
        Codec::Lzma => input.first() == Some(&0x5d),
        _ => input.starts_with(&[0xfd, b'7', b'z']),
    }
}
