//! UF2: firmware in blocks of 512 bytes, each of which says where it belongs.

use std::collections::BTreeMap;

use crate::blob::{Blob, Bytes, Endian, Span, to_u64};
use crate::format::encoding::ihex::memory::{Memory, Run};
use crate::format::{Carved, Children, Format, Kind, Magic, Spec, path_text};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

const BLOCK: u64 = 512;
const NOT_MAIN_FLASH: u32 = 0x1;
const FILE_CONTAINER: u32 = 0x1000;
const FAMILY_PRESENT: u32 = 0x2000;

/// Raspberry Pi puts one block of this family, number 0 of 2, before others: it is there to be ignored by boards with a certain flaw.
const ABSOLUTE: u32 = 0xe48b_ff57;

/// USB Flashing Format.
#[derive(Debug)]
pub(super) struct Uf2;

static SPEC: Spec = Spec {
    id: "uf2",
    name: "UF2",
    kind: Kind::Encoding,
    // magicStart0 0x0A324655, magicStart1 0x9E5D5157
    magics: &[Magic::anywhere(&[0x55, 0x46, 0x32, 0x0a, 0x57, 0x51, 0x5d, 0x9e])],
    leaf: false,
    references: &["https://github.com/microsoft/uf2"],
    limitations: &[
        "blocks that are not for the main flash are skipped",
        "extension tags and MD5 checksums are not read",
        "zeros that fill the last block are taken for padding, up to a multiple of four bytes: the format does not say where content ends",
    ],
};

impl Format for Uf2 {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let image = Bytes(blob.bytes().tail(start));
        let mut last = Block::read(image, 0)?;
        let mut end = BLOCK;
        loop {
            // One broken block is stepped over if the next one goes on as if it were there.
            let after = end.saturating_add(BLOCK);
            if let Ok(block) = Block::read(image, end) {
                (last, end) = (block, after);
            } else if let Ok(block) = Block::read(image, after)
                && block.total == last.total
                && block.number == last.number.saturating_add(2)
            {
                (last, end) = (block, after.saturating_add(BLOCK));
            } else {
                break;
            }
        }
        // What is left of a block that is cut off by the end of the bytes.
        let rest = image.len().saturating_sub(end);
        if rest < BLOCK && !last.is_last() && image.has(end, &MAGIC) {
            end = image.len();
        }
        Ok(Carved::new(end, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let image = blob.bytes();
        let mut reader = Reader::default();
        let mut at = 0;
        while at < image.len() {
            match Block::read(image, at) {
                Ok(block) => reader.block(block, at),
                Err(_) => reader.broken = reader.broken.saturating_add(1),
            }
            at = at.saturating_add(BLOCK);
        }
        let missing = reader.missing();
        if reader.broken > 0 {
            children.problem(&Fault::corrupt(format!("{} blocks are broken", reader.broken)), None);
        }
        if reader.elsewhere > 0 {
            let message = format!("{} blocks are not for the main flash: they are skipped", reader.elsewhere);
            children.problem(&Fault::unsupported(message), None);
        }
        for (target, mut memory) in reader.memories {
            trim(image, &mut memory);
            memory.hand_over(
                children,
                image.len(),
                |address| target.name(address),
                |source, sink| {
                    let blocks = Bytes(image.up_to(source.start, source.length)).0.chunks(512);
                    blocks.filter_map(|block| Block::read(Bytes(block), 0).ok()).try_for_each(|block| sink(block.payload))
                },
            )?;
        }
        if missing { Err(Fault::Truncated("some blocks are missing".to_owned())) } else { Ok(()) }
    }
}

const MAGIC: [u8; 8] = [0x55, 0x46, 0x32, 0x0a, 0x57, 0x51, 0x5d, 0x9e];

/// A block:
///
/// ```text
/// 00 magicStart0 u32   04 magicStart1 u32   08 flags u32   0c targetAddr u32   10 payloadSize u32   14 blockNo u32   18 numBlocks u32
/// 1c fileSize or familyID u32   20 data[476]   1fc magicEnd u32
/// ```
struct Block<'a> {
    flags: u32,
    address: u64,
    number: u32,
    total: u32,
    family: u32,
    payload: &'a [u8],
    /// What follows the payload: in a file container the name.
    rest: &'a [u8],
}

