//! Sound and films in pages of Ogg.

use crate::blob::{Bytes, Endian, to_u64};
use crate::codec::crc::crc32_upper_first;
use crate::format::simple::Leaf;
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// Ogg.
pub(super) static OGG: Leaf = Leaf {
    spec: &Spec {
        id: "ogg",
        name: "Ogg",
        kind: Kind::Media,
        magics: &[Magic::anywhere(b"OggS\0\x02")],
        leaf: true,
        references: &["https://www.rfc-editor.org/rfc/rfc3533"],
        limitations: &[],
    },
    reach,
};

/// Pages at most.
const MOST: u32 = 1 << 22;

/// Magic, u8 version 0, u8 flags, u64 position, u32 stream, u32 number, u32 CRC, u8 number of segments, their lengths as u8 each.
fn reach(input: Bytes<'_>) -> Result<u64, Rejected> {
    first_page(input)?;
    let mut at = 0_u64;
    for _ in 0..MOST {
        if !input.has(at, b"OggS\0") || input.u8(at.saturating_add(5)).is_ok_and(|flags| flags > 7) {
            break;
        }
        let Ok(count) = input.u8(at.saturating_add(26)) else { break };
        let body: u64 = input.up_to(at.saturating_add(27), count.into()).iter().map(|length| u64::from(*length)).sum();
        at = at.saturating_add(27).saturating_add(count.into()).saturating_add(body);
    }
    Ok(at)
}

/// The first page has number 0 and holds one packet, the header of what is inside: all segments but the last are full. Its checksum fits.
fn first_page(input: Bytes<'_>) -> Result<(), Rejected> {
    let lengths = input.get(27, input.u8(26)?.into())?;
    let Some((_, full)) = lengths.split_last() else { return Err(Rejected("no segments")) };
    if input.array::<4>(18)? != [0; 4] || full.iter().any(|length| *length != 255) {
        return Err(Rejected("first page"));
    }
    let body = lengths.iter().map(|length| u64::from(*length)).sum();
    let parts = [input.get(0, 22)?, &[0; 4], input.get(26, 1)?, lengths, input.get(to_u64(lengths.len()).saturating_add(27), body)?];
    if crc32_upper_first(&parts) != input.u32(22, Endian::Little)? { Err(Rejected("checksum of the first page")) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::simple::tests::whole_and_in_junk;
    use crate::format::testing::carve;

    #[test]
    fn they_reach_to_their_end() {
        whole_and_in_junk(&OGG, include_bytes!("../../../fixtures/ogg/beep.ogg"));
        assert_eq!(carve(&OGG, b"OggS\0\x02 is how Ogg begins, and this is a text that goes on", 0), None);
    }
}
