//! D-Link ROMFS: the ROM file system of eCos with compressed files, in small D-Link routers.

use std::collections::BTreeMap;

use crate::blob::{Blob, Bytes, Endian, Span};
use crate::codec::Codec;
use crate::format::unix::inodes::{self, Inode, Name, Volume};
use crate::format::{Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::{Budget, Effort, Output};
use crate::problem::{Fault, Rejected};

/// D-Link ROMFS, and that of eCos.
#[derive(Debug)]
pub(super) struct DlinkRomfs;

static SPEC: Spec = Spec {
    id: "dlink-romfs",
    name: "D-Link ROMFS",
    kind: Kind::FileSystem,
    magics: &[Magic::anywhere(b"ROMFS v").at(16)],
    leaf: false,
    references: &[
        "https://github.com/armijnhemel/binaryanalysis-ng/blob/master/src/parsers/filesystem/dlink_romfs/dlink_romfs.ksy",
        "https://github.com/ReFirmLabs/binwalk/blob/v2.3.4/src/binwalk/plugins/dlromfsextract.py",
    ],
    limitations: &[],
};

/// Bytes of the header, and of each entry.
const ENTRY: u64 = 32;
const MOST_ENTRIES: u64 = 0x4000;
/// Nothing stands further away.
const LARGEST: u64 = 256 << 20;

/// Bits of the mode that say what an entry is.
const FOLDER: u32 = 1;
const CHARACTER: u32 = 2;
const BLOCK: u32 = 4;
const FILE: u32 = 8;
const FIFO: u32 = 16;
const LINK: u32 = 256;

/// The header; the entries follow it, up to the content of the first one, which is the uppermost folder:
///
/// ```text
///  0 "Rom." as u32   16 "ROMFS v9.1" or "ROMFS v1.0", NUL
/// ```
#[derive(Debug)]
struct Image<'a> {
    bytes: Bytes<'a>,
    endian: Endian,
    /// Since version 9 the number of bytes of a decompressed file is kept.
    compressed: bool,
    entries: u64,
}

/// What stands at each number:
///
/// ```text
///  0 mode u32 (kind in the lower half, permissions from bit 16 on)    4 links u32    8 owner u16   10 group u16   12 size u32
/// 16 time u32   20 offset u32   version 9: 24 decompressed size u32, or 0   28 number as text[4]   version 1: 24 "<", text[6], ">"
/// ```
#[derive(Debug)]
struct Entry {
    /// The number that folders know it by: that of its place, wherever it was seen.
    known: u64,
    kind: u32,
    permissions: u32,
    owner: u32,
    group: u32,
    time: u32,
    span: Span,
    /// Bytes of the content once decompressed, if it is compressed.
    decompressed: Option<u64>,
}

impl<'a> Image<'a> {
    fn read(bytes: Bytes<'a>) -> Result<Self, Rejected> {
        let endian = match bytes.array(0)? {
            [0x2e, b'm', b'o', b'R'] => Endian::Little,
            [b'R', b'o', b'm', 0x2e] => Endian::Big,
            _ => return Err(Rejected("magic")),
        };
        let [major, dot, minor, nul] = bytes.array(23)?;
        if !major.is_ascii_digit() || dot != b'.' || !minor.is_ascii_digit() || nul != 0 {
            return Err(Rejected("version"));
        }
        let mut image = Self { bytes, endian, compressed: major == b'9', entries: 1 };
        let root = image.entry(0)?;
        let entries = root.span.start.saturating_sub(ENTRY).checked_div(ENTRY).unwrap_or(0);
        if root.kind != FOLDER || root.span.start % ENTRY != 0 || !(1..=MOST_ENTRIES).contains(&entries) {
            return Err(Rejected("the first entry"));
        }
        image.entries = entries;
        Ok(image)
    }

    fn entry(&self, number: u64) -> Result<Entry, Rejected> {
        if number >= self.entries {
            return Err(Rejected("there is no such entry"));
        }
        let at = ENTRY.saturating_add(number.saturating_mul(ENTRY));
        let word = |field: u64| self.bytes.u32(at.saturating_add(field), self.endian);
        let half = |field: u64| self.bytes.u16(at.saturating_add(field), self.endian).map(u32::from);
        let mode = word(0)?;
        let text = if self.compressed { self.bytes.get(at.saturating_add(28), 4)? } else { self.bytes.get(at.saturating_add(25), 6)? };
        let digits = std::str::from_utf8(text).ok().and_then(|text| text.trim_matches([' ', '\0']).parse::<u64>().ok());
        // There is room for four digits, behind which those of larger numbers are cut off.
        let known = digits.map(|said| if number > 9999 { number } else { said }).ok_or(Rejected("an entry without number"))?;
        let kinds = [FOLDER, LINK, CHARACTER, BLOCK, FIFO, FILE];
        let kind = kinds.into_iter().find(|kind| mode & kind != 0).ok_or(Rejected("an entry of no kind"))?;
        let span = Span::new(word(20)?.into(), word(12)?.into());
        if known >= self.entries || span.end() > LARGEST {
            return Err(Rejected("an entry"));
        }
        let decompressed = if self.compressed { u64::from(word(24)?) } else { 0 };
        Ok(Entry {
            known,
            kind,
            permissions: mode >> 16,
            owner: half(8)?,
            group: half(10)?,
            time: word(16)?,
            span,
            decompressed: (decompressed > 0).then_some(decompressed),
        })
    }

