//! GIF pictures: blocks up to the one that ends them.

use crate::blob::{Bytes, Endian};
use crate::format::simple::Leaf;
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// GIF.
pub(super) static GIF: Leaf = Leaf {
    spec: &Spec {
        id: "gif",
        name: "GIF picture",
        kind: Kind::Media,
        magics: &[Magic::anywhere(b"GIF87a"), Magic::anywhere(b"GIF89a")],
        leaf: true,
        references: &["https://www.w3.org/Graphics/GIF/spec-gif89a.txt"],
        limitations: &[],
    },
    reach,
};

/// Blocks at most.
const MOST: u32 = 1 << 20;

/// Magic, u16 width, u16 height, u8 flags, u8, u8, color table; then pictures (2c), extensions (21), the end (3b).
fn reach(input: Bytes<'_>) -> Result<u64, Rejected> {
    let size = (input.u16(6, Endian::Little)?, input.u16(8, Endian::Little)?);
    if size.0 == 0 || size.1 == 0 {
        return Err(Rejected("size"));
    }
    let mut at = colors(input.u8(10)?).saturating_add(13);
    for _ in 0..MOST {
        match input.u8(at)? {
            0x3b => return Ok(at.saturating_add(1)),
            // u8 what it is, sub-blocks.
            0x21 => at = blocks(input, at.saturating_add(2))?,
            // Place and size, u8 flags, color table, u8 code size, sub-blocks.
            0x2c => {
                let table = colors(input.u8(at.saturating_add(9))?);
                if !matches!(input.u8(at.saturating_add(10).saturating_add(table))?, 1..=11) {
                    return Err(Rejected("code size"));
                }
                at = blocks(input, at.saturating_add(11).saturating_add(table))?;
            }
            _ => break,
        }
    }
    Err(Rejected("blocks"))
}

/// Bytes of the table that `flags` announce.
fn colors(flags: u8) -> u64 {
    if flags & 0x80 == 0 { 0 } else { 3_u64 << (flags & 7).saturating_add(1) }
}

/// Behind the last of the sub-blocks, each with its length as u8.
fn blocks(input: Bytes<'_>, mut at: u64) -> Result<u64, Rejected> {
    for _ in 0..MOST {
        let length = u64::from(input.u8(at)?);
        at = at.saturating_add(1).saturating_add(length);
        if length == 0 {
            return Ok(at);
        }
    }
    Err(Rejected("blocks"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::simple::tests::whole_and_in_junk;
    use crate::format::testing::carve;

    #[test]
    fn they_reach_to_their_end() {
        whole_and_in_junk(&GIF, include_bytes!("../../../fixtures/gif/logo.gif"));
        assert_eq!(carve(&GIF, b"GIF89a is the magic of GIF, and this is a text", 0), None);
    }
}
