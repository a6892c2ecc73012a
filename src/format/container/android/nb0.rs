//! NB0: the partitions of Android telephones that Foxconn and others built for Nokia, Acer, Sharp and ViewSonic.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec, part_text};
use crate::problem::Rejected;

static SPEC: Spec = Spec {
    id: "android-nb0",
    name: "Android firmware (NB0)",
    kind: Kind::Container,
    // The upper bytes of the number of files, and the place of the first one.
    magics: &[Magic::start(&[0, 0, 0, 0, 0, 0, 0]).at(1)],
    leaf: false,
    references: &["https://github.com/yohanes/Acer-BeTouch-E130-RUT/blob/master/nb0.h"],
    limitations: &["only where it is a whole file, for want of a magic"],
};

/// Firmware.
pub(in crate::format) static NB0: Header = Header { spec: &SPEC, read };

/// Bytes of an entry, and of the number before all of them.
const ENTRY: u64 = 64;
const COUNT: u64 = 4;

/// The number of files, then entries of 64 bytes, then the files, one after the other; all numbers little endian:
///
/// ```text
///  0 place, from the end of the entries on   4 size   8 unknown   c unknown   10 name[48]
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let word = |at| bytes.u32(at, Endian::Little).map(u64::from);
    let count = word(0)?;
    if !(2..=255).contains(&count) {
        return Err(Rejected("number of files"));
    }
    let header = count.saturating_mul(ENTRY).saturating_add(COUNT);
    let mut parts = Vec::new();
    let mut end = 0;
    for entry in (0..count).map(|index| index.saturating_mul(ENTRY).saturating_add(COUNT)) {
        let field = Bytes(bytes.get(entry.saturating_add(16), 48)?);
        let name = field.text(0, 48)?;
        let letters = name.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b' ' | b'(' | b')'));
        let rest = field.tail(crate::format::length_of(name)).iter().all(|byte| *byte == 0);
        let file = Span::new(word(entry)?, word(entry.saturating_add(4))?);
        // Each begins where the one before it ends, or at the next boundary.
        if !letters || !rest || !name.contains(&b'.') || file.start < end || file.start.saturating_sub(end) > 1 << 20 {
            return Err(Rejected("a file"));
        }
        end = file.end();
        parts.push((part_text(name), Span::new(header.saturating_add(file.start), file.length)));
    }
    let mut image = Image::new(header.saturating_add(end), header);
    for (name, part) in parts {
        image.part(name, part);
    }
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, holds, unpack};

    #[test]
    fn files_come_out() {
        let image = include_bytes!("../../../../fixtures/android-nb0/firmware.nb0");
        let unpacked = unpack(&NB0, image);
        assert_eq!(unpacked.names(), ["boot.img", "tool.mbn", "version.txt"]);
        let parts: Vec<(&str, &[u8])> = unpacked.files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
        holds(&NB0, image, &parts);
        let mut broken = image.to_vec();
        broken[20] = b'/';
        assert_eq!(carve(&NB0, &broken, 0), None);
    }
}
