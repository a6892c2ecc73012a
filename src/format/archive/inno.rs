//! Installers of Inno Setup: what stands behind the program that unpacks them. PC makers give out firmware updates so.

use crate::blob::{Blob, Bytes, Endian, Span, to_u64};
use crate::codec::{Codec, LzmaProperties, Stream, crc32, lzma_raw_stream, lzma2};
use crate::format::{Attributes, Carved, Children, Format, Kind, LEAST_BROKEN_STREAM, Magic, Payload, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// What says which files there are.
#[derive(Debug)]
pub(super) struct InnoSetup;

/// Files.
#[derive(Debug)]
pub(super) struct InnoChunk;

static SETUP: Spec = Spec {
    id: "inno-setup",
    name: "Inno Setup installer: its script",
    kind: Kind::Archive,
    magics: &[Magic::anywhere(b"Inno Setup Setup Data (")],
    leaf: false,
    references: &["https://github.com/dscharrer/innoextract", "https://github.com/jrsoftware/issrc"],
    limitations: &[
        "versions before 4.0.9, and from 6.5 on, where more stands before the blocks",
        "the script is handed over decompressed, not read: files come out of the chunks without their names",
    ],
};

static CHUNK: Spec = Spec {
    id: "inno-setup-chunk",
    name: "Inno Setup installer: files",
    kind: Kind::Compression,
    magics: &[Magic::anywhere(b"zlb\x1a")],
    leaf: false,
    references: &["https://github.com/dscharrer/innoextract/blob/master/src/stream/chunk.cpp"],
    limitations: &[
        "files come out in one piece, one behind the other",
        "calls in programs stay as the installer changed them",
        "chunks that are encrypted or not compressed are not recognized",
    ],
};

/// Bytes of the text that begins the data: name, version, zeros.
const ID: u64 = 64;

/// Bytes before a block: u32 CRC of what follows, u32 stored size, u8 whether it is compressed.
const HEADER: u64 = 9;

/// Bytes of a block that have a CRC of their own before them, at most.
const PIECE: u64 = 4096;

/// A block of the script: where its pieces are.
struct Block {
    pieces: Span,
    packed: bool,
}

impl Block {
    fn read(bytes: Bytes<'_>, at: u64) -> Option<Self> {
        let header = Bytes(bytes.get(at, HEADER).ok()?);
        let word = |at| header.u32(at, Endian::Little).ok();
        let packed = header.u8(8).ok().filter(|packed| *packed < 2)?;
        let sound = word(0)? == crc32(header.tail(4)) && word(4)? > 4;
        sound.then_some(Self { pieces: Span::new(at.saturating_add(HEADER), word(4)?.into()), packed: packed == 1 })
    }

    /// The bytes of all pieces, and what is wrong with them.
    fn joined(&self, bytes: Bytes<'_>) -> (Vec<u8>, Option<Fault>) {
        let stored = Bytes(bytes.up_to(self.pieces.start, self.pieces.length));
        let cut = stored.len() < self.pieces.length;
        let mut fault = cut.then(|| Fault::Truncated(format!("{} of {} bytes are there", stored.len(), self.pieces.length)));
        let (mut joined, mut at) = (Vec::new(), 0_u64);
        while let Ok(sum) = stored.u32(at, Endian::Little) {
            let piece = stored.up_to(at.saturating_add(4), PIECE);
            if sum != crc32(piece) && !cut {
                fault.get_or_insert_with(|| Fault::Checksum(format!("the CRC of the piece at {at:#x} does not fit")));
            }
            joined.extend_from_slice(piece);
            at = at.saturating_add(4).saturating_add(PIECE);
        }
        (joined, fault)
    }
}

/// The two blocks: the script, and where its files are.
fn blocks(bytes: Bytes<'_>) -> Vec<Block> {
    let first = Block::read(bytes, ID);
    let second = first.as_ref().and_then(|first| Block::read(bytes, first.pieces.end()));
    first.into_iter().chain(second).collect()
}

/// The digits and points between the brackets.
fn version(bytes: Bytes<'_>) -> Option<(Span, &[u8])> {
    let start = 23;
    let text = bytes.get(start, ID.saturating_sub(start)).ok()?;
    let length = text.iter().position(|byte| !matches!(byte, b'0'..=b'9' | b'.'))?;
    let known = length >= 3 && text.get(length) == Some(&b')') && text.last() == Some(&0);
    let digits = text.get(..length).filter(|_| known)?;
    Some((Span::new(start, to_u64(length)), digits))
}

impl Format for InnoSetup {
    fn spec(&self) -> &'static Spec {
        &SETUP
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let bytes = Bytes(blob.bytes().tail(start));
        version(bytes).ok_or(Rejected("version"))?;
        let end = blocks(bytes).last().map(|block| block.pieces.end()).ok_or(Rejected("the CRC of the first block"))?;
        Ok(Carved::new(end, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        if let Some((span, text)) = version(bytes) {
            children.fact("header.version", text, span);
        }
        let blocks = blocks(bytes);
        for (block, name) in blocks.iter().zip(["script", "files"]) {
            let (joined, fault) = block.joined(bytes);
            let Stream { output, fault: broken, .. } = if block.packed {
                stream(Bytes(&joined), children.budget()).unwrap_or_else(|| Stream {
                    output: children.output(),
                    consumed: 0,
                    fault: Some(Fault::unsupported("inno: neither LZMA nor zlib")),
                })
            } else {
                let mut output = children.output();
                output.push(&joined)?;
                Stream { output, consumed: 0, fault: None }
            };
            if let Some(limit) = broken.as_ref().filter(|fault| fault.is_limit()) {
                return Err(limit.clone());
            }
            children.made_with(name, output, Attributes::default(), fault.or(broken).as_ref())?;
        }
        if blocks.len() < 2 {
            return Err(Fault::corrupt("inno: no second block, which says where files are"));
        }
        Ok(())
    }
}

impl Format for InnoChunk {
    fn spec(&self) -> &'static Spec {
        &CHUNK
    }

    /// Magic; compressed data, by whose beginning it is told how.
    fn carve<'b>(&self, blob: &Blob, start: u64, budget: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let packed = Bytes(blob.bytes().tail(start.saturating_add(4)));
        let Stream { output, consumed, fault } = stream(packed, budget).ok_or(Rejected("the compressed data"))?;
        if consumed == 0 || (fault.is_some() && output.len() < LEAST_BROKEN_STREAM) {
            return Err(Rejected("the compressed data breaks off at once"));
        }
        Ok(Carved { length: consumed.saturating_add(4), payload: Some(Payload { name: String::new(), output, fault }) })
    }
}

