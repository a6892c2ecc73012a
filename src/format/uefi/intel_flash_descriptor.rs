//! The descriptor at the start of an Intel platform's flash chip: which part of it belongs to whom.

use crate::blob::{Blob, Bytes, Endian, Span};
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// Flash of an Intel platform.
#[derive(Debug)]
pub(super) struct FlashDescriptor;

static SPEC: Spec = Spec {
    id: "intel-flash-descriptor",
    name: "Intel flash with descriptor",
    kind: Kind::Partition,
    magics: &[Magic::anywhere(SIGNATURE).at(16), Magic::anywhere(SIGNATURE)],
    leaf: false,
    references: &["https://github.com/coreboot/coreboot/tree/main/util/ifdtool", "https://github.com/LongSoft/UEFITool"],
    limitations: &["straps and access rights are not read"],
};

const SIGNATURE: &[u8] = &[0x5a, 0xa5, 0xf0, 0x0f];

/// Who the regions belong to, in the order of the descriptor.
const REGIONS: [&str; 16] = [
    "descriptor",
    "bios",
    "me",
    "gbe",
    "platform-data",
    "device-expansion",
    "bios-2",
    "microcode",
    "ec",
    "device-expansion-2",
    "innovation-engine",
    "10gbe-1",
    "10gbe-2",
    "region-13",
    "region-14",
    "ptt",
];

