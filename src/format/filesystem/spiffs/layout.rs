//! How large pages and blocks are, and which of them are in use: the tables of the blocks and the heads of the pages must say the same.

use crate::blob::{Bytes, Endian};
use crate::limits::{Budget, Effort};
use crate::problem::Rejected;

/// Sizes of pages, and of blocks, that are in use.
const PAGES: [u64; 5] = [256, 512, 1024, 2048, 4096];
const BLOCKS: [u64; 7] = [4096, 8192, 16_384, 32_768, 65_536, 131_072, 262_144];
/// No flash chip with it is larger.
const LARGEST: u64 = 64 << 20;
/// Erased blocks between others, where they have no magic.
const LONGEST_BLANK: u64 = 64;
/// Blocks among which there must be a file with a name: whatever only looks like tables is not followed for long.
const EARLY: u64 = 256;

/// The head of a page: u16 file (the upper bit: an index), u16 part, u8 flags.
const HEAD: u64 = 5;
/// Longest name, with its NUL.
const NAME: u64 = 32;
const INDEX: u16 = 0x8000;
const FREE: u16 = 0xffff;
const DELETED: u16 = 0;

/// The kind of a folder.
pub(super) const FOLDER: u8 = 2;

/// What stands in a block where its table ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    /// Nothing is kept there.
    Nothing,
    /// A number that only hangs on the size of pages.
    Plain,
    /// The same with the number of blocks from this one to the last.
    Counted(u64),
}

/// Sizes, and how far it reaches. Each block begins with a table: for each of its other pages the number of the file u16, ffff if the page is
/// free, 0 if what was on it is deleted. The last four bytes of that: magic u16, times that the block was erased u16.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Geometry {
    page: u64,
    block: u64,
    endian: Endian,
    mark: Mark,
    blocks: u64,
    /// Pages in use that are as the tables say.
    live: u64,
}

/// A page in use.
#[derive(Debug, Clone, Copy)]
pub(super) struct Page {
    /// Where it stands.
    pub(super) at: u64,
    /// The number of the file.
    pub(super) file: u16,
    /// The number of the page within the file.
    pub(super) part: u16,
    /// Whether it says where other pages are.
    pub(super) is_index: bool,
}

/// What the first page of a file says of it.
#[derive(Debug, Clone)]
pub(super) struct Index {
    /// Bytes of the content, if it was written to the end.
    pub(super) size: Option<u32>,
    /// 1 file, 2 folder, 3 hard link, 4 symbolic link: only files are ever there.
    pub(super) kind: u8,
    /// With a slash before it, mostly.
    pub(super) name: Vec<u8>,
}

impl Page {
    /// Where its content begins.
    pub(super) fn content_at(&self) -> u64 {
        self.at.saturating_add(HEAD)
    }

    /// What stands behind its head, and padding to a multiple of four bytes: u32 size, u8 kind, name.
    pub(super) fn index(&self, image: Bytes<'_>, geometry: &Geometry) -> Option<Index> {
        if !self.is_index || self.part != 0 {
            return None;
        }
        let size = image.u32(self.at.saturating_add(8), geometry.endian).ok()?;
        let kind = image.u8(self.at.saturating_add(12)).ok()?;
        let name = image.text(self.at.saturating_add(13), NAME).ok()?;
        let sound = matches!(kind, 1..=4) && !name.is_empty() && name.iter().all(|byte| *byte >= b' ') && std::str::from_utf8(name).is_ok();
        let whole = size == u32::MAX || u64::from(size) <= LARGEST;
        (sound && whole).then(|| Index { size: (size != u32::MAX).then_some(size), kind, name: name.to_vec() })
    }
}

impl Geometry {
    /// The sizes that fit best.
    pub(super) fn of(image: Bytes<'_>, budget: &Budget) -> Result<Self, Rejected> {
        // Most of what is asked about is nothing at all.
        let table = image.up_to(0, 64);
        if table.iter().all(|byte| *byte == 0) || table.iter().all(|byte| *byte == 0xff) {
            return Err(Rejected("an empty table"));
        }
        // However much stands behind it: this is asked wherever a page is.
        let mut effort = Effort::new(budget, 0);
        let pairs = PAGES.into_iter().flat_map(|page| BLOCKS.map(|block| (page, block)));
        let sizes = pairs.filter(|(page, block)| block.checked_div(*page) >= Some(4));
        let all = sizes.flat_map(|(page, block)| [(page, block, Endian::Little), (page, block, Endian::Big)]);
        let fitting = all.filter_map(|(page, block, endian)| Self::measured(image, page, block, endian, &mut effort));
        // Of equals the first one: that with the smallest blocks.
        fitting
            .reduce(|best, next| if best.rank() >= next.rank() { best } else { next })
            .ok_or(Rejected("no tables with pages that fit them"))
    }

    fn rank(&self) -> (u64, bool) {
        (self.live, self.mark != Mark::Nothing)
    }

    /// Bytes of content on a page.
    pub(super) fn content(&self) -> u64 {
        self.page.saturating_sub(HEAD)
    }

    pub(super) fn length(&self) -> u64 {
        self.blocks.saturating_mul(self.block)
    }

    /// Bytes of the table of a block.
    fn table(&self) -> u64 {
        let pages = self.block.checked_div(self.page).unwrap_or(1);
        pages.saturating_mul(2).checked_div(self.page).unwrap_or(1).max(1).saturating_mul(self.page)
    }

