//! Payloads of coreboot: segments that are copied to where they run.

use super::hand_over;
use crate::blob::{Bytes, Endian, Span};
use crate::format::Children;
use crate::problem::Fault;

/// Bytes of a segment's entry.
const ENTRY: u64 = 28;
const MOST_SEGMENTS: u64 = 64;

/// Hands over the segments of a payload. False if it has none.
///
/// An entry: 0 type, four letters   4 compression u32   8 offset from the start of the payload u32   c address u64   14 size u32
/// 18 size in memory u32; big endian. The last one is where it is entered.
pub(super) fn segments(bytes: Bytes<'_>, payload: Span, name: &str, children: &mut Children<'_>) -> Result<bool, Fault> {
    let mut found = Vec::new();
    for index in 0..MOST_SEGMENTS {
        let at = payload.start.saturating_add(index.saturating_mul(ENTRY));
        let word = |offset: u64| bytes.u32(at.saturating_add(offset), Endian::Big);
        let Ok(kind) = bytes.array::<4>(at) else { return Ok(false) };
        match &kind {
            b"CODE" | b"DATA" => {
                let place = Span::new(payload.start.saturating_add(word(8)?.into()), word(20)?.into());
                found.push((if &kind == b"CODE" { "code" } else { "data" }, word(4)?, place));
            }
            b"BSS " | b"PARA" => (),
            b"ENTR" => {
                for (index, (kind, packing, place)) in found.into_iter().enumerate() {
                    hand_over(bytes, &format!("{name}/{kind}-{index}"), place, packing, children)?;
                }
                return Ok(true);
            }
            _ => return Ok(false),
        }
    }
    Ok(false)
}
