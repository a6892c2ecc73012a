//! The flash chip of an AMD platform: what its security processor loads from it, by the directories that lead there.

use crate::blob::{Bytes, Span};
use crate::codec::Codec;
use crate::format::header::{Header, Image, over};
use crate::format::{Kind, Magic, Spec};
use crate::limits::Output;
use crate::problem::{Fault, Rejected};

use super::amd_psp_directory::{Entry, Of, Table, checksum};

mod map;
mod names;

use map::{Flash, STRUCTURE};

/// Flash of an AMD platform.
pub(super) static AMD_FLASH: Header = Header { spec: &SPEC, read };

const fn at(offset: u64) -> Magic {
    Magic::start(STRUCTURE).at(offset)
}

static SPEC: Spec = Spec {
    id: "amd-flash",
    name: "AMD flash with security processor",
    kind: Kind::Partition,
    // The places where the processor looks for the structure that everything hangs on: by size of the flash, and in the upper half of
    // 32 MiB.
    magics: &[
        at(0x2_0000),
        at(0xa_0000),
        at(0x12_0000),
        at(0x1a_0000),
        at(0x22_0000),
        at(0x32_0000),
        at(0x3a_0000),
        at(0x42_0000),
        at(0x62_0000),
        at(0x72_0000),
        at(0x7a_0000),
        at(0x82_0000),
        at(0xc2_0000),
        at(0xe2_0000),
        at(0xf2_0000),
        at(0xfa_0000),
        at(0x102_0000),
        at(0x182_0000),
        at(0x1c2_0000),
        at(0x1e2_0000),
        at(0x1f2_0000),
        at(0x1fa_0000),
    ],
    leaf: false,
    references: &["https://github.com/coreboot/coreboot/tree/main/util/amdfwtool", "https://github.com/PSPReverse/PSPTool"],
    limitations: &[
        "only of an image of the whole flash: in part of one, programs are found by themselves",
        "firmware of the oldest chipsets (IMC, GEC, xHCI), which no directory names, is not told apart",
    ],
};

/// More than any compressed boot block comes to.
const MOST_BOOT: u64 = 64 << 20;

fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let flash = Flash::read(bytes, SPEC.magics.iter().map(|magic| magic.offset))?;
    let places = flash.structures.iter().map(|place| Span::new(*place, map::STRUCTURE_LENGTH));
    if places.chain(flash.tables.iter().map(|(table, _)| table.span)).any(|span| flash.cuts(span)) {
        return Err(Rejected("inside of a volume or of a file"));
    }
    let mut image = Image::new(flash.size, 0);
    if flash.more {
        image.problem(Fault::unsupported("more directories, volumes or files than are followed"), 0);
    }
    for place in &flash.structures {
        image.known(Span::new(*place, map::STRUCTURE_LENGTH));
    }
    // What is told apart must not cut a volume or a file in two, nor stand in something that came out already.
    let mut spans: Vec<(Span, String, bool)> = Vec::new();
    for (table, base) in &flash.tables {
        let place = table.span.start;
        let stored = bytes.array::<4>(place.saturating_add(4))?;
        let summed = over(place.saturating_add(8), table.span.end());
        image.sum("a directory", place.saturating_add(4), &stored, checksum, summed);
        let folder = folder(table);
        spans.push((table.span, format!("{folder}/directory"), false));
        if table.of == Of::Directories {
            continue;
        }
        for entry in table.entries.iter().filter(|entry| is_data(entry)) {
            let start = flash.resolve(table, entry, *base);
            let span = Span::new(start, entry.size.into());
            if span.end() <= flash.size && start > 0 && !flash.cuts(span) {
                spans.push((span, format!("{folder}/{}", names::name(entry)), entry.compressed));
            }
        }
    }
    // Of two at one place, the one that the first directory names.
    spans.sort_by_key(|(span, _, _)| span.start);
    let mut end = 0;
    for (span, name, compressed) in spans {
        if span.start < end {
            continue;
        }
        end = span.end();
        if compressed && bytes.has(span.start.saturating_add(0x100), &[0x78]) && !bytes.has(span.start.saturating_add(0x10), b"$PS1") {
            image.undone(name, span, Box::new(unpack));
        } else {
            image.part(name, span);
        }
    }
    Ok(image)
}

/// A boot block behind a header of 256 bytes, as coreboot and AMD's tools compress it.
fn unpack(there: Bytes<'_>, output: &mut Output<'_>) -> Result<(), Fault> {
    Ok(output.push(&Codec::Zlib.block(there.tail(0x100), MOST_BOOT)?)?)
}

/// Whether an entry is more than a number or another directory.
fn is_data(entry: &Entry) -> bool {
    !matches!(entry.size, 0 | u32::MAX) && !matches!(entry.kind, map::FUSES) && !map::LEVELS.contains(&entry.kind)
}

/// Where in the tree the content of a directory stands.
fn folder(table: &Table) -> String {
    let name = match (table.of, table.second) {
        (Of::Directories, _) => "combo",
        (Of::Programs, false) => "psp",
        (Of::Programs, true) => "psp-level-2",
        (Of::Bios, false) => "bios",
        (Of::Bios, true) => "bios-level-2",
    };
    format!("{name}@{:#x}", table.span.start)
}

#[cfg(test)]
mod tests;
