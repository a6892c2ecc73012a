//! Matter's over-the-air software images.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// An upgrade of a Matter device.
pub(super) static MATTER_OTA: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "matter-ota",
    name: "Matter OTA software image",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"\x1e\xf1\xee\x1b")],
    leaf: false,
    references: &["https://github.com/project-chip/connectedhomeip/blob/master/src/app/ota_image_tool.py"],
    limitations: &["digests other than SHA-256 are not verified"],
};

/// Tags of the header's elements.
const SOFTWARE_VERSION: u8 = 3;
const DIGEST_KIND: u8 = 8;
const DIGEST: u8 = 9;

const SHA_256: u64 = 1;

/// All numbers little endian: `0 magic 1beef11e   4 size of all u64   c size of the header u32   10 header: one structure of TLV`.
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let (length, header) = (bytes.u64(4, Endian::Little)?, u64::from(bytes.u32(12, Endian::Little)?));
    let content = header.saturating_add(16);
    if length <= content || header > 4096 || length > 1 << 40 || !bytes.has(16, &[0x15]) {
        return Err(Rejected("sizes"));
    }
    let elements = elements(bytes.part(Span::new(16, header))?).ok_or(Rejected("the header's elements"))?;
    let mut found = Image::of(length);
    let part = Span::between(content, length);
    found.part("content", part);
    let find = |tag| elements.iter().find(|element| element.tag == tag);
    if let Some(version) = find(SOFTWARE_VERSION) {
        found.fact("header.version", version.text.start.saturating_add(16), version.text.length);
    }
    let sha256 = find(DIGEST_KIND).is_some_and(|kind| kind.number == SHA_256);
    if let Some(digest) = find(DIGEST).filter(|_| sha256) {
        found.sha256("the SHA-256 of the content", digest.text.start.saturating_add(16), part);
    }
    Ok(found)
}

/// An element of the header with a tag: a number, or the place of text or bytes.
struct Element {
    tag: u8,
    number: u64,
    text: Span,
}

/// The elements of the structure that `header` is: a control byte each, whose low five bits are the kind of value and whose high three say
/// that a tag of one byte follows.
fn elements(header: Bytes<'_>) -> Option<Vec<Element>> {
    let (mut elements, mut at) = (Vec::new(), 1_u64);
    loop {
        let control = header.u8(at).ok()?;
        if control == 0x18 {
            return Some(elements);
        }
        let tag = header.u8(at.checked_add(1)?).ok()?;
        let value = at.checked_add(2)?;
        let width = 1_u64.checked_shl(u32::from(control) & 3)?;
        let number = match width {
            1 => header.u8(value).ok()?.into(),
            2 => header.u16(value, Endian::Little).ok()?.into(),
            4 => header.u32(value, Endian::Little).ok()?.into(),
            _ => header.u64(value, Endian::Little).ok()?,
        };
        let behind = value.checked_add(width)?;
        let text = match control {
            0x20..=0x27 => Span::new(behind, 0),
            0x2c..=0x33 => Span::new(behind, number),
            _ => return None,
        };
        if text.end() > header.len() {
            return None;
        }
        elements.push(Element { tag, number, text });
        at = text.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{parted, unpack};
    use crate::problem::Code;

    const IMAGE: &[u8] = include_bytes!("../../../fixtures/matter-ota/lamp.ota");

    #[test]
    fn content_comes_out() {
        parted(&MATTER_OTA, IMAGE, &["content"]);
        assert_eq!(unpack(&MATTER_OTA, IMAGE).fact("header.version").unwrap(), "1.2.3-example");
    }

    #[test]
    fn the_digest_is_verified() {
        let mut image = IMAGE.to_vec();
        let end = image.len() - 1;
        image[end] ^= 1;
        assert_eq!(unpack(&MATTER_OTA, &image).problems[0].0, Code::Checksum);
    }
}
