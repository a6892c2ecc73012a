//! PFS: the container of Dell's firmware updates.

use std::collections::BTreeMap;

use crate::blob::{Blob, Bytes, Endian, Span};
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec, crc32, utf16le_part_text};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// Dell PFS volume.
#[derive(Debug)]
pub(super) struct DellPfs;

static SPEC: Spec = Spec {
    id: "dell-pfs",
    name: "Dell firmware update volume (PFS)",
    kind: Kind::Archive,
    magics: &[Magic::anywhere(b"PFS.HDR.")],
    leaf: false,
    references: &["https://github.com/platomav/BIOSUtilities", "https://github.com/LongSoft/PFSExtractor-RS"],
    limitations: &["signatures are handed over, not verified", "parts of BIOS Guard updates are not put together"],
};

/// Bytes of the header, and of the footer.
const EDGE: u64 = 16;
const MOST_ENTRIES: usize = 1024;

impl Format for DellPfs {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    /// 0 "PFS.HDR."   8 version u32, 1 or 2   c size of the entries u32   10 entries, then: size again, checksum, "PFS.FTR."
    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let bytes = Bytes(blob.bytes().tail(start));
        let (version, size) = (bytes.u32(8, Endian::Little)?, u64::from(bytes.u32(12, Endian::Little)?));
        let end = EDGE.saturating_add(size);
        if !matches!(version, 1 | 2) || !(72..=1 << 30).contains(&size) || Entry::read(bytes, EDGE, end).is_none() {
            return Err(Rejected("version, size or first entry"));
        }
        let footer = if bytes.has(end.saturating_add(8), b"PFS.FTR.") { EDGE } else { 0 };
        Ok(Carved::new(end.saturating_add(footer), start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        let size = u64::from(bytes.u32(12, Endian::Little)?);
        let end = EDGE.saturating_add(size);
        if let (Ok(covered), Ok(said)) = (bytes.get(EDGE, size), bytes.u32(end.saturating_add(4), Endian::Little)) {
            // The CRC register as it stands at the end, without the usual last inversion.
            if bytes.has(end.saturating_add(8), b"PFS.FTR.") && !crc32(covered) != said {
                children.problem(&Fault::Checksum("the checksum of the entries does not fit".to_owned()), Some(end.saturating_add(4)));
            }
        }
        let entries: Vec<Entry> = entries(bytes, end).collect();
        let names = entries.iter().find(|entry| NAMES.contains(&entry.guid)).map(|entry| names(bytes, entry.data)).unwrap_or_default();
        for (index, entry) in entries.iter().enumerate() {
            let name = match names.get(&entry.guid) {
                Some(name) => format!("{index} {name}"),
                None if NAMES.contains(&entry.guid) => format!("{index} names"),
                None => format!("{index}"),
            };
            children.span(name.clone(), entry.data, Attributes::default())?;
            for (kind, span) in [("signature", entry.signature), ("metadata", entry.about), ("metadata-signature", entry.about_signature)] {
                if span.length > 0 {
                    children.span(format!("{name}.{kind}"), span, Attributes::default())?;
                }
            }
        }
        let covered = entries.last().map_or(EDGE, |entry| entry.about_signature.end());
        if covered < end {
            children.problem(&Fault::corrupt("what follows the last entry is none"), Some(covered));
        }
        Ok(())
    }
}

/// The entries that name others, as they stand there.
const NAMES: [[u8; 16]; 2] = [
    [0x60, 0x19, 0x04, 0xfd, 0xc8, 0x0d, 0x9f, 0x4b, 0x82, 0x25, 0xbb, 0xa9, 0xe3, 0x7c, 0x71, 0xe0],
    [0xd3, 0x3f, 0x58, 0x4d, 0x0e, 0xf8, 0x55, 0x40, 0xa1, 0x45, 0x9b, 0xec, 0x16, 0xcb, 0x33, 0xb0],
];

/// An entry; little endian:
///
/// ```text
///  0 GUID   10 version u32, 1 or 2   14 versions   28 size of the data u32   2c of its signature   30 of the metadata   34 of its signature
/// 38 unknown, 16 bytes, or 32 in version 2; then these four
/// ```
struct Entry {
    guid: [u8; 16],
    data: Span,
    signature: Span,
    about: Span,
    about_signature: Span,
}

impl Entry {
    fn read(bytes: Bytes<'_>, start: u64, end: u64) -> Option<Self> {
        let word = |at: u64| bytes.u32(start.saturating_add(at), Endian::Little).ok().map(u64::from);
        let header = match word(0x10)? {
            1 => 0x48,
            2 => 0x58,
            _ => return None,
        };
        let data = Span::new(start.saturating_add(header), word(0x28)?);
        let signature = Span::new(data.end(), word(0x2c)?);
        let about = Span::new(signature.end(), word(0x30)?);
        let about_signature = Span::new(about.end(), word(0x34)?);
        (about_signature.end() <= end).then_some(Self { guid: bytes.array(start).ok()?, data, signature, about, about_signature })
    }
}

fn entries(bytes: Bytes<'_>, end: u64) -> impl Iterator<Item = Entry> + '_ {
    let mut at = EDGE;
    let next = move || {
        let entry = Entry::read(bytes, at, end)?;
        at = entry.about_signature.end();
        Some(entry)
    };
    std::iter::from_fn(next).take(MOST_ENTRIES)
}

/// Names of entries: 0 version u32   4 GUID   14 versions, 12 bytes   20 number of characters u16   22 name, UTF-16, and two bytes more.
fn names(bytes: Bytes<'_>, list: Span) -> BTreeMap<[u8; 16], String> {
    let list = Bytes(bytes.up_to(list.start, list.length));
    let (mut names, mut at) = (BTreeMap::new(), 0_u64);
    while let (Ok(1), Ok(guid), Ok(count)) =
        (list.u32(at, Endian::Little), list.array(at.saturating_add(4)), list.u16(at.saturating_add(0x20), Endian::Little))
    {
        let length = u64::from(count).saturating_mul(2);
        let text = utf16le_part_text(list.up_to(at.saturating_add(0x22), length));
        names.insert(guid, text.trim().to_owned());
        at = at.saturating_add(0x24).saturating_add(length);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack, unpack_at};
    use crate::problem::Code;

    const VOLUME: &[u8] = include_bytes!("../../../fixtures/dell-pfs/update.pfs");
    const STORY: &[u8] = include_bytes!("../../../fixtures/content/tree/story.txt");

    #[test]
    fn entries_come_out_by_name() {
        let flash = [&[0xff; 5], VOLUME, b"next"].concat();
        assert_eq!(carve(&DellPfs, &flash, 5), Some(VOLUME.len() as u64));
        let unpacked = unpack_at(&DellPfs, &flash, 5);
        assert!(unpacked.file("0 BIOS").starts_with(b"MZ"));
        assert!(unpacked.file("1 Notes") == STORY);
        assert_eq!(unpacked.file("1 Notes.signature"), b"signature");
        assert_eq!(unpacked.problems, []);
        survives_damage(&DellPfs, VOLUME);
    }

    #[test]
    fn changed_and_other_bytes() {
        let mut changed = VOLUME.to_vec();
        changed[200] ^= 1;
        assert_eq!(unpack(&DellPfs, &changed).problems[0].0, Code::Checksum);
        assert!(!unpack(&DellPfs, &VOLUME[..VOLUME.len() - 900]).problems.is_empty());
        assert_eq!(carve(&DellPfs, b"PFS.HDR. is what such a volume begins with, and ends with PFS.FTR.", 0), None);
    }
}
