//! Hikvision's digicap.dav: a header and a table of files behind a mask that is public; the files stand as they are.

use crate::blob::{Blob, Bytes, Endian, Span};
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec, entry_path};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

mod newer;

/// digicap.dav and its like, of cameras and recorders, under all brands.
#[derive(Debug)]
pub(super) struct Hikvision;

static SPEC: Spec = Spec {
    id: "hikvision",
    name: "Hikvision firmware (digicap.dav)",
    kind: Kind::Container,
    // SWKH, HKWS, 02KH and 03KH behind the mask.
    magics: &[
        Magic::anywhere(b"\xe9\x9a\xf7\xb6"),
        Magic::anywhere(b"\xf2\x86\xeb\xad"),
        Magic::anywhere(b"\x8a\xff\xf7\xb6"),
        Magic::anywhere(b"\x8a\xfe\xf7\xb6"),
    ],
    leaf: false,
    references: &["https://github.com/MatrixEditor/hiktools", "https://github.com/leommxj/hikpack"],
    limitations: &[
        "images whose header begins with 02KH are encrypted behind it: named, not read",
        "of those with 03KH only devices whose keys are public are read, and the sums of their files are not verified",
    ],
};

const MASK: [u8; 16] = [0xba, 0xcd, 0xbc, 0xfe, 0xd6, 0xca, 0xdd, 0xd3, 0xba, 0xb9, 0xa3, 0xab, 0xbf, 0xcb, 0xb5, 0xbe];

/// The bytes that the table of files starts at, and those of an entry.
const TABLE: u64 = 0x40;
const ENTRY: u64 = 44;

const MOST_FILES: u32 = 256;

