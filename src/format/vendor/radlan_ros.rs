//! ROS: files of Radlan's (now Marvell's) operating system of switches, which Cisco, Dell, HP and others sell: a table before the files.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec, part_text};
use crate::problem::Rejected;

/// ROS file.
pub(super) static RADLAN_ROS: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "radlan-ros",
    name: "Radlan ROS switch firmware",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"PACK").at(24)],
    leaf: false,
    references: &["https://github.com/fkie-cad/fact_extractor/blob/master/fact_extractor/plugins/unpacking/ros/code/ros.py"],
    limitations: &["the older header (1.01) does not say where the last file ends: all that follows is taken to be of it"],
};

/// Versions of the header, and their sizes.
const VERSIONS: [(&[u8; 4], u64); 2] = [(b"1.01", 48), (b"2.00", 80)];

/// Bytes of a row.
const ROW: u64 = 32;

/// Fewer files than this are in any image: by that the byte order is told.
const MOST: u32 = 100;

/// ```text
/// 0 name of the system, "CI03"   4 version of the header   8 size of the header   18 magic "PACK"   20 number of files
/// 30 size of all   40 version as text (both only in 2.00)   then a row each: name, 16 bytes, offset, 12 unknown
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let (_, header) = VERSIONS.iter().find(|(version, _)| bytes.has(4, *version)).ok_or(Rejected("the version of the header"))?;
    let little = bytes.u32(0x20, Endian::Little)?;
    let (endian, count) = if little < MOST { (Endian::Little, little) } else { (Endian::Big, bytes.u32(0x20, Endian::Big)?) };
    let table = header.saturating_add(ROW.saturating_mul(count.into()));
    if !(1..MOST).contains(&count) || !bytes.get(0, 4)?.iter().all(u8::is_ascii_alphanumeric) {
        return Err(Rejected("the number of files"));
    }
    let mut starts = Vec::new();
    for index in 0..u64::from(count) {
        let row = header.saturating_add(ROW.saturating_mul(index));
        let (name, start) = (bytes.text(row, 16)?, u64::from(bytes.u32(row.saturating_add(16), endian)?));
        let before = starts.last().map_or(table, |(_, before)| *before);
        if name.is_empty() || !name.iter().all(u8::is_ascii_graphic) || start < before {
            return Err(Rejected("a row of the table"));
        }
        starts.push((part_text(name), start));
    }
    let last = starts.last().map_or(table, |(_, start)| *start);
    let told = if *header == 80 { u64::from(bytes.u32(0x30, endian)?) } else { bytes.len() };
    let end = if told > last { told } else { bytes.len() };
    let ends: Vec<u64> = starts.iter().skip(1).map(|(_, start)| *start).chain([end]).collect();
    let mut image = Image::new(end, table);
    if *header == 80 {
        image.fact("header.version", 0x40, 16);
    }
    for ((name, start), end) in starts.into_iter().zip(ends) {
        image.part(name, Span::between(start, end));
    }
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{KERNEL, ROOTFS, holds, unpack};

    #[test]
    fn files_come_out() {
        let image = include_bytes!("../../../fixtures/radlan-ros/switch.ros");
        holds(&RADLAN_ROS, image, &[("KERNEL", KERNEL), ("ROOT", ROOTFS)]);
        assert_eq!(unpack(&RADLAN_ROS, image).fact("header.version").unwrap(), "1.2.3.45");
        let older = unpack(&RADLAN_ROS, include_bytes!("../../../fixtures/radlan-ros/older.ros"));
        assert_eq!((older.file("KERNEL"), older.file("ROOT"), older.problems.len()), (KERNEL, ROOTFS, 0));
    }
}
