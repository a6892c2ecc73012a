//! Mach-O programs and libraries, as Apple's systems run them, for one processor.

use crate::blob::{Bytes, Endian};
use crate::format::simple::Leaf;
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// Mach-O.
pub(super) static MACH_O: Leaf = Leaf {
    spec: &Spec {
        id: "mach-o",
        name: "Mach-O",
        kind: Kind::Program,
        magics: &[
            Magic::anywhere(&[0xcf, 0xfa, 0xed, 0xfe]),
            Magic::anywhere(&[0xce, 0xfa, 0xed, 0xfe]),
            Magic::anywhere(&[0xfe, 0xed, 0xfa, 0xcf]),
            Magic::anywhere(&[0xfe, 0xed, 0xfa, 0xce]),
        ],
        leaf: true,
        references: &["https://github.com/apple-oss-distributions/xnu/blob/main/EXTERNAL_HEADERS/mach-o/loader.h"],
        limitations: &[],
    },
    reach,
};

const SEGMENT: u32 = 1;
const SYMBOLS: u32 = 2;
const SEGMENT_64: u32 = 0x19;

/// Commands with the offset and size of a part of the file at 8: signature, functions, data in code, exports, fixups and the like.
const PARTS: &[u32] = &[0x1d, 0x1e, 0x26, 0x29, 0x2b, 0x2e, 0x8000_0033, 0x8000_0034];

/// u32 magic, u32 processor, u32 its kind, u32 type of file, u32 number of commands, u32 their size, u32 flags, and a u32 more in the wide
/// variant; then commands: u32 what, u32 size.
pub(super) fn reach(input: Bytes<'_>) -> Result<u64, Rejected> {
    let endian = if input.u8(0)? == 0xfe { Endian::Big } else { Endian::Little };
    let wide = input.u32(0, endian)? == 0xfeed_facf;
    let word = |at: u64| input.u32(at, endian);
    let (count, size) = (word(16)?, u64::from(word(20)?));
    let processor = word(4)? & 0x00ff_ffff;
    if !(1..=18).contains(&processor) || !(1..=15).contains(&word(12)?) || !(1..=4096).contains(&count) || size > 1 << 20 {
        return Err(Rejected("header"));
    }
    let start = if wide { 32 } else { 28 };
    let (mut at, commands) = (start, size.saturating_add(start));
    let mut end = commands;
    for _ in 0..count {
        let (Ok(what), Ok(length)) = (word(at), word(at.saturating_add(4))) else { break };
        if length < 8 || at.saturating_add(length.into()) > commands {
            return Err(Rejected("commands"));
        }
        end = end.max(part(input, at, what, endian).unwrap_or(0));
        at = at.saturating_add(length.into());
    }
    Ok(end)
}

/// Where the part that a command speaks of ends in the file.
fn part(input: Bytes<'_>, at: u64, what: u32, endian: Endian) -> Option<u64> {
    let word = |field: u64| input.u32(at.saturating_add(field), endian).ok().map(u64::from);
    let quad = |field: u64| input.u64(at.saturating_add(field), endian).ok();
    Some(match what {
        SEGMENT => word(32)?.saturating_add(word(36)?),
        SEGMENT_64 => quad(40)?.saturating_add(quad(48)?),
        SYMBOLS => word(16)?.saturating_add(word(20)?),
        what if PARTS.contains(&what) => word(8)?.saturating_add(word(12)?),
        _ => 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::simple::tests::whole_and_in_junk;
    use crate::format::testing::carve;

    #[test]
    fn they_reach_to_their_end() {
        whole_and_in_junk(&MACH_O, include_bytes!("../../../fixtures/mach-o/example.macho"));
        assert_eq!(carve(&MACH_O, b"\xcf\xfa\xed\xfe is how they begin, and this is a text that goes on", 0), None);
    }
}
