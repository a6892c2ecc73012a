//! Intel's, later MaxLinear's, images of cable modems (Puma 7): a header with the sizes and kinds of the parts.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// A Puma 7 image.
pub(super) static MAXLINEAR_UIMAGE: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "maxlinear-uimage",
    name: "MaxLinear Puma 7 firmware (VER2, VER3)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"VER2"), Magic::anywhere(b"VER3")],
    leaf: false,
    references: &[
        "https://github.com/fkie-cad/fact_extractor/blob/master/fact_extractor/plugins/unpacking/maxlinear/code/maxlinear_uimage.py",
    ],
    limitations: &[
        "checksums are not verified: how they are made is not published",
        "the signature of DOCSIS before the image is not part of it",
    ],
};

/// What the two versions differ in: magic, parts that there is room for, where the sizes stand, and the kinds, size of the header.
const VERSIONS: [(&[u8; 4], u64, u64, u64, u64); 2] = [(b"VER2", 10, 92, 132, 160), (b"VER3", 20, 132, 212, 252)];

/// What parts of each kind are.
const KINDS: [(u8, &str); 5] = [(2, "atom-kernel"), (3, "atom-rootfs"), (8, "arm-kernel"), (9, "arm-rootfs"), (10, "gateway-rootfs")];

/// All numbers big endian; what the rest of the header is, is not known:
///
/// ```text
/// 0 magic   28 number of parts   VER2: 5c sizes of ten parts, u32   84 their kinds, u8   a0 parts
///                                VER3: 84 sizes of twenty parts     d4 their kinds       fc parts
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let version = VERSIONS.into_iter().find(|(magic, ..)| bytes.has(0, *magic));
    let (_, room, sizes, kinds, header) = version.ok_or(Rejected("the magic"))?;
    let count = u64::from(bytes.u32(0x28, Endian::Big)?);
    if !(1..=room).contains(&count) {
        return Err(Rejected("the number of parts"));
    }
    let (mut at, mut parts) = (header, Vec::new());
    for index in 0..room {
        let size = u64::from(bytes.u32(sizes.saturating_add(index.saturating_mul(4)), Endian::Big)?);
        let kind = bytes.u8(kinds.saturating_add(index))?;
        let used = index < count;
        if (size > 0) != used || size > 1 << 28 || (used && !(1..=32).contains(&kind)) {
            return Err(Rejected("the size or the kind of a part"));
        }
        if used {
            parts.push((kind, Span::new(at, size)));
            at = at.saturating_add(size);
        }
    }
    if !parts.iter().any(|(kind, _)| KINDS.iter().any(|(known, _)| known == kind)) {
        return Err(Rejected("no part is of a kind that is known"));
    }
    let mut image = Image::new(at, header);
    for (kind, part) in parts {
        let known = KINDS.iter().find(|(known, _)| *known == kind).map(|(_, name)| (*name).to_owned());
        image.part(known.unwrap_or_else(|| format!("part-{kind}")), part);
    }
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{KERNEL, ROOTFS, holds};

    #[test]
    fn parts_come_out() {
        let second = include_bytes!("../../../fixtures/maxlinear-uimage/second.img");
        holds(&MAXLINEAR_UIMAGE, second, &[("atom-kernel", KERNEL), ("atom-rootfs", ROOTFS), ("part-12", KERNEL)]);
        let third = include_bytes!("../../../fixtures/maxlinear-uimage/third.img");
        holds(&MAXLINEAR_UIMAGE, third, &[("atom-kernel", KERNEL), ("atom-rootfs", ROOTFS), ("part-12", KERNEL)]);
    }
}
