//! Socionext's Milbeaut, in action cameras: a header and content of one piece.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// An image for a Milbeaut.
pub(super) static MILBEAUT: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "milbeaut",
    name: "Socionext Milbeaut firmware",
    kind: Kind::Container,
    magics: &[Magic::start(b"MILBEAUT")],
    leaf: false,
    references: &["https://github.com/armijnhemel/binaryanalysis-ng/tree/master/src/bang/parsers/firmware/milbeaut"],
    limitations: &["the content's own layout is not published: it is searched as it stands"],
};

/// All numbers little endian: `0 magic "MILBEAUT"   8 unknown   c size of the content   10 content`.
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let size = u64::from(bytes.u32(12, Endian::Little)?);
    // Letters behind the magic are text about it.
    if size == 0 || size > bytes.len().saturating_mul(2) || bytes.up_to(8, 8).iter().all(|byte| matches!(byte, b' '..=b'~')) {
        return Err(Rejected("size"));
    }
    let mut found = Image::of(size.saturating_add(16));
    found.part("content", Span::new(16, size));
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::parted;

    #[test]
    fn parts_come_out() {
        parted(&MILBEAUT, include_bytes!("../../../fixtures/milbeaut/camera.bin"), &["content"]);
    }
}
