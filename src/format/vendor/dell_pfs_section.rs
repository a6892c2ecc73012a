//! Sections of Dell's firmware updates: compressed, between two lines that say how long.

use crate::blob::{Blob, Bytes, Endian};
use crate::codec::Codec;
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// Section of a Dell update.
#[derive(Debug)]
pub(super) struct DellPfsSection;

static SPEC: Spec = Spec {
    id: "dell-pfs-section",
    name: "Dell firmware update section",
    kind: Kind::Container,
    magics: &[Magic::anywhere(MARK).at(5)],
    leaf: false,
    references: &["https://github.com/platomav/BIOSUtilities", "https://github.com/LongSoft/PFSExtractor-RS"],
    limitations: &[],
};

const MARK: &[u8] = &[0xee, 0xaa, 0x76, 0x1b, 0xec, 0xbb, 0x20, 0xf1, 0xe6, 0x51];
const END: &[u8] = &[0xee, 0xaa, 0xee, 0x8f, 0x49, 0x1b, 0xe8, 0xae, 0x14, 0x37, 0x90];
/// Bytes of either line.
const LINE: u64 = 16;

impl Format for DellPfsSection {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    /// 0 size of the compressed data u32   4 kind: aa firmware, bb utilities   5 mark   f all bytes before, xor   10 zlib   then: size again,
    /// another mark, and its bytes, xor.
    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let bytes = Bytes(blob.bytes().tail(start));
        let size = u64::from(bytes.u32(0, Endian::Little)?);
        if !adds_up(bytes, 0) || !(8..=1 << 30).contains(&size) || bytes.u8(LINE)? & 15 != 8 {
            return Err(Rejected("checksum or size"));
        }
        let end = LINE.saturating_add(size);
        let footer = if bytes.has(end.saturating_add(4), END) { LINE } else { 0 };
        Ok(Carved::new(end.saturating_add(footer), start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        let size = u64::from(bytes.u32(0, Endian::Little)?);
        let end = LINE.saturating_add(size);
        if bytes.len() > end && !(adds_up(bytes, end) && bytes.u32(end, Endian::Little) == bytes.u32(0, Endian::Little)) {
            children.problem(&Fault::Checksum("the line at the end does not fit".to_owned()), Some(end));
        }
        let name = match bytes.u8(4)? {
            0xaa => "firmware",
            0xbb => "utilities",
            _ => "section",
        };
        let stream = Codec::Zlib.stream(bytes.up_to(LINE, size), children.budget());
        Ok(children.made_with(name, stream.output, Attributes::default(), stream.fault.as_ref())?)
    }
}

/// Whether the last byte of the line at `start` is what the others make, xor.
fn adds_up(bytes: Bytes<'_>, start: u64) -> bool {
    bytes.get(start, LINE).is_ok_and(|line| line.iter().fold(0, |sum, byte| sum ^ byte) == 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack, unpack_at};
    use crate::problem::Code;

    const UPDATE: &[u8] = include_bytes!("../../../fixtures/dell-pfs-section/update.bin");
    const STORY: &[u8] = include_bytes!("../../../fixtures/content/tree/story.txt");

    #[test]
    fn sections_come_out() {
        let flash = [&[0xff; 5], UPDATE].concat();
        let length = carve(&DellPfsSection, &flash, 5).unwrap();
        assert!(unpack_at(&DellPfsSection, &flash, 5).file("firmware").starts_with(b"PFS.HDR."));
        let second = unpack(&DellPfsSection, &UPDATE[length as usize..]);
        assert!(second.file("utilities") == STORY && second.problems.is_empty());
        survives_damage(&DellPfsSection, &UPDATE[length as usize..]);
        let mut changed = UPDATE[..length as usize].to_vec();
        changed[length as usize - 3] ^= 1;
        assert!(unpack(&DellPfsSection, &changed).problems.is_empty(), "without its mark there is no line at the end");
        changed[length as usize - 3] ^= 1;
        changed[length as usize - 1] ^= 1;
        assert_eq!(unpack(&DellPfsSection, &changed).problems[0].0, Code::Checksum);
        changed[3] ^= 1;
        assert_eq!(carve(&DellPfsSection, &changed, 0), None);
    }
}
