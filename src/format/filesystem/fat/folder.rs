//! Directory entries, and the long names that stand before them.

use crate::blob::{Bytes, Endian};
use crate::format::{dos_time, part_text, utf16_part_text};

const VOLUME_LABEL: u8 = 0x08;
const DIRECTORY: u8 = 0x10;
const LONG_NAME: u8 = 0x0f;

/// A file or folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    /// Its name: the long one if there is one.
    pub(super) name: String,
    /// Whether it is a folder.
    pub(super) folder: bool,
    /// Its first cluster; 0 if it has none.
    pub(super) cluster: u32,
    /// Bytes of a file.
    pub(super) size: u32,
    /// Last change. The time zone is that of whoever wrote it, so this is local time read as UTC.
    pub(super) modified: Option<i64>,
}

/// Reads directory entries one after the other. An entry, 32 bytes:
///
/// ```text
/// 00 DIR_Name[11]   0b DIR_Attr u8   0c DIR_NTRes u8   14 DIR_FstClusHI u16   16 DIR_WrtTime u16   18 DIR_WrtDate u16
/// 1a DIR_FstClusLO u16   1c DIR_FileSize u32
/// ```
#[derive(Debug, Default)]
pub(super) struct Reader {
    long: LongName,
    /// Whether the end of the directory was reached.
    pub(super) ended: bool,
    /// Entries that hold nothing sensible.
    pub(super) broken: u64,
}

impl Reader {
    /// What the next 32 bytes say, if they are the last of a name. Labels, deleted entries and `.` and `..` are none.
    pub(super) fn next(&mut self, entry: Bytes<'_>) -> Option<Named> {
        let short: [u8; 11] = entry.array(0).ok()?;
        let (first, attributes) = (entry.u8(0).ok()?, entry.u8(11).ok()?);
        if self.ended || first == 0 {
            self.ended = true;
            return None;
        }
        if first == 0xe5 {
            self.long = LongName::default();
            return None;
        }
        if attributes & 0x3f == LONG_NAME {
            self.long.add(entry);
            return None;
        }
        let long = std::mem::take(&mut self.long).finish(&short);
        if attributes & 0xc0 != 0 || first == b' ' || short.iter().skip(1).any(|byte| *byte < b' ') || first < b' ' && first != 5 {
            self.broken = self.broken.saturating_add(1);
            return None;
        }
        if attributes & VOLUME_LABEL != 0 || short.starts_with(b".  ") || short.starts_with(b".. ") {
            return None;
        }
        let half = |at| entry.u16(at, Endian::Little).unwrap_or(0);
        Some(Named {
            name: long.unwrap_or_else(|| short_name(short, entry.u8(12).unwrap_or(0))),
            folder: attributes & DIRECTORY != 0,
            cluster: (u32::from(half(0x14)) << 16) | u32::from(half(0x1a)),
            size: entry.u32(0x1c, Endian::Little).unwrap_or(0),
            modified: dos_time(half(0x18), half(0x16)),
        })
    }
}

/// The 8.3 name. Bits 3 and 4 of DIR_NTRes say that base and extension are meant in lower case.
fn short_name(mut name: [u8; 11], case: u8) -> String {
    // A first byte of e5 would mean "deleted".
    if let [first @ 5, ..] = &mut name {
        *first = 0xe5;
    }
    let (base, extension) = name.split_at(8);
    let part = |bytes: &[u8], lower: bool| {
        let end = bytes.iter().rposition(|byte| *byte != b' ').map_or(0, |last| last.saturating_add(1));
        let bytes = bytes.get(..end).unwrap_or_default();
        part_text(&if lower { bytes.to_ascii_lowercase() } else { bytes.to_vec() })
    };
    let (base, extension) = (part(base, case & 8 != 0), part(extension, case & 16 != 0));
    if extension.is_empty() { base } else { format!("{base}.{extension}") }
}

/// A long name in the making: up to 20 entries of 13 UTF-16 units each, the last first.
///
/// ```text
/// 00 LDIR_Ord u8 (40 marks the last)   01 LDIR_Name1[5] u16   0d LDIR_Chksum u8   0e LDIR_Name2[6] u16   1c LDIR_Name3[2] u16
/// ```
#[derive(Debug, Default)]
struct LongName {
    parts: Vec<Vec<u16>>,
    checksum: u8,
    /// Number of the next entry; 0 if the name is whole.
    expected: u8,
}

impl LongName {
    fn add(&mut self, entry: Bytes<'_>) {
        let (order, checksum) = (entry.u8(0).unwrap_or(0), entry.u8(13).unwrap_or(0));
        if order & 0x40 != 0 {
            *self = Self { parts: Vec::new(), checksum, expected: order & 0x3f };
        }
        if order & 0x3f != self.expected || checksum != self.checksum || !(1..=20).contains(&self.expected) {
            *self = Self::default();
            return;
        }
        let text = [entry.up_to(1, 10), entry.up_to(14, 12), entry.up_to(28, 4)].concat();
        self.parts.push(text.chunks_exact(2).map(|unit| Bytes(unit).u16(0, Endian::Little).unwrap_or(0)).collect());
        self.expected = self.expected.saturating_sub(1);
    }

    /// The name, if it is whole and belongs to the short name `short`.
    fn finish(self, short: &[u8; 11]) -> Option<String> {
        let sum = short.iter().fold(0_u8, |sum, byte| sum.rotate_right(1).wrapping_add(*byte));
        if self.parts.is_empty() || self.expected != 0 || self.checksum != sum {
            return None;
        }
        let units = self.parts.into_iter().rev().flatten().take_while(|unit| *unit != 0);
        let name = utf16_part_text(units);
        (!name.is_empty()).then_some(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names() {
        assert_eq!(short_name(*b"README  TXT", 0), "README.TXT");
        assert_eq!(short_name(*b"README  TXT", 0x18), "readme.txt");
        assert_eq!(short_name(*b"\x05A         ", 0), "\\xe5A");
    }
}
