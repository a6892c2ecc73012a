//! Realtek's header of what its boot loader loads: kernels, root file systems, web pages of routers with RTL8186 to RTL8198 chips.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Digest, Header, Image, over, sums};
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// Realtek boot image.
pub(super) static REALTEK_IMAGE: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "realtek-image",
    name: "Realtek router image",
    kind: Kind::Container,
    magics: &[
        Magic::anywhere(b"cs6c"),
        Magic::anywhere(b"cr6c"),
        Magic::anywhere(b"cs6b"),
        Magic::anywhere(b"cr6b"),
        Magic::anywhere(b"r6cr"),
        Magic::anywhere(b"w6cg"),
        Magic::anywhere(b"w6cp"),
        Magic::anywhere(b"w6cv"),
        Magic::anywhere(b"w6ca"),
        Magic::anywhere(b"r6br"),
        Magic::anywhere(b"csys"),
        Magic::anywhere(b"csro"),
    ],
    leaf: false,
    references: &["https://github.com/ggbruno/openwrt"],
    limitations: &["whole images of the magics ALL1 and ALL2, and boot code, whose magic is a common word"],
};

/// What each letter of the magic says that it is, and which sum of its bytes is 0.
const KINDS: &[(&[u8], &str, Digest)] = &[
    (b"csro", "kernel-and-root", sums::words_to_zero),
    (b"cs", "kernel", sums::words_to_zero),
    (b"cr", "kernel-and-root", sums::words_to_zero),
    (b"r6", "rootfs", sums::words_to_zero),
    (b"w6", "web-pages", sums::low_byte_added),
];

/// Bytes of the header.
const HEADER: u64 = 16;

/// More bytes than the flash of these devices has.
const LARGEST: u64 = 64 << 20;

/// The header; all numbers big endian:
///
/// ```text
///  0 magic   4 address that it is loaded to   8 place in flash   c size of what follows, checksum at its end included
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let word = |at| bytes.u32(at, Endian::Big).map(u64::from);
    let (_, name, digest) = KINDS.iter().find(|(magic, ..)| bytes.has(0, magic)).ok_or(Rejected("the magic"))?;
    let (address, place, size) = (word(4)?, word(8)?, word(12)?);
    // Flash is erased in blocks of 4 KiB.
    let flash = |place: u64, zeros: u32| place < LARGEST && place.trailing_zeros() >= zeros;
    let addressed = flash(address, 8) || (0x8000_0000..0xc000_0000).contains(&address);
    if !addressed || !flash(place, 12) || (size % 2 != 0 && *name != "web-pages") || !(16..=LARGEST).contains(&size) {
        return Err(Rejected("the addresses or the size"));
    }
    let end = HEADER.saturating_add(size);
    let mut image = Image::new(end, HEADER);
    // What all bytes come to is what none come to.
    image.sum("the image", end.saturating_sub(2), &digest(&[]), *digest, over(HEADER, end));
    image.part(*name, Span::between(HEADER, end));
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{KERNEL, ROOTFS, holds, verifies};

    #[test]
    fn what_is_loaded_comes_out() {
        let image = include_bytes!("../../../fixtures/realtek-image/kernel.bin");
        holds(&REALTEK_IMAGE, image, &[("kernel", &image[16..])]);
        assert!(image[16..].starts_with(KERNEL));
        verifies(&REALTEK_IMAGE, image, &[0x20, image.len() - 1]);
        let pages = include_bytes!("../../../fixtures/realtek-image/web.bin");
        holds(&REALTEK_IMAGE, pages, &[("web-pages", &pages[16..])]);
        assert!(pages[16..].starts_with(ROOTFS));
    }
}
