//! LUKS: a header with wrapped keys, and behind it an encrypted disk.

use sha2::{Digest as _, Sha256};

use crate::blob::{Blob, Bytes, Endian, Span, to_u64};
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// Linux unified key setup.
#[derive(Debug)]
pub(super) struct Luks;

static SPEC: Spec = Spec {
    id: "luks",
    name: "LUKS encrypted volume",
    kind: Kind::Partition,
    magics: &[Magic::anywhere(&[b'L', b'U', b'K', b'S', 0xba, 0xbe])],
    leaf: false,
    references: &[
        "https://gitlab.com/cryptsetup/cryptsetup/-/wikis/LUKS-standard/on-disk-format.pdf",
        "https://gitlab.com/cryptsetup/LUKS2-docs/-/blob/main/luks2_doc_wip.pdf",
    ],
    limitations: &["the volume is not decrypted", "it is taken to reach to the end of what it stands in"],
};

const SECTOR: u64 = 512;

/// Where the description of version 2 begins, and the most of it.
const TEXT: u64 = 4096;
const MOST_TEXT: u64 = 4 << 20;

/// What both versions say, big endian:
///
/// ```text
/// version 1: 6 u16 1   8 u8[32] cipher   40 u8[32] its mode   72 u8[32] hash   104 u32 first sector of the volume   108 u32 bytes of the key
///            168 u8[40] UUID   208 eight slots of 48 bytes: u32 active, u32 iterations, u8[32] salt, u32 sector, u32 stripes
/// version 2: 6 u16 2   8 u64 bytes with the description   24 u8[48] label   72 u8[32] hash   168 u8[40] UUID   256 u64 where this stands
///            448 u8[64] checksum of all of it, itself taken as zeros   4096 description in JSON
/// ```
struct Header {
    version: u16,
    start: u64,
    length: Option<u64>,
    sound: bool,
}

impl Header {
    fn read(bytes: Bytes<'_>) -> Result<Self, Rejected> {
        let head = Bytes(bytes.get(0, 592)?);
        let version = head.u16(6, Endian::Big)?;
        if !is_uuid(head.text(168, 40)?) {
            return Err(Rejected("UUID"));
        }
        match version {
            1 => Self::first(head),
            2 => Self::second(bytes, head),
            _ => Err(Rejected("version")),
        }
    }

    fn first(head: Bytes<'_>) -> Result<Self, Rejected> {
        let words = [8, 40, 72].iter().all(|at| head.text(*at, 32).is_ok_and(is_word));
        let slot = |index: u64| head.u32(index.saturating_mul(48).saturating_add(208), Endian::Big);
        let slots = (0..8).all(|index| matches!(slot(index), Ok(0x00ac_71f3 | 0x0000_dead)));
        let key = head.u32(108, Endian::Big)?;
        if !words || !slots || !(8..=512).contains(&key) {
            return Err(Rejected("cipher, key or slots"));
        }
        let start = u64::from(head.u32(104, Endian::Big)?).saturating_mul(SECTOR);
        Ok(Self { version: 1, start, length: None, sound: true })
    }

    fn second(bytes: Bytes<'_>, head: Bytes<'_>) -> Result<Self, Rejected> {
        let size = head.u64(8, Endian::Big)?;
        if !(16_384..=MOST_TEXT).contains(&size) || !size.is_power_of_two() || head.u64(256, Endian::Big)? != 0 {
            return Err(Rejected("size or place"));
        }
        let text = bytes.up_to(TEXT, size.saturating_sub(TEXT));
        if !text.starts_with(b"{") {
            return Err(Rejected("description"));
        }
        let start = segment(text, b"\"offset\"").ok_or(Rejected("no segment"))?;
        Ok(Self { version: 2, start, length: segment(text, b"\"size\""), sound: sound(Bytes(bytes.up_to(0, size)), head)? })
    }
}

