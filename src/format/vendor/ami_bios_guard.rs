//! AMI's firmware updates for machines with Intel BIOS Guard: blocks with a script, and a signature, each.

use crate::blob::{Blob, Bytes, Endian, Span};
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec, path_text};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// AMI BIOS Guard update.
#[derive(Debug)]
pub(super) struct AmiBiosGuard;

static SPEC: Spec = Spec {
    id: "ami-bios-guard",
    name: "AMI BIOS Guard update (PFAT)",
    kind: Kind::Archive,
    magics: &[Magic::anywhere(b"_AMIPFAT").at(8)],
    leaf: false,
    references: &["https://github.com/platomav/BIOSUtilities"],
    limitations: &["scripts are not read", "signatures are not verified"],
};

/// Bytes of the header before its text, and of the header of a block.
const HEADER: u64 = 17;
const BLOCK: u64 = 48;
/// More blocks than any update has.
const MOST_BLOCKS: u32 = 65536;

impl Format for AmiBiosGuard {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let bytes = Bytes(blob.bytes().tail(start));
        let update = Update::read(bytes)?;
        let mut at = update.blocks;
        for _ in 0..update.files.iter().map(|file| file.blocks).fold(0, u32::saturating_add).min(MOST_BLOCKS) {
            let Some(block) = Block::read(bytes, at) else { break };
            at = block.next;
        }
        Ok(Carved::new(at, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        let update = Update::read(bytes).map_err(|rejected| Fault::corrupt(rejected.0))?;
        let mut at = update.blocks;
        for file in update.files {
            let (mut output, mut fault) = (children.output(), None);
            for _ in 0..file.blocks {
                let Some(block) = Block::read(bytes, at) else {
                    fault = Some(Fault::Truncated("not all blocks of the file are there".to_owned()));
                    break;
                };
                let data = bytes.up_to(block.data.start, block.data.length);
                output.push(data)?;
                at = block.next;
            }
            children.made_with(file.name, output, Attributes::default(), fault.as_ref())?;
        }
        Ok(())
    }
}

struct File {
    name: String,
    blocks: u32,
}

/// The header; little endian: 0 size u32, with the text   4 checksum u32   8 "_AMIPFAT"   10 flags u8   11 text: a line as title, then a line
/// for each file: flags, parameter, number of blocks, ";", name.
struct Update {
    files: Vec<File>,
    blocks: u64,
}

impl Update {
    fn read(bytes: Bytes<'_>) -> Result<Self, Rejected> {
        let size = u64::from(bytes.u32(0, Endian::Little)?);
        if !(HEADER..1 << 13).contains(&size) || !bytes.has(8, b"_AMIPFAT") {
            return Err(Rejected("size"));
        }
        let text = bytes.get(HEADER, size.saturating_sub(HEADER))?;
        if !text.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\r' | b'\n' | b'\t' | 0)) {
            return Err(Rejected("text"));
        }
        let mut files = Vec::new();
        let lines = text.split(|byte| *byte == b'\n').skip(1).map(|line| line.strip_suffix(b"\0").unwrap_or(line).trim_ascii());
        for line in lines.filter(|line| !line.is_empty()) {
            files.push(file(line).ok_or(Rejected("a line of the text"))?);
        }
        if files.is_empty() {
            return Err(Rejected("no files"));
        }
        Ok(Self { files, blocks: size })
    }
}

fn file(line: &[u8]) -> Option<File> {
    let text = path_text(line);
    let mut parts = text.split(';');
    let (numbers, name) = (parts.next()?, parts.next()?);
    let blocks = numbers.split_ascii_whitespace().nth(2)?.parse().ok().filter(|blocks| *blocks <= MOST_BLOCKS)?;
    Some(File { name: name.trim().replace(['/', '\\'], "_"), blocks })
}

/// A block: 0 versions u16   4 platform, 16 bytes   14 flags u32: 1 a signature follows   18 versions of the script u16
/// 1c size of the script u32   20 size of the data u32   30 script, data, signature: 0 how u32, 4 u32, then key, exponent u32, signature.
struct Block {
    data: Span,
    next: u64,
}

impl Block {
    fn read(bytes: Bytes<'_>, start: u64) -> Option<Self> {
        let word = |at: u64| bytes.u32(start.saturating_add(at), Endian::Little).ok();
        let (flags, script, size) = (word(0x14)?, u64::from(word(0x1c)?), u64::from(word(0x20)?));
        let data = Span::new(start.saturating_add(BLOCK).saturating_add(script), size);
        if script > 1 << 20 || size > 1 << 26 || data.end() > bytes.len() {
            return None;
        }
        let signature = match bytes.u32(data.end(), Endian::Little) {
            _ if flags & 1 == 0 => 0,
            Ok(1) => 12_u64.saturating_add(2 * 256),
            _ => 12_u64.saturating_add(2 * 384),
        };
        Some(Self { data, next: data.end().saturating_add(signature) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack, unpack_at};
    use crate::problem::Code;

    const UPDATE: &[u8] = include_bytes!("../../../fixtures/ami-bios-guard/update.bin");

    #[test]
    fn files_are_put_together() {
        let flash = [&[0xff; 5], UPDATE, b"next"].concat();
        assert_eq!(carve(&AmiBiosGuard, &flash, 5), Some(UPDATE.len() as u64));
        let unpacked = unpack_at(&AmiBiosGuard, &flash, 5);
        assert_eq!(unpacked.names(), ["BIOS.bin", "NOTES.txt"]);
        assert!(unpacked.file("BIOS.bin").starts_with(b"MZ") && unpacked.file("BIOS.bin").len() > 3000);
        assert!(unpacked.file("NOTES.txt") == include_bytes!("../../../fixtures/content/tree/story.txt"));
        assert_eq!(unpacked.problems, []);
        survives_damage(&AmiBiosGuard, UPDATE);
    }

    #[test]
    fn what_is_missing_and_what_is_none() {
        let cut = unpack(&AmiBiosGuard, &UPDATE[..3000]);
        assert_eq!((cut.file("BIOS.bin").len(), cut.problems[0].0), (2048, Code::Truncated));
        assert_eq!(carve(&AmiBiosGuard, b"a text, _AMIPFAT is what such an update has after eight bytes", 0), None);
    }
}