    /// Where the last file ends.
    fn length(&self) -> Result<u64, Rejected> {
        let mut end = ENTRY.saturating_add(self.entries.saturating_mul(ENTRY));
        // A truncated table is still one.
        let there = self.bytes.len().saturating_sub(ENTRY) / ENTRY;
        for number in 0..self.entries.min(there) {
            end = end.max(self.entry(number)?.span.end());
        }
        Ok(end)
    }
}

impl Entry {
    /// The mode as `st_mode` has it: there, the permissions of the owner are the uppermost bits, and reading is the upper one of three.
    fn mode(&self) -> u32 {
        let kind = match self.kind {
            FOLDER => 0o040_000,
            CHARACTER => 0o020_000,
            BLOCK => 0o060_000,
            FIFO => 0o010_000,
            LINK => 0o120_000,
            _ => 0o100_000,
        };
        (0..9_u32).filter(|bit| self.permissions >> bit & 1 == 1).fold(kind, |mode, bit| mode | 0o400 >> bit)
    }
}

impl Format for DlinkRomfs {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let image = Image::read(Bytes(blob.bytes().tail(start)))?;
        Ok(Carved::new(image.length()?.next_multiple_of(ENTRY), start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        let image = Image::read(bytes).map_err(|rejected| Fault::corrupt(rejected.0))?;
        let length = image.length();
        let places = (0..image.entries).filter_map(|place| Some((image.entry(place).ok()?.known, place))).collect();
        let mut mounted = Mounted { image, places, effort: Effort::new(children.budget(), bytes.len()) };
        inodes::walk(&mut mounted, children, &[(String::new(), 0)], bytes.len())?;
        match length {
            Ok(length) if length > bytes.len() => Err(Fault::Truncated(format!("{} of {length} bytes are there", bytes.len()))),
            Ok(_) => Ok(()),
            Err(rejected) => Err(Fault::corrupt(format!("the table: {}", rejected.0))),
        }
    }
}

struct Mounted<'a, 'b> {
    image: Image<'a>,
    /// Where the entry of each number stands in the table.
    places: BTreeMap<u64, u64>,
    effort: Effort<'b>,
}

impl Volume for Mounted<'_, '_> {
    type Number = u32;
    type Detail = Entry;

    fn inode(&mut self, number: u32) -> Result<Inode<Entry>, Fault> {
        self.effort.spend(ENTRY)?;
        let place = self.places.get(&number.into()).copied().ok_or_else(|| Fault::corrupt(format!("there is no entry {number}")))?;
        let entry = self.image.entry(place).map_err(|rejected| Fault::corrupt(format!("entry {number}: {}", rejected.0)))?;
        Ok(Inode {
            at: ENTRY.saturating_add(place.saturating_mul(ENTRY)),
            mode: entry.mode(),
            size: entry.decompressed.unwrap_or(entry.span.length),
            device: (0, 0),
            uid: entry.owner,
            gid: entry.group,
            modified: Some(entry.time.into()),
            detail: entry,
        })
    }

    /// Names: 0 number u32, 4 where in the folder the next one is u32, 8 name, NUL, padding to 32 bytes.
    fn names(&mut self, folder: &Inode<Entry>, names: &mut Vec<Name<u32>>) -> Result<(), Fault> {
        let there = Bytes(self.image.bytes.up_to(folder.detail.span.start, folder.detail.span.length));
        self.effort.spend(there.len())?;
        let mut at = 0;
        while at < there.len() {
            let (number, next) = (there.u32(at, self.image.endian)?, u64::from(there.u32(at.saturating_add(4), self.image.endian)?));
            let start = at.saturating_add(8);
            // Names end before the next one, so that no byte is of two of them.
            let said = Some(next).filter(|next| (start..=there.len()).contains(next));
            let name = there.text(start, said.unwrap_or(there.len()).saturating_sub(start))?;
            names.push((name.to_vec(), number));
            let padded = start.saturating_add(crate::blob::to_u64(name.len())).saturating_add(1).next_multiple_of(ENTRY);
            at = said.unwrap_or(padded);
        }
        if there.len() < folder.detail.span.length {
            return Err(Fault::Truncated("it is cut off".to_owned()));
        }
        Ok(())
    }

    fn place(&mut self, inode: &Inode<Entry>) -> Option<Span> {
        inode.detail.decompressed.is_none().then_some(inode.detail.span)
    }

