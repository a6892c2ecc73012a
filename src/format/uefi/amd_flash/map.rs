//! From the structure at a fixed place to the directories, and from an address to a place in the flash.

use std::collections::BTreeSet;

use crate::blob::{Bytes, Endian, Span, to_u64};
use crate::format::uefi::amd_psp_directory::{Entry, Of, Table};
use crate::problem::Rejected;

/// How the structure begins.
pub(super) const STRUCTURE: &[u8] = &[0xaa, 0x55, 0xaa, 0x55];
pub(super) const STRUCTURE_LENGTH: u64 = 0x50;
/// Where in the structure addresses of directories stand: of the security processor (two, and a spare), and of the BIOS.
const POINTERS: [u64; 7] = [0x14, 0x10, 0x18, 0x1c, 0x20, 0x28, 0x2c];
/// The entry whose address is a value.
pub(super) const FUSES: u8 = 0x0b;
/// Entries that lead to another directory.
pub(super) const LEVELS: [u8; 5] = [0x40, 0x49, 0x70, SLOT_A, SLOT_B];
/// Of these, the ones that may stand behind a header, which has its address at 10.
const SLOT_A: u8 = 0x48;
const SLOT_B: u8 = 0x4a;
/// More directories than any flash has.
const MOST_TABLES: usize = 64;
const MOST_WHOLE: usize = 1024;
/// What processors see of the flash below 4 GiB.
const WINDOW: u64 = 16 << 20;
const PHYSICAL: u64 = 0xff00_0000;

/// What hangs on the structures of a flash.
pub(super) struct Flash {
    pub(super) size: u64,
    /// Where the structures stand.
    pub(super) structures: Vec<u64>,
    /// Directories, each with where the half of the flash starts that its addresses count from.
    pub(super) tables: Vec<(Table, u64)>,
    /// Whether there is more than was looked at.
    pub(super) more: bool,
    whole: Vec<Span>,
}

impl Flash {
    /// Follows each structure that stands at one of `places`.
    pub(super) fn read(bytes: Bytes<'_>, places: impl Iterator<Item = u64>) -> Result<Self, Rejected> {
        let mut flash = Self { size: size(bytes.len()), structures: Vec::new(), tables: Vec::new(), more: false, whole: Vec::new() };
        let mut seen = BTreeSet::new();
        for place in places.filter(|place| bytes.has(*place, STRUCTURE)) {
            let half = if place >= WINDOW { WINDOW } else { 0 };
            let before = flash.tables.len();
            for pointer in POINTERS {
                let address = bytes.u32(place.saturating_add(pointer), Endian::Little)?;
                flash.follow(bytes, address, half, &mut seen);
            }
            if flash.tables.len() > before {
                flash.structures.push(place);
            }
        }
        if flash.tables.is_empty() {
            return Err(Rejected("nothing hangs on the structure"));
        }
        for (magic, span) in WHOLE {
            let mut spans = memchr::memmem::find_iter(bytes.0, magic).filter_map(|place| span(bytes, to_u64(place)));
            flash.whole.extend(spans.by_ref().take(MOST_WHOLE));
            flash.more |= spans.next().is_some();
        }
        Ok(flash)
    }

    /// Reads the directory at an address, and those that it leads to.
    fn follow(&mut self, bytes: Bytes<'_>, address: u32, half: u64, seen: &mut BTreeSet<u64>) {
        let mut waiting = Vec::new();
        waiting.extend(self.directory(bytes, address, half));
        while let Some((place, base)) = waiting.pop() {
            if !seen.insert(place) {
                continue;
            }
            if self.tables.len() >= MOST_TABLES {
                self.more = true;
                return;
            }
            let Ok(table) = Table::read(bytes, place) else { continue };
            for entry in table.entries.iter().rev() {
                let next = match table.of {
                    Of::Directories => self.directory(bytes, entry.address, half),
                    _ if LEVELS.contains(&entry.kind) => self.level(bytes, &table, entry, base),
                    _ => None,
                };
                waiting.extend(next);
            }
            self.tables.push((table, base));
        }
    }