    /// Whether these sizes fit, and how far.
    fn measured(image: Bytes<'_>, page: u64, block: u64, endian: Endian, effort: &mut Effort<'_>) -> Option<Self> {
        let mut geometry = Self { page, block, endian, mark: Mark::Nothing, blocks: 0, live: 0 };
        geometry.mark = geometry.mark_of(image, 0)?;
        let most = match geometry.mark {
            Mark::Counted(blocks) => blocks,
            _ => LARGEST.checked_div(block)?,
        };
        let mut named = false;
        let mut blank = 0_u64;
        for number in 0..most {
            let start = number.saturating_mul(block);
            if number == EARLY && !(named && geometry.is_proven()) {
                return None;
            }
            if !geometry.marks_fit(image, number) || effort.spend(block).is_err() {
                break;
            }
            let Some(live) = geometry.block_fits(image, start) else { break };
            named |= live > 0 && geometry.pages_of(image, start).any(|page| page.index(image, &geometry).is_some());
            geometry.live = geometry.live.saturating_add(live);
            blank = if live == 0 && geometry.mark == Mark::Nothing { blank.saturating_add(1) } else { 0 };
            if blank == 0 {
                geometry.blocks = number.saturating_add(1);
            } else if blank > LONGEST_BLANK || (number == 0 && geometry.mark == Mark::Nothing) {
                break;
            }
        }
        if let Mark::Counted(blocks) = geometry.mark {
            // A truncated image lacks blocks at its end; what counts blocks that are something else is no magic, unless many were counted.
            let there = image.len().checked_div(block)?.min(blocks).min(EARLY);
            if geometry.blocks < there {
                return None;
            }
            geometry.blocks = blocks;
        }
        (named && geometry.is_proven()).then_some(geometry)
    }

    /// Whether there are more pages in use than by chance.
    fn is_proven(&self) -> bool {
        self.live > if self.mark == Mark::Nothing { 2 } else { 0 }
    }

    fn mark_of(&self, image: Bytes<'_>, start: u64) -> Option<Mark> {
        let place = start.saturating_add(self.table()).saturating_sub(4);
        let found = image.u16(place, self.endian).ok()?;
        let plain = u16::try_from(0x0529 ^ (self.page & 0xffff)).ok()?;
        Some(match u64::from(found ^ plain) {
            0 => Mark::Plain,
            blocks if found != FREE && blocks.saturating_mul(self.block) <= LARGEST => Mark::Counted(blocks),
            _ => Mark::Nothing,
        })
    }

    fn marks_fit(&self, image: Bytes<'_>, number: u64) -> bool {
        let found = self.mark_of(image, number.saturating_mul(self.block));
        match (self.mark, found) {
            (Mark::Counted(blocks), Some(Mark::Counted(left))) => left.saturating_add(number) == blocks,
            (Mark::Plain, Some(found)) => found == Mark::Plain,
            (Mark::Nothing, Some(_)) => true,
            _ => false,
        }
    }

    /// Files and places of the pages of a block.
    fn table_of<'a>(&self, image: Bytes<'a>, start: u64) -> impl Iterator<Item = (u16, u64)> + use<'a> {
        let (table, page, endian) = (self.table(), self.page, self.endian);
        let pages = self.block.saturating_sub(table).checked_div(page).unwrap_or(0);
        (0..pages).map_while(move |index| {
            let file = image.u16(start.saturating_add(index.saturating_mul(2)), endian).ok()?;
            Some((file, start.saturating_add(table).saturating_add(index.saturating_mul(page))))
        })
    }

    /// How many pages of a block are in use, if all of them are as its table says.
    fn block_fits(&self, image: Bytes<'_>, start: u64) -> Option<u64> {
        image.get(start, self.table()).ok()?;
        let mut live = 0_u64;
        for (file, at) in self.table_of(image, start) {
            // What is behind the end of a truncated image cannot contradict.
            let Ok(head) = image.get(at, HEAD).map(Bytes) else { continue };
            let (id, flags) = (head.u16(0, self.endian).ok()?, head.u8(4).ok()?);
            match file {
                FREE if head.0.iter().any(|byte| *byte != 0xff) => return None,
                FREE | DELETED => {}
                _ if id != file || flags & 1 != 0 || flags & 0x38 != 0x38 => return None,
                _ if (flags & 4 == 0) != (file & INDEX != 0) => return None,
                _ => live = live.saturating_add(1),
            }
        }
        Some(live)
    }

    fn pages_of<'a>(&self, image: Bytes<'a>, start: u64) -> impl Iterator<Item = Page> + use<'a> {
        let endian = self.endian;
        self.table_of(image, start).filter_map(move |(file, at)| {
            if matches!(file, FREE | DELETED) {
                return None;
            }
            let (part, flags) = (image.u16(at.saturating_add(2), endian).ok()?, image.u8(at.saturating_add(4)).ok()?);
            // Used, written to the end, and not deleted since.
            let alive = flags & 0x83 == 0x80;
            alive.then_some(Page { at, file: file & !INDEX, part, is_index: file & INDEX != 0 })
        })
    }

    /// All pages in use.
    pub(super) fn pages<'a>(&self, image: Bytes<'a>) -> impl Iterator<Item = Page> + use<'a, '_> {
        let blocks = self.blocks.min(image.len().div_ceil(self.block.max(1)));
        (0..blocks).flat_map(move |number| self.pages_of(image, number.saturating_mul(self.block)))
    }
}
