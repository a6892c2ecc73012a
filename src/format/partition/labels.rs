//! Tables of partitions of workstations and BSD systems: the labels of Sun, SGI and BSD.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec};
use crate::problem::{Fault, Rejected};

const SECTOR: u64 = 512;

/// Sun's label, of SPARC machines.
pub(super) static SUN: Header = Header {
    spec: &Spec {
        id: "sun-label",
        name: "Sun disk label",
        kind: Kind::Partition,
        magics: &[Magic::anywhere(&[0xda, 0xbe]).at(508)],
        leaf: false,
        references: &["https://github.com/torvalds/linux/blob/master/block/partitions/sun.c"],
        limitations: &[],
    },
    read: sun,
};

/// SGI's volume header, of MIPS workstations and of machines that are built like them.
pub(super) static SGI: Header = Header {
    spec: &Spec {
        id: "sgi-label",
        name: "SGI volume header",
        kind: Kind::Partition,
        magics: &[Magic::anywhere(&[0x0b, 0xe5, 0xa9, 0x41])],
        leaf: false,
        references: &["https://github.com/torvalds/linux/blob/master/block/partitions/sgi.c"],
        limitations: &[],
    },
    read: sgi,
};

/// The label of BSD systems, in the second sector of a disk or of its partition.
pub(super) static BSD: Header = Header {
    spec: &Spec {
        id: "bsd-disklabel",
        name: "BSD disklabel",
        kind: Kind::Partition,
        magics: &[Magic::anywhere(&[0x57, 0x45, 0x56, 0x82]).at(SECTOR)],
        leaf: false,
        references: &["https://github.com/freebsd/freebsd-src/blob/main/sys/sys/disklabel.h"],
        limitations: &[
            "labels in other places than the second sector, or of disks with sectors of other than 512 bytes",
            "labels in big endian",
            "labels of OpenBSD within a partition of an MBR, which count from the start of the disk",
        ],
    },
    read: bsd,
};

/// The partitions among `spans`: what covers all others is the whole disk. Those that others reach into are left out. A partition may begin
/// with the label itself, which file systems leave alone: then `there` tells the disk from the partition.
fn partitions(spans: Vec<(String, Span)>, header: u64, there: Bytes<'_>) -> Result<Image, Rejected> {
    let end = spans.iter().map(|(_, span)| span.end()).max().unwrap_or(0);
    let mut used = spans.iter().map(|(_, span)| *span).filter(|span| span.length > 0);
    let disk = used.next().map(|first| used.fold(first, |all, span| Span::between(all.start.min(span.start), all.end().max(span.end()))));
    let overlaps = |one: &Span, other: &Span| one.start < other.end() && other.start < one.end();
    let mut apart: Vec<(String, Span)> = Vec::new();
    let (mut smallest_first, mut left_out) = (spans, Vec::new());
    smallest_first.sort_by_key(|(_, span)| (span.length, span.start));
    for (name, span) in smallest_first {
        if apart.iter().any(|(_, taken)| overlaps(&span, taken)) {
            left_out.push((name, span));
        } else if span.length > 0 {
            apart.push((name, span));
        }
    }
    apart.sort_by_key(|(_, span)| span.start);
    if apart.is_empty() {
        return Err(Rejected("no partitions"));
    }
    if apart.iter().any(|(_, span)| span.start == 0 && (span.length >= there.len() || span.length == end)) {
        return Err(Rejected("all that there is is one of its own partitions"));
    }
    let mut image = Image::new(end, header);
    for (name, span) in apart {
        image.part(name, span);
    }
    for (name, span) in left_out.into_iter().filter(|(_, span)| span.length > 0 && Some(*span) != disk) {
        image.problem(Fault::corrupt(format!("{name} overlaps smaller ones: it is left out")), span.start);
    }
    Ok(image)
}

/// All of a sector together, as words of two bytes: 0 if its checksum fits.
fn even(sector: &[u8]) -> bool {
    sector.chunks_exact(2).fold(0, |sum, word| sum ^ Bytes(word).u16(0, Endian::Big).unwrap_or(0)) == 0
}

/// `0 name[128]   188 600ddeee u32, or 0   436 heads u16   438 sectors u16   444 eight partitions: first cylinder u32, sectors u32   508 magic   510 checksum`
fn sun(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let label = Bytes(bytes.get(0, SECTOR)?);
    let half = |at| label.u16(at, Endian::Big).map(u64::from);
    let cylinder = half(436)?.saturating_mul(half(438)?).saturating_mul(SECTOR);
    let sane = [0, 0x600d_deee].contains(&label.u32(188, Endian::Big)?);
    if !label.has(508, &[0xda, 0xbe]) || !even(label.0) || cylinder == 0 || !sane {
        return Err(Rejected("magic, checksum or geometry"));
    }
    let text = label.text(0, 128)?;
    if text.is_empty() || !text.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        return Err(Rejected("the description"));
    }
    let mut spans = Vec::new();
    for index in 0..8_u64 {
        let at = index.saturating_mul(8).saturating_add(444);
        let (start, sectors) = (label.u32(at, Endian::Big)?, label.u32(at.saturating_add(4), Endian::Big)?);
        spans.push((
            format!("partition-{}", index.saturating_add(1)),
            sectors_at(u64::from(start).saturating_mul(cylinder) / SECTOR, sectors),
        ));
    }
    let mut image = partitions(spans, SECTOR, bytes)?;
    image.fact("header.product", 0, 128);
    Ok(image)
}

