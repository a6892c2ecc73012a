//! Android sparse images: a disk image without its empty and uniform parts, as fastboot sends it.

use crate::blob::{Blob, Bytes, Endian, Span};
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::{Budget, Exceeded, Output};
use crate::problem::{Fault, Rejected};

/// Android sparse image.
#[derive(Debug)]
pub(super) struct AndroidSparse;

static SPEC: Spec = Spec {
    id: "android-sparse",
    name: "Android sparse image",
    kind: Kind::Partition,
    magics: &[Magic::anywhere(&[0x3a, 0xff, 0x26, 0xed])],
    leaf: false,
    references: &["https://android.googlesource.com/platform/system/core/+/refs/heads/main/libsparse/sparse_format.h"],
    limitations: &["what an image leaves as it is on the disk is taken to be zeros"],
};

const RAW: u16 = 0xcac1;
const FILL: u16 = 0xcac2;
const LEAVE: u16 = 0xcac3;
const CHECKSUM: u16 = 0xcac4;

/// More chunks than any image has.
const MOST_CHUNKS: u32 = 1 << 20;

/// The beginning, little endian:
///
/// ```text
///  0 u32 magic   4 u16 1   6 u16 0   8 u16 header size   10 u16 size of chunk headers   12 u32 block size   16 u32 blocks
/// 20 u32 chunks   24 u32 checksum of the whole image, or 0
/// ```
struct Header {
    size: u64,
    chunk_header: u64,
    block: u64,
    blocks: u64,
    chunks: u32,
    checksum: u32,
}

/// One chunk: u16 kind, u16 reserved, u32 blocks, u32 bytes with this header; then the bytes.
struct Chunk {
    kind: u16,
    /// Bytes that come of it.
    length: u64,
    data: Span,
    end: u64,
}

impl Header {
    fn read(bytes: Bytes<'_>) -> Result<Self, Rejected> {
        if bytes.u32(0, Endian::Little)? != 0xed26_ff3a || bytes.u16(4, Endian::Little)? != 1 {
            return Err(Rejected("magic or version"));
        }
        let half = |at| bytes.u16(at, Endian::Little).map(u64::from);
        let word = |at| bytes.u32(at, Endian::Little);
        let header = Self {
            size: half(8)?,
            chunk_header: half(10)?,
            block: word(12)?.into(),
            blocks: word(16)?.into(),
            chunks: word(20)?,
            checksum: word(24)?,
        };
        let sizes = (28..=4096).contains(&header.size) && (12..=4096).contains(&header.chunk_header);
        if !sizes || header.block == 0 || !header.block.is_multiple_of(4) || header.block > 1 << 26 {
            return Err(Rejected("header or block size"));
        }
        if header.chunks == 0 || header.chunks > MOST_CHUNKS {
            return Err(Rejected("number of chunks"));
        }
        Ok(header)
    }

    fn chunk(&self, bytes: Bytes<'_>, at: u64) -> Result<Chunk, Fault> {
        let kind = bytes.u16(at, Endian::Little)?;
        let blocks = u64::from(bytes.u32(at.saturating_add(4), Endian::Little)?);
        let end = at.saturating_add(bytes.u32(at.saturating_add(8), Endian::Little)?.into());
        let data = Span::between(at.saturating_add(self.chunk_header), end);
        let length = if kind == CHECKSUM { 0 } else { blocks.saturating_mul(self.block) };
        let fits = match kind {
            RAW => data.length == length,
            FILL | CHECKSUM => data.length == 4,
            LEAVE => data.length == 0 && end == data.start,
            _ => false,
        };
        if fits { Ok(Chunk { kind, length, data, end }) } else { Err(Fault::corrupt(format!("a chunk of kind {kind:#06x} that is none"))) }
    }
}

