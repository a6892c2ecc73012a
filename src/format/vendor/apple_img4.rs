//! Apple's signed images: IMG4 with a payload (IM4P) and a manifest, in DER; IMG3, which came before; and the compressed kernel within.

use crate::blob::{Bytes, Endian, Span};
use crate::codec::Lzss;
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec, part_text};
use crate::limits::Output;
use crate::problem::{Fault, Rejected};

/// A payload.
pub(super) static APPLE_IM4P: Header = Header { spec: &IM4P, read: payload };
/// A payload with its manifest.
pub(super) static APPLE_IMG4: Header = Header { spec: &IMG4, read: signed };
/// The older image.
pub(super) static APPLE_IMG3: Header = Header { spec: &IMG3, read: older };
/// A kernel, compressed.
pub(super) static APPLE_LZSS: Header = Header { spec: &LZSS, read: kernel };

static IM4P: Spec = Spec {
    id: "apple-im4p",
    name: "Apple image payload (IM4P)",
    kind: Kind::Container,
    magics: &[
        Magic::anywhere(b"\x16\x04IM4P").at(2),
        Magic::anywhere(b"\x16\x04IM4P").at(3),
        Magic::anywhere(b"\x16\x04IM4P").at(4),
        Magic::anywhere(b"\x16\x04IM4P").at(5),
        Magic::anywhere(b"\x16\x04IM4P").at(6),
    ],
    leaf: false,
    references: &["https://theapplewiki.com/wiki/IMG4_File_Format"],
    limitations: &["payloads with a keybag are encrypted with keys that only the device has"],
};

static IMG4: Spec = Spec {
    id: "apple-img4",
    name: "Apple signed image (IMG4)",
    kind: Kind::Container,
    magics: &[
        Magic::anywhere(b"\x16\x04IMG4").at(3),
        Magic::anywhere(b"\x16\x04IMG4").at(4),
        Magic::anywhere(b"\x16\x04IMG4").at(5),
        Magic::anywhere(b"\x16\x04IMG4").at(6),
    ],
    leaf: false,
    references: &["https://theapplewiki.com/wiki/IMG4_File_Format"],
    limitations: &["the manifest is handed over, its signature not verified"],
};

static IMG3: Spec = Spec {
    id: "apple-img3",
    name: "Apple signed image (IMG3)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"3gmI")],
    leaf: false,
    references: &["https://theapplewiki.com/wiki/IMG3_File_Format"],
    limitations: &["the signature is handed over, not verified", "images with a KBAG tag are encrypted with keys that only the device has"],
};

static LZSS: Spec = Spec {
    id: "apple-lzss",
    name: "Apple compressed kernel (complzss)",
    kind: Kind::Compression,
    magics: &[Magic::anywhere(b"complzss")],
    leaf: false,
    references: &["https://github.com/apple-oss-distributions/xnu/blob/main/libkern/mkext.c"],
    limitations: &[],
};

/// A value of DER: its tag, and where its content stands.
fn tlv(bytes: Bytes<'_>, at: u64) -> Result<(u8, Span), Rejected> {
    let first = bytes.u8(at.saturating_add(1))?;
    let (size, start) = (u64::from(first & 0x7f), at.saturating_add(2));
    if first < 0x80 {
        return Ok((bytes.u8(at)?, Span::new(start, first.into())));
    }
    if !(1..=4).contains(&size) {
        return Err(Rejected("a length of DER"));
    }
    let length = bytes.get(start, size)?.iter().fold(0_u64, |length, byte| length << 8 | u64::from(*byte));
    Ok((bytes.u8(at)?, Span::new(start.saturating_add(size), length)))
}

/// The sequence at the start, and what stands behind its first text, which is `name`.
fn sequence(bytes: Bytes<'_>, name: &[u8]) -> Result<(Span, u64), Rejected> {
    let (tag, all) = tlv(bytes, 0)?;
    let (kind, text) = tlv(bytes, all.start)?;
    if tag != 0x30 || kind != 0x16 || text.length != 4 || !bytes.has(text.start, name) {
        return Err(Rejected("the sequence"));
    }
    Ok((all, text.end()))
}