/// LZMA behind its properties, LZMA2 behind the size of its dictionary, bzip2 or zlib.
fn stream<'b>(packed: Bytes<'_>, budget: &'b Budget) -> Option<Stream<'b>> {
    match packed.get(0, 6).ok()? {
        [b'B', b'Z', b'h', ..] => Some(Codec::Bzip2.stream(packed.0, budget)),
        [0x78, ..] => Some(Codec::Zlib.stream(packed.0, budget)),
        // The byte behind the properties is the first of LZMA, which is 0.
        [properties @ ..225, .., 0] if *properties > 40 => {
            let properties = LzmaProperties::unpacked(*properties, packed.u32(1, Endian::Little).ok()?)?;
            let stream = lzma_raw_stream(packed.tail(5), properties, None, budget);
            Some(Stream { consumed: stream.consumed.saturating_add(5), ..stream })
        }
        [dictionary @ 0..=40, ..] => {
            let input = packed.tail(1);
            if !lzma2::begins(Bytes(input)) {
                return None;
            }
            let stream = lzma2::stream(*dictionary, input, budget);
            Some(Stream { consumed: stream.consumed.saturating_add(1), ..stream })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, try_unpack_at, unpack, unpack_at};
    use crate::problem::Code;

    const STORY: &[u8] = include_bytes!("../../../fixtures/content/tree/story.txt");
    const SCRIPT: &[u8] = include_bytes!("../../../fixtures/inno-setup/script.bin");
    const CHUNKS: [&[u8]; 4] = [
        include_bytes!("../../../fixtures/inno-setup-chunk/lzma.bin"),
        include_bytes!("../../../fixtures/inno-setup-chunk/lzma2.bin"),
        include_bytes!("../../../fixtures/inno-setup-chunk/bzip2.bin"),
        include_bytes!("../../../fixtures/inno-setup-chunk/zlib.bin"),
    ];

    #[test]
    fn chunks_of_every_compression() {
        for chunk in CHUNKS {
            let junk = [vec![b'-'; 5], chunk.to_vec(), b"zlb".to_vec()].concat();
            assert_eq!(carve(&InnoChunk, &junk, 5), Some(chunk.len() as u64));
            let unpacked = unpack_at(&InnoChunk, &junk, 5);
            assert!(unpacked.file("") == [STORY, STORY].concat() && unpacked.problems.is_empty());
            survives_damage(&InnoChunk, chunk);
        }
        let chunk = |control: u8| [vec![control, 0x0f, 0xff], vec![b'x'; 4096]].concat();
        let cut = unpack(&InnoChunk, &[b"zlb\x1a\x10".to_vec(), chunk(1), chunk(2)].concat()[..6000]);
        assert_eq!((cut.file("").len(), cut.problems[0].0), (4096, Code::Truncated));
        let stored = [b"zlb\x1a\x10".to_vec(), chunk(1), b"what is no chunk".repeat(900)].concat();
        assert_eq!(carve(&InnoChunk, &stored, 0), None);
        assert_eq!(carve(&InnoChunk, &b"zlb\x1a is the magic of a chunk".repeat(9), 0), None);
    }

    #[test]
    fn the_script_is_decompressed() {
        let junk = [vec![7; 3], SCRIPT.to_vec(), vec![0; 30]].concat();
        assert_eq!(carve(&InnoSetup, &junk, 3), Some(SCRIPT.len() as u64));
        let unpacked = unpack_at(&InnoSetup, &junk, 3);
        assert_eq!((unpacked.names(), unpacked.problems.len()), (vec!["script", "files"], 0));
        assert!(unpacked.file("script") == STORY);
        assert_eq!(unpacked.fact("header.version").as_deref(), Some("5.5.7"));
        let second = blocks(Bytes(SCRIPT))[0].pieces.end();
        let mut lacking = SCRIPT.to_vec();
        lacking[usize::try_from(second).unwrap()] ^= 1;
        let lacking = unpack(&InnoSetup, &lacking);
        assert_eq!((lacking.names(), lacking.problems[0].0), (vec!["script"], Code::Corrupt));
        let mut copy = SCRIPT.to_vec();
        copy[80] ^= 1;
        assert!(unpack(&InnoSetup, &copy).problems.iter().any(|(code, _)| *code == Code::Checksum));
        assert!(try_unpack_at(&InnoSetup, &b"Inno Setup Setup Data (5.5.7) (u)".repeat(9), 0).is_none());
        survives_damage(&InnoSetup, SCRIPT);
    }
}
