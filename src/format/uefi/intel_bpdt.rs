//! The boot partition descriptor table of newer Intel platforms: which code partition of the management engine is where.

use std::cmp::Reverse;

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// Intel boot partition.
pub(super) static BPDT: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "intel-bpdt",
    name: "Intel boot partition (BPDT)",
    kind: Kind::Partition,
    magics: &[Magic::anywhere(&[0xaa, 0x55, 0, 0]), Magic::anywhere(&[0xaa, 0x55, 0xaa, 0])],
    leaf: false,
    references: &["https://github.com/coreboot/coreboot/blob/main/util/cbfstool/ifwitool.c", "https://github.com/LongSoft/UEFITool"],
    limitations: &["the checksum of the table is not verified"],
};

/// Bytes of the header, and of an entry.
const HEADER: u64 = 24;
const ENTRY: u64 = 12;
/// More than any table has.
const MOST_ENTRIES: u64 = 64;
/// More than any flash has.
const MOST: u64 = 1 << 26;

/// Sub-partitions, by type.
const NAMES: &[(u16, &str)] = &[
    (0, "smip"),
    (1, "csme-rbe"),
    (2, "csme-bup"),
    (3, "ucode"),
    (4, "ibb"),
    (5, "s-bpdt"),
    (6, "obb"),
    (7, "csme-main"),
    (8, "ish"),
    (9, "csme-idlm"),
    (10, "ifp-override"),
    (11, "debug-tokens"),
    (12, "ufs-phy-configuration"),
    (13, "ufs-gpp-lun-id"),
    (14, "pmc"),
    (15, "iunit"),
    (16, "nvm-configuration"),
    (17, "uep"),
    (18, "wlan-ucode"),
    (19, "loc-sprites"),
    (20, "oem-key-manifest"),
    (21, "defaults"),
    (22, "pavp"),
    (23, "tcss-iom"),
    (24, "tcss-phy"),
    (25, "tbt"),
    (31, "usb-phy"),
    (32, "pchc"),
    (41, "samf"),
    (42, "pphy"),
];
/// More than any type is.
const MOST_TYPE: u16 = 256;

/// The table, little endian: 0 55aa, or aa55aa of the spare one u32   4 number of entries u16   6 version u8, 1 or 2
/// 7 whether there is a spare u8   8 checksum u32   c version of the image u32   10 version of the tool u64   18 entries: type u16, flags u16,
/// offset from here u32, length u32.
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let (count, version) = (u64::from(bytes.u16(4, Endian::Little)?), bytes.u8(6)?);
    if !(1..=MOST_ENTRIES).contains(&count) || !matches!(version, 1 | 2) || bytes.u8(7)? > 1 {
        return Err(Rejected("number of entries, or version"));
    }
    let header = HEADER.saturating_add(ENTRY.saturating_mul(count));
    let table = Bytes(bytes.get(0, header)?);
    let mut parts: Vec<(Span, String)> = Vec::new();
    for index in 0..count {
        let at = HEADER.saturating_add(index.saturating_mul(ENTRY));
        let kind = table.u16(at, Endian::Little)?;
        let word = |offset: u64| table.u32(at.saturating_add(offset), Endian::Little).map(u64::from);
        let span = Span::new(word(4)?, word(8)?);
        if kind > MOST_TYPE || span.end() > MOST {
            return Err(Rejected("an entry"));
        }
        if span.length == 0 || span.start == 0 {
            continue;
        }
        if span.start < header {
            return Err(Rejected("an entry in the table"));
        }
        let known = NAMES.iter().find(|(known, _)| *known == kind);
        let name = known.map_or_else(|| format!("type-{kind}"), |(_, name)| (*name).to_owned());
        parts.push((span, name));
    }
    // The table proves little by itself: that a code partition stands where it says does.
    if !parts.iter().any(|(span, _)| bytes.has(span.start, b"$CPD")) {
        return Err(Rejected("no code partition where it should be"));
    }
    // Of two at one place, the longer one.
    parts.sort_by_key(|(span, _)| (span.start, Reverse(span.length)));
    let end = parts.iter().map(|(span, _)| span.end()).fold(header, u64::max);
    let mut image = Image::new(end, header);
    let mut covered = 0;
    for (span, name) in parts {
        // Some name what lies in another part.
        if span.start >= covered {
            covered = span.end();
            image.part(name, span);
        }
    }
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, parted};

    #[test]
    fn partitions_come_out() {
        let image = include_bytes!("../../../fixtures/intel-bpdt/boot.bin");
        parted(&BPDT, image, &["csme-rbe", "type-60", "s-bpdt"]);
        assert_eq!(carve(&BPDT, &[&image[..0x80], &[0; 0x1000]].concat(), 0), None, "nothing where a partition should be");
    }
}