/// `SEQUENCE { "IM4P", kind, description, data OCTET STRING, keybag OCTET STRING OPTIONAL, … }`
fn payload(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let (all, next) = sequence(bytes, b"IM4P")?;
    let (kind_tag, kind) = tlv(bytes, next)?;
    let (words_tag, words) = tlv(bytes, kind.end())?;
    let (data_tag, data) = tlv(bytes, words.end())?;
    let readable = bytes.get(kind.start, kind.length.min(8))?.iter().all(|byte| matches!(byte, b' '..=b'~'));
    if (kind_tag, words_tag, data_tag) != (0x16, 0x16, 4) || kind.length != 4 || !readable || data.end() > all.end() {
        return Err(Rejected("the payload"));
    }
    let mut image = Image::new(all.end(), data.start);
    image.fact("header.name", kind.start, kind.length).fact("header.version", words.start, words.length);
    let bag = tlv(bytes, data.end()).ok().filter(|(tag, bag)| *tag == 4 && bag.end() <= all.end()).map(|(_, bag)| bag);
    match bag {
        Some(bag) => {
            image.faulty("payload", data, Fault::Encrypted("encrypted by Apple".to_owned())).part("keybag", bag);
            image.known(Span::between(data.end(), bag.start)).known(Span::between(bag.end(), all.end()));
        }
        None => _ = image.part("payload", data).known(Span::between(data.end(), all.end())),
    }
    Ok(image)
}

/// `SEQUENCE { "IMG4", payload, [0] manifest OPTIONAL, [1] restore information OPTIONAL }`
fn signed(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let (all, mut at) = sequence(bytes, b"IMG4")?;
    let mut parts = Vec::new();
    for (wanted, name) in [(0x30, "payload.im4p"), (0xa0, "manifest.im4m"), (0xa1, "restore.im4r")] {
        let Some((tag, content)) = tlv(bytes, at).ok().filter(|_| at < all.end()) else { break };
        if tag == wanted {
            // The first one is handed over with its tag, as it stands in a file of its own.
            parts.push((name, if wanted == 0x30 { Span::between(at, content.end()) } else { content }));
            at = content.end();
        }
    }
    let Some((_, first)) = parts.first().filter(|(_, first)| bytes.up_to(first.start, 16).windows(4).any(|text| text == b"IM4P")) else {
        return Err(Rejected("no payload"));
    };
    let mut image = Image::new(all.end(), first.start);
    for (name, span) in parts {
        image.known(Span::between(span.start.saturating_sub(6).max(all.start), span.start)).part(name, span);
    }
    Ok(image)
}

/// Bytes of the header of an IMG3 and of a tag, and more tags than any has.
const HEADER: u64 = 20;
const TAG: u64 = 12;
const MOST: usize = 64;

/// All numbers and letters little endian:
///
/// ```text
/// 0 magic "Img3"   4 size of all   8 size of the tags   c size of what is signed   10 kind   14 tags: name, size of all, size of the data
/// ```
fn older(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let word = |at| bytes.u32(at, Endian::Little).map(u64::from);
    let (total, tags) = (word(4)?, word(8)?);
    let kind = bytes.get(16, 4)?;
    if tags.saturating_add(HEADER) > total || word(12)? > tags || !kind.iter().all(u8::is_ascii_alphanumeric) {
        return Err(Rejected("the sizes"));
    }
    let (mut at, mut found) = (HEADER, Vec::new());
    while found.len() < MOST && at.saturating_add(TAG) <= tags.saturating_add(HEADER) {
        let (name, size, data) = (bytes.get(at, 4)?, word(at.saturating_add(4))?, word(at.saturating_add(8))?);
        if !name.iter().all(u8::is_ascii_alphanumeric) || size < TAG || data > size.saturating_sub(TAG) {
            return Err(Rejected("a tag"));
        }
        let text: Vec<u8> = name.iter().rev().copied().collect();
        found.push((text, at, Span::new(at.saturating_add(TAG), data), size));
        at = at.saturating_add(size);
        if at > bytes.len() {
            break;
        }
    }
    let sealed = found.iter().any(|(name, ..)| name == b"KBAG");
    let mut image = Image::new(total, HEADER);
    for (name, start, data, size) in found {
        image.known(Span::new(start, size));
        if name == b"VERS" {
            image.fact("header.version", data.start.saturating_add(4), data.length.saturating_sub(4));
        }
        if name == b"DATA" && sealed {
            image.faulty("DATA", data, Fault::Encrypted("encrypted by Apple".to_owned()));
        } else {
            image.part(part_text(&name), data);
        }
    }
    Ok(image)
}

