//! NXP and SigmaTel boot streams (.sb): commands that load and start code, mostly encrypted.

use sha1::{Digest, Sha1};

use crc::{CRC_32_MPEG_2, Crc};

use crate::blob::{Blob, Bytes, Endian, Span, to_u64};
use crate::codec::aes::decrypt_cbc;
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// Boot stream, version 1 or 2.
#[derive(Debug)]
pub(in crate::format) struct SbStream;

static SPEC: Spec = Spec {
    id: "nxp-sb",
    name: "NXP boot stream (SB)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"STMP").at(20)],
    leaf: false,
    references: &[
        "https://github.com/u-boot/u-boot/blob/master/tools/mxsimage.h",
        "https://github.com/nxp-mcuxpresso/spsdk/blob/master/spsdk/sbfile/sb2/headers.py",
    ],
    limitations: &["streams are decrypted with the key of chips that have none of their own", "of version 2 only the header is read"],
};

/// Bytes of the header, of a block, of a command, and of an entry of the list of sections.
const HEADER: u64 = 96;
const BLOCK: u64 = 16;

/// Sections of one stream, and keys of one.
const MOST: u64 = 64;

/// What the sum of a command begins with.
const SEED: u8 = 0x5a;

const TAG: u8 = 1;
const LOAD: u8 = 2;
const LAST: u8 = 6;

/// The header, 96 bytes; all numbers little endian, most of them in blocks of 16 bytes:
///
/// ```text
///  0 SHA-1 of what follows, its first 16 bytes the vector of the encryption (version 1); nonce[16], reserved u32 (version 2)
/// 14 "STMP"   18 version u8 u8   1a flags u16   1c size   20 the first tag   24 section to boot
/// 28 number of keys u16, offset of the keys u16 (version 1); offset of the certificates (version 2)
/// 2c size of this u16   2e number of sections u16   30 size of the entry of a section u16 (version 1)   34 "sgtl" (not in version 1.0)
/// ```
///
/// A section: number, offset, size, flags (1 has commands, 2 is not encrypted). A key: CBC-MAC\[16\], the key of the stream, encrypted\[16\].
struct Header {
    length: u64,
    commands: u64,
    keys: u64,
    /// None of version 2, which does not say.
    sections: Option<Vec<Section>>,
}

struct Section {
    number: u32,
    span: Span,
    flags: u32,
}

impl Header {
    fn read(bytes: Bytes<'_>) -> Result<Self, Rejected> {
        let half = |at| bytes.u16(at, Endian::Little).map(u64::from);
        let blocks = |at| bytes.u32(at, Endian::Little).map(|count| u64::from(count).saturating_mul(BLOCK));
        let (major, minor, length, first) = (bytes.u8(0x18)?, bytes.u8(0x19)?, blocks(0x1c)?, blocks(0x20)?);
        let signed = bytes.has(0x34, b"sgtl");
        if half(0x2c)? != HEADER / BLOCK || first < HEADER || first >= length || !(signed || (major, minor) == (1, 0)) {
            return Err(Rejected("header"));
        }
        match major {
            1 if Sha1::digest(bytes.get(20, HEADER.saturating_sub(20))?).as_slice() == bytes.get(0, 20)? => (),
            2 if minor <= 1 => return Ok(Self { length, commands: first, keys: 1, sections: None }),
            _ => return Err(Rejected("version, or the SHA-1 of the header")),
        }
        let (keys, count) = (half(0x28)?, half(0x2e)?);
        if half(0x30)? != 1 || !(1..=MOST).contains(&count) || keys > MOST {
            return Err(Rejected("number of sections or keys"));
        }
        let mut sections = Vec::new();
        for entry in (0..count).map(|index| index.saturating_mul(BLOCK).saturating_add(HEADER)) {
            let word = |at: u64| bytes.u32(entry.saturating_add(at), Endian::Little);
            let start = u64::from(word(4)?).saturating_mul(BLOCK);
            let span = Span::new(start, u64::from(word(8)?).saturating_mul(BLOCK));
            if start < first || span.end() > length {
                return Err(Rejected("a section"));
            }
            sections.push(Section { number: word(0)?, span, flags: word(12)? });
        }
        Ok(Self { length, commands: first, keys, sections: Some(sections) })
    }

    /// How what is encrypted becomes plain, if it can: chips without a key of their own encrypt the key of the stream with zeros.
    fn cipher(&self, bytes: Bytes<'_>) -> Result<Option<Cipher>, Fault> {
        if self.keys == 0 {
            return Ok(Some(Cipher { key: None, vector: [0; 16] }));
        }
        let (dictionary, vector) = (bytes.u16(0x2a, Endian::Little)?, bytes.array(0)?);
        let encrypted = bytes.get(u64::from(dictionary).saturating_mul(BLOCK).saturating_add(BLOCK), BLOCK)?;
        let cipher = Cipher { key: decrypt_cbc(&[0; 16], vector, encrypted), vector };
        let first = cipher.plain(bytes.get(self.commands, BLOCK)?);
        Ok(Command::read(Bytes(&first), 0).is_some_and(|command| command.kind == TAG).then_some(cipher))
    }
}

struct Cipher {
    key: Option<Vec<u8>>,
    vector: [u8; 16],
}

impl Cipher {
    fn plain(&self, stored: &[u8]) -> Vec<u8> {
        self.key.as_ref().and_then(|key| decrypt_cbc(key, self.vector, stored)).unwrap_or_else(|| stored.to_vec())
    }
}

