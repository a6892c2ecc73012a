//! The table of partitions in the flash of ESP32.

use md5::{Digest, Md5};

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image, is_name};
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

static SPEC: Spec = Spec {
    id: "esp-partition-table",
    name: "Espressif partition table",
    kind: Kind::Partition,
    magics: &[Magic::anywhere(&[0xaa, 0x50, 0]), Magic::anywhere(&[0xaa, 0x50, 1])],
    leaf: true,
    references: &["https://docs.espressif.com/projects/esp-idf/en/stable/esp32/api-guides/partition-tables.html"],
    limitations: &[],
};

/// Espressif partition table.
pub(in crate::format) static TABLE: Header = Header { spec: &SPEC, read };

/// Bytes of an entry.
const ENTRY: u64 = 32;

/// The most that the loader reads.
const MOST_ENTRIES: u64 = 95;

/// A partition.
pub(super) struct Partition {
    pub(super) name: String,
    pub(super) span: Span,
    /// Where its entry stands, from the start of the table.
    pub(super) entry: u64,
}

fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let (partitions, length) = partitions(bytes)?;
    let mut image = Image::of(length);
    for partition in &partitions {
        image.fact("header.name", partition.entry.saturating_add(12), 16);
    }
    let end = length.saturating_sub(ENTRY);
    if bytes.has(end, &[0xeb, 0xeb]) {
        let sum = end.saturating_add(16);
        image.check("the MD5 of the table", sum, 0, move |bytes| Ok(Md5::digest(bytes.get(0, end)?).as_slice() == bytes.get(sum, 16)?));
    }
    Ok(image)
}

/// All partitions of the table at the start of `bytes`, and its length. An entry; all numbers little endian:
///
/// ```text
///  0 magic 0x50aa   2 type: 0 program, 1 data, from 0x40 on of the maker   3 subtype   4 offset in flash   8 size   c name[16]   1c flags
/// ```
///
/// The last one has 0xebeb for a magic, 14 bytes of 0xff, and the MD5 of all before it; old tables end with 0xff at once.
pub(super) fn partitions(bytes: Bytes<'_>) -> Result<(Vec<Partition>, u64), Rejected> {
    let mut found: Vec<Partition> = Vec::new();
    for index in 0..MOST_ENTRIES {
        let entry = index.saturating_mul(ENTRY);
        let word = |at: u64| bytes.u32(entry.saturating_add(at), Endian::Little);
        if bytes.has(entry, &[0xeb, 0xeb, 0xff, 0xff, 0xff, 0xff]) {
            return if found.is_empty() { Err(Rejected("no partitions")) } else { Ok((found, entry.saturating_add(ENTRY))) };
        }
        if bytes.get(entry, ENTRY)?.iter().all(|byte| *byte == 0xff) {
            // Without the MD5, one entry is not enough to be sure.
            return if found.len() < 2 { Err(Rejected("hardly any partitions")) } else { Ok((found, entry)) };
        }
        let span = Span::new(word(4)?.into(), word(8)?.into());
        let name = entry.saturating_add(12);
        let aligned = span.start.is_multiple_of(4096) && span.start > 0 && span.length > 0 && span.end() <= 1 << 30;
        if !bytes.has(entry, &[0xaa, 0x50]) || !aligned || word(28)? > 3 || !is_name(bytes, name, 16) {
            return Err(Rejected("an entry"));
        }
        let name = crate::format::part_text(bytes.text(name, 16)?);
        found.push(Partition { name, span, entry });
    }
    Err(Rejected("the table does not end"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::header::testing::{damaged, opens};
    use crate::problem::Code;

    #[test]
    fn names_are_said() {
        let table = include_bytes!("../../../../fixtures/esp-partition-table/table.bin");
        let unpacked = opens(&TABLE, table, &[]);
        let names: Vec<_> = unpacked.facts.iter().map(|fact| String::from_utf8_lossy(&fact.value).into_owned()).collect();
        assert_eq!(names, ["nvs", "factory", "storage"]);
        assert_eq!(damaged(&TABLE, table, 3), [Code::Checksum]);
    }
}
