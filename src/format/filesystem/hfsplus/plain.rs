//! HFS: the file system of Macintosh computers until 1998, and of hybrid discs and diagnostic media after.

use super::catalog::{Details, Record};
use super::{Dialect, Fork, Volume, runs};
use crate::blob::{Blob, Bytes, Endian, Span, to_u64};
use crate::format::calendar::apple_time;
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec, part_text};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// Hierarchical File System.
#[derive(Debug)]
pub(in crate::format::filesystem) struct Hfs;

static SPEC: Spec = Spec {
    id: "hfs",
    name: "HFS",
    kind: Kind::FileSystem,
    magics: &[Magic::anywhere(b"BD").at(HEADER)],
    leaf: false,
    references: &["https://developer.apple.com/library/archive/documentation/mac/Files/Files-99.html"],
    limitations: &["names in other writing than Mac OS Roman look odd"],
};

/// Where the header stands.
const HEADER: u64 = 1024;
const SECTOR: u64 = 512;

static PLAIN: Dialect = Dialect {
    wide: false,
    record,
    // A key: 1 kind u8, 2 file u32, 6 first block u16; then three runs.
    overflow: |key, data| {
        Some(((key.u32(2, Endian::Big).ok()?, key.u8(1).ok()?, key.u16(6, Endian::Big).ok()?.into()), runs(data, 0, false)))
    },
};

/// Letters of Mac OS Roman from 0x80 on.
const ROMAN: &str = "\u{c4}\u{c5}\u{c7}\u{c9}\u{d1}\u{d6}\u{dc}\u{e1}\u{e0}\u{e2}\u{e4}\u{e3}\u{e5}\u{e7}\u{e9}\u{e8}\u{ea}\u{eb}\u{ed}\u{ec}\
    \u{ee}\u{ef}\u{f1}\u{f3}\u{f2}\u{f4}\u{f6}\u{f5}\u{fa}\u{f9}\u{fb}\u{fc}\u{2020}\u{b0}\u{a2}\u{a3}\u{a7}\u{2022}\u{b6}\u{df}\
    \u{ae}\u{a9}\u{2122}\u{b4}\u{a8}\u{2260}\u{c6}\u{d8}\u{221e}\u{b1}\u{2264}\u{2265}\u{a5}\u{b5}\u{2202}\u{2211}\u{220f}\u{3c0}\u{222b}\u{aa}\
    \u{ba}\u{3a9}\u{e6}\u{f8}\u{bf}\u{a1}\u{ac}\u{221a}\u{192}\u{2248}\u{2206}\u{ab}\u{bb}\u{2026}\u{a0}\u{c0}\u{c3}\u{d5}\u{152}\u{153}\
    \u{2013}\u{2014}\u{201c}\u{201d}\u{2018}\u{2019}\u{f7}\u{25ca}\u{ff}\u{178}\u{2044}\u{20ac}\u{2039}\u{203a}\u{fb01}\u{fb02}\u{2021}\u{b7}\
    \u{201a}\u{201e}\u{2030}\u{c2}\u{ca}\u{c1}\u{cb}\u{c8}\u{cd}\u{ce}\u{cf}\u{cc}\u{d3}\u{d4}\u{f8ff}\u{d2}\u{da}\u{db}\u{d9}\u{131}\
    \u{2c6}\u{2dc}\u{af}\u{2d8}\u{2d9}\u{2da}\u{b8}\u{2dd}\u{2db}\u{2c7}";

fn roman(bytes: &[u8]) -> String {
    let letter = |byte: &u8| match byte.checked_sub(0x80) {
        Some(place) => ROMAN.chars().nth(place.into()).unwrap_or('?'),
        None => char::from(*byte),
    };
    part_text(bytes.iter().map(letter).collect::<String>().as_bytes())
}

/// A record of the catalog. Its key: 2 number of the folder that it is in u32, 6 bytes of the name u8, 7 name. Then
///
/// ```text
/// folder: 0 kind u8 (1)   6 number u32   14 time u32
/// file:   0 kind u8 (2)   20 number u32   26 bytes u32   36 of the resource fork u32   48 time u32   74 runs   86 of the resource fork
/// ```
fn record(key: Bytes<'_>, data: Bytes<'_>) -> Option<Record> {
    let word = |at| data.u32(at, Endian::Big).ok();
    let fork = |size: u64, place| Some(Fork { size: word(size)?.into(), runs: runs(data, place, false) });
    let (number, time, file) = match data.u8(0).ok()? {
        1 => (word(6)?, word(14)?, None),
        2 => {
            let details = Details { data: fork(26, 74)?, resources: fork(36, 86)?, special: 0, compressed: false, link: false };
            (word(20)?, word(48)?, Some(details))
        }
        _ => return None,
    };
    Some(Record {
        parent: key.u32(2, Endian::Big).ok()?,
        name: roman(key.get(7, key.u8(6).ok()?.into()).ok()?),
        number,
        attributes: Attributes { modified: apple_time(time), ..Attributes::default() },
        file,
    })
}

/// The header:
///
/// ```text
///  0 "BD"   14 sector of the bitmap u16   18 blocks u16   20 bytes of a block u32   28 sector of block 0 u16   36 name, its length first
/// 124 "H+" if a volume of HFS+ is inside, 126 its run   130 bytes of the overflow file u32, 134 its runs   146, 150 the same of the catalog
/// ```
struct Header {
    volume: Volume,
    name: Span,
    /// A volume of HFS+ that this one is only there for.
    inside: Option<Span>,
}

