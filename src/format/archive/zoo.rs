//! zoo archives, of the times of MS-DOS and of Usenet.

use crate::blob::{Blob, Bytes, Endian, Span};
use crate::codec::crc::crc16_arc;
use crate::codec::lzd;
use crate::codec::lzh::{self, Lzh};
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec, dos_time, entry_path};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// zoo.
#[derive(Debug)]
pub(super) struct Zoo;

static SPEC: Spec = Spec {
    id: "zoo",
    name: "zoo",
    kind: Kind::Archive,
    magics: &[Magic::anywhere(TAG).at(20)],
    leaf: false,
    references: &["https://github.com/jsummers/deark/blob/master/modules/zoo.c"],
    limitations: &[],
};

/// The tag of the archive and of each entry.
const TAG: &[u8] = &[0xdc, 0xa7, 0xc4, 0xfd];

/// Entries that are looked at for the end.
const MOST: usize = 1 << 16;

impl Format for Zoo {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let bytes = Bytes(blob.bytes().tail(start));
        let mut at = first(bytes)?;
        let mut end = Entry::read(bytes, at)?.end();
        for _ in 0..MOST {
            let Ok(entry) = Entry::read(bytes, at) else { break };
            end = end.max(entry.end());
            if entry.next <= at {
                break;
            }
            at = entry.next;
        }
        Ok(Carved::new(end, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        let mut at = first(bytes).map_err(|rejected| Fault::corrupt(rejected.0))?;
        loop {
            let entry = Entry::read(bytes, at).map_err(|_| Fault::corrupt(format!("zoo: no entry at {at:#x}")))?;
            if entry.next == 0 {
                return Ok(());
            }
            child(&entry, bytes, children)?;
            // Entries stand one behind the other: a chain that leads back has no end.
            if entry.next <= at {
                return Err(Fault::corrupt("zoo: the entries go in a circle"));
            }
            at = entry.next;
        }
    }
}

fn child(entry: &Entry, bytes: Bytes<'_>, children: &mut Children<'_>) -> Result<(), Fault> {
    let (path, attributes) = (entry.path.clone(), Attributes { modified: entry.modified, ..Attributes::default() });
    let packed = bytes.up_to(entry.data.start, entry.data.length);
    match entry.method {
        0 => {
            if crc16_arc(packed) != entry.crc {
                children.problem(&Fault::Checksum(format!("zoo: the checksum of {path:?} does not fit")), Some(entry.data.start));
            }
            Ok(children.span(path, entry.data, attributes)?)
        }
        method @ 1..=2 => {
            let stream = match method {
                1 => lzd::stream(packed, children.budget()),
                _ => lzh::stream(packed, Lzh::Static(13), entry.size, children.budget()),
            };
            let sum = crc16_arc(stream.output.as_slice());
            let wrong = || Fault::Checksum(format!("zoo: the checksum is {sum:04x}, the entry says {:04x}", entry.crc));
            let fault = stream.fault.or_else(|| (sum != entry.crc).then(wrong));
            Ok(children.made_with(path, stream.output, attributes, fault.as_ref())?)
        }
        method => {
            let fault = Fault::unsupported(format!("zoo: compressed with method {method}"));
            Ok(children.made_with(path, children.output(), attributes, Some(&fault))?)
        }
    }
}

/// Where the first entry is. Little endian: text[20], tag, u32 first entry, u32 the same made negative, and more.
fn first(bytes: Bytes<'_>) -> Result<u64, Rejected> {
    let (start, check) = (bytes.u32(24, Endian::Little)?, bytes.u32(28, Endian::Little)?);
    if !bytes.has(20, TAG) || start.wrapping_add(check) != 0 || start < 34 || !bytes.has(0, b"ZOO ") {
        return Err(Rejected("header"));
    }
    Ok(start.into())
}

/// An entry; all numbers little endian:
///
/// ```text
///  0 tag   4 type u8   5 method u8   6 next entry u32, 0 in the last, which is none   10 data u32   14 date u16, time u16   18 crc u16
/// 20 size u32   24 packed size u32   28 version u8[2]   30 deleted u8   31 structure u8   32 comment u32, size u16   38 name[13]
/// 51 bytes of what follows u16   53 time zone u8   54 crc u16   56 bytes of the long name u8, of the folder u8; both, ended by NUL
/// ```
struct Entry {
    at: u64,
    method: u8,
    next: u64,
    data: Span,
    modified: Option<i64>,
    crc: u16,
    size: u64,
    path: String,
}

impl Entry {
    fn read(bytes: Bytes<'_>, at: u64) -> Result<Self, Rejected> {
        let entry = Bytes(bytes.tail(at));
        let (short, word) = (|at| entry.u16(at, Endian::Little), |at| entry.u32(at, Endian::Little));
        if !entry.has(0, TAG) {
            return Err(Rejected("entry"));
        }
        let mut path = entry.text(38, 13)?.to_vec();
        if entry.u8(4)? == 2 && short(51)? >= 2 {
            let (long, folder) = (u64::from(entry.u8(56)?), u64::from(entry.u8(57)?));
            let long_name = entry.text(58, long)?;
            let folder = entry.text(58_u64.saturating_add(long), folder)?;
            let name = if long_name.is_empty() { path.as_slice() } else { long_name };
            path = if folder.is_empty() { name.to_vec() } else { [folder, b"/", name].concat() };
        }
        Ok(Self {
            at,
            method: entry.u8(5)?,
            next: word(6)?.into(),
            data: Span::new(word(10)?.into(), word(24)?.into()),
            modified: dos_time(short(14)?, short(16)?),
            crc: short(18)?,
            size: word(20)?.into(),
            path: entry_path(&path),
        })
    }

    /// Where the entry ends, and its data.
    fn end(&self) -> u64 {
        self.at.saturating_add(56).max(if self.next == 0 { 0 } else { self.data.end() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack, unpack_at};
    use crate::problem::Code;

    const IMAGE: &[u8] = include_bytes!("../../../fixtures/zoo/tree.zoo");

    #[test]
    fn files_come_back() {
        let junk = [b"before".as_slice(), IMAGE, b"after"].concat();
        assert_eq!(carve(&Zoo, &junk, 6), Some(IMAGE.len() as u64));
        let unpacked = unpack_at(&Zoo, &junk, 6);
        assert_eq!(unpacked.problems, []);
        assert_eq!(unpacked.file("etc/motd"), include_bytes!("../../../fixtures/content/tree/etc/motd"));
        assert_eq!(unpacked.file("story.txt"), include_bytes!("../../../fixtures/content/tree/story.txt"));
    }

    #[test]
    fn files_of_the_first_version() {
        let image = include_bytes!("../../../fixtures/zoo/lzd.zoo");
        let unpacked = unpack(&Zoo, image);
        assert_eq!(unpacked.problems, []);
        assert_eq!(unpacked.file("story.txt"), include_bytes!("../../../fixtures/content/tree/story.txt"));
        survives_damage(&Zoo, image);
    }

    #[test]
    fn damage_is_told_and_the_rest_kept() {
        let mut wrong = IMAGE.to_vec();
        let at = wrong.len() - 200;
        wrong[at] ^= 1;
        assert!(!unpack(&Zoo, &wrong).problems.is_empty());
        assert!(unpack(&Zoo, &IMAGE[..IMAGE.len() - 60]).problems.iter().any(|(code, _)| *code == Code::Corrupt));
        survives_damage(&Zoo, IMAGE);
        assert_eq!(carve(&Zoo, b"ZOO 2.10 Archive.\x1a\0\0\xdc\xa7\xc4\xfd and nothing that could be an entry", 0), None);
    }
}
