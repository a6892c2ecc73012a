//! What a disc boots from: the images of El Torito, and what stands before the volume.

use std::collections::BTreeSet;

use super::volume::{FIRST, SECTOR, descriptors};
use crate::blob::{Bytes, Endian, Span};
use crate::format::partition::mbr::{self, layout::Layout};
use crate::format::{Attributes, Children};
use crate::limits::Exceeded;
use crate::problem::Fault;

/// More entries than any catalog has.
const MOST: u64 = 256;

/// Hands over the boot images that no file of a folder is. `starts` says where files begin.
///
/// # Errors
/// If a limit is reached.
pub(super) fn unpack(image: Bytes<'_>, starts: &BTreeSet<u64>, children: &mut Children<'_>) -> Result<(), Exceeded> {
    let record = descriptors(image).find(|(kind, at)| *kind == 0 && image.has(at.saturating_add(7), b"EL TORITO SPECIFICATION"));
    let Some(catalog) = record.and_then(|(_, at)| image.u32(at.saturating_add(0x47), Endian::Little).ok()) else { return Ok(()) };
    let at = u64::from(catalog).saturating_mul(SECTOR);
    let catalog = Bytes(image.up_to(at, MOST.saturating_mul(32)));
    let sum = catalog.up_to(0, 32).chunks(2).fold(0_u16, |sum, word| sum.wrapping_add(Bytes(word).u16(0, Endian::Little).unwrap_or(0)));
    if !catalog.has(0, &[1]) || !catalog.has(30, &[0x55, 0xaa]) || sum != 0 {
        children.problem(&Fault::corrupt("the catalog of boot images is broken"), Some(at));
        return Ok(());
    }
    let mut platform = catalog.u8(1).unwrap_or(0);
    let mut told = starts.clone();
    for index in 1..MOST {
        let Ok(entry) = catalog.get(index.saturating_mul(32), 32).map(Bytes) else { break };
        match entry.u8(0) {
            // The entries of another platform follow.
            Ok(0x90 | 0x91) => platform = entry.u8(1).unwrap_or(0),
            // Bootable or not, an image, if it says where.
            Ok(0x88 | 0x00) if !entry.has(8, &[0; 4]) => {
                let span = place(image, entry, starts);
                if span.start < image.len() && told.insert(span.start) {
                    children.span(format!("el-torito/{index}-{}.img", platform_name(platform)), span, Attributes::default())?;
                }
            }
            // What an entry has no room for.
            Ok(0x44) => {}
            _ => break,
        }
    }
    Ok(())
}

/// Where the image of an entry stands: 1 what it emulates u8, 6 sectors of 512 bytes that are loaded u16, 8 first sector of 2048 u32. Of an
/// image that emulates nothing the entry only says how much is loaded at first; it ends where the next file begins, at the latest.
fn place(image: Bytes<'_>, entry: Bytes<'_>, starts: &BTreeSet<u64>) -> Span {
    let start = u64::from(entry.u32(8, Endian::Little).unwrap_or(0)).saturating_mul(SECTOR);
    let next = starts.range(start.saturating_add(1)..).next().copied().unwrap_or(image.len());
    let room = next.saturating_sub(start);
    let length = match entry.u8(1).unwrap_or(0) & 0xf {
        1 => 1200 << 10,
        2 => 1440 << 10,
        3 => 2880 << 10,
        _ => room,
    };
    Span::new(start, length.min(room))
}

fn platform_name(platform: u8) -> String {
    match platform {
        0 => "bios".to_owned(),
        1 => "powerpc".to_owned(),
        2 => "mac".to_owned(),
        0xef => "efi".to_owned(),
        other => format!("{other:#04x}"),
    }
}

/// Hands over the boot programs in the first 32 KiB, which belong to the computer and not to the disc; partition tables are left out.
///
/// # Errors
/// If a limit is reached.
pub(super) fn before_the_volume(image: Bytes<'_>, children: &mut Children<'_>) -> Result<(), Exceeded> {
    let mut layout = Layout::default();
    if image.has(mbr::TABLE.end().saturating_sub(2), &[0x55, 0xaa]) {
        layout.take(mbr::TABLE);
    }
    if image.has(512, b"EFI PART") {
        layout.take(Span::between(512, 34 * 512));
    }
    // The map of Apple's computers, in blocks of 512 or 2048 bytes: its partitions are parts of the disc, and their files are its files.
    for block in [512_u64, 2048].into_iter().filter(|block| image.has(*block, b"PM\0\0")) {
        let entries = image.u32(block.saturating_add(4), Endian::Big).unwrap_or(0).min(64);
        layout.take(Span::new(block, block.saturating_mul(entries.into())));
    }
    layout.take(Span::between(FIRST, image.len()));
    layout.gaps(image, children)
}
