//! ANJVision's cameras: a boot loader and a file system behind a header.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// An image of ANJVision.
pub(super) static ANJVISION: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "anjvision",
    name: "ANJVision camera firmware",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"ANJOY888")],
    leaf: false,
    references: &["https://github.com/armijnhemel/binaryanalysis-ng/tree/master/src/bang/parsers/firmware/anjvision"],
    limitations: &[],
};

/// All numbers little endian:
///
/// ```text
/// 0 magic "ANJOY888"   8 unknown   c size of all   10 always 3   14 size of the header   18 size of the boot loader   1c unknown
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let word = |at| bytes.u32(at, Endian::Little).map(u64::from);
    let (length, header, loader) = (word(0xc)?, word(0x14)?, word(0x18)?);
    let system = header.saturating_add(loader);
    if word(0x10)? != 3 || !(0x20..=1 << 16).contains(&header) || system >= length {
        return Err(Rejected("sizes"));
    }
    let mut found = Image::of(length);
    found.part("boot", Span::new(header, loader));
    found.part("file-system", Span::between(system, length));
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::parted;

    #[test]
    fn parts_come_out() {
        parted(&ANJVISION, include_bytes!("../../../fixtures/anjvision/camera.bin"), &["boot", "file-system"]);
    }
}
