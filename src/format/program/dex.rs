//! Programs for Android's virtual machine.

use crate::blob::{Bytes, Endian};
use crate::format::simple::Leaf;
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// DEX.
pub(super) static DEX: Leaf = Leaf {
    spec: &Spec {
        id: "dex",
        name: "Dalvik bytecode",
        kind: Kind::Program,
        magics: &[
            Magic::anywhere(b"dex\n035\0"),
            Magic::anywhere(b"dex\n036\0"),
            Magic::anywhere(b"dex\n037\0"),
            Magic::anywhere(b"dex\n038\0"),
            Magic::anywhere(b"dex\n039\0"),
            Magic::anywhere(b"dex\n040\0"),
            Magic::anywhere(b"dex\n041\0"),
        ],
        leaf: true,
        references: &["https://source.android.com/docs/core/runtime/dex-format"],
        limitations: &["the checksum is not verified"],
    },
    reach,
};

/// Magic, u32 Adler-32, SHA-1 of 20 bytes, u32 length, u32 size of the header, u32 12345678; little-endian.
fn reach(input: Bytes<'_>) -> Result<u64, Rejected> {
    let length = u64::from(input.u32(32, Endian::Little)?);
    if !matches!(input.u32(36, Endian::Little)?, 0x70 | 0x78) || input.u32(40, Endian::Little)? != 0x1234_5678 || length < 0x70 {
        return Err(Rejected("header"));
    }
    Ok(length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::simple::tests::whole_and_in_junk;
    use crate::format::testing::carve;

    #[test]
    fn they_reach_to_their_end() {
        whole_and_in_junk(&DEX, include_bytes!("../../../fixtures/dex/classes.dex"));
        assert_eq!(carve(&DEX, b"dex\n035\0 is how they begin, and this is a text, is it not?", 0), None);
    }
}
