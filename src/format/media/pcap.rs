//! Recorded network packets.

use crate::blob::{Bytes, Endian};
use crate::format::simple::Leaf;
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// pcap.
pub(super) static PCAP: Leaf = Leaf {
    spec: &Spec {
        id: "pcap",
        name: "Network capture (pcap)",
        kind: Kind::Media,
        magics: &[
            Magic::anywhere(&[0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0]),
            Magic::anywhere(&[0xa1, 0xb2, 0xc3, 0xd4, 0, 2, 0, 4]),
            Magic::anywhere(&[0x4d, 0x3c, 0xb2, 0xa1, 2, 0, 4, 0]),
            Magic::anywhere(&[0xa1, 0xb2, 0x3c, 0x4d, 0, 2, 0, 4]),
        ],
        leaf: true,
        references: &["https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-04.html"],
        limitations: &["pcapng"],
    },
    reach,
};

/// Packets at most.
const MOST: u32 = 1 << 24;

/// A packet is never longer.
const LARGEST: u32 = 1 << 18;

/// Magic, u16 2, u16 4, u32 0, u32 0, u32 longest packet, u32 kind of link; then packets: u32 time, u32 of it, u32 length, u32 real length.
fn reach(input: Bytes<'_>) -> Result<u64, Rejected> {
    let endian = if input.u8(0)? == 0xa1 { Endian::Big } else { Endian::Little };
    if input.u32(16, endian)? > LARGEST || input.u32(20, endian)? & 0x03ff_ffff > 400 {
        return Err(Rejected("header"));
    }
    let mut at = 24_u64;
    for _ in 0..MOST {
        let (Ok(length), Ok(real)) = (input.u32(at.saturating_add(8), endian), input.u32(at.saturating_add(12), endian)) else { break };
        let next = at.saturating_add(16).saturating_add(length.into());
        if length == 0 || length > LARGEST || real < length || next > input.len() {
            break;
        }
        at = next;
    }
    if at == 24 { Err(Rejected("no packet")) } else { Ok(at) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::simple::tests::whole_and_in_junk;
    use crate::format::testing::carve;

    #[test]
    fn they_reach_to_their_end() {
        whole_and_in_junk(&PCAP, include_bytes!("../../../fixtures/pcap/ping.pcap"));
        assert_eq!(carve(&PCAP, b"\xd4\xc3\xb2\xa1\x02\0\x04\0 is how they begin, and this is a text", 0), None);
    }
}
