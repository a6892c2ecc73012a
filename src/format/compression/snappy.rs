//! Files in the framing format of Snappy.

use crate::codec::Codec;
use crate::format::simple::Packed;
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// Snappy frames.
pub(super) static SNAPPY: Packed = Packed {
    spec: &Spec {
        id: "snappy",
        name: "Snappy frame",
        kind: Kind::Compression,
        magics: &[Magic::anywhere(b"\xff\x06\0\0sNaPpY")],
        leaf: false,
        references: &["https://github.com/google/snappy/blob/main/framing_format.txt"],
        limitations: &["streams that begin with padding or with chunks to be skipped"],
    },
    codec: Codec::Snappy,
    // The next chunk holds data, and at most 64 KiB of it, behind its checksum.
    header: |input| {
        let [kind, low, middle, high] = input.array(10)?;
        let length = u32::from_le_bytes([low, middle, high, 0]);
        if kind > 1 || !(5..=76_494).contains(&length) { Err(Rejected("no chunk follows")) } else { Ok(()) }
    },
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack_at};

    #[test]
    fn files_in_the_middle_of_other_bytes() {
        let packed = include_bytes!("../../../fixtures/snappy/story.sz");
        let image = [b"before".as_slice(), packed, b"after"].concat();
        assert_eq!(unpack_at(&SNAPPY, &image, 6).file(""), include_bytes!("../../../fixtures/content/tree/story.txt"));
        assert_eq!(carve(&SNAPPY, &image, 6), Some(packed.len().try_into().unwrap()));
        assert_eq!(carve(&SNAPPY, b"\xff\x06\0\0sNaPpY is how they start", 0), None);
        survives_damage(&SNAPPY, packed);
    }
}
