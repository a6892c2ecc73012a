//! Members of a Linux software RAID.

use crate::blob::{Blob, Bytes, Endian, Span, to_u64};
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// Member of an array of multiple devices.
#[derive(Debug)]
pub(super) struct MdRaid;

const MAGIC: &[u8] = &[0xfc, 0x4e, 0x2b, 0xa9];

/// Where the superblock stands: at the start in version 1.1, here in version 1.2.
const SECOND: u64 = 4096;
const SECTOR: u64 = 512;

static SPEC: Spec = Spec {
    id: "md-raid",
    name: "Linux RAID member",
    kind: Kind::Partition,
    magics: &[Magic::anywhere(MAGIC).at(SECOND), Magic::anywhere(MAGIC)],
    leaf: false,
    references: &["https://github.com/torvalds/linux/blob/master/include/uapi/linux/raid/md_p.h"],
    limitations: &[
        "versions 0.90 and 1.0, whose superblock stands at the end, are not recognized",
        "arrays that are striped over several members are not assembled",
    ],
};

/// The superblock, little endian:
///
/// ```text
///  0 u32 magic   4 u32 1   32 u8[32] name   72 u32 level   92 u32 members   128 u64 first sector of the data   136 u64 its sectors
/// 144 u64 sector of this   216 u32 checksum   220 u32 most members   256 u16[] roles
/// ```
struct Superblock {
    at: u64,
    level: u32,
    members: u32,
    data: Span,
}

impl Superblock {
    fn read(image: Bytes<'_>) -> Result<Self, Rejected> {
        Self::at(image, SECOND).or_else(|_| Self::at(image, 0))
    }

    fn at(image: Bytes<'_>, at: u64) -> Result<Self, Rejected> {
        let bytes = Bytes(image.get(at, 256)?);
        let long = |at| bytes.u64(at, Endian::Little);
        if !bytes.has(0, MAGIC) || bytes.u32(4, Endian::Little)? != 1 || long(144)?.saturating_mul(SECTOR) != at {
            return Err(Rejected("magic, version or place"));
        }
        let most = u64::from(bytes.u32(220, Endian::Little)?);
        if most > 1920 || bytes.u32(216, Endian::Little)? != checksum(Bytes(image.get(at, most.saturating_mul(2).saturating_add(256))?)) {
            return Err(Rejected("checksum"));
        }
        Ok(Self {
            at,
            level: bytes.u32(72, Endian::Little)?,
            members: bytes.u32(92, Endian::Little)?,
            data: Span::new(long(128)?.saturating_mul(SECTOR), long(136)?.saturating_mul(SECTOR)),
        })
    }
}

/// The sum of all words but the checksum itself, and of what that carried.
fn checksum(bytes: Bytes<'_>) -> u32 {
    let word = |piece: &[u8]| match piece {
        [a, b] => u64::from(u16::from_le_bytes([*a, *b])),
        piece => Bytes(piece).u32(0, Endian::Little).map_or(0, u64::from),
    };
    let words = (0_u64..).zip(bytes.0.chunks(4)).filter(|(index, _)| *index != 54);
    let sum = words.fold(0_u64, |sum, (_, piece)| sum.wrapping_add(word(piece)));
    let low = |value: u64| u32::try_from(value & 0xffff_ffff).unwrap_or(0);
    low(sum).wrapping_add(low(sum >> 32))
}

impl Format for MdRaid {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let superblock = Superblock::read(Bytes(blob.bytes().tail(start)))?;
        Ok(Carved::new(superblock.data.end().max(superblock.at.saturating_add(SECOND)), start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let superblock = Superblock::read(blob.bytes()).map_err(|rejected| Fault::corrupt(rejected.0))?;
        let at = superblock.at.saturating_add(32);
        let name = blob.bytes().text(at, 32)?;
        if !name.is_empty() {
            children.fact("header.name", name, Span::new(at, to_u64(name.len())));
        }
        // Mirrors, and whatever has one member, are there as they are; a linear array begins in its first member.
        let whole = superblock.members == 1 || matches!(superblock.level, 1 | u32::MAX);
        let fault = (!whole).then(|| Fault::unsupported(format!("a part of an array of {} members", superblock.members)));
        children.span_with("data", superblock.data, Attributes::default(), fault.as_ref())?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack, unpack_at};

    const MEMBER: &[u8] = include_bytes!("../../../fixtures/md-raid/mirror.img");

    #[test]
    fn a_mirror_is_there_as_it_is() {
        let unpacked = unpack(&MdRaid, MEMBER);
        assert_eq!((unpacked.names(), unpacked.problems.len()), (vec!["data"], 0));
        assert!(unpacked.file("data").starts_with(b"hsqs"));
        assert_eq!(unpacked.fact("header.name"), Some("example:0".to_owned()));
        let flash = [&[0xee; 9], MEMBER, &[0xff; 100]].concat();
        assert_eq!(carve(&MdRaid, &flash, 9), Some(MEMBER.len() as u64));
        assert_eq!(unpack_at(&MdRaid, &flash, 9).names(), ["data"]);
        let mut bad = MEMBER.to_vec();
        bad[4096 + 40] ^= 1;
        assert_eq!(carve(&MdRaid, &bad, 0), None);
        survives_damage(&MdRaid, MEMBER);
    }
}