impl Header {
    fn read(image: Bytes<'_>) -> Result<Self, Rejected> {
        let header = Bytes(image.get(HEADER, SECTOR)?);
        let word = |at| header.u32(at, Endian::Big).map(u64::from);
        let half = |at| header.u16(at, Endian::Big).map(u64::from);
        let (block, blocks, first) = (word(20)?, half(18)?, half(28)?.saturating_mul(SECTOR));
        let fits = block > 0 && block % SECTOR == 0 && block <= 1 << 24 && blocks > 0 && half(34)? <= blocks;
        // The bitmap is behind the header, and the blocks behind the bitmap.
        let bitmap = half(14)?.saturating_mul(SECTOR);
        if !header.has(0, b"BD") || !fits || bitmap <= HEADER || first < bitmap.saturating_add(blocks.div_ceil(8)) {
            return Err(Rejected("number, size or place of blocks"));
        }
        let name = header.get(37, header.u8(36)?.into())?;
        if name.is_empty() || name.len() > 27 || name.iter().any(|byte| byte.is_ascii_control() || *byte == b':') {
            return Err(Rejected("name"));
        }
        let place = |run: u64| first.saturating_add(run.saturating_mul(block));
        let embedded = header.has(124, b"H+");
        let inside = Span::new(place(half(126)?), half(128)?.saturating_mul(block));
        // A copy of the header stands before the last sector.
        let length = place(blocks).saturating_add(2 * SECTOR);
        let fork = |size, at| Ok::<_, Rejected>(Fork { size: word(size)?, runs: runs(header, at, false) });
        let volume =
            Volume { dialect: &PLAIN, block, blocks, first, length, overflow: fork(130, 134)?, catalog: fork(146, 150)?, attributes: None };
        let volume = volume.checked()?;
        // The file of the catalog begins with a node that says of itself what it is.
        let catalog = volume.stored(&volume.catalog.runs).whole(SECTOR);
        let node = catalog.and_then(|span| image.part(span).ok()).ok_or(Rejected("the catalog is not there"))?;
        if node.u8(8)? != 1 || node.u8(9)? != 0 || node.u16(10, Endian::Big)? != 3 || node.u16(32, Endian::Big)? != 512 {
            return Err(Rejected("the catalog"));
        }
        Ok(Self { volume, name: Span::new(HEADER.saturating_add(37), to_u64(name.len())), inside: embedded.then_some(inside) })
    }
}

impl Format for Hfs {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let header = Header::read(Bytes(blob.bytes().tail(start)))?;
        Carved::plausible(header.volume.length, start, blob)
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let image = blob.bytes();
        let header = Header::read(image).map_err(|rejected| Fault::corrupt(rejected.0))?;
        children.fact("header.name", image.up_to(header.name.start, header.name.length), header.name);
        if let Some(span) = header.inside {
            children.span("embedded.hfsplus", span, Attributes::default())?;
        }
        header.volume.unpack(image, children)
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::format::EntryKind;
    use crate::format::testing::{carve, survives_damage, tool, tree, unpack_at};

    #[test]
    fn what_hfsutils_puts_in_comes_out() {
        if crate::testing::lacking(&["hformat"]) {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let image = folder.path().join("image");
        std::fs::File::create(&image).unwrap().set_len(2 << 20).unwrap();
        // These tools remember in the home folder what they do.
        let hfs = |name: &str, arguments: &[&str]| tool(Command::new(name).env("HOME", folder.path()).args(arguments));
        hfs("hformat", &["-l", "Example", image.to_str().unwrap()]);
        std::fs::write(folder.path().join("noise"), tree::noise(150_000)).unwrap();
        hfs("hmkdir", &["folder", "empty"]);
        let noise = folder.path().join("noise");
        for index in 0..3 {
            hfs("hcopy", &["-r", noise.to_str().unwrap(), &format!(":folder:part {index}")]);
        }
        hfs("humount", &[]);
        let bytes = std::fs::read(&image).unwrap();
        let flash = [vec![0x5a; 77], bytes.clone(), vec![0x5a; 5000]].concat();
        assert_eq!(carve(&Hfs, &flash, 77), Some(bytes.len() as u64));
        let unpacked = unpack_at(&Hfs, &flash, 77);
        assert_eq!(unpacked.problems, []);
        assert_eq!(unpacked.fact("header.name").as_deref(), Some("Example"));
        assert_eq!(unpacked.names(), ["folder/part 0", "folder/part 1", "folder/part 2"]);
        assert!(unpacked.files.iter().all(|(_, bytes)| *bytes == tree::noise(150_000)));
        assert_eq!(tree::kind(&unpacked, "empty"), Some(EntryKind::Directory));
        survives_damage(&Hfs, &bytes[..200_000]);
    }

    #[test]
    fn letters_of_the_macintosh() {
        assert_eq!(ROMAN.chars().count(), 128);
        assert_eq!(roman(b"\x8a/\xa5\xff"), "\u{e4}\\x2f\u{2022}\u{2c7}");
    }

    #[test]
    fn two_letters_are_no_volume() {
        assert_eq!(carve(&Hfs, &[vec![0; 1024], b"BD".repeat(9000)].concat(), 0), None);
    }
}
