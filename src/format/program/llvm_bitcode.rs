//! Programs as LLVM's compilers hand them on.

use crate::blob::{Bytes, Endian};
use crate::format::simple::Leaf;
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// LLVM bitcode.
pub(super) static LLVM_BITCODE: Leaf = Leaf {
    spec: &Spec {
        id: "llvm-bitcode",
        name: "LLVM bitcode",
        kind: Kind::Program,
        magics: &[Magic::anywhere(&[b'B', b'C', 0xc0, 0xde]), Magic::anywhere(&[0xde, 0xc0, 0x17, 0x0b])],
        leaf: true,
        references: &["https://llvm.org/docs/BitCodeFormat.html"],
        limitations: &[],
    },
    reach,
};

/// Blocks at most.
const MOST: u32 = 1 << 12;

/// The wrapper: magic, u32 version 0, u32 offset, u32 size, u32 processor; little-endian. Else blocks: two bits 1, eight bits what it is, four
/// bits a width; from the next word on u32 number of words.
fn reach(input: Bytes<'_>) -> Result<u64, Rejected> {
    if input.u8(0)? == 0xde {
        let (offset, size) = (u64::from(input.u32(8, Endian::Little)?), u64::from(input.u32(12, Endian::Little)?));
        let wrapped = input.u32(4, Endian::Little)? == 0 && (20..=64).contains(&offset) && input.has(offset, b"BC\xc0\xde");
        return if wrapped { Ok(offset.saturating_add(size)) } else { Err(Rejected("wrapper")) };
    }
    let mut at = 4_u64;
    for _ in 0..MOST {
        let (Ok(head), Ok(words)) = (input.u32(at, Endian::Little), input.u32(at.saturating_add(4), Endian::Little)) else { break };
        // Identification, module, texts, symbols.
        if head & 3 != 1 || head >> 14 != 0 || !matches!((head >> 2) & 0xff, 8 | 13 | 23 | 25) || words == 0 {
            break;
        }
        at = at.saturating_add(8).saturating_add(u64::from(words).saturating_mul(4));
    }
    if at == 4 { Err(Rejected("no blocks")) } else { Ok(at) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::simple::tests::whole_and_in_junk;
    use crate::format::testing::carve;

    #[test]
    fn they_reach_to_their_end() {
        whole_and_in_junk(&LLVM_BITCODE, include_bytes!("../../../fixtures/llvm-bitcode/example.bc"));
        assert_eq!(carve(&LLVM_BITCODE, b"BC\xc0\xde is how they begin, and this is a text", 0), None);
    }
}
