//! Intel's firmware interface table: where a processor finds microcode, and what it measures before the first instruction.

use crate::blob::{Blob, Bytes, Endian};
use crate::format::{Carved, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::Rejected;

/// Intel firmware interface table.
#[derive(Debug)]
pub(super) struct InterfaceTable;

static SPEC: Spec = Spec {
    id: "intel-fit",
    name: "Intel firmware interface table",
    kind: Kind::Partition,
    magics: &[Magic::anywhere(b"_FIT_   ")],
    leaf: true,
    references: &["https://www.intel.com/content/www/us/en/content-details/774280/firmware-interface-table.html"],
    limitations: &["its entries are addresses in memory: what they lead to is found by itself"],
};

/// Bytes of an entry.
const ENTRY: u64 = 16;

impl Format for InterfaceTable {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    /// Entries: 0 address u64, of the first one the signature   8 size u24, of the first one the number of entries   c version u16
    /// e type, and bit 7 if there is a checksum   f checksum: all bytes add up to 0.
    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let bytes = Bytes(blob.bytes().tail(start));
        let (count, version, kind) = (u64::from(bytes.u32(8, Endian::Little)?), bytes.u16(12, Endian::Little)?, bytes.u8(14)?);
        if !(1..=256).contains(&count) || version != 0x100 || kind & 0x7f != 0 {
            return Err(Rejected("number of entries, version or type"));
        }
        let length = count.saturating_mul(ENTRY);
        let table = bytes.get(0, length)?;
        if kind & 0x80 != 0 && table.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte)) != 0 {
            return Err(Rejected("checksum"));
        }
        Ok(Carved::new(length, start, blob))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage};

    #[test]
    fn the_checksum_decides() {
        let table = include_bytes!("../../../fixtures/intel-fit/table.bin");
        assert_eq!(carve(&InterfaceTable, &[&[0xff; 7], &table[..], b"next"].concat(), 7), Some(48));
        survives_damage(&InterfaceTable, table);
        let mut changed = table.to_vec();
        changed[20] ^= 1;
        assert_eq!(carve(&InterfaceTable, &changed, 0), None);
        assert_eq!(carve(&InterfaceTable, b"_FIT_   is how the table begins", 0), None);
    }
}
