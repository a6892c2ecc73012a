//! Compressed content.

use super::index::{Extent, Packing, Source, extents};
use super::inode::Detail;
use super::volume::Erofs;
use crate::blob::{Blob, Bytes, to_u64, to_usize};
use crate::codec::{Codec, LzmaProperties, lzma_raw_block};
use crate::format::unix::inodes::{Inode, Volume as _, finish, put};
use crate::limits::Output;
use crate::problem::Fault;

/// More than the decompressed bytes of any extent.
const LARGEST: u64 = 32 << 20;

/// The largest dictionary of a MicroLZMA stream.
const DICTIONARY: u32 = 8 << 20;

impl Erofs<'_, '_> {
    /// Writes the content of a compressed file. An extent that is broken becomes a hole; the first fault is returned.
    pub(super) fn write_extents(&mut self, inode: &Inode<Detail>, output: &mut Output<'_>) -> Result<(), Fault> {
        let (extents, mut fault) = extents(self.image, &self.superblock, inode);
        for extent in extents {
            match self.extent(inode, &extent, output) {
                Ok(()) => {}
                Err(limit @ Fault::Exceeded(_)) => return Err(limit),
                Err(broken) => {
                    put(output, extent.start, &[], inode.size)?;
                    fault = fault.or(Some(broken));
                }
            }
        }
        match fault {
            Some(fault) => Err(fault),
            None => Ok(finish(output, inode.size)?),
        }
    }

    fn extent(&mut self, inode: &Inode<Detail>, extent: &Extent, output: &mut Output<'_>) -> Result<(), Fault> {
        let length = extent.end.saturating_sub(extent.start);
        let (data, padded) = match extent.source {
            Source::Image(at, size) => (Bytes(self.image.up_to(at, size)), self.superblock.pads_with_zeros()),
            Source::Inline(at, size) => (Bytes(self.image.get(at, size)?), false),
            Source::Packed(place) => return self.fragment(extent.start, place, length, inode.size, output),
        };
        self.effort.spend(data.len())?;
        if data.is_empty() {
            return Err(Fault::Truncated("compressed blocks are behind the end of the image".to_owned()));
        }
        match extent.packing {
            Packing::Shifted => put(output, extent.start, data.get(0, length)?, inode.size)?,
            Packing::Interlaced => {
                let skip = extent.start & self.superblock.block_size.saturating_sub(1);
                let (first, rest) = (data.tail(skip), data.up_to(0, skip));
                let content = [first, rest].concat();
                put(
                    output,
                    extent.start,
                    content.get(..to_usize(length)).ok_or_else(|| Fault::corrupt("an extent of more than a block"))?,
                    inode.size,
                )?;
            }
            Packing::Compressed(algorithm) => {
                self.effort.spend(length.min(LARGEST))?;
                let content = decompress(algorithm, data.0, padded, length)?;
                put(output, extent.start, &content, inode.size)?;
                if to_u64(content.len()) < length {
                    return Err(Fault::Truncated("a compressed extent is shorter than it should be".to_owned()));
                }
            }
        }
        Ok(())
    }

    /// Writes what of the packed inode begins at `place`.
    fn fragment(&mut self, start: u64, place: u64, length: u64, size: u64, output: &mut Output<'_>) -> Result<(), Fault> {
        let packed = self.packed_content()?;
        let bytes = packed.bytes().up_to(place, length);
        put(output, start, bytes, size)?;
        if to_u64(bytes.len()) < length {
            return Err(Fault::corrupt("a part of it is behind the end of the packed inode"));
        }
        Ok(())
    }

    fn packed_content(&mut self) -> Result<Blob, Fault> {
        if self.packed.is_none() {
            let number = self.superblock.packed.filter(|_| self.superblock.has_fragments());
            let number = number.ok_or_else(|| Fault::corrupt("it is in the packed inode, and there is none"))?;
            let inode = self.inode(number)?;
            let mut output = Output::new(self.effort.budget(), self.image.len());
            // What is packed in the packed inode would be in itself.
            self.packed = Some((Blob::new(Vec::new()), None));
            let fault = self.content(&inode, &mut output).err();
            self.packed = Some((output.into_blob(), fault));
        }
        match &self.packed {
            Some((_, Some(limit @ Fault::Exceeded(_)))) => Err(limit.clone()),
            Some((blob, _)) => Ok(blob.clone()),
            None => Err(Fault::corrupt("it is in the packed inode, and there is none")),
        }
    }
}

/// The first `length` bytes of what `data` holds. Without the zeros before it, if it stands at the end of its blocks.
fn decompress(algorithm: u8, data: &[u8], padded: bool, length: u64) -> Result<Vec<u8>, Fault> {
    if length > LARGEST {
        return Err(Fault::corrupt(format!("an extent of {length} bytes")));
    }
    let zeros = if padded { data.iter().take_while(|byte| **byte == 0).count() } else { 0 };
    let data = data.get(zeros..).unwrap_or_default();
    match algorithm {
        0 if padded => Codec::Lz4.block(data, length).or_else(|_| Codec::Lz4.first(data, length)),
        0 => Codec::Lz4.first(data, length),
        1 => micro_lzma(data, length),
        2 => Codec::Deflate.first(data, length),
        3 => Codec::Zstd.first(data, length),
        other => Err(Fault::unsupported(format!("the compression algorithm {other}"))),
    }
}

/// LZMA without a header: its first byte, which is always 0, is the inverse of the properties.
fn micro_lzma(data: &[u8], length: u64) -> Result<Vec<u8>, Fault> {
    let (first, rest) = data.split_first().ok_or_else(|| Fault::corrupt("no LZMA data"))?;
    let properties = !first;
    if properties >= 225 {
        return Err(Fault::corrupt("MicroLZMA: the properties are wrong"));
    }
    let (lc, lp, pb) = (properties % 9, properties / 9 % 5, properties / 45);
    lzma_raw_block(&[&[0], rest].concat(), LzmaProperties { lc, lp, pb, dictionary: DICTIONARY }, length)
}
