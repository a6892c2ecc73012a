//! The settings of Intel's built-in network chip, in a region of their own.

use crate::blob::{Blob, Bytes};
use crate::format::{Carved, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::Rejected;

/// Intel gigabit Ethernet region.
#[derive(Debug)]
pub(super) struct Gbe;

static SPEC: Spec = Spec {
    id: "intel-gbe",
    name: "Intel gigabit Ethernet settings",
    kind: Kind::Container,
    // Intel as the vendor of the PCI device.
    magics: &[Magic::start(&[0x86, 0x80]).at(0x1c)],
    leaf: true,
    references: &["https://github.com/LongSoft/UEFITool/blob/new_engine/common/gbe.h"],
    limitations: &["the address of the network card is not reported"],
};

/// Words of the settings that the checksum covers.
const COVERED: u64 = 0x80;
/// What they add up to.
const SUM: u16 = 0xbaba;

impl Format for Gbe {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    /// A region of some pages; the first 64 words add up to a sum that is always the same.
    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let bytes = Bytes(blob.bytes().tail(start));
        let words = bytes.get(0, COVERED)?.as_chunks::<2>().0;
        let sum = words.iter().fold(0_u16, |sum, word| sum.wrapping_add(u16::from_le_bytes(*word)));
        if sum != SUM || !bytes.len().is_multiple_of(0x1000) || bytes.len() > 0x10_0000 {
            return Err(Rejected("checksum or size"));
        }
        Ok(Carved::new(bytes.len(), start, blob))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage};

    #[test]
    fn the_checksum_decides() {
        let mut region = vec![0xff_u8; 0x2000];
        region[0x1c..0x1e].copy_from_slice(&[0x86, 0x80]);
        let sum = region[..0x7e].chunks(2).fold(0_u16, |sum, pair| sum.wrapping_add(u16::from_le_bytes([pair[0], pair[1]])));
        region[0x7e..0x80].copy_from_slice(&SUM.wrapping_sub(sum).to_le_bytes());
        assert_eq!(carve(&Gbe, &region, 0), Some(0x2000));
        survives_damage(&Gbe, &region);
        region[3] ^= 1;
        assert_eq!(carve(&Gbe, &region, 0), None);
    }
}