/// A command: sum of the others from 0x5a on u8, kind u8, flags u16, address, count, CRC of what is loaded; its bytes follow, up to a block.
struct Command {
    kind: u8,
    address: u32,
    count: u64,
    crc: u32,
}

impl Command {
    fn read(bytes: Bytes<'_>, at: u64) -> Option<Self> {
        let command: [u8; 16] = bytes.array(at).ok()?;
        let (sum, kind) = (*command.first()?, *command.get(1)?);
        let found = command.iter().skip(1).fold(SEED, |sum, byte| sum.wrapping_add(*byte));
        let command = Bytes(&command);
        let word = |at| command.u32(at, Endian::Little).ok();
        (found == sum && kind <= LAST).then_some(Self { kind, address: word(4)?, count: word(8)?.into(), crc: word(12)? })
    }
}

impl Format for SbStream {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        Carved::plausible(Header::read(Bytes(blob.bytes().tail(start)))?.length, start, blob)
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        let header = Header::read(bytes).map_err(|rejected| Fault::corrupt(rejected.0))?;
        let closed = Fault::Encrypted("encrypted with a key in the chip".to_owned());
        let Some(sections) = &header.sections else {
            let rest = Span::between(HEADER, header.length);
            return Ok(children.span_with("commands", rest, Attributes::default(), Some(&closed))?);
        };
        let cipher = header.cipher(bytes)?;
        // Sections do not share bytes, so that all of them cannot be much more than there is.
        let mut left = bytes.len().saturating_mul(2);
        for section in sections {
            let there = bytes.up_to(section.span.start, section.span.length);
            if to_u64(there.len()) > left {
                children.problem(&Fault::corrupt("the sections overlap"), Some(section.span.start));
                break;
            }
            left = left.saturating_sub(to_u64(there.len()));
            let name = format!("section-{}", section.number);
            match &cipher {
                _ if section.flags & 2 != 0 => section.unpack(name, there.to_vec(), children)?,
                Some(cipher) => section.unpack(name, cipher.plain(there), children)?,
                None => children.span_with(name, section.span, Attributes::default(), Some(&closed))?,
            }
        }
        Ok(())
    }
}

impl Section {
    /// Hands out what the commands load; of a section without commands, all of it.
    fn unpack(&self, name: String, plain: Vec<u8>, children: &mut Children<'_>) -> Result<(), Fault> {
        if to_u64(plain.len()) < self.span.length {
            children.problem(&Fault::Truncated(format!("{} of {} bytes of {name} are there", plain.len(), self.span.length)), None);
        }
        let plain = Bytes(&plain);
        if self.flags & 1 == 0 {
            let mut output = children.output();
            output.push(plain.0)?;
            return Ok(children.made(name, output, Attributes::default())?);
        }
        let mut at = 0_u64;
        while at < plain.len() {
            let Some(command) = Command::read(plain, at) else {
                children.problem(&Fault::corrupt(format!("a command of {name} is broken")), Some(self.span.start.saturating_add(at)));
                break;
            };
            at = at.saturating_add(BLOCK);
            if command.kind == LOAD {
                let stored = plain.up_to(at, command.count.next_multiple_of(BLOCK));
                let loaded = plain.up_to(at, command.count);
                let crc = |bytes| Crc::<u32>::new(&CRC_32_MPEG_2).checksum(bytes) == command.crc;
                let fault = match to_u64(loaded.len()) < command.count {
                    true => Some(Fault::Truncated(format!("{} of {} bytes are there", loaded.len(), command.count))),
                    false => (!crc(stored) && !crc(loaded)).then(|| Fault::Checksum("the CRC of what is loaded does not fit".to_owned())),
                };
                let mut output = children.output();
                output.push(loaded)?;
                let name = format!("{name}/load-{:#x}", command.address);
                children.made_with(name, output, Attributes::default(), fault.as_ref())?;
                at = at.saturating_add(to_u64(stored.len()).max(1));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack, unpack_at};
    use crate::problem::Code;

    const STREAM: &[u8] = include_bytes!("../../../../fixtures/nxp-sb/u-boot.sb");

    #[test]
    fn what_is_loaded_comes_out_decrypted() {
        let flash = [vec![0xff; 9], STREAM.to_vec(), vec![0xff; 100]].concat();
        assert_eq!(carve(&SbStream, &flash, 9), Some(STREAM.len() as u64));
        let unpacked = unpack_at(&SbStream, &flash, 9);
        assert_eq!(unpacked.names(), ["section-0/load-0x1000", "section-0/load-0x40000100"]);
        assert!(unpacked.file("section-0/load-0x40000100").starts_with(b"\x7fELF"));
        assert_eq!(unpacked.problems, []);
        survives_damage(&SbStream, STREAM);
    }

    #[test]
    fn changed_and_missing_bytes_are_problems() {
        let mut changed = STREAM.to_vec();
        changed[300] ^= 1;
        assert_eq!(unpack(&SbStream, &changed).problems[0].0, Code::Checksum);
        let cut = unpack(&SbStream, &STREAM[..STREAM.len() - 600]);
        assert_eq!((cut.files.len(), cut.problems[0].0), (2, Code::Truncated));
        changed[30] ^= 1;
        assert_eq!(carve(&SbStream, &changed, 0), None);
    }

    #[test]
    fn without_the_key_the_section_is_opaque() {
        let mut other = STREAM.to_vec();
        other[0x80 + 3] ^= 1;
        let unpacked = unpack(&SbStream, &other);
        assert_eq!((unpacked.names(), unpacked.problems[0].0), (vec!["section-0"], Code::Encrypted));
    }
}
