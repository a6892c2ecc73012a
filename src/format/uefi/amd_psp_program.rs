//! Programs of AMD's security processor, with the header that says how to check and unpack them.

use crate::blob::{Blob, Bytes, Endian, Span};
use crate::codec::{Codec, aes};
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// AMD security processor program.
#[derive(Debug)]
pub(super) struct PspProgram;

static SPEC: Spec = Spec {
    id: "amd-psp-program",
    name: "AMD security processor program",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"$PS1").at(16)],
    leaf: false,
    references: &["https://github.com/PSPReverse/PSPTool", "https://github.com/coreboot/coreboot/tree/main/util/amdfwtool"],
    limitations: &["signatures are not verified", "only programs of the first two generations that are compressed too are decrypted"],
};

/// Bytes of the header.
const HEADER: u64 = 0x100;

impl Format for PspProgram {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let header = Header::read(Bytes(blob.bytes().tail(start)))?;
        Ok(Carved::new(header.whole, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        let header = Header::read(bytes).map_err(|rejected| Fault::corrupt(rejected.0))?;
        let [build, minor, major, top] = bytes.array(0x60)?;
        let version = format!("{top:X}.{major:X}.{minor:X}.{build:X}");
        children.fact("header.version", version.as_bytes(), Span::new(0x60, 4));
        let body = Span::between(HEADER, header.whole);
        if let Some(plain) = decrypted(bytes, &header, body) {
            let stream = Codec::Zlib.stream(&plain, children.budget());
            return Ok(children.made_with("program", stream.output, Attributes::default(), stream.fault.as_ref())?);
        }
        if header.encrypted {
            let fault = Fault::Encrypted("encrypted for AMD's security processor".to_owned());
            return Ok(children.span_with("program", body, Attributes::default(), Some(&fault))?);
        }
        if !header.compressed {
            children.span("program", Span::new(HEADER, header.signed), Attributes::default())?;
            let rest = Span::between(HEADER.saturating_add(header.signed), header.whole);
            return if rest.length > 0 { Ok(children.span("signature", rest, Attributes::default())?) } else { Ok(()) };
        }
        let stream = Codec::Zlib.stream(bytes.up_to(body.start, body.length), children.budget());
        if stream.output.is_empty() {
            return Ok(children.span_with("program", body, Attributes::default(), stream.fault.as_ref())?);
        }
        Ok(children.made_with("program", stream.output, Attributes::default(), stream.fault.as_ref())?)
    }
}

/// The keys of Zen and Zen+ that encrypt the keys of programs; published.
const KEYS: [[u8; 16]; 2] = [
    [0x49, 0x1e, 0x40, 0x1a, 0x40, 0x1e, 0xc1, 0xb2, 0x28, 0x46, 0x00, 0xf0, 0x99, 0xfd, 0xe8, 0x68],
    [0x4c, 0x77, 0x63, 0x65, 0x32, 0xfe, 0x4c, 0x6f, 0xd6, 0xb9, 0xd6, 0xd7, 0xb5, 0x1e, 0xde, 0x59],
];
/// What is decrypted to see whether a key may fit.
const PROBE: u64 = 16;

/// The compressed program, by the key with which it can be decompressed.
fn decrypted(bytes: Bytes<'_>, header: &Header, body: Span) -> Option<Vec<u8>> {
    let (vector, wrapped) = (bytes.array::<16>(0x20).ok()?, bytes.get(0x80, 16).ok()?);
    if !header.encrypted || !header.compressed {
        return None;
    }
    KEYS.iter().find_map(|key| {
        let key = aes::decrypt_ecb(key, wrapped)?;
        let begin = aes::decrypt_cbc(&key, vector, bytes.up_to(body.start, PROBE))?;
        let fits = Bytes(&begin).u16(0, Endian::Big).is_ok_and(|head| head % 31 == 0 && head >> 8 & 15 == 8);
        let whole = fits.then(|| aes::decrypt_cbc(&key, vector, bytes.up_to(body.start, body.length)))??;
        Codec::Zlib.block(&whole, 1 << 26).is_ok().then_some(whole)
    })
}

/// The header; little endian:
///
/// ```text
/// 10 "$PS1"   14 size of what is signed u32   18 1 if encrypted u32   20 vector of the encryption   48 1 if compressed u32
/// 50 size of what comes out u32   54 size of the compressed data u32   60 version, the lowest part first   6c size of it all u32
/// 80 key of the program, encrypted
/// ```
struct Header {
    signed: u64,
    whole: u64,
    encrypted: bool,
    compressed: bool,
}

impl Header {
    fn read(bytes: Bytes<'_>) -> Result<Self, Rejected> {
        let word = |at| bytes.u32(at, Endian::Little).map(u64::from);
        let (signed, encrypted, compressed, whole) = (word(0x14)?, word(0x18)?, word(0x48)?, word(0x6c)?);
        if !bytes.has(16, b"$PS1") || encrypted > 1 || compressed > 1 || whole <= HEADER || whole > 1 << 24 {
            return Err(Rejected("sizes or flags"));
        }
        let fits = if compressed == 1 { bytes.u8(HEADER)? & 15 == 8 || encrypted == 1 } else { signed <= whole.saturating_sub(HEADER) };
        if signed == 0 || signed > 1 << 26 || !fits {
            return Err(Rejected("size of what is signed"));
        }
        Ok(Self { signed, whole, encrypted: encrypted == 1, compressed: compressed == 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack, unpack_at};
    use crate::problem::Code;

    const PROGRAM: &[u8] = include_bytes!("../../../fixtures/amd-psp-program/program.bin");
    const STORY: &[u8] = include_bytes!("../../../fixtures/content/tree/story.txt");

    #[test]
    fn programs_come_out() {
        let flash = [&[0xff; 5], PROGRAM, b"next"].concat();
        assert_eq!(carve(&PspProgram, &flash, 5), Some(PROGRAM.len() as u64));
        let unpacked = unpack_at(&PspProgram, &flash, 5);
        assert!(unpacked.file("program") == STORY);
        assert_eq!(unpacked.fact("header.version").as_deref(), Some("0.1.2.3"));
        survives_damage(&PspProgram, PROGRAM);
    }

    #[test]
    fn what_a_published_key_encrypts_comes_out() {
        let image = include_bytes!("../../../fixtures/amd-psp-program/encrypted.bin");
        let unpacked = unpack(&PspProgram, image);
        assert!(unpacked.file("program") == STORY && unpacked.problems.is_empty());
        let mut other = image.to_vec();
        other[0x80] ^= 1;
        assert_eq!(unpack(&PspProgram, &other).problems[0].0, Code::Encrypted, "the key is another one");
        survives_damage(&PspProgram, image);
    }

    #[test]
    fn plain_and_encrypted() {
        let mut plain = PROGRAM.to_vec();
        plain[0x48] = 0;
        plain[0x14..0x18].copy_from_slice(&100_u32.to_le_bytes());
        let unpacked = unpack(&PspProgram, &plain);
        assert_eq!((unpacked.file("program").len(), unpacked.file("signature").len()), (100, PROGRAM.len() - 0x164));
        plain[0x18] = 1;
        assert_eq!(unpack(&PspProgram, &plain).problems[0].0, Code::Encrypted);
        assert_eq!(carve(&PspProgram, &[b' '; 16].iter().copied().chain(*b"$PS1").chain([b' '; 300]).collect::<Vec<_>>(), 0), None);
    }
}
