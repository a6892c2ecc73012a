//! Silicon Labs: what the Gecko boot loader installs.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image, over, sums};
use crate::format::{Kind, Magic, Spec};
use crate::problem::{Fault, Rejected};

static SPEC: Spec = Spec {
    id: "silabs-gbl",
    name: "Silicon Labs upgrade image (GBL)",
    kind: Kind::Container,
    // GBL_TAG_ID_HEADER_V3, and the length of it.
    magics: &[Magic::anywhere(&[0xeb, 0x17, 0xa6, 0x03, 8, 0, 0, 0])],
    leaf: false,
    references: &["https://docs.silabs.com/mcu-bootloader/latest/bootloader-user-guide-gsdk-4/02-gecko-bootloader-file-format"],
    limitations: &["signatures are handed over, not verified", "differences to an earlier program are handed over, not applied"],
};

/// Upgrade image.
pub(in crate::format) static GBL: Header = Header { spec: &SPEC, read };

/// Tags of one image: some have one for each page of flash.
const MOST_TAGS: usize = 16_384;

/// Bytes of the largest tag.
const LARGEST: u64 = 64 << 20;

const END: u32 = 0xfc04_04fc;
const ENCRYPTED: u32 = 0xf907_07f9;

/// Tags: identifier, name of what they hold, bytes that stand before it, and whether the last four of those are an address in flash.
const TAGS: [(u32, &str, u64, bool); 14] = [
    (0xf40a_0af4, "application-info", 0, false),
    (0xf509_09f5, "bootloader", 8, true),
    (0xfe01_01fe, "program", 4, true),
    (0xfd03_03fd, "program", 4, true),
    (0xfd05_05fd, "program.lz4", 0, false),
    (0xfd07_07fd, "program.lzma", 0, false),
    (0xf80a_0af8, "delta", 0, false),
    (0xf80b_0bf8, "delta.lz4", 0, false),
    (0xf80c_0cf8, "delta.lzma", 0, false),
    (0xf608_08f6, "metadata", 0, false),
    (0xf30b_0bf3, "certificate", 0, false),
    (0xf70a_0af7, "signature", 0, false),
    (0xfa06_06fa, "encryption", 0, false),
    (0x76a6_17eb, "version-dependency", 0, false),
];

/// An update for the secure element, which only that can decrypt.
const SECURE_ELEMENT: u32 = 0x5ea6_17eb;

/// Tags, one after the other; all numbers little endian: identifier, length, content. The first one is the header: version 3.0.0.0, then
/// 1 if it is encrypted and 0x100 if it is signed. The last one holds a CRC of all before it.
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let word = |at| bytes.u32(at, Endian::Little);
    if word(8)? != 0x0300_0000 || word(12)? & !0x101 != 0 {
        return Err(Rejected("version or flags"));
    }
    let mut parts = Vec::new();
    let mut at = 16_u64;
    for _ in 0..MOST_TAGS {
        // Where an image is cut off, what is whole before that comes out.
        let (Ok(id), Ok(length)) = (word(at), word(at.saturating_add(4))) else { break };
        let data = Span::new(at.saturating_add(8), length.into());
        if data.length > LARGEST {
            return Err(Rejected("length of a tag"));
        }
        if id == END {
            if data.length != 4 {
                return Err(Rejected("the last tag"));
            }
            let stored = word(data.start).unwrap_or(0).to_be_bytes();
            let mut image = assembled(bytes, data.end(), parts);
            image.known(Span::between(at, data.end())).sum("the image", data.start, &stored, sums::crc32, over(0, data.start));
            return Ok(image);
        }
        if id != ENCRYPTED && id != SECURE_ELEMENT && !TAGS.iter().any(|(known, ..)| *known == id) {
            return Err(Rejected("a tag"));
        }
        parts.push((id, data));
        at = data.end();
    }
    if parts.is_empty() || at < bytes.len() {
        return Err(Rejected("no end"));
    }
    Ok(assembled(bytes, at.saturating_add(12), parts))
}

fn assembled(bytes: Bytes<'_>, length: u64, parts: Vec<(u32, Span)>) -> Image {
    let mut image = Image::new(length, 16);
    for (id, data) in parts {
        let content = match TAGS.iter().find(|(known, ..)| *known == id) {
            Some((_, name, before, addressed)) => {
                let content = Span::between(data.start.saturating_add(*before), data.end());
                let address = bytes.u32(content.start.saturating_sub(4), Endian::Little).ok().filter(|_| *addressed);
                image.part(address.map_or_else(|| (*name).to_owned(), |address| format!("{name}-{address:#x}")), content);
                content
            }
            None => {
                let name = if id == ENCRYPTED { "encrypted" } else { "secure-element" };
                image.faulty(name, data, Fault::Encrypted("encrypted with a key in the chip".to_owned()));
                data
            }
        };
        image.known(Span::between(data.start.saturating_sub(8), content.start));
    }
    image
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, holds, unpack, verifies};
    use crate::problem::Code;

    const IMAGE: &[u8] = include_bytes!("../../../../fixtures/silabs-gbl/application.gbl");

    #[test]
    fn programs_come_out() {
        let unpacked = unpack(&GBL, IMAGE);
        assert_eq!(unpacked.names(), ["application-info", "bootloader-0x0", "program-0x4000", "program.lzma", "metadata"]);
        assert!(unpacked.file("program-0x4000").starts_with(b"\x7fELF"));
        let parts: Vec<(&str, &[u8])> = unpacked.files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
        holds(&GBL, IMAGE, &parts);
        verifies(&GBL, IMAGE, &[100, IMAGE.len() - 1]);
    }

    #[test]
    fn what_is_encrypted_is_opaque_and_an_unknown_tag_is_none() {
        let mut image = IMAGE.to_vec();
        image[16..20].copy_from_slice(&ENCRYPTED.to_le_bytes());
        let unpacked = unpack(&GBL, &image);
        assert_eq!(unpacked.names()[0], "encrypted");
        assert!(unpacked.problems.iter().any(|(code, _)| *code == Code::Encrypted));
        image[16] = 1;
        assert_eq!(carve(&GBL, &image, 0), None);
    }
}
