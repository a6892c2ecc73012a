//! Tesla's wall connector: segments of the memory of a Marvell controller, behind two headers.

use crc::{Algorithm, Crc};

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// Firmware of a wall connector.
pub(super) static TESLA_SBFH: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "tesla-sbfh",
    name: "Tesla wall connector firmware (SBFH)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"SBFH\x1c\x01\0\0")],
    leaf: false,
    references: &["https://akrutsinger.github.io/2023/10/08/tesla-wall-connector-firmware-file-structure.html"],
    limitations: &["segments are handed over one by one, not laid out in memory"],
};

const HEADER: u64 = 0x11c;

/// That of Ethernet, but neither started nor ended with ones. `check` is that of "123456789".
static CRC: Crc<u32> = Crc::<u32>::new(&Algorithm {
    width: 32,
    poly: 0x04c1_1db7,
    init: 0,
    refin: true,
    refout: true,
    xorout: 0,
    check: 0x2dfd_2d88,
    residue: 0,
});

/// All numbers little endian; the second header and what it points at count from its own start:
///
/// ```text
///   0 magic "SBFH"   4 size of the header, 11c   f size of the rest
/// 11c magic "MRVL"   120 2e9cf17b   124 time   128 number of segments   12c entry   130 segments: 2, offset, size, address, CRC-32 …
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let word = |at| bytes.u32(at, Endian::Little);
    let (rest, count) = (u64::from(word(15)?), word(HEADER.saturating_add(12))?);
    if !bytes.has(HEADER, b"MRVL\x7b\xf1\x9c\x2e") || rest == 0 || !(1..=9).contains(&count) {
        return Err(Rejected("the second header"));
    }
    let mut found = Image::of(HEADER.saturating_add(rest));
    for at in (HEADER.saturating_add(20)..).step_by(20).take(count.try_into().unwrap_or(0)) {
        let segment = bytes.part(Span::new(at, 20))?;
        let number = |at| segment.u32(at, Endian::Little);
        let span = Span::new(HEADER.saturating_add(number(4)?.into()), number(8)?.into());
        if span.end() > found.length {
            return Err(Rejected("a segment outside"));
        }
        found.sum32("the CRC of a segment", at.saturating_add(16), number(16)?, span, |data| CRC.checksum(data));
        found.part(format!("segment-{:08x}", number(12)?), span);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::parted;

    #[test]
    fn segments_come_out() {
        let image = include_bytes!("../../../fixtures/tesla-sbfh/connector.bin");
        parted(&TESLA_SBFH, image, &["segment-00100000", "segment-1f000000"]);
    }
}