impl Format for AndroidSparse {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let bytes = Bytes(blob.bytes().tail(start));
        let header = Header::read(bytes)?;
        let mut at = header.size;
        for index in 0..header.chunks {
            match header.chunk(bytes, at) {
                Ok(chunk) => at = chunk.end,
                Err(Fault::Truncated(_)) if index > 0 => return Ok(Carved::new(u64::MAX, start, blob)),
                Err(_) if index > 0 => break,
                Err(_) => return Err(Rejected("the first chunk is none")),
            }
        }
        Ok(Carved::new(at, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let header = Header::read(blob.bytes()).map_err(|rejected| Fault::corrupt(rejected.0))?;
        let mut output = children.output();
        let fault = expand(blob.bytes(), &header, &mut output, children).err();
        let expected = header.blocks.saturating_mul(header.block);
        let short = || Fault::corrupt(format!("{} bytes came out, not {expected}", output.len()));
        let fault = fault.or_else(|| (output.len() != expected).then(short));
        if fault.is_none() && header.checksum != 0 && header.checksum != crate::format::crc32(output.as_slice()) {
            children.problem(&Fault::Checksum("the image does not fit the checksum of its header".to_owned()), Some(24));
        }
        children.made_with("image", output, Attributes::default(), fault.as_ref())?;
        Ok(())
    }
}

fn expand(bytes: Bytes<'_>, header: &Header, output: &mut Output<'_>, children: &mut Children<'_>) -> Result<(), Fault> {
    let (mut at, mut sum, mut summed) = (header.size, flate2::Crc::new(), 0);
    for _ in 0..header.chunks {
        let chunk = header.chunk(bytes, at)?;
        let data = bytes.up_to(chunk.data.start, chunk.data.length);
        match chunk.kind {
            RAW => output.push(data)?,
            FILL if data == [0; 4] => output.zeros(chunk.length)?,
            FILL => fill(output, data, chunk.length)?,
            LEAVE => output.zeros(chunk.length)?,
            _ => {
                sum.update(output.as_slice().get(summed..).unwrap_or_default());
                summed = output.as_slice().len();
                if Bytes(data).u32(0, Endian::Little)? != sum.sum() {
                    children.problem(&Fault::Checksum("the image up to here does not fit its checksum".to_owned()), Some(at));
                }
            }
        }
        if crate::blob::to_u64(data.len()) < chunk.data.length {
            return Err(Fault::Truncated("the image ends within a chunk".to_owned()));
        }
        at = chunk.end;
    }
    Ok(())
}

fn fill(output: &mut Output<'_>, word: &[u8], length: u64) -> Result<(), Exceeded> {
    let piece = word.repeat(1024);
    let mut left = length;
    while left > 0 {
        let part = Bytes(&piece).up_to(0, left);
        output.push(part)?;
        left = left.saturating_sub(4096);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, tool, tree::noise, unpack, unpack_at};
    use crate::problem::Code;

    fn chunk(kind: u16, blocks: u32, data: &[u8]) -> Vec<u8> {
        let length = u32::try_from(data.len()).unwrap() + 12;
        [&kind.to_le_bytes(), [0; 2].as_slice(), &blocks.to_le_bytes(), &length.to_le_bytes(), data].concat()
    }

    fn image(blocks: u32, chunks: &[Vec<u8>]) -> Vec<u8> {
        let words = [4096, blocks, u32::try_from(chunks.len()).unwrap(), 0].map(u32::to_le_bytes).concat();
        [&[0x3a, 0xff, 0x26, 0xed, 1, 0, 0, 0, 28, 0, 12, 0], words.as_slice(), &chunks.concat()].concat()
    }

    #[test]
    fn every_kind_of_chunk() {
        let raw = noise(8192);
        let whole = [raw.as_slice(), &[1, 2, 3, 4].repeat(3072), &[0; 4096]].concat();
        let sum = crate::format::crc32(&whole);
        let parts = [chunk(RAW, 2, &raw), chunk(FILL, 3, &[1, 2, 3, 4]), chunk(LEAVE, 1, &[]), chunk(CHECKSUM, 0, &sum.to_le_bytes())];
        let image = image(6, &parts);
        let flash = [&[7; 9], image.as_slice(), &[0xff; 100]].concat();
        assert_eq!(carve(&AndroidSparse, &flash, 9), Some(image.len() as u64));
        let unpacked = unpack_at(&AndroidSparse, &flash, 9);
        assert!(unpacked.file("image") == whole);
        assert_eq!(unpacked.problems, []);
        survives_damage(&AndroidSparse, &image);
        let mut bad = image.clone();
        bad[5000] ^= 1;
        assert_eq!(unpack(&AndroidSparse, &bad).problems[0].0, Code::Checksum);
        let cut = unpack(&AndroidSparse, &image[..5000]);
        assert!(cut.file("image") == &whole[..5000 - 40]);
        assert_eq!(cut.problems[0].0, Code::Truncated);
        assert_eq!(carve(&AndroidSparse, b"\x3a\xff\x26\xed and so on, which is no header at all", 0), None);
    }

    #[test]
    fn what_img2simg_makes() {
        if crate::testing::lacking(&["img2simg"]) {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let (raw, sparse) = (folder.path().join("raw"), folder.path().join("sparse"));
        let bytes = [noise(40_960), vec![0; 400_000], vec![0x55; 81_920], noise(4096), vec![0; 4096 - 400_000 % 4096]].concat();
        std::fs::write(&raw, &bytes).unwrap();
        tool(std::process::Command::new("img2simg").arg(&raw).arg(&sparse));
        let unpacked = unpack(&AndroidSparse, &std::fs::read(sparse).unwrap());
        assert!(unpacked.file("image") == bytes);
        assert_eq!(unpacked.problems, []);
    }
}