impl Format for Hikvision {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let bytes = Bytes(blob.bytes().tail(start));
        let header = Header::read(bytes)?;
        let end = header.files.iter().map(|file| file.data.end()).max();
        Ok(Carved::new(end.unwrap_or(header.total), start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let header = Header::read(blob.bytes()).map_err(|rejected| Fault::corrupt(rejected.0))?;
        if header.files.is_empty() {
            let rest = Span::between(header.length, blob.len());
            let fault = Fault::Encrypted("encrypted, container of Hikvision".to_owned());
            return Ok(children.span_with("content", rest, Attributes::default(), Some(&fault))?);
        }
        for file in header.files {
            if file.sealed {
                newer::hand_out(&file, blob.bytes(), children)?;
                continue;
            }
            let data = blob.bytes().up_to(file.data.start, file.data.length);
            let sum = data.iter().fold(0_u32, |sum, byte| sum.wrapping_add((*byte).into()));
            if sum != file.sum && crate::blob::to_u64(data.len()) == file.data.length {
                let message = format!("the header says that the bytes of {} add up to {:#x}, they add up to {sum:#x}", file.name, file.sum);
                children.problem(&Fault::Checksum(message), Some(file.data.start));
            }
            children.span(file.name, file.data, Attributes::default())?;
        }
        Ok(())
    }
}

/// The header, without its mask; all numbers little endian:
///
/// ```text
///  0 magic "SWKH", "HKWS", "02KH"   4 sum of the header's bytes   8 size of the header   c number of files   10 language, or size of all
/// 14 class of devices   18 maker code   1c version   20 features … 40 files: name[32], size, offset, sum of the bytes
/// ```
///
/// Some tools write offset and size the other way round.
struct Header {
    length: u64,
    total: u64,
    files: Vec<File>,
}

struct File {
    name: String,
    data: Span,
    sum: u32,
    /// Whether it is encrypted.
    sealed: bool,
}

impl Header {
    fn read(bytes: Bytes<'_>) -> Result<Self, Rejected> {
        let start = unmasked(bytes.up_to(0, TABLE));
        let word = |at| Bytes(&start).u32(at, Endian::Little);
        let (length, count) = (u64::from(word(8)?), word(12)?);
        if count > MOST_FILES || length > 1 << 16 || length > bytes.len() {
            return Err(Rejected("the size of the header or the number of files"));
        }
        if count == 0 {
            let total = u64::from(word(16)?);
            // Nothing else is told: the size has to be that of what there is.
            if !matches!(length, 0x60..=0x80) || total < length || total > bytes.len() || !start.starts_with(b"0") {
                return Err(Rejected("a header without files"));
            }
            return Ok(Self { length, total, files: Vec::new() });
        }
        if start.starts_with(b"03KH") {
            return newer::read(bytes, length, count);
        }
        if length < TABLE.saturating_add(ENTRY.saturating_mul(count.into())) {
            return Err(Rejected("the table of files does not fit into the header"));
        }
        let table = unmasked(bytes.up_to(0, length));
        let straight = files(Bytes(&table), count, length, [32, 36])?;
        let files =
            if straight.iter().all(|file| file.data.start >= length) { straight } else { files(Bytes(&table), count, length, [36, 32])? };
        if files.iter().any(|file| file.data.start < length) {
            return Err(Rejected("a file lies in the header"));
        }
        Ok(Self { length, total: length, files })
    }
}

/// The entries of the table; `places` are those of size and offset in an entry.
fn files(table: Bytes<'_>, count: u32, length: u64, places: [u64; 2]) -> Result<Vec<File>, Rejected> {
    let [size, offset] = places;
    let mut files = Vec::new();
    for index in 0..u64::from(count) {
        let entry = table.part(Span::new(TABLE.saturating_add(ENTRY.saturating_mul(index)), ENTRY))?;
        let name = entry.text(0, 32)?;
        if name.is_empty() || !name.iter().all(|byte| matches!(byte, b'!'..=b'~')) {
            return Err(Rejected("the name of a file"));
        }
        let word = |at| entry.u32(at, Endian::Little);
        let data = Span::new(word(offset)?.into(), word(size)?.into());
        if data.end() > u64::from(u32::MAX) || length == 0 {
            return Err(Rejected("the place of a file"));
        }
        files.push(File { name: entry_path(name), data, sum: word(40)?, sealed: false });
    }
    Ok(files)
}

/// Takes the mask off bytes that stand at the start of the image.
fn unmasked(bytes: &[u8]) -> Vec<u8> {
    let shifted = |block: usize| MASK.iter().cycle().skip(block & 15).take(16);
    bytes.chunks(MASK.len()).enumerate().flat_map(|(block, part)| part.iter().zip(shifted(block)).map(|(byte, mask)| byte ^ mask)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack, unpack_at};
    use crate::problem::Code;

    const IMAGE: &[u8] = include_bytes!("../../../fixtures/hikvision/digicap.dav");
    const SEALED: &[u8] = include_bytes!("../../../fixtures/hikvision/newer.dav");
    const NEWER: &[u8] = include_bytes!("../../../fixtures/hikvision/encrypted.dav");

    #[test]
    fn files_come_out_under_their_names() {
        let flash = [vec![0; 77], IMAGE.to_vec(), vec![0xff; 9]].concat();
        assert_eq!(carve(&Hikvision, &flash, 77), Some(IMAGE.len() as u64));
        let unpacked = unpack_at(&Hikvision, &flash, 77);
        assert_eq!(unpacked.names(), ["story.txt", "uImage"]);
        assert_eq!(unpacked.file("story.txt"), include_bytes!("../../../fixtures/content/tree/story.txt"));
        assert_eq!(unpacked.problems, []);
    }

    #[test]
    fn files_of_newer_devices_are_decrypted() {
        let flash = [vec![0; 77], SEALED.to_vec(), vec![0xff; 9]].concat();
        assert_eq!(carve(&Hikvision, &flash, 77), Some(SEALED.len() as u64));
        let unpacked = unpack_at(&Hikvision, &flash, 77);
        assert_eq!(unpacked.names(), ["story.txt", "uImage"]);
        assert_eq!(unpacked.file("story.txt"), include_bytes!("../../../fixtures/content/tree/story.txt"));
        assert_eq!(unpacked.problems, []);
        assert_eq!(unpack(&Hikvision, &SEALED[..SEALED.len() - 30]).problems[0].0, Code::Truncated);
        survives_damage(&Hikvision, SEALED);
    }

    #[test]
    fn what_is_encrypted_is_said_to_be() {
        let unpacked = unpack(&Hikvision, NEWER);
        assert_eq!(unpacked.names(), ["content"]);
        assert_eq!(unpacked.problems, [(Code::Encrypted, "encrypted, container of Hikvision".to_owned())]);
    }

    #[test]
    fn changed_bytes_are_a_problem() {
        let mut image = IMAGE.to_vec();
        image[500] ^= 1;
        assert_eq!(unpack(&Hikvision, &image).problems[0].0, Code::Checksum);
        assert_eq!(unpack(&Hikvision, &IMAGE[..IMAGE.len() - 10]).problems[0].0, Code::Truncated);
    }

    #[test]
    fn four_bytes_are_none() {
        assert_eq!(carve(&Hikvision, &b"\xe9\x9a\xf7\xb6".repeat(100), 0), None);
        survives_damage(&Hikvision, IMAGE);
    }
}
