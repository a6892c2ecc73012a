//! FBPK: how Google's phones get their boot loaders.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image, is_name};
use crate::format::{Kind, Magic, Spec, part_text};
use crate::problem::Rejected;

static SPEC: Spec = Spec {
    id: "fbpk",
    name: "Google boot loader package (FBPK)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"FBPK\x01\0\0\0")],
    leaf: false,
    references: &["https://github.com/anestisb/qc_image_unpacker/blob/master/src/packed_image.h"],
    limitations: &["version 2 is not recognized", "the checksums of the parts are not verified: how they are made is not published"],
};

/// FBPK.
pub(in crate::format) static FBPK: Header = Header { spec: &SPEC, read };

/// More parts than any package has.
const MOST_PARTS: u32 = 1024;

/// The header; all numbers little endian:
///
/// ```text
///  0 magic "FBPK"   4 version 1   8 version of the image[68]   4c parts   50 size of all
/// 54 parts, each with its bytes: type, name[32], 0, size, 0, offset of the next, checksum
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let (count, total) = (bytes.u32(0x4c, Endian::Little)?, u64::from(bytes.u32(0x50, Endian::Little)?));
    if count == 0 || count > MOST_PARTS || !is_name(bytes, 8, 68) {
        return Err(Rejected("version of the image or number of parts"));
    }
    let mut image = Image::of(total);
    image.fact("header.version", 8, 68);
    let mut at = 0x54_u64;
    for index in 0..count {
        let field = |offset: u64| bytes.u32(at.saturating_add(offset), Endian::Little).map(u64::from);
        // A package that is cut off ends the list, but not before there was a part.
        let (Ok(kind), Ok(size), Ok(next)) = (field(0), field(0x28), field(0x30)) else { break };
        let data = Span::new(at.saturating_add(0x38), size);
        if kind > 0xff || data.end() > next || next > total || !is_name(bytes, at.saturating_add(4), 32) {
            return Err(Rejected("a part"));
        }
        match bytes.text(at.saturating_add(4), 32)? {
            b"" => image.part(index.to_string(), data),
            name => image.part(part_text(name), data),
        };
        at = next;
    }
    if at == 0x54 { Err(Rejected("no parts")) } else { Ok(image) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::header::testing::opens;

    #[test]
    fn parts_have_names() {
        let unpacked = opens(&FBPK, include_bytes!("../../../../fixtures/fbpk/bootloader.img"), &["abl", "tz"]);
        assert_eq!(unpacked.fact("header.version").unwrap(), "example-1.0-1234567");
        assert!(unpacked.file("tz").starts_with(b"\x7fELF"));
    }
}
