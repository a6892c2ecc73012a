//! Fields of PE and TE headers.

use super::image::Image;
use super::names;
use crate::blob::{Bytes, Endian, Span};
use crate::fact::ordered::Ordered;

/// IMAGE_FILE_DLL of the characteristics.
const LIBRARY: u16 = 0x2000;

pub(super) fn read<'a>(image: &Image<'a>, found: &mut Ordered<'a>) {
    let field = |at: u64, length: u64| Span::new(image.header.saturating_add(at), length);
    if let Some(machine) = image.half(4) {
        found.text("pe.machine", names::machine(machine), field(4, 2));
    }
    if let Some(time) = image.word(8) {
        found.text("pe.timestamp", time.to_string(), field(8, 4));
    }
    if let Some(characteristics) = image.half(22) {
        found.text("pe.type", if characteristics & LIBRARY == 0 { "program" } else { "library" }, field(22, 2));
    }
    found.text("pe.class", if image.wide { "64" } else { "32" }, field(24, 2));
    if let Some([major, minor]) = image.half(26).map(u16::to_le_bytes) {
        found.text("pe.linker", format!("{major}.{minor}"), field(26, 2));
    }
    if let Some(subsystem) = image.half(92) {
        found.text("pe.subsystem", names::subsystem(subsystem), field(92, 2));
    }
    for section in image.sections.iter().filter(|section| !section.name.is_empty()) {
        found.verbatim("pe.section", section.name, section.entry);
    }
}

/// The Terse Executable header (PI 1.8 volume 1, section 15):
///
/// ```text
/// 0 "VZ"   2 u16 Machine   4 u8 NumberOfSections   5 u8 Subsystem   6 u16 StrippedSize
/// ```
///
/// whose section table follows the 40 bytes of the header.
pub(super) fn of_te(bytes: Bytes<'_>, found: &mut Ordered<'_>) {
    let (Ok(machine), Ok(sections), Ok(subsystem)) = (bytes.u16(2, Endian::Little), bytes.u8(4), bytes.u8(5)) else { return };
    found.text("pe.machine", names::machine(machine), Span::new(2, 2));
    found.text("pe.subsystem", names::subsystem(subsystem.into()), Span::new(5, 1));
    for index in 0..u64::from(sections) {
        let at = index.saturating_mul(40).saturating_add(40);
        let Ok(name) = bytes.text(at, 8) else { break };
        if !name.is_empty() && name.iter().all(u8::is_ascii_graphic) {
            found.say("pe.section", name.to_vec(), Span::new(at, crate::blob::to_u64(name.len())));
        }
    }
}
