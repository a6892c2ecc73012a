//! Zigbee's over-the-air upgrade files.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec};
use crate::problem::{Fault, Rejected};

/// An upgrade of a Zigbee device.
pub(super) static ZIGBEE_OTA: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "zigbee-ota",
    name: "Zigbee OTA upgrade",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"\x1e\xf1\xee\x0b\x00\x01")],
    leaf: false,
    references: &["https://csa-iot.org/wp-content/uploads/2023/04/05-3474-23-csg-zigbee-specification-compressed.pdf"],
    limitations: &["signatures and hashes are handed over, not verified", "content that the maker encrypts is handed over as it stands"],
};

/// What stands in a file, by its tag.
const TAGS: &[(u16, &str)] = &[
    (0, "image"),
    (1, "ecdsa-signature"),
    (2, "ecdsa-certificate"),
    (3, "image-hash"),
    (4, "picture"),
    (5, "ecdsa-signature-2"),
    (6, "ecdsa-certificate-2"),
];

/// All numbers little endian; behind the header stand elements: tag u16, size u32, data:
///
/// ```text
///  0 magic 0beef11e   4 version 0100   6 size of the header u16   8 which fields follow u16   a manufacturer u16   c kind of image u16
///  e version of the file   12 version of the stack u16   14 text[32]   34 size of all
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let (header, fields) = (bytes.u16(6, Endian::Little)?, bytes.u16(8, Endian::Little)?);
    let length = u64::from(bytes.u32(0x34, Endian::Little)?);
    if !(56..=69).contains(&header) || fields > 7 || length <= header.into() {
        return Err(Rejected("sizes"));
    }
    let mut found = Image::of(length);
    found.fact("header.name", 0x14, 32);
    let (mut at, mut count) = (u64::from(header), 0_u32);
    while at < length {
        let (Ok(tag), Ok(size)) = (bytes.u16(at, Endian::Little), bytes.u32(at.saturating_add(2), Endian::Little)) else { break };
        let data = Span::new(at.saturating_add(6), size.into());
        if data.end() > length || count > 64 {
            found.problem(Fault::corrupt("an element reaches past the end of the file"), at);
            break;
        }
        let known = TAGS.iter().find(|(known, _)| *known == tag).map(|(_, name)| (*name).to_owned());
        found.part(known.unwrap_or_else(|| format!("element-{tag:04x}")), data);
        at = data.end();
        count = count.saturating_add(1);
    }
    if count == 0 {
        return Err(Rejected("no element"));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{parted, unpack};

    const IMAGE: &[u8] = include_bytes!("../../../fixtures/zigbee-ota/lamp.ota");

    #[test]
    fn elements_come_out() {
        parted(&ZIGBEE_OTA, IMAGE, &["image", "element-f001"]);
        assert_eq!(unpack(&ZIGBEE_OTA, IMAGE).fact("header.name").unwrap(), "example lamp");
    }
}
