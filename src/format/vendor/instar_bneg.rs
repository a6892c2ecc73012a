//! Instar's BNEG: two partitions behind a header.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// A BNEG image.
pub(super) static INSTAR_BNEG: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "instar-bneg",
    name: "Instar BNEG firmware",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"BNEG\x01\0\0\0\x01\0\0\0")],
    leaf: false,
    references: &["https://unblob.org/formats/"],
    limitations: &[],
};

/// All numbers little endian: `0 magic "BNEG"   4 major, 1   8 minor, 1   c size of the first partition   10 of the second   14 both`.
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let word = |at| bytes.u32(at, Endian::Little).map(u64::from);
    let first = Span::new(20, word(12)?);
    let second = Span::new(first.end(), word(16)?);
    // Whoever cut an image off left more than half of it.
    if first.length == 0 || second.length == 0 || second.end() > bytes.len().saturating_mul(2) {
        return Err(Rejected("the sizes of the partitions"));
    }
    let mut found = Image::of(second.end());
    found.part("partition-1", first);
    found.part("partition-2", second);
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::parted;

    #[test]
    fn parts_come_out() {
        parted(&INSTAR_BNEG, include_bytes!("../../../fixtures/instar-bneg/camera.bin"), &["partition-1", "partition-2"]);
    }
}
