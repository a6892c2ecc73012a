//! The map of a flash that Phoenix's firmware writes into it.

use crate::blob::{Blob, Bytes, Endian};
use crate::format::{Carved, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::Rejected;

/// Phoenix flash map.
#[derive(Debug)]
pub(super) struct FlashMap;

static SPEC: Spec = Spec {
    id: "phoenix-flash-map",
    name: "Phoenix flash map",
    kind: Kind::Partition,
    magics: &[Magic::anywhere(b"_FLASH_MAP")],
    leaf: true,
    references: &["https://github.com/LongSoft/UEFITool/blob/new_engine/common/ksy/phoenix_flm.ksy"],
    limitations: &["its entries are addresses in memory: what they lead to is found by itself"],
};

/// Bytes of the header, and of an entry.
const HEADER: u64 = 16;
const ENTRY: u64 = 36;
/// As many as fit into a page.
const MOST_ENTRIES: u16 = 113;

impl Format for FlashMap {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    /// The map, little endian: 0 "_FLASH_MAP"   a number of entries u16   c reserved   10 entries: GUID, type of the data u16, type of the
    /// entry u16, address u64, size u32, offset u32.
    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let bytes = Bytes(blob.bytes().tail(start));
        let count = bytes.u16(10, Endian::Little)?;
        if !(1..=MOST_ENTRIES).contains(&count) {
            return Err(Rejected("number of entries"));
        }
        let place = |index: u64| HEADER.saturating_add(index.saturating_mul(ENTRY));
        for index in 0..u64::from(count) {
            let entry = Bytes(bytes.get(place(index), ENTRY)?);
            let (data, kind) = (entry.u16(16, Endian::Little)?, entry.u16(18, Endian::Little)?);
            if data > 16 || kind > 16 || entry.u64(20, Endian::Little)? > 1 << 40 || entry.u32(28, Endian::Little)? > 1 << 28 {
                return Err(Rejected("an entry"));
            }
        }
        Ok(Carved::new(place(count.into()), start, blob))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage};

    #[test]
    fn entries_are_checked() {
        let map = include_bytes!("../../../fixtures/phoenix-flash-map/map.bin");
        assert_eq!(carve(&FlashMap, &[&[0xff; 7], &map[..], b"next"].concat(), 7), Some(map.len() as u64));
        survives_damage(&FlashMap, map);
        assert_eq!(carve(&FlashMap, &b"_FLASH_MAP is how the map begins, and this text is none. ".repeat(90), 0), None);
    }
}