    /// Where the directory at an address stands, and the half of the flash that it was found in.
    fn directory(&self, bytes: Bytes<'_>, address: u32, half: u64) -> Option<(u64, u64)> {
        let offset = self.offset(address.into());
        [half, 0].into_iter().map(|base| (base.saturating_add(offset), base)).find(|(place, _)| Table::read(bytes, *place).is_ok())
    }

    /// Where the directory of the next level stands: at once, or behind the header of a slot.
    fn level(&self, bytes: Bytes<'_>, table: &Table, entry: &Entry, base: u64) -> Option<(u64, u64)> {
        let place = self.resolve(table, entry, base);
        if Table::read(bytes, place).is_ok() {
            return Some((place, base));
        }
        let address = bytes.u32(place.saturating_add(0x10), Endian::Little).ok().filter(|_| matches!(entry.kind, SLOT_A | SLOT_B))?;
        self.directory(bytes, address, base)
    }

    /// Where the content of an entry stands. Addresses count by 0: the memory that processors see, 1: the flash, 2 and 3: the directory. The directory says which, and from 2 on
    /// each entry does.
    pub(super) fn resolve(&self, table: &Table, entry: &Entry, base: u64) -> u64 {
        let mode = if table.mode >= 2 { entry.mode } else { table.mode };
        let address = u64::from(entry.address);
        match mode {
            2 | 3 => table.span.start.saturating_add(address),
            1 if address < PHYSICAL => base.saturating_add(address),
            _ => base.saturating_add(self.offset(address)),
        }
    }

    /// Place in the half of the flash that an address of memory means: its end is at 4 GiB. Some write the place itself.
    fn offset(&self, address: u64) -> u64 {
        let seen = if address >= PHYSICAL { self.size.min(WINDOW) } else { self.size };
        address & seen.saturating_sub(1)
    }

    /// Whether taking this out would leave part of a volume or file behind.
    pub(super) fn cuts(&self, span: Span) -> bool {
        let inside = |place: u64, one: &Span| place > one.start && place < one.end();
        self.whole.iter().any(|one| inside(span.start, one) || inside(span.end(), one))
    }
}

/// The size of the chip: images have something behind it now and then, or lack their end.
fn size(length: u64) -> u64 {
    let above = length.checked_next_power_of_two().unwrap_or(length);
    let below = above / 2;
    if length < above && length.saturating_sub(below) <= 0x1_0000 { below } else { above }
}

/// What must stay in one piece: what it can be told by, and what gives its span.
const WHOLE: [(&[u8], Piece); 2] = [(b"_FVH", volume), (b"LARCHIVE", file)];

type Piece = fn(Bytes<'_>, u64) -> Option<Span>;

/// A UEFI volume, by the place of its magic; little endian: 20 length u64, 28 "_FVH", 30 length of the header u16.
fn volume(bytes: Bytes<'_>, place: u64) -> Option<Span> {
    let start = place.checked_sub(0x28)?;
    let length = bytes.u64(start.saturating_add(0x20), Endian::Little).ok()?;
    let header = bytes.u16(start.saturating_add(0x30), Endian::Little).ok()?;
    let fits = start.checked_add(length)? <= bytes.len() && (0x48..0x400).contains(&header) && length > u64::from(header);
    fits.then_some(Span::new(start, length))
}

/// A file of coreboot, big endian: 0 "LARCHIVE", 8 length u32, 14 offset of the data u32.
fn file(bytes: Bytes<'_>, place: u64) -> Option<Span> {
    let word = |at: u64| bytes.u32(place.saturating_add(at), Endian::Big).map(u64::from).ok();
    let span = Span::new(place, word(8)?.saturating_add(word(0x14)?));
    (span.end() <= bytes.len()).then_some(span)
}
