//! QNX4 file system: what machines with QNX before version 6 keep their files in.

use crate::blob::{Blob, Bytes, Endian, Span};
use crate::format::extents::Extents;
use crate::format::unix::inodes::{self, Inode, Name, Volume};
use crate::format::{Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::{Budget, Effort, Output};
use crate::problem::{Fault, Rejected};

/// QNX4 file system.
#[derive(Debug)]
pub(super) struct Qnx4;

static SPEC: Spec = Spec {
    id: "qnx4",
    name: "QNX4 file system",
    kind: Kind::FileSystem,
    // The second entry of the block of the root, whose first is "/".
    magics: &[Magic::anywhere(b".inodes\0\0\0\0\0\0\0\0\0").at(BLOCK + INODE)],
    leaf: false,
    references: &["https://github.com/torvalds/linux/blob/master/include/uapi/linux/qnx4_fs.h"],
    limitations: &["numbers of devices"],
};

const BLOCK: u64 = 512;
/// Bytes of an inode, which is an entry of a folder.
const INODE: u64 = 64;
/// The place of the root's inode.
const ROOT: u64 = BLOCK;
/// More blocks of extents than any file has.
const MOST_BLOCKS: u32 = 0x4000;
/// No disk with it is larger.
const LARGEST: u64 = 1 << 40;

/// Bits of the status of an entry.
const USED: u8 = 1;
const LINK: u8 = 8;

/// An inode; blocks count from 1:
///
/// ```text
///  0 name[16]   16 size u32   20 first extent: block u32, number u32   28 block with more extents u32   36 time of change u32
/// 48 extents u16   50 mode u16   52 owner u16   54 group u16   63 status u8
/// ```
/// An entry with the status of a link: 0 name[48], 48 block of its inode u32, 52 place there u8.
struct Record<'a>(Bytes<'a>);

impl Record<'_> {
    fn half(&self, at: u64) -> u32 {
        self.0.u16(at, Endian::Little).map_or(0, u32::from)
    }

    fn word(&self, at: u64) -> u32 {
        self.0.u32(at, Endian::Little).unwrap_or(0)
    }

    /// The first extent, in bytes.
    fn first(&self) -> Span {
        extent(self.0, 20)
    }

    fn is_folder(&self) -> bool {
        self.half(50) & 0o170_000 == 0o040_000
    }
}

/// First block u32, counted from 1, and number u32, in bytes.
fn extent(bytes: Bytes<'_>, at: u64) -> Span {
    let word = |at| bytes.u32(at, Endian::Little).map_or(0, u64::from);
    let start = word(at).saturating_sub(1).saturating_mul(BLOCK);
    Span::new(start, word(at.saturating_add(4)).saturating_mul(BLOCK))
}

/// The inode of the root, and where the last of the four files of the file system itself, and the root, ends. Nothing says where all of it does.
fn root(image: Bytes<'_>) -> Result<u64, Rejected> {
    let names: [&[u8]; 4] = [b"/", b".inodes", b".boot", b".altboot"];
    let mut end = BLOCK.saturating_mul(2);
    for (index, name) in (0_u64..).zip(names) {
        let at = ROOT.saturating_add(index.saturating_mul(INODE));
        let record = Record(Bytes(image.get(at, INODE)?));
        if record.0.text(0, 16)? != name {
            return Err(Rejected("names of the first files"));
        }
        let span = record.first();
        if record.is_folder() != (index == 0) || record.0.u8(63)? & USED == 0 && index == 0 || span.end() > LARGEST {
            return Err(Rejected("the first files"));
        }
        end = end.max(span.end());
    }
    Ok(end)
}

