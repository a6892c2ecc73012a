//! JPEG pictures: segments up to the one that ends them.

use crate::blob::{Bytes, Endian, to_u64};
use crate::format::simple::Leaf;
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// JPEG.
pub(super) static JPEG: Leaf = Leaf {
    spec: &Spec {
        id: "jpeg",
        name: "JPEG picture",
        kind: Kind::Media,
        magics: &[Magic::anywhere(b"\xff\xd8\xff")],
        leaf: true,
        references: &["https://www.w3.org/Graphics/JPEG/itu-t81.pdf"],
        limitations: &["pictures that are cut, in the middle of other bytes"],
    },
    reach,
};

/// Segments, and markers in the data, at most.
const MOST: u32 = 1 << 22;

/// ff, u8 kind, u16 length with these two; big-endian. There is a frame (c0 to cf), then scans (da) with data in which ff is followed by 0 or by
/// the number of a restart.
fn reach(input: Bytes<'_>) -> Result<u64, Rejected> {
    let (mut at, mut frame, mut scan) = (2_u64, false, false);
    for _ in 0..MOST {
        let [mark, kind] = input.array(at)?;
        let length = u64::from(input.u16(at.saturating_add(2), Endian::Big).unwrap_or(0));
        if mark != 0xff {
            return Err(Rejected("segments"));
        }
        match kind {
            0xd9 if scan => return Ok(at.saturating_add(2)),
            // Padding.
            0xff => {
                at = at.saturating_add(1);
                continue;
            }
            0xc0..=0xfe if !matches!(kind, 0xd0..=0xd9) && length >= 2 => {
                frame |= matches!(kind, 0xc0..=0xcf) && !matches!(kind, 0xc4 | 0xc8 | 0xcc);
                at = at.saturating_add(2).saturating_add(length);
            }
            _ => return Err(Rejected("segments")),
        }
        if kind == 0xda {
            if !frame {
                return Err(Rejected("no frame before the scan"));
            }
            scan = true;
            at = data(input, at)?;
        }
    }
    Err(Rejected("no end"))
}

/// The next marker behind the data of a scan.
fn data(input: Bytes<'_>, mut at: u64) -> Result<u64, Rejected> {
    for _ in 0..MOST {
        let found = memchr::memchr(0xff, input.tail(at)).ok_or(Rejected("no end"))?;
        at = at.saturating_add(to_u64(found));
        match input.u8(at.saturating_add(1))? {
            0 | 0xd0..=0xd7 => at = at.saturating_add(2),
            _ => return Ok(at),
        }
    }
    Err(Rejected("no end"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::simple::tests::whole_and_in_junk;
    use crate::format::testing::carve;

    #[test]
    fn they_reach_to_their_end() {
        whole_and_in_junk(&JPEG, include_bytes!("../../../fixtures/jpeg/logo.jpg"));
        assert_eq!(carve(&JPEG, b"\xff\xd8\xff is the magic of JPEG, and this is a text", 0), None);
    }
}
