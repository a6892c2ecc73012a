//! Where the pieces of a packed program stand, and where they belong.

use super::block::{Block, HEADER};
use crate::blob::{Bytes, Endian, Span, to_u64};

/// How far behind the program headers the first block is looked for.
const REACH: u64 = 512;

/// How far behind the last block of a segment the bytes between segments are looked for: the loader stands there.
const LOADER: u64 = 32 << 10;

/// Program headers, and blocks, that a program has at most.
const MOST: u64 = 1 << 12;

/// A packed program.
pub(super) struct Layout {
    pub(super) pieces: Vec<Piece>,
    /// Size of the program.
    pub(super) size: u64,
    /// Where the last block ends.
    pub(super) end: u64,
    /// Whether some of its pieces were not found.
    pub(super) missing: bool,
}

/// A block, where its data stands, and where in the program its content belongs.
pub(super) struct Piece {
    pub(super) block: Block,
    pub(super) source: Span,
    pub(super) target: u64,
}

/// What is needed of the headers of an ELF file (gABI, "ELF Header").
struct Headers {
    wide: bool,
    endian: Endian,
    /// Where the program headers end.
    end: u64,
    /// Type, offset and size in the file of each segment.
    segments: Vec<(u32, Span)>,
    /// Where the section headers end; 0 without any.
    sections: u64,
}

const PT_LOAD: u32 = 1;
const PT_DYNAMIC: u32 = 2;

impl Headers {
    fn read(bytes: Bytes<'_>) -> Option<Self> {
        if !bytes.has(0, b"\x7fELF") {
            return None;
        }
        let wide = bytes.u8(4).ok()? == 2;
        let endian = if bytes.u8(5).ok()? == 2 { Endian::Big } else { Endian::Little };
        let word = |narrow: u64, broad: u64| {
            if wide { bytes.u64(broad, endian).ok() } else { bytes.u32(narrow, endian).ok().map(u64::from) }
        };
        let half = |narrow: u64, broad: u64| bytes.u16(if wide { broad } else { narrow }, endian).ok().map(u64::from);
        let (offset, entry, count) = (word(28, 32)?, half(42, 54)?, half(44, 56)?);
        let (header, expected) = if wide { (64, 56) } else { (52, 32) };
        if offset != header || entry != expected || !(1..=64).contains(&count) {
            return None;
        }
        let mut segments = Vec::new();
        for index in 0..count {
            let at = offset.saturating_add(entry.saturating_mul(index));
            let number = |narrow: u64, broad: u64| word(at.saturating_add(narrow), at.saturating_add(broad));
            segments.push((bytes.u32(at, endian).ok()?, Span::new(number(4, 8)?, number(16, 32)?)));
        }
        let sections = word(32, 40)?.saturating_add(half(46, 58)?.saturating_mul(half(48, 60)?));
        Some(Self { wide, endian, end: offset.saturating_add(entry.saturating_mul(count)), segments, sections })
    }

    fn has(&self, kind: u32) -> bool {
        self.segments.iter().any(|segment| segment.0 == kind)
    }
}

impl Layout {
    /// The program that is packed in `bytes`: the block that holds its headers stands soon behind those of what unpacks it, behind
    /// `l_info` and `p_info`, of which nothing needs to be right.
    pub(super) fn find(bytes: Bytes<'_>) -> Option<Self> {
        let outer = Headers::read(bytes)?;
        // UPX leaves the dynamic section to libraries only.
        if outer.has(PT_DYNAMIC) {
            return None;
        }
        (0..REACH / 4).find_map(|step| Self::at(bytes, &outer, outer.end.saturating_add(step.saturating_mul(4))))
    }

    fn at(bytes: Bytes<'_>, outer: &Headers, first: u64) -> Option<Self> {
        let block = Block::read(bytes, first, outer.endian)?;
        let (header, entry) = if outer.wide { (64_u64, 56_u64) } else { (52, 32) };
        let table = block.size.checked_sub(header)?;
        if !block.is_plain() || table == 0 || table > entry.saturating_mul(64) || !table.is_multiple_of(entry) {
            return None;
        }
        let content = block.content(bytes, Span::new(first.saturating_add(HEADER), block.packed)).ok()?;
        let inner = Headers::read(Bytes(&content)).filter(|inner| inner.end == block.size && inner.wide == outer.wide)?;
        let loads: Vec<Span> = inner.segments.iter().filter(|segment| segment.0 == PT_LOAD).map(|segment| segment.1).collect();
        // What p_info says of the size, unless it was wiped out or is nonsense; else what the headers say.
        let least = loads.iter().map(Span::end).max()?.max(block.size);
        let said = first.checked_sub(8).and_then(|at| bytes.u32(at, outer.endian).ok()).map_or(0, u64::from);
        let reasonable = said >= least && said <= least.max(inner.sections).saturating_mul(4);
        let size = if reasonable { said } else { least.max(inner.sections) };
        let mut layout = Self { pieces: Vec::new(), size, end: first, missing: false };
        layout.segments(bytes, outer.endian, &loads);
        layout.between(bytes, outer.endian, &loads);
        Some(layout)
    }

    /// The segments stand one after the other; the first begins with the headers.
    fn segments(&mut self, bytes: Bytes<'_>, endian: Endian, loads: &[Span]) {
        for load in loads {
            if !self.fill(bytes, endian, *load) {
                self.missing = true;
                return;
            }
        }
    }

    /// Blocks from `end` on, until `target` is full.
    fn fill(&mut self, bytes: Bytes<'_>, endian: Endian, target: Span) -> bool {
        let mut at = target.start;
        while at < target.end() {
            let left = target.end().saturating_sub(at);
            let next = Block::read(bytes, self.end, endian).filter(|block| block.size <= left);
            let Some(block) = next.filter(|_| to_u64(self.pieces.len()) < MOST) else { return false };
            let source = Span::new(self.end.saturating_add(HEADER), block.packed);
            self.pieces.push(Piece { block, source, target: at });
            self.end = source.end();
            at = at.saturating_add(block.size);
        }
        true
    }

    /// What belongs to no segment: symbols, and the like. It stands behind the loader, whose length is not said where it can be relied on.
    fn between(&mut self, bytes: Bytes<'_>, endian: Endian, loads: &[Span]) {
        let mut sorted = loads.to_vec();
        sorted.sort_unstable();
        let mut gaps = Vec::new();
        for (index, load) in sorted.iter().enumerate() {
            let next = sorted.get(index.saturating_add(1)).map_or(self.size, |next| next.start);
            gaps.extend((load.end() < next).then(|| Span::between(load.end(), next)));
        }
        if gaps.is_empty() || self.missing {
            return;
        }
        let (end, pieces) = (self.end, self.pieces.len());
        let mut effort = MOST;
        for step in 0..LOADER {
            self.end = end.saturating_add(step);
            if self.end >= bytes.len() || effort == 0 {
                break;
            }
            if gaps.iter().all(|gap| self.fill(bytes, endian, *gap)) && self.end <= bytes.len() {
                return;
            }
            effort = effort.saturating_sub(to_u64(self.pieces.len().saturating_sub(pieces)));
            self.pieces.truncate(pieces);
        }
        (self.end, self.missing) = (end, true);
    }
}