impl Format for Qnx4 {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    /// What is in the uppermost folder, and in the folders there, may be further back than the folders themselves.
    fn carve<'b>(&self, blob: &Blob, start: u64, budget: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let image = Bytes(blob.bytes().tail(start));
        let mut end = root(image)?;
        // However much stands behind it: this is asked wherever a name is.
        let mut mounted = Mounted { image, effort: Effort::new(budget, 0) };
        let (mut open, mut seen) = (vec![ROOT], std::collections::BTreeSet::new());
        while let Some(at) = open.pop() {
            if !seen.insert(at) || mounted.effort.spend(INODE).is_err() {
                continue;
            }
            let Ok(record) = image.get(at, INODE).map(|bytes| Record(Bytes(bytes))) else { continue };
            let Ok(extents) = mounted.extents(&record) else { continue };
            // What is damaged may say that it is anywhere.
            let there = extents.places().into_iter().filter(|span| span.end() <= image.len());
            end = there.fold(end, |end, span| end.max(span.end()));
            if record.is_folder() && extents.length() <= image.len() && mounted.effort.spend(extents.length()).is_ok() {
                open.extend(mounted.entries(&extents).into_iter().map(|(_, at)| at));
            }
        }
        Ok(Carved::new(end.next_multiple_of(BLOCK), start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let image = blob.bytes();
        root(image).map_err(|rejected| Fault::corrupt(rejected.0))?;
        let mut mounted = Mounted { image, effort: Effort::new(children.budget(), image.len()) };
        Ok(inodes::walk(&mut mounted, children, &[(String::new(), ROOT)], image.len())?)
    }
}

struct Mounted<'a, 'b> {
    image: Bytes<'a>,
    effort: Effort<'b>,
}

impl<'a> Mounted<'a, '_> {
    /// Where the content is. More extents: 0 block with still more u32, 8 number u8, 16 extents, 496 "IamXblk".
    fn extents(&mut self, record: &Record<'_>) -> Result<Extents, Fault> {
        let mut extents = Extents::default();
        extents.stored(record.first());
        let mut next = u64::from(record.word(28));
        for _ in 0..MOST_BLOCKS {
            if next == 0 {
                return Ok(extents);
            }
            self.effort.spend(BLOCK)?;
            let bytes = Bytes(self.image.get(next.saturating_sub(1).saturating_mul(BLOCK), BLOCK)?);
            if !bytes.has(496, b"IamXblk") {
                return Err(Fault::corrupt("a block of extents is something else"));
            }
            for index in 0..u64::from(bytes.u8(8)?.min(60)) {
                extents.stored(extent(bytes, index.saturating_mul(8).saturating_add(16)));
            }
            next = bytes.u32(0, Endian::Little)?.into();
        }
        Err(Fault::corrupt("its extents never end"))
    }

    /// Names of a folder, and where their inodes are.
    fn entries(&self, extents: &Extents) -> Vec<(&'a [u8], u64)> {
        let image = self.image;
        let blocks = extents.places().into_iter().flat_map(move |span| {
            image
                .up_to(span.start, span.length)
                .chunks_exact(64)
                .zip(0_u64..)
                .map(move |(bytes, index)| (Bytes(bytes), span.start.saturating_add(index.saturating_mul(INODE))))
        });
        let entry = |(bytes, at): (Bytes<'a>, u64)| {
            let status = bytes.u8(63).ok().filter(|status| status & (USED | LINK) != 0)?;
            if status & LINK == 0 {
                return bytes.text(0, 16).ok().map(|name| (name, at));
            }
            let block = u64::from(bytes.u32(48, Endian::Little).ok()?).checked_sub(1)?.saturating_mul(BLOCK);
            let place = u64::from(bytes.u8(52).ok()?).saturating_mul(INODE);
            Some((bytes.text(0, 48).ok()?, block.saturating_add(place)))
        };
        blocks.filter_map(entry).filter(|(name, _)| !name.is_empty()).collect()
    }
}

impl Volume for Mounted<'_, '_> {
    /// Where the inode stands.
    type Number = u64;
    type Detail = Extents;

    fn inode(&mut self, at: u64) -> Result<Inode<Extents>, Fault> {
        self.effort.spend(INODE)?;
        let record = Record(Bytes(self.image.get(at, INODE)?));
        let mode = record.half(50);
        let special = !matches!(mode & 0o170_000, 0o040_000 | 0o100_000 | 0o120_000);
        Ok(Inode {
            at,
            mode,
            size: record.word(16).into(),
            // Where the numbers of devices are, the header does not say.
            device: (0, 0),
            uid: record.half(52),
            gid: record.half(54),
            modified: Some(record.word(36).into()),
            detail: if special { Extents::default() } else { self.extents(&record)? },
        })
    }