impl<'a> Block<'a> {
    fn read(image: Bytes<'a>, at: u64) -> Result<Self, Rejected> {
        let bytes = Bytes(image.get(at, BLOCK)?);
        let word = |at| bytes.u32(at, Endian::Little);
        if !bytes.has(0, &MAGIC) || word(0x1fc)? != 0x0ab1_6f30 {
            return Err(Rejected("magicStart or magicEnd"));
        }
        let (size, number, total) = (word(0x10)?, word(0x14)?, word(0x18)?);
        if size > 476 || number >= total {
            return Err(Rejected("payloadSize or blockNo"));
        }
        Ok(Self {
            flags: word(8)?,
            address: word(0xc)?.into(),
            number,
            total,
            family: word(0x1c)?,
            payload: bytes.get(32, size.into())?,
            rest: bytes.part(Span::between(32_u64.saturating_add(size.into()), 508))?.0,
        })
    }

    fn is_last(&self) -> bool {
        self.number.checked_add(1) == Some(self.total)
    }

    fn target(&self) -> Target {
        if self.flags & FILE_CONTAINER != 0 {
            Target::File(path_text(self.rest.split(|byte| *byte == 0).next().unwrap_or_default()).trim_start_matches('/').to_owned())
        } else if self.flags & FAMILY_PRESENT != 0 {
            Target::Family(self.family)
        } else {
            Target::Any
        }
    }

    /// Bytes of zeros at the end of the last block that programs put there to fill it: nearly all write payloads of 256 bytes only. Code
    /// comes in words, so zeros that fill a word are content.
    fn padding(&self) -> u64 {
        match self.payload.iter().rposition(|byte| *byte != 0) {
            Some(last) if self.is_last() && self.payload.len() == 256 && self.flags & FILE_CONTAINER == 0 => {
                256_u64.saturating_sub(to_u64(last).saturating_add(1).next_multiple_of(4))
            }
            _ => 0,
        }
    }
}

/// Whom a block is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Target {
    /// Whatever board reads it.
    Any,
    /// Boards with this family ID.
    Family(u32),
    /// A file with this name.
    File(String),
}

impl Target {
    fn name(&self, address: u64) -> String {
        match self {
            Self::Any => format!("{address:#010x}"),
            Self::Family(family) => format!("{family:#010x}@{address:#010x}"),
            Self::File(name) if address == 0 => name.clone(),
            Self::File(name) => format!("{name}@{address:#x}"),
        }
    }
}

/// Cuts off the zeros that fill the last block, if nothing comes behind it.
fn trim(image: Bytes<'_>, memory: &mut Memory) {
    if let Some(run) = memory.runs.iter_mut().max_by_key(|run| run.address)
        && let Ok(block) = Block::read(image, run.source.end().saturating_sub(BLOCK))
    {
        run.length = run.length.saturating_sub(block.padding());
    }
}

/// What the blocks seen so far say.
#[derive(Default)]
struct Reader {
    /// In the order in which they were first written to.
    memories: Vec<(Target, Memory)>,
    places: BTreeMap<Target, usize>,
    /// Number of the last block, and how many there should be.
    last: Option<(u32, u32)>,
    jumped: bool,
    elsewhere: u64,
    broken: u64,
}

impl Reader {
    fn block(&mut self, block: Block<'_>, at: u64) {
        if block.family != ABSOLUTE || block.flags & FAMILY_PRESENT == 0 {
            let follows = self.last.is_some_and(|(number, total)| number.checked_add(1) == Some(block.number) && total == block.total);
            self.jumped |= !follows && (block.number != 0 || self.missing());
            self.last = Some((block.number, block.total));
        }
        if block.flags & NOT_MAIN_FLASH != 0 {
            self.elsewhere = self.elsewhere.saturating_add(1);
            return;
        }
        let target = block.target();
        let place = *self.places.entry(target.clone()).or_insert(self.memories.len());
        if place == self.memories.len() {
            self.memories.push((target, Memory::default()));
        }
        if let Some((_, memory)) = self.memories.get_mut(place) {
            memory.add(Run { address: block.address, length: to_u64(block.payload.len()), source: Span::new(at, BLOCK) });
        }
    }

    /// Whether blocks are missing so far, at the end or before.
    fn missing(&self) -> bool {
        self.jumped || self.last.is_some_and(|(number, total)| number.checked_add(1) != Some(total))
    }
}

#[cfg(test)]
mod tests;