/// Where the compressed data stands.
const PACKED: u64 = 0x180;

/// All numbers big endian: `0 magic "complzss"   8 Adler-32 of the kernel   c its size   10 size of the compressed data   180 data`
fn kernel(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let word = |at| bytes.u32(at, Endian::Big).map(u64::from);
    let (sum, plain, packed) = (bytes.u32(8, Endian::Big)?, word(12)?, Span::new(PACKED, word(16)?));
    let quiet = bytes.get(0x20, 0x100)?.iter().all(|byte| *byte == 0);
    if plain == 0 || packed.length == 0 || !quiet || plain / 17 > packed.length || plain > 1 << 28 {
        return Err(Rejected("the sizes"));
    }
    let undo = move |there: Bytes<'_>, output: &mut Output<'_>| {
        output.push(&Lzss::OKUMURA.block(there.0, plain))?;
        if output.len() < plain {
            return Err(Fault::Truncated(format!("{} of {plain} bytes come out", output.len())));
        }
        let fits = adler2::adler32_slice(output.as_slice()) == sum || there.len() < packed.length;
        if fits { Ok(()) } else { Err(Fault::Checksum("the Adler-32 of the kernel does not fit".to_owned())) }
    };
    let mut image = Image::new(packed.end(), PACKED);
    image.undone("kernel", packed, Box::new(undo));
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{KERNEL, holds, unpack, verifies};
    use crate::problem::Code;

    const PLAIN: &[u8] = include_bytes!("../../../fixtures/apple-im4p/plain.im4p");
    const STORY: &[u8] = include_bytes!("../../../fixtures/content/tree/story.txt");

    #[test]
    fn payloads_come_out() {
        holds(&APPLE_IM4P, PLAIN, &[("payload", KERNEL)]);
        assert_eq!(unpack(&APPLE_IM4P, PLAIN).fact("header.version").unwrap(), "ExampleBoot-1234.5");
        let sealed = unpack(&APPLE_IM4P, include_bytes!("../../../fixtures/apple-im4p/sealed.im4p"));
        assert_eq!((sealed.names(), sealed.problems[0].0), (vec!["payload", "keybag"], Code::Encrypted));
        let image = include_bytes!("../../../fixtures/apple-img4/signed.img4");
        holds(&APPLE_IMG4, image, &[("payload.im4p", PLAIN), ("manifest.im4m", &[0x5a; 300])]);
    }

    #[test]
    fn older_images_come_out() {
        let image = include_bytes!("../../../fixtures/apple-img3/plain.img3");
        holds(&APPLE_IMG3, image, &[("TYPE", b"krnl".as_slice()), ("DATA", KERNEL), ("SHSH", &[0x5a; 128])]);
        let sealed = unpack(&APPLE_IMG3, include_bytes!("../../../fixtures/apple-img3/sealed.img3"));
        assert_eq!(sealed.problems[0].0, Code::Encrypted);
    }

    #[test]
    fn kernels_are_decompressed() {
        let image = include_bytes!("../../../fixtures/apple-lzss/kernel.lzss");
        holds(&APPLE_LZSS, image, &[("kernel", STORY)]);
        verifies(&APPLE_LZSS, image, &[8]);
    }
}