    fn content(&mut self, inode: &Inode<Entry>, output: &mut Output<'_>) -> Result<(), Fault> {
        let span = inode.detail.span;
        let Some(size) = inode.detail.decompressed else {
            return Ok(output.push(self.image.bytes.up_to(span.start, span.length))?);
        };
        if size > LARGEST {
            return Err(Fault::corrupt(format!("no file has {size} bytes")));
        }
        self.effort.spend(span.length.max(size))?;
        let packed = self.image.bytes.part(span)?.0;
        let content = match Codec::Lzma.block(packed, size) {
            Ok(content) => content,
            Err(fault) => Codec::Zlib.block(packed, size).map_err(|_| fault)?,
        };
        output.push(&content)?;
        if crate::blob::to_u64(content.len()) < size {
            return Err(Fault::corrupt(format!("it should be {size} bytes")));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::EntryKind;
    use crate::format::testing::{carve, survives_damage, tree, unpack, unpack_at};
    use crate::problem::Code;

    const NINE: &[u8] = include_bytes!("../../../fixtures/dlink-romfs/version-9.romfs");
    const ONE: &[u8] = include_bytes!("../../../fixtures/dlink-romfs/version-1-big-endian.romfs");

    #[test]
    fn folders_files_and_links_come_out() {
        for image in [NINE, ONE] {
            let flash = [vec![0xff; 77], image.to_vec(), vec![0x5a; 99]].concat();
            assert_eq!(carve(&DlinkRomfs, &flash, 77), Some(image.len() as u64));
            let unpacked = unpack_at(&DlinkRomfs, &flash, 77);
            assert_eq!(unpacked.problems, []);
            assert_eq!(unpacked.file("story.txt"), include_bytes!("../../../fixtures/content/tree/story.txt"));
            assert!(unpacked.file("bin/tool").starts_with(b"\x7fELF"));
            assert_eq!(tree::kind(&unpacked, "bin/sh"), Some(EntryKind::Symlink("tool".to_owned())));
            let folder = unpacked.entries.iter().find(|entry| entry.path == "empty-folder").unwrap();
            assert_eq!((folder.kind.clone(), folder.attributes.mode), (EntryKind::Directory, Some(0o040_755)));
            survives_damage(&DlinkRomfs, image);
        }
    }

    #[test]
    fn what_is_cut_off_is_a_problem_and_the_rest_comes_out() {
        let whole = unpack(&DlinkRomfs, NINE);
        let cut = unpack(&DlinkRomfs, &NINE[..NINE.len() - 100]);
        assert!(cut.problems.iter().any(|(code, _)| *code == Code::Truncated));
        assert_eq!(cut.file("etc/motd"), whole.file("etc/motd"));
    }

    #[test]
    fn names_of_a_hostile_folder_share_no_bytes() {
        // Without a zero in their numbers and places, each name would run through all that follow.
        let (first, last) = (0x0101_0101_u32, 0x0101_ffe9_u32);
        let mut image = vec![0; last as usize];
        image[4..8].copy_from_slice(&first.to_le_bytes());
        for at in (first..last).step_by(8) {
            let place = at as usize;
            image[place..place + 4].fill(1);
            image[place + 4..place + 8].copy_from_slice(&(at + 8).to_le_bytes());
        }
        let budget = Budget::new(crate::limits::Limits::default(), std::sync::Arc::default());
        let read = Image { bytes: Bytes(&image), endian: Endian::Little, compressed: true, entries: 1 };
        let span = Span::new(0, image.len() as u64);
        let detail = Entry { known: 0, kind: FOLDER, permissions: 0, owner: 0, group: 0, time: 0, span, decompressed: None };
        let folder = Inode { at: 0, mode: 0o040_000, size: 0, device: (0, 0), uid: 0, gid: 0, modified: None, detail };
        let mut mounted = Mounted { image: read, places: BTreeMap::new(), effort: Effort::new(&budget, 1 << 20) };
        let mut names = Vec::new();
        mounted.names(&folder, &mut names).unwrap();
        assert!(names.len() > 8000);
        assert!(names.iter().map(|(name, _)| name.len()).sum::<usize>() < image.len());
    }

    #[test]
    fn a_file_that_says_it_is_huge_is_not_decompressed() {
        let mut image = NINE.to_vec();
        let entries = Image::read(Bytes(NINE)).unwrap().entries;
        let packed = (0..entries).find(|number| Image::read(Bytes(NINE)).unwrap().entry(*number).unwrap().decompressed.is_some()).unwrap();
        let at = usize::try_from(ENTRY + packed * ENTRY + 24).unwrap();
        image[at..at + 4].fill(0xff);
        let unpacked = unpack(&DlinkRomfs, &image);
        assert!(unpacked.problems.iter().any(|(_, why)| why.contains("4294967295")), "{:?}", unpacked.problems);
        assert_eq!(unpacked.names().len(), unpack(&DlinkRomfs, NINE).names().len());
    }

    #[test]
    fn a_text_about_it_is_none() {
        let text = b".moR............ROMFS v9.1\0 is how it begins, and this is only a text about it";
        assert_eq!(carve(&DlinkRomfs, &text.repeat(20), 0), None);
    }
}
