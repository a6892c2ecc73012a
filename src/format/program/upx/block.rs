//! One packed piece of a program.

use super::filter;
use crate::blob::{Bytes, Endian, Span, to_u64};
use crate::codec::{Codec, LzmaProperties, Nrv, lzma_raw_block, nrv_block};
use crate::problem::Fault;

/// Bytes of [`Block`] in the file.
pub(super) const HEADER: u64 = 12;

/// `b_info`: u32 size of the content, u32 size of the data, u8 method, u8 filter, u8 parameter of the filter, u8 unused; in the byte order
/// of the program.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block {
    pub(super) size: u64,
    pub(super) packed: u64,
    method: u8,
    filter: u8,
    parameter: u8,
}

const LZMA: u8 = 14;
const DEFLATE: u8 = 15;
const ZSTD: u8 = 16;

impl Block {
    /// The block at `at`, if that may be one.
    pub(super) fn read(bytes: Bytes<'_>, at: u64, endian: Endian) -> Option<Self> {
        let size = u64::from(bytes.u32(at, endian).ok()?);
        let packed = u64::from(bytes.u32(at.saturating_add(4), endian).ok()?);
        let [method, filter, parameter, _] = bytes.array(at.saturating_add(8)).ok()?;
        let known = matches!(method, 2..=10 | LZMA | DEFLATE | ZSTD);
        (known && packed > 0 && packed <= size).then_some(Self { size, packed, method, filter, parameter })
    }

    /// Whether it is as those are that hold the headers of the program.
    pub(super) fn is_plain(&self) -> bool {
        self.filter == 0 && self.parameter == 0
    }

    /// What it holds. Its data stands at `source`.
    pub(super) fn content(&self, bytes: Bytes<'_>, source: Span) -> Result<Vec<u8>, Fault> {
        let data = bytes.get(source.start, source.length)?;
        if self.packed == self.size {
            return Ok(data.to_vec());
        }
        let mut content = match self.method {
            LZMA => lzma(data, self.size)?,
            DEFLATE => Codec::Deflate.block(data, self.size)?,
            ZSTD => Codec::Zstd.block(data, self.size)?,
            method => {
                // Three codings, each with words of 32, 8 and 16 bits.
                let kind = [Nrv::B, Nrv::D, Nrv::E].get(usize::from(method.saturating_sub(2) / 3)).copied().unwrap_or(Nrv::E);
                let word = [4, 1, 2].get(usize::from(method.saturating_sub(2) % 3)).copied().unwrap_or(1);
                nrv_block(kind, word, data, self.size)?
            }
        };
        if to_u64(content.len()) != self.size {
            return Err(Fault::corrupt(format!("a part holds {} bytes, not {}", content.len(), self.size)));
        }
        filter::undo(self.filter, self.parameter, &mut content)?;
        Ok(content)
    }
}

/// u8 lc + lp, shifted, and pb; u8 lp, shifted, and lc; then raw LZMA.
fn lzma(data: &[u8], size: u64) -> Result<Vec<u8>, Fault> {
    let [first, second, stream @ ..] = data else { return Err(Fault::Truncated("lzma data ends early".to_owned())) };
    let properties =
        LzmaProperties { lc: second & 0x0f, lp: second >> 4, pb: first & 7, dictionary: u32::try_from(size).unwrap_or(u32::MAX) };
    if properties.lc.saturating_add(properties.lp) != first >> 3 {
        return Err(Fault::corrupt("lzma: the properties contradict each other"));
    }
    lzma_raw_block(stream, properties, size)
}