    fn names(&mut self, folder: &Inode<Extents>, names: &mut Vec<Name<u64>>) -> Result<(), Fault> {
        self.effort.spend(folder.detail.length())?;
        names.extend(self.entries(&folder.detail).into_iter().map(|(name, at)| (name.to_vec(), at)));
        if folder.detail.places().iter().any(|span| span.end() > self.image.len()) {
            return Err(Fault::Truncated("parts of it are behind the end of the image".to_owned()));
        }
        Ok(())
    }

    fn place(&mut self, inode: &Inode<Extents>) -> Option<Span> {
        inode.detail.whole(inode.size).filter(|span| span.length > 0 && span.end() <= self.image.len())
    }

    fn content(&mut self, inode: &Inode<Extents>, output: &mut Output<'_>) -> Result<(), Fault> {
        inode.detail.read(self.image, inode.size, output)?.map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::EntryKind;
    use crate::format::testing::{carve, survives_damage, tree, unpack, unpack_at};

    const IMAGE: &[u8] = include_bytes!("../../../fixtures/qnx4/files.qnx4");

    #[test]
    fn files_folders_and_long_names_come_back() {
        let flash = [vec![0x5a; 77], IMAGE.to_vec(), vec![0x5a; 5000]].concat();
        assert!(carve(&Qnx4, &flash, 77).is_some_and(|length| length <= IMAGE.len() as u64));
        let unpacked = unpack_at(&Qnx4, &flash, 77);
        assert_eq!(unpacked.problems, []);
        assert_eq!(unpacked.file("story.txt"), include_bytes!("../../../fixtures/content/tree/story.txt"));
        assert!(unpacked.file("bin/tool").starts_with(b"\x7fELF"));
        assert!(unpacked.file("etc/empty").is_empty());
        assert_eq!(unpacked.file("a name that is longer than 16 letters.txt"), b"long\n");
        assert_eq!(tree::kind(&unpacked, "bin/sh"), Some(EntryKind::Symlink("tool".to_owned())));
        assert_eq!(tree::kind(&unpacked, "empty-folder"), Some(EntryKind::Directory));
        survives_damage(&Qnx4, IMAGE);
    }

    #[test]
    fn a_folder_that_is_all_of_the_image_many_times_over_is_not_collected() {
        let (mut image, blocks) = (vec![1; 1 << 20], 64_u32);
        image[..2048].fill(0);
        let names: [&[u8]; 4] = [b"/", b".inodes", b".boot", b".altboot"];
        for (index, name) in names.into_iter().enumerate() {
            image[512 + index * 64..][..name.len()].copy_from_slice(name);
        }
        (image[512 + 51], image[512 + 63]) = (0x40, 1);
        image[512 + 28..][..4].copy_from_slice(&5_u32.to_le_bytes());
        for number in 0..blocks {
            let next = if number + 1 < blocks { number + 6 } else { 0 };
            let block = &mut image[(number as usize + 4) * 512..][..512];
            block[..4].copy_from_slice(&next.to_le_bytes());
            block[8] = 60;
            block[496..503].copy_from_slice(b"IamXblk");
            for extent in block[16..496].chunks_exact_mut(8) {
                extent[..4].copy_from_slice(&1_u32.to_le_bytes());
                extent[4..].copy_from_slice(&2048_u32.to_le_bytes());
            }
        }
        assert_eq!(carve(&Qnx4, &image, 0), Some(1 << 20));
    }

    #[test]
    fn a_damaged_extent_does_not_take_what_follows() {
        let mut image = IMAGE.to_vec();
        let place = image.windows(9).position(|name| name == b"story.txt").unwrap();
        image[place + 24..place + 28].fill(0x7f);
        let length = carve(&Qnx4, &[image, vec![0x5a; 5000]].concat(), 0).unwrap();
        assert!(length <= IMAGE.len() as u64, "{length}");
    }

    #[test]
    fn what_is_cut_off_is_a_problem() {
        let cut = unpack(&Qnx4, &IMAGE[..IMAGE.len() - 3000]);
        assert!(!cut.problems.is_empty());
    }

    #[test]
    fn a_name_alone_is_none() {
        assert_eq!(carve(&Qnx4, &[vec![0; 576], b".inodes".to_vec(), vec![0; 4096]].concat(), 0), None);
    }
}