impl Format for FlashDescriptor {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let map = Map::read(Bytes(blob.bytes().tail(start)))?;
        Ok(Carved::new(map.end, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let mut map = Map::read(blob.bytes()).map_err(|rejected| Fault::corrupt(rejected.0))?;
        map.regions.sort_by_key(|(_, span)| *span);
        let mut covered = 0;
        for (name, span) in map.regions {
            if span.start > covered {
                children.span("unassigned", Span::between(covered, span.start.min(blob.len())), Attributes::default())?;
            }
            if span.start < covered {
                children.problem(&Fault::corrupt(format!("the region {name} overlaps the one before it")), Some(span.start));
            }
            covered = covered.max(span.end());
            if name != "descriptor" {
                children.span(name, span, Attributes::default())?;
            }
        }
        if covered < blob.len() {
            children.span("unassigned", Span::between(covered, blob.len()), Attributes::default())?;
        }
        Ok(())
    }
}

/// Bits of the map's first word that nothing uses.
const RESERVED: u32 = 0xf800_fc00;

/// The map, from the signature on, which stands at 10, or at 0 on the oldest platforms; little endian:
///
/// ```text
/// 4 bits 0-7 where the components are described, in units of 16 bytes   8-9 number of components less one   16-23 the same for regions
///   24-26 number of regions less one   all others 0
/// 8 bits 0-7 the same for masters   16-23 the same for straps
/// ```
///
/// A region: u32, bits 0-14 first page of 4 KiB, 16-30 last page; there is none if the first is behind the last. Components: u32, bits 0-2
/// size of the first chip as 512 KiB << n, 3-5 of the second; of newer platforms bits 0-3 and 4-7. Newer ones have 17 MHz (6) as clock for
/// reading, in bits 17-19.
struct Map {
    regions: Vec<(&'static str, Span)>,
    end: u64,
}

impl Map {
    fn read(bytes: Bytes<'_>) -> Result<Self, Rejected> {
        let base = if bytes.has(16, SIGNATURE) { 16 } else { 0 };
        if !bytes.has(base, SIGNATURE) {
            return Err(Rejected("signature"));
        }
        let (first, second) = (bytes.u32(base.saturating_add(4), Endian::Little)?, bytes.u32(base.saturating_add(8), Endian::Little)?);
        if first & RESERVED != 0 {
            return Err(Rejected("reserved bits"));
        }
        let place = |word: u32, shift: u32| u64::from(word >> shift & 0xff).saturating_mul(16);
        let (components, regions, masters) = (place(first, 0), place(first, 16), place(second, 0));
        if [components, regions, masters].iter().any(|place| !(0x20..0x1000).contains(place)) || components == regions {
            return Err(Rejected("places of the sections"));
        }
        let density = bytes.u32(components, Endian::Little)?;
        let is_new = matches!(density >> 17 & 7, 6 | 4 | 1);
        let mut found = Vec::new();
        let most = if is_new { 16 } else { 5 };
        for (index, name) in (0_u64..).zip(REGIONS).take(most) {
            let at = regions.saturating_add(index.saturating_mul(4));
            let word = bytes.u32(at, Endian::Little)?;
            let (from, to) = (u64::from(word & 0x7fff), u64::from(word >> 16 & 0x7fff));
            let is_other = at >= masters && masters > regions;
            if from <= to && !is_other && (from > 0 || index == 0) && word != u32::MAX {
                found.push((name, Span::between(from << 12, to.saturating_add(1) << 12)));
            }
        }
        // The descriptor is the first block, and nothing stands in two regions.
        let whole = found.first().is_some_and(|(name, span)| *name == "descriptor" && *span == Span::new(0, 0x1000));
        let apart = |(_, one): &(_, Span), (_, other): &(_, Span)| one.end() <= other.start || other.end() <= one.start;
        let pairs =
            found.iter().enumerate().flat_map(|(index, one)| found.iter().skip(index.saturating_add(1)).map(move |other| (one, other)));
        if !whole || found.len() < 2 || !pairs.into_iter().all(|(one, other)| apart(one, other)) {
            return Err(Rejected("regions"));
        }
        let chips = (first >> 8 & 3).saturating_add(1);
        let end = found.iter().map(|(_, span)| span.end()).fold(0, u64::max);
        let size = chip_sizes(density, is_new, chips);
        // The whole chip, where it is there.
        let end = if size > end && size <= bytes.len() { size } else { end };
        Ok(Self { regions: found, end })
    }
}

fn chip_sizes(density: u32, is_new: bool, chips: u32) -> u64 {
    let (width, mask) = if is_new { (4_u32, 15) } else { (3, 7) };
    let size = |chip: u32| match (density >> chip.saturating_mul(width)) & mask {
        exponent if exponent <= 7 => 0x8_0000_u64 << exponent,
        _ => 0,
    };
    if chips > 1 { size(0).saturating_add(size(1)) } else { size(0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack};
    use crate::problem::Code;

    /// A flash of 1 MiB: descriptor, GbE, ME, BIOS, and a page that is nobody's.
    fn flash() -> Vec<u8> {
        let mut flash = vec![0xff; 0x10_0000];
        let mut put = |at: usize, word: u32| flash[at..at + 4].copy_from_slice(&word.to_le_bytes());
        put(16, 0x0ff0_a55a);
        put(20, 0x0004_0003);
        put(24, 0x1210_0206);
        put(0x30, 0x0000_0001);
        put(0x40, 0);
        put(0x44, 0x00ff_0010);
        put(0x48, 0x000d_0003);
        put(0x4c, 0x0002_0001);
        put(0x50, 0x0000_7fff);
        flash[0x1000..0x1003].copy_from_slice(b"gbe");
        flash[0x10000..0x10004].copy_from_slice(b"bios");
        flash
    }

    #[test]
    fn regions_come_out() {
        let flash = flash();
        assert_eq!(carve(&FlashDescriptor, &[&flash[..], &[0; 99]].concat(), 0), Some(0x10_0000));
        let unpacked = unpack(&FlashDescriptor, &flash);
        assert_eq!(unpacked.names(), ["gbe", "me", "unassigned", "bios"]);
        assert_eq!((unpacked.file("gbe").len(), &unpacked.file("bios")[..4]), (0x2000, &b"bios"[..]));
        assert_eq!(unpacked.problems, []);
        assert_eq!(unpack(&FlashDescriptor, &flash[..0x20000]).problems[0].0, Code::Truncated);
    }

    #[test]
    fn damage_does_no_harm() {
        survives_damage(&FlashDescriptor, &flash()[..0x2000]);
        assert_eq!(carve(&FlashDescriptor, &[SIGNATURE, &[0x20; 8000]].concat(), 0), None);
        assert_eq!(carve(&FlashDescriptor, &[SIGNATURE, &[0xff; 8000]].concat(), 0), None);
    }
}