/// Whether the checksum of version 2 fits, or is of a kind that is not computed here.
fn sound(whole: Bytes<'_>, head: Bytes<'_>) -> Result<bool, Rejected> {
    if head.text(72, 32)? != b"sha256" {
        return Ok(true);
    }
    let sum = Sha256::new().chain_update(whole.up_to(0, 448)).chain_update([0; 64]).chain_update(whole.tail(512)).finalize();
    Ok(head.has(448, sum.as_slice()))
}

/// The number behind `name` in the first segment of a description. Numbers are in quotes.
fn segment(text: &[u8], name: &[u8]) -> Option<u64> {
    let segments = memchr::memmem::find(text, b"\"segments\"")?;
    let rest = text.get(segments..)?;
    let rest = rest.get(memchr::memmem::find(rest, name)?.saturating_add(name.len())..)?;
    let digits: Vec<u8> = rest.iter().skip_while(|byte| b": \"".contains(byte)).copied().take_while(u8::is_ascii_digit).collect();
    std::str::from_utf8(&digits).ok()?.parse().ok()
}

fn is_uuid(text: &[u8]) -> bool {
    text.len() == 36 && text.iter().all(|byte| byte.is_ascii_hexdigit() || *byte == b'-')
}

fn is_word(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_graphic)
}

impl Format for Luks {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let header = Header::read(Bytes(blob.bytes().tail(start)))?;
        let length = header.length.map_or(u64::MAX, |length| header.start.saturating_add(length));
        Ok(Carved::new(length, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let image = blob.bytes();
        let header = Header::read(image).map_err(|rejected| Fault::corrupt(rejected.0))?;
        if !header.sound {
            children.problem(&Fault::Checksum("the header does not fit its checksum".to_owned()), Some(448));
        }
        let label = image.text(24, 48)?;
        if header.version == 2 && !label.is_empty() {
            children.fact("header.name", label, Span::new(24, to_u64(label.len())));
        }
        let length = header.length.unwrap_or_else(|| image.len().saturating_sub(header.start));
        if header.start >= image.len() {
            return Err(Fault::Truncated("the volume is behind the end of the image".to_owned()));
        }
        let fault = Fault::Encrypted("encrypted, LUKS volume".to_owned());
        children.span_with("volume", Span::new(header.start, length), Attributes::default(), Some(&fault))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, gunzip, survives_damage, unpack, unpack_at};
    use crate::problem::Code;

    const FIRST: &[u8] = include_bytes!("../../../fixtures/luks/luks1.img.gz");
    const SECOND: &[u8] = include_bytes!("../../../fixtures/luks/luks2.img.gz");

    #[test]
    fn the_volume_is_handed_over_as_encrypted() {
        for packed in [FIRST, SECOND] {
            let image = gunzip(packed);
            let unpacked = unpack(&Luks, &image);
            assert_eq!(unpacked.names(), ["volume"]);
            assert!(unpacked.file("volume").len() >= 4096 && image.ends_with(unpacked.file("volume")));
            assert_eq!(unpacked.problems.iter().map(|(code, _)| *code).collect::<Vec<_>>(), [Code::Encrypted]);
            let flash = [&[0xee; 9], image.as_slice()].concat();
            assert_eq!(carve(&Luks, &flash, 9), Some(image.len() as u64));
            assert_eq!(unpack_at(&Luks, &flash, 9).names(), ["volume"]);
            survives_damage(&Luks, &image);
        }
        assert_eq!(unpack(&Luks, &gunzip(SECOND)).fact("header.name"), Some("example".to_owned()));
        assert_eq!(carve(&Luks, &[b"LUKS\xba\xbe\0\x01", [b' '; 1000].as_slice()].concat(), 0), None);
        let mut bad = gunzip(SECOND);
        bad[16_000] ^= 1;
        assert!(unpack(&Luks, &bad).problems.iter().any(|(code, _)| *code == Code::Checksum));
    }
}