fn sectors_at(first: u64, count: u32) -> Span {
    Span::new(first.saturating_mul(SECTOR), u64::from(count).saturating_mul(SECTOR))
}

/// `0 magic   8 file to boot[16]   72 fifteen files: name[8], first sector u32, bytes u32   312 sixteen partitions: sectors u32, first u32, kind u32
/// (0 the volume header, 6 the whole disk)   504 checksum: all words together are 0`
fn sgi(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let label = Bytes(bytes.get(0, SECTOR)?);
    let word = |at| label.u32(at, Endian::Big);
    let sum = label.0.chunks_exact(4).fold(0_u32, |sum, word| sum.wrapping_add(Bytes(word).u32(0, Endian::Big).unwrap_or(0)));
    if !label.has(0, &[0x0b, 0xe5, 0xa9, 0x41]) || sum != 0 {
        return Err(Rejected("magic or checksum"));
    }
    let mut spans = Vec::new();
    for index in 0..16_u64 {
        let at = index.saturating_mul(12).saturating_add(312);
        let (count, first, kind) = (word(at)?, word(at.saturating_add(4))?, word(at.saturating_add(8))?);
        if kind != 0 && kind != 6 {
            spans.push((format!("partition-{}", index.saturating_add(1)), sectors_at(first.into(), count)));
        }
    }
    for index in 0..15_u64 {
        let at = index.saturating_mul(16).saturating_add(72);
        let (name, length) = (label.text(at, 8)?, word(at.saturating_add(12))?);
        if !name.is_empty() && length > 0 {
            let start = u64::from(word(at.saturating_add(8))?).saturating_mul(SECTOR);
            spans.push((format!("volume-header/{}", crate::format::part_text(name)), Span::new(start, length.into())));
        }
    }
    partitions(spans, SECTOR, bytes)
}

