//! Z-Com's images of wireless bridges: blocks of kernel and root file system, each with the board and a CRC at its end.

use crate::blob::{Bytes, Endian, Span};
use crate::codec::crc::crc32;
use crate::format::header::{Header, Image, over};
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// Z-Com firmware.
pub(super) static ZCOMAX: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "zcomax",
    name: "Z-Com firmware",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"firm")],
    leaf: false,
    references: &["https://github.com/openwrt/firmware-utils/blob/master/src/mkzcfw.c"],
    limitations: &[],
};

/// What each block is.
const BLOCKS: &[(&[u8], &str)] = &[(b"Kimg", "kernel"), (b"Rimg", "rootfs")];

/// Bytes of a header, and of what stands at the end of each block.
const HEADER: u64 = 16;
const TAIL: u64 = 8;

/// The image is a block "firm" of blocks; sizes are little endian, what stands at the end is big endian:
///
/// ```text
///  0 magic   4 size of what follows the header   8 0   10 data   then the board, four bytes   then a CRC of data and board
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let size = |at: u64| bytes.u32(at.saturating_add(4), Endian::Little).map(u64::from);
    let end = HEADER.saturating_add(size(0)?);
    let mut image = Image::new(end, HEADER);
    let mut at = HEADER;
    while let Some((_, name)) = BLOCKS.iter().find(|(magic, _)| bytes.has(at, magic)).filter(|_| at < end) {
        let data = Span::new(at.saturating_add(HEADER), size(at)?.checked_sub(TAIL).ok_or(Rejected("the size"))?);
        let sum = data.end().saturating_add(4);
        if let Ok(stored) = bytes.get(sum, 4) {
            image.sum("a block", sum, stored, crc, over(data.start, sum));
        }
        image.known(Span::new(at, HEADER)).known(Span::new(data.end(), TAIL)).part(*name, data);
        at = data.end().saturating_add(TAIL);
    }
    if at == HEADER || bytes.u64(8, Endian::Little)? != 0 {
        return Err(Rejected("no block"));
    }
    let sum = end.saturating_sub(4);
    if let Ok(stored) = bytes.get(sum, 4) {
        image.sum("the image", sum, stored, crc, over(HEADER, sum));
    }
    image.known(Span::new(at, TAIL));
    Ok(image)
}

/// CRC-32 without the usual inversions before and after, as eCos makes it.
fn crc(pieces: &[&[u8]]) -> Vec<u8> {
    let crc = pieces.iter().fold(0, |crc, piece| crc32(crc, piece));
    crc.to_be_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{KERNEL, ROOTFS, holds, verifies};

    #[test]
    fn kernel_and_root_come_out() {
        let image = include_bytes!("../../../fixtures/zcomax/bridge.bin");
        holds(&ZCOMAX, image, &[("kernel", KERNEL), ("rootfs", ROOTFS)]);
        verifies(&ZCOMAX, image, &[0x40, image.len() - 1]);
    }
}
