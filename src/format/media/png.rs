//! PNG pictures: chunks up to the one that ends them.

use crate::blob::{Bytes, Endian};
use crate::format::simple::Leaf;
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// PNG.
pub(super) static PNG: Leaf = Leaf {
    spec: &Spec {
        id: "png",
        name: "PNG picture",
        kind: Kind::Media,
        magics: &[Magic::anywhere(b"\x89PNG\r\n\x1a\n")],
        leaf: true,
        references: &["https://www.w3.org/TR/png-3/"],
        limitations: &[],
    },
    reach,
};

/// Chunks at most.
const MOST: u32 = 1 << 20;

/// u32 length, four letters, bytes, u32 CRC; big-endian. The first is IHDR, the last IEND.
fn reach(input: Bytes<'_>) -> Result<u64, Rejected> {
    if input.u32(8, Endian::Big)? != 13 || !input.has(12, b"IHDR") {
        return Err(Rejected("IHDR"));
    }
    let mut at = 8_u64;
    for _ in 0..MOST {
        let Ok(kind) = input.array::<4>(at.saturating_add(4)) else { break };
        if !kind.iter().all(u8::is_ascii_alphabetic) {
            return Err(Rejected("chunks"));
        }
        at = at.saturating_add(input.u32(at, Endian::Big)?.into()).saturating_add(12);
        if &kind == b"IEND" {
            break;
        }
    }
    Ok(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::simple::tests::whole_and_in_junk;
    use crate::format::testing::carve;

    #[test]
    fn they_reach_to_their_end() {
        whole_and_in_junk(&PNG, include_bytes!("../../../fixtures/png/logo.png"));
        assert_eq!(carve(&PNG, b"\x89PNG\r\n\x1a\n is the magic of PNG, and this is a text", 0), None);
    }
}
