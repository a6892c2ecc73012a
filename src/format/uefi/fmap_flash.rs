//! Flash of coreboot and Chrome OS machines: a map that stands somewhere in it says which area is what.

use crate::blob::{Bytes, Span, to_u64};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec, part_text};
use crate::problem::Rejected;

use super::fmap::{Area, Map};

/// Flash with a map.
pub(super) static FMAP_FLASH: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "fmap-flash",
    name: "Flash with a map (FMAP)",
    kind: Kind::Partition,
    // The map may stand anywhere, so that the start says nothing: what has the size of a flash is searched for it.
    magics: &[Magic::start(b"")],
    leaf: false,
    references: &["https://github.com/dhendrix/flashmap", "https://github.com/coreboot/coreboot/blob/main/Documentation/lib/flashmap.md"],
    limitations: &["only of an image that begins with the first byte of an area: elsewhere the map is recognized alone"],
};

const MAGIC: &[u8] = b"__FMAP__";
/// Sizes of flash chips and of their regions are multiples of this.
const PAGE: u64 = 4096;
/// The smallest flash, and the largest.
const SIZES: std::ops::RangeInclusive<u64> = 8 * PAGE..=256 << 20;
/// Places that are looked at more closely.
const MOST_MAPS: usize = 16;

/// The map says where it stands itself, and so from where its offsets count: a region of a flash is not the start of it.
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    if !SIZES.contains(&bytes.len()) || !bytes.len().is_multiple_of(PAGE) {
        return Err(Rejected("not the size of a flash"));
    }
    let places = memchr::memmem::find_iter(bytes.0, MAGIC).take(MOST_MAPS).map(to_u64);
    let found = places.filter_map(|place| Some((place, Map::read(Bytes(bytes.tail(place))).ok()?)));
    let (place, map) = found.max_by_key(|(_, map)| map.areas.len()).ok_or(Rejected("no map"))?;
    let base = base(&map, place, bytes.len()).ok_or(Rejected("a map of something else"))?;
    let inside = |area: &Area| area.start >= base && area.end() <= base.saturating_add(bytes.len()) && area.length > 0;
    let areas: Vec<&Area> = map.areas.iter().filter(|area| inside(area)).collect();
    let mut image = Image::new(bytes.len(), 0);
    for area in areas.iter().filter(|area| area.length < bytes.len() && !areas.iter().any(|other| area.holds(other))) {
        let mut folders: Vec<_> = areas.iter().filter(|other| other.holds(area)).collect();
        folders.sort_by_key(|folder| std::cmp::Reverse(folder.length));
        let path: Vec<_> = folders.into_iter().chain([area]).map(|one| part_text(&one.name)).collect();
        image.part(path.join("/"), Span::new(area.start.saturating_sub(base), area.length));
    }
    Ok(image)
}

/// Where in the flash the image starts: told by the area of the map, or, where there is none, by the size.
fn base(map: &Map, place: u64, length: u64) -> Option<u64> {
    let own = map.areas.iter().find(|area| area.name == b"FMAP" || area.name == b"RO_FMAP");
    let base = own.map_or((map.size == length).then_some(0), |own| own.start.checked_sub(place))?;
    let whole = base == 0 && map.size <= length.saturating_mul(2);
    let region = map.areas.iter().any(|area| area.start == base && area.length == length);
    (whole || region).then_some(base)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack};

    const ROM: &[u8] = include_bytes!("../../../fixtures/fmap-flash/coreboot.rom");

    #[test]
    fn areas_come_out() {
        let unpacked = unpack(&FMAP_FLASH, ROM);
        assert_eq!(unpacked.problems, []);
        assert_eq!(unpacked.names(), ["SI_DESC", "BIOS/RW_MRC_CACHE", "BIOS/FMAP", "BIOS/COREBOOT"]);
        assert_eq!(unpacked.file("BIOS/FMAP")[..8], *MAGIC);
        assert_eq!(unpacked.file("BIOS/COREBOOT")[..8], *b"LARCHIVE");
        survives_damage(&FMAP_FLASH, ROM);
    }

    #[test]
    fn a_region_knows_where_it_stands() {
        let unpacked = unpack(&FMAP_FLASH, &ROM[0x1000..]);
        assert_eq!(unpacked.names(), ["BIOS/RW_MRC_CACHE", "BIOS/FMAP", "BIOS/COREBOOT"]);
        assert_eq!(unpacked.file("BIOS/COREBOOT")[..8], *b"LARCHIVE");
    }

    #[test]
    fn what_is_no_flash_is_none() {
        assert_eq!(carve(&FMAP_FLASH, &ROM[0x2000..], 0), None, "it begins in the middle of an area");
        assert_eq!(carve(&FMAP_FLASH, &ROM[..ROM.len() - 1], 0), None, "its size");
        assert_eq!(carve(&FMAP_FLASH, &b"__FMAP__ is what maps begin with ".repeat(4096)[..0x10000], 0), None);
    }
}
