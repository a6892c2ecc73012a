//! PackImg: the mark that Alpha Networks' older images have between kernel and root file system.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// PackImg.
pub(super) static PACKIMG: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "packimg",
    name: "PackImg (Alpha Networks)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"--PaCkImGs--")],
    leaf: false,
    references: &["https://github.com/ReFirmLabs/binwalk/blob/master/src/structures/packimg.rs"],
    limitations: &[],
};

/// Bytes of the mark.
const HEADER: u64 = 32;

/// More bytes than the flash of these devices has.
const LARGEST: u64 = 64 << 20;

/// The mark; the size is in the byte order of the device:
///
/// ```text
///  0 "--PaCkImGs--"   c 0   10 size of what follows   14 0 or padding to 20
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let size = bytes.u32(16, Endian::Little)?.min(bytes.u32(16, Endian::Big)?);
    if bytes.u32(12, Endian::Little)? != 0 || size < 64 || u64::from(size) > LARGEST {
        return Err(Rejected("the size"));
    }
    let payload = Span::new(HEADER, size.into());
    let mut image = Image::new(payload.end(), HEADER);
    image.part("image", payload);
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{ROOTFS, holds};

    #[test]
    fn what_follows_the_mark_comes_out() {
        holds(&PACKIMG, include_bytes!("../../../fixtures/packimg/rootfs.bin"), &[("image", ROOTFS)]);
    }
}
