//! Hardening of a PE file.

use crate::blob::{Bytes, Span};
use crate::fact::ordered::Ordered;
use crate::fact::pe::image::Image;

/// Bits of DllCharacteristics.
const HIGH_ENTROPY: u16 = 0x20;
const DYNAMIC_BASE: u16 = 0x40;
const FORCE_INTEGRITY: u16 = 0x80;
const NX_COMPATIBLE: u16 = 0x100;
const NO_SEH: u16 = 0x400;
const GUARD_CF: u16 = 0x4000;
/// IMAGE_FILE_RELOCS_STRIPPED of the characteristics.
const FIXED: u16 = 1;
/// IMAGE_FILE_MACHINE_I386
const X86: u16 = 0x14c;
/// IMAGE_DIRECTORY_ENTRY_SECURITY and IMAGE_DIRECTORY_ENTRY_LOAD_CONFIG
const SECURITY: u64 = 4;
const LOAD_CONFIGURATION: u64 = 10;

pub(super) fn read(bytes: Bytes<'_>, found: &mut Ordered<'_>) {
    let Some(image) = Image::read(bytes) else { return };
    let (Some(machine), Some(characteristics), Some(options)) = (image.half(4), image.half(22), image.half(94)) else { return };
    let place = Span::new(image.header.saturating_add(94), 2);
    let mut say = |key, holds: bool, span| found.text(key, if holds { "yes" } else { "no" }, span);
    let movable = options & DYNAMIC_BASE != 0 && characteristics & FIXED == 0;
    say("hardening.aslr", movable, place);
    say("hardening.high-entropy", options & HIGH_ENTROPY != 0, place);
    say("hardening.nx", options & NX_COMPATIBLE != 0, place);
    say("hardening.cfg", movable && options & GUARD_CF != 0, place);
    say("hardening.force-integrity", options & FORCE_INTEGRITY != 0, place);
    let directories = image.header.saturating_add(if image.wide { 136 } else { 120 });
    let entry = |index: u64| Span::new(directories.saturating_add(index.saturating_mul(8)), 8);
    let there = |index: u64| image.bytes.get(entry(index).start, 8).is_ok();
    let signed = image.directory(SECURITY).is_some_and(|(_, size)| size != 0);
    say("hardening.signed", signed, if there(SECURITY) { entry(SECURITY) } else { place });
    // The configuration for the loader has the address of the canary, and for x86 a table of handlers and how many there are.
    let configuration = image.directory(LOAD_CONFIGURATION).and_then(|(address, _)| image.offset(address));
    let words = |at: u64, wide: bool| {
        let start = configuration?;
        let within = image.u32(start).is_some_and(|size| u64::from(size) > at);
        let span = Span::new(start.saturating_add(at), if wide { 8 } else { 4 });
        let is_set = image.bytes.get(span.start, span.length).ok()?.iter().any(|byte| *byte != 0);
        within.then_some((is_set, span))
    };
    let canary = if image.wide { words(88, true) } else { words(60, false) };
    say("hardening.canary", canary.is_some_and(|(set, _)| set), canary.map_or(place, |(_, span)| span));
    if machine == X86 {
        let (table, count) = (words(64, false), words(68, false));
        let listed = options & NO_SEH == 0 && table.is_some_and(|(set, _)| set) && count.is_some_and(|(set, _)| set);
        say("hardening.safe-seh", listed, table.map_or(place, |(_, span)| span));
    }
}
