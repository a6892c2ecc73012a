//! WebAssembly modules: sections as long as there are some.

use crate::blob::Bytes;
use crate::format::simple::Leaf;
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// WebAssembly.
pub(super) static WASM: Leaf = Leaf {
    spec: &Spec {
        id: "wasm",
        name: "WebAssembly",
        kind: Kind::Program,
        magics: &[Magic::anywhere(b"\0asm\x01\0\0\0")],
        leaf: true,
        references: &["https://webassembly.github.io/spec/core/binary/modules.html"],
        limitations: &[],
    },
    reach,
};

/// Sections at most.
const MOST: u32 = 1 << 12;

/// Magic, u32 version 1; then sections: u8 kind, length as LEB128.
fn reach(input: Bytes<'_>) -> Result<u64, Rejected> {
    let (mut at, mut sections, mut before) = (8_u64, 0_u32, 0);
    while sections < MOST {
        let Ok(kind) = input.u8(at) else { break };
        let Some((length, width)) = leb128(input.up_to(at.saturating_add(1), 5)) else { break };
        let next = at.saturating_add(1).saturating_add(width).saturating_add(length);
        if kind > 13 || (kind != 0 && place(kind) <= before) || length == 0 || (next > input.len() && sections == 0) {
            break;
        }
        before = before.max(place(kind));
        (at, sections) = (next, sections.saturating_add(1));
    }
    // A few sections may be chance, unless they are all there is.
    if sections < 4 && (sections == 0 || at != input.len()) { Err(Rejected("no sections")) } else { Ok(at) }
}

/// Where a section stands among the others: in the order of their numbers, but for two that came later. Custom ones stand anywhere.
fn place(kind: u8) -> u8 {
    match kind {
        // The count of data stands before the code, tags behind the memories.
        12 => 19,
        13 => 11,
        kind => kind.saturating_mul(2),
    }
}

/// A number and how many bytes it takes.
fn leb128(bytes: &[u8]) -> Option<(u64, u64)> {
    let mut value = 0;
    for ((byte, shift), width) in bytes.iter().zip([0_u32, 7, 14, 21, 28]).zip(1..) {
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some((value, width));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::simple::tests::whole_and_in_junk;
    use crate::format::testing::carve;

    #[test]
    fn they_reach_to_their_end() {
        whole_and_in_junk(&WASM, include_bytes!("../../../fixtures/wasm/example.wasm"));
        assert_eq!(carve(&WASM, b"\0asm\x01\0\0\0 is how they begin, and this is a text", 0), None);
    }
}
