//! FRM: Moxa's firmware of serial device servers and gateways: the program, and the files of its web pages.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec, path_text};
use crate::problem::Rejected;

/// Moxa FRM.
pub(super) static MOXA_FRM: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "moxa-frm",
    name: "Moxa firmware (FRM)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"*FRM\0\0\0\x01")],
    leaf: false,
    references: &["https://github.com/onekey-sec/unblob/blob/main/python/unblob/handlers/archive/moxa/frm.py"],
    limitations: &["checksums, of which nothing is published, are not verified"],
};

/// The header, and that of the web pages; all numbers but the 1 are little endian:
///
/// ```text
///  0 magic "*FRM"   4 1, big endian   8 size   c size of this header, 60   e number of sections, u16
/// 40 sections: type 1 program, 2 web pages; offset; size; unknown
///
///  0 device, 32 bytes   24 date   30 where the table is   34 its size   38 size of an entry, u16   3a number of them, u16
/// 42 number of them in other devices   entries: 0 name, 48 bytes   38 size   3c offset from the header of the web pages
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let word = |at: u64| bytes.u32(at, Endian::Little).map(u64::from);
    let (size, count) = (word(8)?, bytes.u16(14, Endian::Little)?);
    if bytes.u16(12, Endian::Little)? != 0x60 || count != 2 {
        return Err(Rejected("the sections"));
    }
    let mut image = Image::new(size, 0x60);
    for entry in [0x40_u64, 0x50] {
        let section = Span::new(word(entry.saturating_add(4))?, word(entry.saturating_add(8))?);
        match word(entry)? {
            1 => _ = image.part("firmware", section),
            2 => web_pages(bytes, section, &mut image),
            other => _ = image.part(format!("section-{other}"), section),
        }
    }
    Ok(image)
}

/// More files than any web interface has.
const MOST: u64 = 2048;

fn web_pages(bytes: Bytes<'_>, section: Span, image: &mut Image) {
    let at = |offset: u64| section.start.saturating_add(offset);
    let word = |at: u64| bytes.u32(at, Endian::Little).map_or(0, u64::from);
    let half = |at: u64| bytes.u16(at, Endian::Little).map_or(0, u64::from);
    image.fact("header.product", section.start, 32);
    let count = if half(at(0x3a)) == 0 { half(at(0x42)) } else { half(at(0x3a)) }.min(MOST);
    let (table, step) = (at(word(at(0x30))), half(at(0x38)).max(0x40));
    let table_end = table.saturating_add(step.saturating_mul(count));
    image.known(Span::between(section.start, table_end));
    for index in 0..count {
        let entry = table.saturating_add(index.saturating_mul(step));
        let name = bytes.text(entry, 48).unwrap_or_default();
        let data = Span::new(at(word(entry.saturating_add(0x3c))), word(entry.saturating_add(0x38)));
        if !name.is_empty() && data.start < section.end() {
            image.part(format!("www/{}", path_text(name)), Span::between(data.start, data.end().min(section.end())));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{KERNEL, holds, unpack};

    #[test]
    fn program_and_web_pages_come_out() {
        let image = include_bytes!("../../../fixtures/moxa-frm/server.rom");
        let story = include_bytes!("../../../fixtures/gzip/story.gz");
        holds(&MOXA_FRM, image, &[("firmware", KERNEL), ("www/index.htm", b"<html>example</html>\n"), ("www/story.htm", story)]);
        assert_eq!(unpack(&MOXA_FRM, image).fact("header.product").unwrap(), "EXPort 5110");
    }
}
