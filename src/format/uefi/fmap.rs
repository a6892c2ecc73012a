//! FMAP: the map of a flash chip that coreboot and Chrome OS write into it.

use crate::blob::{Blob, Bytes, Endian, Span};
use crate::format::{Carved, Children, Format, Kind, Magic, Spec, length_of};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// Flash map.
#[derive(Debug)]
pub(super) struct Fmap;

static SPEC: Spec = Spec {
    id: "fmap",
    name: "Flash map (FMAP)",
    kind: Kind::Partition,
    magics: &[Magic::anywhere(b"__FMAP__")],
    leaf: true,
    references: &["https://github.com/dhendrix/flashmap", "https://github.com/coreboot/coreboot/blob/main/Documentation/lib/flashmap.md"],
    limitations: &["the map alone: the areas of a whole flash come out of that"],
};

/// Bytes of the header, and of an area.
const HEADER: u64 = 56;
const AREA: u64 = 42;

impl Format for Fmap {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        Ok(Carved::new(Map::read(Bytes(blob.bytes().tail(start)))?.length, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let name = blob.bytes().text(0x16, 32)?;
        if !name.is_empty() {
            children.fact("header.name", name, Span::new(0x16, length_of(name)));
        }
        Ok(())
    }
}

/// The map; little endian: 0 "__FMAP__"   8 version, two bytes   a address u64   12 size of the flash u32   16 name, 32 bytes
/// 36 number of areas u16   38 areas: offset u32, size u32, name, 32 bytes, flags u16.
pub(super) struct Map {
    /// Of the map itself.
    length: u64,
    /// Of what it describes.
    pub(super) size: u64,
    pub(super) areas: Vec<Area>,
}

/// A part of the flash. Areas may lie in others.
pub(super) struct Area {
    pub(super) start: u64,
    pub(super) length: u64,
    pub(super) name: Vec<u8>,
}

impl Map {
    pub(super) fn read(bytes: Bytes<'_>) -> Result<Self, Rejected> {
        let (size, count) = (u64::from(bytes.u32(0x12, Endian::Little)?), u64::from(bytes.u16(0x36, Endian::Little)?));
        if bytes.u8(8)? != 1 || !(1..=512).contains(&count) || size == 0 || !is_name(bytes.get(0x16, 32)?) {
            return Err(Rejected("version, name or number of areas"));
        }
        let mut areas = Vec::new();
        for index in 0..count {
            let area = Bytes(bytes.get(HEADER.saturating_add(index.saturating_mul(AREA)), AREA)?);
            let (start, length) = (area.u32(0, Endian::Little)?.into(), area.u32(4, Endian::Little)?.into());
            let area = Area { start, length, name: area.text(8, 32)?.to_vec() };
            if !is_name(&area.name) || area.end() > size {
                return Err(Rejected("an area"));
            }
            areas.push(area);
        }
        Ok(Self { length: HEADER.saturating_add(count.saturating_mul(AREA)), size, areas })
    }
}

impl Area {
    pub(super) fn end(&self) -> u64 {
        self.start.saturating_add(self.length)
    }

    /// Whether another area is part of this one.
    pub(super) fn holds(&self, other: &Self) -> bool {
        other.length > 0 && other.length < self.length && other.start >= self.start && other.end() <= self.end()
    }
}

/// A name that ends with a NUL.
fn is_name(field: &[u8]) -> bool {
    let length = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    field.iter().take(length).all(u8::is_ascii_graphic)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack};

    #[test]
    fn a_map_says_its_name() {
        let rom = include_bytes!("../../../fixtures/cbfs/coreboot.rom");
        let start = rom.windows(8).position(|window| window == b"__FMAP__").unwrap();
        let map = &rom[start..];
        assert_eq!(carve(&Fmap, map, 0), Some(HEADER + 3 * AREA));
        assert_eq!(unpack(&Fmap, map).fact("header.name").as_deref(), Some("FLASH"));
        survives_damage(&Fmap, &map[..300]);
        assert_eq!(carve(&Fmap, b"__FMAP__ is a signature of eight letters, and this text is nothing that it could be", 0), None);
    }
}