/// From the second sector on: `0 magic   8 kind[16]   24 name[16]   40 bytes of a sector u32   132 magic   136 checksum u16   138 partitions u16   148 for each: sectors u32, first
/// sector u32, 12 kind u8 (0 unused)`. All words of two bytes up to the last partition together are 0. The third partition is all of the disk.
fn bsd(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let label = Bytes(bytes.get(SECTOR, SECTOR)?);
    let magic = [0x57, 0x45, 0x56, 0x82];
    let count = u64::from(label.u16(138, Endian::Little)?);
    if ![0, 512].contains(&label.u32(40, Endian::Little)?) {
        return Err(Rejected("size of sectors"));
    }
    if !label.has(0, &magic) || !label.has(132, &magic) || !(1..=22).contains(&count) {
        return Err(Rejected("magic or number of partitions"));
    }
    if !even(label.get(0, count.saturating_mul(16).saturating_add(148))?) {
        return Err(Rejected("checksum"));
    }
    let mut found = Vec::new();
    for index in 0..count {
        let at = index.saturating_mul(16).saturating_add(148);
        let (sectors, first) = (label.u32(at, Endian::Little)?, label.u32(at.saturating_add(4), Endian::Little)?);
        let used = index == 2 || label.u8(at.saturating_add(12))? != 0;
        found.push((index, if used { sectors } else { 0 }, u64::from(first)));
    }
    // Some systems count from the start of the disk although the label is at that of a partition.
    let base = found.iter().find(|(index, sectors, _)| *index == 2 && *sectors > 0).map_or(0, |(_, _, first)| *first);
    let letter = |index: u64| char::from(b'a'.saturating_add(u8::try_from(index).unwrap_or(25)));
    let others = found.iter().filter(|(index, _, _)| *index != 2);
    let spans =
        others.map(|(index, sectors, first)| (format!("partition-{}", letter(*index)), sectors_at(first.saturating_sub(base), *sectors)));
    let mut image = partitions(spans.collect(), SECTOR.saturating_mul(2), bytes)?;
    image.fact("header.product", SECTOR.saturating_add(8), 16).fact("header.name", SECTOR.saturating_add(24), 16);
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Format;
    use crate::format::testing::{carve, gunzip, survives_damage, unpack_at};

    const SQUASHFS: &[u8] = include_bytes!("../../../fixtures/squashfs/xz.squashfs");

    #[test]
    fn partitions_come_out_of_all_three() {
        let [sun, sgi, bsd] = disks();
        // The disk of the first one says that it is larger than what is in it.
        let fixtures = [(&SUN, sun, "partition-2", 1 << 20), (&SGI, sgi, "partition-1", 294_912), (&BSD, bsd, "partition-a", 262_144)];
        for (format, disk, name, length) in fixtures {
            let among = [vec![0x5a; 77], disk.clone(), vec![0; 1 << 20]].concat();
            let id = format.spec().id;
            assert_eq!(carve(format, &among, 77), Some(length), "{id}");
            let unpacked = unpack_at(format, &among, 77);
            assert_eq!(unpacked.problems, [], "{id}");
            assert!(unpacked.file(name).starts_with(SQUASHFS), "{id}: {:?}", unpacked.names());
            survives_damage(format, &disk);
        }
    }

    /// Makes words of two bytes even by the one at `sum`.
    fn make_even(label: &mut [u8], sum: usize) {
        label[sum..sum + 2].fill(0);
        let word = label.chunks_exact(2).fold(0, |sum, word| sum ^ u16::from_be_bytes([word[0], word[1]]));
        label[sum..sum + 2].copy_from_slice(&word.to_be_bytes());
    }

    /// Disks of 600 sectors: `first` is a partition at 0, and a second one takes up the rest; a third is all of the disk.
    fn sun_disk(first: u32, second: u32) -> Vec<u8> {
        let mut disk = vec![0; 600 * 512];
        disk[..4].copy_from_slice(b"disk");
        disk[436..440].copy_from_slice(&[0, 1, 0, 1]);
        for (at, word) in [(444, 0), (448, first), (452, second), (456, 600 - second), (460, 0), (464, 600_u32)] {
            disk[at..at + 4].copy_from_slice(&word.to_be_bytes());
        }
        disk[508..510].copy_from_slice(&[0xda, 0xbe]);
        make_even(&mut disk[..512], 510);
        disk
    }

    fn bsd_disk(first: u32, second: u32) -> Vec<u8> {
        let magic = [0x57, 0x45, 0x56, 0x82];
        let mut disk = vec![0; 600 * 512];
        let label = &mut disk[512..1024];
        label[..4].copy_from_slice(&magic);
        label[132..136].copy_from_slice(&magic);
        label[138] = 3;
        for (at, word) in [(148, first), (152, 0), (164, 600 - second), (168, second), (180, 600_u32), (184, 0)] {
            label[at..at + 4].copy_from_slice(&word.to_le_bytes());
        }
        (label[160], label[176]) = (7, 7);
        make_even(&mut label[..148 + 48], 136);
        disk
    }

    #[test]
    fn a_file_system_at_the_start_of_the_disk_comes_out_once() {
        for (format, disk, names) in
            [(&SUN, sun_disk(400, 400), ["partition-1", "partition-2"]), (&BSD, bsd_disk(400, 400), ["partition-a", "partition-b"])]
        {
            let mut disk = disk;
            // What tells ext.
            disk[1080..1082].copy_from_slice(&[0x53, 0xef]);
            let among = [vec![0x5a; 77], disk.clone(), vec![0x5a; 99]].concat();
            assert_eq!(carve(format, &among, 77), Some(disk.len() as u64));
            let unpacked = unpack_at(format, &among, 77);
            assert_eq!((unpacked.problems.len(), unpacked.names()), (0, names.to_vec()));
            let first = unpacked.file(names[0]);
            assert_eq!((first.len(), &first[1080..1082]), (400 * 512, &[0x53, 0xef][..]));
            assert_eq!(carve(format, first, 0), None, "what is inside is the file system, not the disk again");
            assert_eq!(carve(format, &disk[..300 * 512], 0), None, "nor if it is cut off");
        }
        assert_eq!(carve(&BSD, &bsd_disk(600, 600), 0), None, "all of it is one file system");
    }

    #[test]
    fn partitions_that_overlap_are_told() {
        for (format, disk) in [(&SUN, sun_disk(400, 300)), (&BSD, bsd_disk(400, 300))] {
            let unpacked = unpack_at(format, &disk, 0);
            assert_eq!(unpacked.problems.len(), 1, "{:?}", unpacked.problems);
            assert!(unpacked.problems[0].1.contains("overlaps"));
        }
    }

    fn disks() -> [Vec<u8>; 3] {
        [
            gunzip(include_bytes!("../../../fixtures/sun-label/disk.img.gz")),
            gunzip(include_bytes!("../../../fixtures/sgi-label/disk.img.gz")),
            gunzip(include_bytes!("../../../fixtures/bsd-disklabel/disk.img.gz")),
        ]
    }
}
