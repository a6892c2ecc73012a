//! EVSA: how Phoenix's firmware keeps UEFI variables.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use crate::blob::{Bytes, Endian, Span};
use crate::format::guid::Guid;
use crate::format::header::{Header, Image, sums};
use crate::format::{Kind, Magic, Spec, utf16le_part_text};
use crate::problem::Rejected;

/// Phoenix variable store.
pub(super) static EVSA: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "phoenix-evsa",
    name: "Phoenix variable store (EVSA)",
    kind: Kind::Archive,
    magics: &[Magic::anywhere(b"\x14\x00EVSA").at(2)],
    leaf: false,
    references: &["https://github.com/LongSoft/UEFITool/blob/new_engine/common/ksy/phoenix_evsa.ksy"],
    limitations: &["variables that were deleted are left out"],
};

/// Bytes of the store's own entry.
const HEADER: u64 = 20;
/// More than any flash has room for.
const MOST: u64 = 1 << 24;
/// More than any store has.
const MOST_ENTRIES: usize = 8192;
/// Bytes of an entry that is a name: as many variables as there are may have the same one.
const NAME: RangeInclusive<u16> = 6..=0x400;
/// This attribute says that the data is longer than an entry can be.
const LONG: u32 = 0x1000_0000;

/// A row of entries, little endian: 0 type u8   1 checksum, so that all bytes from 2 on and this come to 0, u8   2 length u16
///
/// ```text
/// ec       the store: 4 "EVSA"   8 attributes u32   c length of it all u32   10 reserved
/// ed, e1   a GUID: 4 its number u16   6 the GUID
/// ee, e2   a name: 4 its number u16   6 UTF-16
/// ef, e3   a variable: 4 number of its GUID u16   6 of its name u16   8 attributes u32   c data, or where that is long: length u32, data
/// 83       a variable that was deleted
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let size = u64::from(bytes.u32(12, Endian::Little)?);
    if bytes.u8(0)? != 0xec || !(HEADER + 6..MOST).contains(&size) {
        return Err(Rejected("type or length"));
    }
    let first = bytes.u8(HEADER)?;
    if !matches!(first, 0xff | 0xed..=0xef | 0xe1..=0xe3 | 0x83) {
        return Err(Rejected("the first entry"));
    }
    let (mut guids, mut names, mut variables) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
    let mut image = Image::new(size, HEADER);
    let mut at = HEADER;
    for _ in 0..MOST_ENTRIES {
        let (Ok(kind), Ok(length)) = (bytes.u8(at), bytes.u16(at.saturating_add(2), Endian::Little)) else { break };
        let half = |offset: u64| bytes.u16(at.saturating_add(offset), Endian::Little);
        let (Ok(first), Ok(second)) = (half(4), half(6)) else { break };
        let mut end = at.saturating_add(length.into());
        let entry = Span::between(at.saturating_add(2), end);
        match kind {
            0xed | 0xe1 if length >= 22 => {
                guids.insert(first, Guid::at(bytes, at.saturating_add(6)));
            }
            0xee | 0xe2 if NAME.contains(&length) => {
                names.insert(first, utf16le_part_text(bytes.up_to(at.saturating_add(6), u64::from(length).saturating_sub(6))));
            }
            0xef | 0xe3 | 0x83 if length >= 12 => {
                let word = |offset: u64| bytes.u32(at.saturating_add(offset), Endian::Little);
                let Ok(attributes) = word(8) else { break };
                let long = attributes & LONG != 0;
                let start = at.saturating_add(if long { 16 } else { 12 });
                if long {
                    let Ok(length) = word(12) else { break };
                    end = start.saturating_add(length.into());
                }
                if kind != 0x83 {
                    variables.push((first, second, Span::between(start, end)));
                }
            }
            _ => break,
        }
        if end > size {
            break;
        }
        image.known(Span::between(at, end));
        let stored = at.saturating_add(1);
        let expected = bytes.u8(stored)?;
        image.check("the checksum of an entry", stored, entry.length, move |bytes| {
            let sum = sums::byte_sum(bytes.part(entry)?.0).wrapping_add(expected.into());
            Ok(sum.is_multiple_of(0x100))
        });
        at = end;
    }
    for (guid, name, data) in variables.into_iter().filter(|(_, _, data)| data.end() <= size) {
        let guid = guids.get(&guid).and_then(|guid| guid.as_ref().ok()).map_or_else(|| format!("guid-{guid:x}"), ToString::to_string);
        let name = names.get(&name).cloned().unwrap_or_else(|| format!("name-{name:x}"));
        image.part(format!("{name}-{guid}"), data);
    }
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, holds, unpack};
    use crate::problem::Code;

    const STORE: &[u8] = include_bytes!("../../../fixtures/phoenix-evsa/store.bin");
    const GUID: &str = "7E57F1E5-0000-4000-8000-000000000001";

    #[test]
    fn variables_come_out() {
        let story = &include_bytes!("../../../fixtures/content/tree/story.txt")[..200];
        holds(&EVSA, STORE, &[(&format!("Lang-{GUID}"), b"eng"), (&format!("Story-{GUID}"), story)]);
    }

    #[test]
    fn a_variable_without_a_name_is_not_lost() {
        let mut store = STORE.to_vec();
        store[20 + 22] = 0xe0;
        assert_eq!(unpack(&EVSA, &store).names(), ["at-0x2a"], "an entry of a kind that is not known ends the row");
        store[20 + 22] = 0xee;
        let mut small = store.clone();
        small[12..16].copy_from_slice(&0x80_u32.to_le_bytes());
        for cut in [6, 9] {
            assert_eq!(unpack(&EVSA, &small[..0x3a + cut]).names(), ["at-0x3a"], "cut in the head of a variable");
        }
        store[0x3a + 12] ^= 1;
        assert_eq!(unpack(&EVSA, &store).problems[0].0, Code::Checksum);
        store[20 + 22 + 3] = 0x10;
        assert_eq!(unpack(&EVSA, &store).names(), ["at-0x2a"], "a name of more than 4000 bytes");
        store[20] = 0x20;
        assert_eq!(carve(&EVSA, &store, 0), None);
    }
}
