//! zisofs: files that a disc holds compressed, block by block.

use crate::blob::{Bytes, Endian};
use crate::codec::Codec;
use crate::limits::Output;
use crate::problem::Fault;

/// How the bytes of a file are laid out; numbers little endian:
///
/// ```text
/// first version:  0 magic[8]   8 bytes of the file u32   12 length of this header / 4 u8   13 log2 of the bytes of a block u8
/// second version: 0 magic[8]   8 version u8   9 length of this header / 4 u8   10 method u8 (1)   11 log2 of the bytes of
///                 a block u8   12 bytes of the file u64
/// then where each block begins and where the last one ends: u32, or u64 in the second version; a block of no bytes is all zeros
/// ```
struct Layout {
    header: u64,
    block: u64,
    size: u64,
    pointer: u64,
}

impl Layout {
    fn read(bytes: Bytes<'_>) -> Option<Self> {
        let quarter = |at| bytes.u8(at).ok().map(|words| u64::from(words).saturating_mul(4));
        let power = |at| bytes.u8(at).ok().filter(|log| (9..=24).contains(log)).map(|log| 1_u64 << log);
        if bytes.has(0, &[0x37, 0xe4, 0x53, 0x96, 0xc9, 0xdb, 0xd6, 0x07]) {
            let size = bytes.u32(8, Endian::Little).ok()?.into();
            return Some(Self { header: quarter(12)?, block: power(13)?, size, pointer: 4 });
        }
        if bytes.has(0, &[0xef, 0x22, 0x55, 0xa1, 0xbc, 0x1b, 0x95, 0xa0]) && bytes.has(10, &[1]) {
            return Some(Self { header: quarter(9)?, block: power(11)?, size: bytes.u64(12, Endian::Little).ok()?, pointer: 8 });
        }
        None
    }

    /// Where block `index` begins.
    fn begin(&self, bytes: Bytes<'_>, index: u64) -> Result<u64, Fault> {
        let at = self.header.saturating_add(index.saturating_mul(self.pointer));
        Ok(if self.pointer == 8 { bytes.u64(at, Endian::Little)? } else { bytes.u32(at, Endian::Little)?.into() })
    }
}

/// Whether a file begins as compressed ones do.
pub(super) fn is_compressed(bytes: Bytes<'_>) -> bool {
    Layout::read(bytes).is_some()
}

/// Decompresses a file. What came out before a break stays in `output`.
///
/// # Errors
/// If it is broken, or a limit is reached.
pub(super) fn decompress(bytes: Bytes<'_>, output: &mut Output<'_>) -> Result<(), Fault> {
    let layout = Layout::read(bytes).ok_or_else(|| Fault::corrupt("zisofs: no header"))?;
    let mut index = 0_u64;
    while output.len() < layout.size {
        let wanted = layout.block.min(layout.size.saturating_sub(output.len()));
        let (start, end) = (layout.begin(bytes, index)?, layout.begin(bytes, index.saturating_add(1))?);
        if start == end {
            output.zeros(wanted)?;
        } else {
            let block = Codec::Zlib.block(bytes.get(start, end.saturating_sub(start))?, wanted)?;
            output.push(&block)?;
            if crate::blob::to_u64(block.len()) != wanted {
                return Err(Fault::corrupt(format!("zisofs: block {index} is too short")));
            }
        }
        index = index.saturating_add(1);
    }
    Ok(())
}
