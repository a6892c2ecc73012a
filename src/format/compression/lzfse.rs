//! LZFSE and LZVN streams, as Apple's systems write them.

use crate::codec::Codec;
use crate::format::simple::Packed;
use crate::format::{Kind, Magic, Spec};

/// LZFSE.
pub(super) static LZFSE: Packed = Packed {
    spec: &Spec {
        id: "lzfse",
        name: "LZFSE",
        kind: Kind::Compression,
        magics: &[Magic::anywhere(b"bvx-"), Magic::anywhere(b"bvx1"), Magic::anywhere(b"bvx2"), Magic::anywhere(b"bvxn")],
        leaf: false,
        references: &["https://github.com/lzfse/lzfse/blob/master/src/lzfse_internal.h"],
        limitations: &["streams without their end, of which nothing is read"],
    },
    codec: Codec::Lzfse,
    header: |_| Ok(()),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack_at};

    #[test]
    fn files_in_the_middle_of_other_bytes() {
        let packed = include_bytes!("../../../fixtures/lzfse/story.lzfse");
        let image = [b"before".as_slice(), packed, b"after"].concat();
        assert_eq!(unpack_at(&LZFSE, &image, 6).file(""), include_bytes!("../../../fixtures/content/tree/story.txt"));
        assert_eq!(carve(&LZFSE, &image, 6), Some(packed.len().try_into().unwrap()));
        assert_eq!(carve(&LZFSE, b"bvx2 is how they start, and bvx$ is how they end", 0), None);
        survives_damage(&LZFSE, packed);
    }
}
