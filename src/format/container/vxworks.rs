//! The table of symbols in images of VxWorks: what every function of the firmware is called, and where it is.

use crate::blob::{Blob, Bytes, Endian};
use crate::format::{Carved, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::Rejected;

/// VxWorks symbol table.
#[derive(Debug)]
pub(super) struct SymbolTable;

static SPEC: Spec = Spec {
    id: "vxworks-symbols",
    name: "VxWorks symbol table",
    kind: Kind::Container,
    magics: &[
        Magic::anywhere(&[0, 0, 5, 0, 0, 0, 0, 0]).at(8),
        Magic::anywhere(&[0, 0, 7, 0, 0, 0, 0, 0]).at(8),
        Magic::anywhere(&[0, 0, 9, 0, 0, 0, 0, 0]).at(8),
        Magic::anywhere(&[0, 5, 0, 0, 0, 0, 0, 0]).at(8),
        Magic::anywhere(&[0, 7, 0, 0, 0, 0, 0, 0]).at(8),
        Magic::anywhere(&[0, 9, 0, 0, 0, 0, 0, 0]).at(8),
    ],
    leaf: true,
    references: &["https://github.com/ReFirmLabs/binwalk/blob/master/src/structures/vxworks.rs"],
    limitations: &[
        "only the table of versions 5 and 6 with entries of 16 bytes",
        "names stand elsewhere in the image and are not put beside their addresses",
    ],
};

/// Bytes of an entry.
const ENTRY: u64 = 16;

/// Fewer symbols than any image has, and the most that are counted.
const LEAST: u64 = 250;
const MOST: u64 = 1 << 18;

impl Format for SymbolTable {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    /// An entry is four words: address of the name, address of what it names, type (0x500 code, 0x700 data, 0x900 data that begins as zero), group.
    /// Names stand together, so that their addresses differ by less than the size of the image.
    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let bytes = Bytes(blob.bytes().tail(start));
        let endian = if bytes.u8(9)? == 0 { Endian::Big } else { Endian::Little };
        let first = bytes.u32(0, endian)?;
        let is_symbol = |bytes: Bytes<'_>, at: u64| {
            let word = |field: u64| bytes.u32(at.saturating_add(field), endian).unwrap_or(0);
            let near = word(0).abs_diff(first) < 64 << 20;
            near && word(0) != 0 && word(4) != 0 && matches!(word(8), 0x500 | 0x700 | 0x900) && word(12) == 0
        };
        // Of a table, all but the first entry were counted when that one was tried.
        if start.checked_sub(ENTRY).is_some_and(|before| is_symbol(blob.bytes(), before)) {
            return Err(Rejected("in the middle of a table"));
        }
        let count = (0..MOST).take_while(|index| is_symbol(bytes, index.saturating_mul(ENTRY))).count();
        let count = crate::blob::to_u64(count);
        let named = (0..count.min(LEAST)).any(|index| bytes.u32(index.saturating_mul(ENTRY), endian) != Ok(first));
        if count < LEAST || !named {
            return Err(Rejected("hardly any symbols"));
        }
        Ok(Carved::new(count.saturating_mul(ENTRY), start, blob))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage};

    fn table(count: u32, endian: Endian) -> Vec<u8> {
        let word = |value: u32| if endian == Endian::Big { value.to_be_bytes() } else { value.to_le_bytes() };
        let entry = |index: u32| {
            [0x8030_0000 + index * 12, 0x8000_1000 + index * 64, [0x500, 0x700, 0x900][index as usize % 3], 0].map(word).concat()
        };
        (0..count).flat_map(entry).collect()
    }

    #[test]
    fn tables_of_both_byte_orders_are_found() {
        for endian in [Endian::Little, Endian::Big] {
            let flash = [vec![0xff; 8], table(300, endian), vec![0x11; 64]].concat();
            assert_eq!(carve(&SymbolTable, &flash, 8), Some(4800));
            assert_eq!(carve(&SymbolTable, &table(200, endian), 0), None, "too few to be sure");
        }
        survives_damage(&SymbolTable, &table(300, Endian::Big));
        assert_eq!(
            carve(&SymbolTable, &[1, 2, 3, 4, 1, 2, 3, 4, 0, 0, 5, 0, 0, 0, 0, 0].repeat(300), 0),
            None,
            "the same entry over and over"
        );
    }
}
