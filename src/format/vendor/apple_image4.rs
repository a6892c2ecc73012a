//! Image4: how Apple ships what its machines boot, from telephones to Macs with a T2 or chips of their own.

use crate::blob::{Bytes, Endian, Span};
use crate::codec::Lzss;
use crate::codec::der::{OCTET_STRING, SEQUENCE};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec, part_text};
use crate::limits::Output;
use crate::problem::{Fault, Rejected};

/// One payload.
pub(super) static PAYLOAD: Header = Header {
    spec: &Spec {
        id: "apple-im4p",
        name: "Apple Image4 payload (IM4P)",
        kind: Kind::Container,
        magics: &[at(b"\x16\x04IM4P", 2), at(b"\x16\x04IM4P", 3), at(b"\x16\x04IM4P", 4), at(b"\x16\x04IM4P", 5), at(b"\x16\x04IM4P", 6)],
        leaf: false,
        references: REFERENCES,
        limitations: &[],
    },
    read: payload,
};

/// A payload with what signs it.
pub(super) static IMAGE: Header = Header {
    spec: &Spec {
        id: "apple-img4",
        name: "Apple Image4",
        kind: Kind::Container,
        magics: &[at(b"\x16\x04IMG4", 4), at(b"\x16\x04IMG4", 5), at(b"\x16\x04IMG4", 6)],
        leaf: false,
        references: REFERENCES,
        limitations: &["signatures are handed over, not verified"],
    },
    read: image,
};

const REFERENCES: &[&str] =
    &["https://github.com/m1stadev/PyIMG4", "https://github.com/tihmstar/img4tool", "https://www.theiphonewiki.com/wiki/IMG4_File_Format"];

/// Tag of an IA5String.
const TEXT: u8 = 0x16;
/// Tags of what stands behind a payload: its manifest, and what restores it.
const MANIFEST: u8 = 0xa0;
const RESTORE: u8 = 0xa1;
/// More than any payload has.
const MOST: u64 = 1 << 31;

/// What a sequence begins with whose tag and length take `offset` bytes.
const fn at(bytes: &'static [u8], offset: u64) -> Magic {
    Magic::anywhere(bytes).at(offset)
}

/// The content of the DER element with this tag at `at`.
fn element(bytes: Bytes<'_>, at: u64, tag: u8) -> Result<Span, Rejected> {
    if bytes.u8(at)? != tag {
        return Err(Rejected("tag"));
    }
    let first = bytes.u8(at.saturating_add(1))?;
    let start = at.saturating_add(2);
    if first < 0x80 {
        return Ok(Span::new(start, first.into()));
    }
    let width = u64::from(first & 0x7f);
    let digits = bytes.get(start, width)?;
    let length = digits.iter().fold(0_u64, |all, digit| all << 8 | u64::from(*digit));
    if !(1..=4).contains(&width) || length > MOST {
        return Err(Rejected("length"));
    }
    Ok(Span::new(start.saturating_add(width), length))
}

/// SEQUENCE: "IM4P", type as four letters, description, OCTET STRING with the data, and where it is encrypted, OCTET STRING with keys that
/// another key encrypts; otherwise SEQUENCE with how it is compressed, and properties.
fn payload(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let whole = element(bytes, 0, SEQUENCE)?;
    let magic = element(bytes, whole.start, TEXT)?;
    let kind = element(bytes, magic.end(), TEXT)?;
    let about = element(bytes, kind.end(), TEXT)?;
    let data = element(bytes, about.end(), OCTET_STRING)?;
    let name = bytes.get(kind.start, kind.length)?;
    if kind.length != 4 || !name.iter().all(u8::is_ascii_graphic) || about.length > 256 || data.end() > whole.end() {
        return Err(Rejected("type, description or length of the data"));
    }
    let name = part_text(name);
    let mut image = Image::new(whole.end(), data.start);
    image.fact("header.name", kind.start, kind.length).fact("header.version", about.start, about.length);
    image.known(Span::between(data.end(), whole.end()));
    if element(bytes, data.end(), OCTET_STRING).is_ok() && data.end() < whole.end() {
        image.faulty(name, data, Fault::Encrypted("encrypted with a key that only the device has".to_owned()));
    } else if bytes.has(data.start, b"complzss") {
        image.undone(name, data, Box::new(unpack));
    } else {
        image.part(name, data);
    }
    Ok(image)
}

/// 0 "complzss"   8 Adler-32 u32   c size of what comes out u32   10 size of the compressed data u32   180 data; big endian.
fn unpack(there: Bytes<'_>, output: &mut Output<'_>) -> Result<(), Fault> {
    let (size, packed) = (there.u32(12, Endian::Big)?, there.u32(16, Endian::Big)?);
    let data = Lzss::OKUMURA.block(there.up_to(0x180, packed.into()), size.into())?;
    let short = u64::from(size).saturating_sub(crate::blob::to_u64(data.len()));
    output.push(&data)?;
    if short > 0 { Err(Fault::Truncated(format!("{short} bytes are missing at the end"))) } else { Ok(()) }
}

/// SEQUENCE: "IMG4", the payload, and in `[0]` and `[1]` the manifest and what restores it.
fn image(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let whole = element(bytes, 0, SEQUENCE)?;
    let magic = element(bytes, whole.start, TEXT)?;
    let mut image = Image::new(whole.end(), magic.end());
    let mut at = magic.end();
    for (name, tag) in [("payload.im4p", SEQUENCE), ("manifest.im4m", MANIFEST), ("restore.im4r", RESTORE)] {
        if let Ok(part) = element(bytes, at, tag) {
            // The payload is one with its header, the others are inside of their tags.
            let start = if tag == SEQUENCE { at } else { part.start };
            image.known(Span::between(at, part.end())).part(name, Span::between(start, part.end()));
            at = part.end();
        }
    }
    if at == magic.end() {
        return Err(Rejected("nothing in it"));
    }
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, holds, survives_damage, unpack};
    use crate::problem::Code;

    const PLAIN: &[u8] = include_bytes!("../../../fixtures/apple-im4p/plain.im4p");
    const PACKED: &[u8] = include_bytes!("../../../fixtures/apple-im4p/lzss.im4p");
    const SIGNED: &[u8] = include_bytes!("../../../fixtures/apple-img4/signed.img4");
    const STORY: &[u8] = include_bytes!("../../../fixtures/content/tree/story.txt");

    #[test]
    fn payloads_come_out() {
        holds(&PAYLOAD, PLAIN, &[("text", STORY)]);
        let unpacked = unpack(&PAYLOAD, PACKED);
        assert!(unpacked.file("krnl") == STORY);
        assert_eq!((unpacked.fact("header.version").as_deref(), unpacked.problems.len()), (Some("Story-1.2.3"), 0));
        survives_damage(&PAYLOAD, PACKED);
    }

    #[test]
    fn encrypted_ones_are_said_to_be() {
        // One OCTET STRING more, and the length of all counts it.
        let mut image = [PLAIN, &[4, 2, 0x30, 0]].concat();
        image[3] += 4;
        assert_eq!(unpack(&PAYLOAD, &image).problems[0].0, Code::Encrypted);
    }

    #[test]
    fn a_signed_image_is_two_parts() {
        let unpacked = unpack(&IMAGE, SIGNED);
        assert_eq!(unpacked.names(), ["payload.im4p", "manifest.im4m"]);
        assert_eq!(unpacked.file("payload.im4p"), PLAIN);
        assert_eq!(carve(&IMAGE, SIGNED, 0), Some(SIGNED.len() as u64));
        survives_damage(&IMAGE, SIGNED);
    }
}
