//! The catalog: all files and folders with their names and the folders that they are in.

use std::collections::BTreeMap;

use super::{CATALOG, Fork, Overflow, Volume};
use crate::blob::{Bytes, Endian, to_u64};
use crate::format::calendar::apple_time;
use crate::format::decmpfs;
use crate::format::extents::{File, out_of_limit};
use crate::format::unix::inodes::apple_device_numbers;
use crate::format::{Attributes, Children, EntryKind, path_text, utf16_part_text};
use crate::limits::{Effort, Exceeded};
use crate::problem::Fault;

/// The number of the root folder.
const ROOT: u32 = 2;
/// Deeper folders cannot be used anywhere: only a broken or hostile image has them.
const DEEPEST: usize = 512;
/// Letters of a name.
const LONGEST_NAME: u16 = 255;
const LONGEST_PATH: usize = 4096;
/// Links are not longer than this.
const LONGEST_LINK: u64 = 4096;

/// A record of the catalog. Its key: 2 number of the folder that it is in u32, 6 letters of the name u16, 8 name. Then
///
/// ```text
/// folder: 0 kind u16 (1)   8 number u32   16 time u32   32 owner u32   36 group u32   42 mode u16
/// file:   0 kind u16 (2)   8 number u32   16 time u32   32 owner u32   36 group u32   41 flags u8 (20: compressed)   42 mode u16
///         44 device, or number of the file that this is a link to u32   48 type[4]   52 creator[4]   88 data fork   168 resource fork
/// ```
#[derive(Debug)]
pub(super) struct Record {
    pub(super) parent: u32,
    pub(super) name: String,
    pub(super) number: u32,
    pub(super) attributes: Attributes,
    pub(super) file: Option<Details>,
}

#[derive(Debug)]
pub(super) struct Details {
    pub(super) data: Fork,
    pub(super) resources: Fork,
    pub(super) special: u32,
    pub(super) compressed: bool,
    /// Whether it is another name of a file that stands in a hidden folder.
    pub(super) link: bool,
}

impl Record {
    pub(super) fn read(key: Bytes<'_>, data: Bytes<'_>) -> Option<Self> {
        let word = |at| data.u32(at, Endian::Big).ok();
        let letters = key.u16(6, Endian::Big).ok().filter(|letters| *letters <= LONGEST_NAME)?;
        let units = key.get(8, u64::from(letters).saturating_mul(2)).ok()?;
        let mode = u32::from(data.u16(42, Endian::Big).ok()?);
        let file = match data.u16(0, Endian::Big).ok()? {
            1 => None,
            2 => Some(Details {
                data: Fork::read(data, 88)?,
                resources: Fork::read(data, 168)?,
                special: word(44)?,
                compressed: data.u8(41).ok()? & 0x20 != 0,
                link: data.has(48, b"hlnkhfs+"),
            }),
            _ => return None,
        };
        Some(Self {
            parent: key.u32(2, Endian::Big).ok()?,
            name: utf16_part_text(units.chunks_exact(2).map(|unit| Bytes(unit).u16(0, Endian::Big).unwrap_or(0))),
            number: word(8)?,
            attributes: Attributes {
                mode: (mode != 0).then_some(mode),
                uid: word(32).filter(|_| mode != 0),
                gid: word(36).filter(|_| mode != 0),
                modified: word(16).and_then(apple_time),
            },
            file,
        })
    }
}

/// What is needed to find the content of files.
pub(super) struct Parts<'a> {
    pub(super) image: Bytes<'a>,
    pub(super) volume: &'a Volume,
    pub(super) more: &'a Overflow,
    pub(super) compressed: super::Attributes,
}

/// Hands over all files.
///
/// # Errors
/// If a limit is reached.
pub(super) fn walk<'w>(parts: Parts<'_>, children: &mut Children<'w>, effort: &mut Effort<'w>) -> Result<(), Exceeded> {
    let Parts { image, volume, more, .. } = parts;
    let mut records = Vec::new();
    let read = volume.dialect.record;
    volume.leaves(image, more, (&volume.catalog, CATALOG), children, effort, &mut |key, data| records.extend(read(key, data)))?;
    let folders: BTreeMap<u32, (u32, String)> =
        records.iter().filter(|record| record.file.is_none()).map(|record| (record.number, (record.parent, record.name.clone()))).collect();
    let files = records.iter().filter(|record| record.file.is_some());
    // What hard links are links to, by the number in its name.
    let inodes = files.filter_map(|record| Some((record.name.strip_prefix("iNode")?.parse().ok()?, path(record, &folders))));
    let inodes: BTreeMap<u32, String> = inodes.collect();
    let mut walk = Walk { parts, inodes, children, effort };
    for record in records.iter().filter(|record| record.number != ROOT) {
        let path = path(record, &folders);
        walk.effort.spend(to_u64(path.len()))?;
        walk.record(record, path)?;
    }
    Ok(())
}

fn path(record: &Record, folders: &BTreeMap<u32, (u32, String)>) -> String {
    let (mut parts, mut parent, mut length) = (vec![record.name.as_str()], record.parent, record.name.len());
    while parent != ROOT {
        let above = folders.get(&parent).filter(|_| parts.len() < DEEPEST && length < LONGEST_PATH);
        let Some((next, name)) = above else {
            parts.push("lost");
            break;
        };
        length = length.saturating_add(name.len()).saturating_add(1);
        parts.push(name);
        parent = *next;
    }
    parts.reverse();
    parts.join("/")
}

struct Walk<'a, 'c, 'w, 'e> {
    parts: Parts<'a>,
    inodes: BTreeMap<u32, String>,
    children: &'c mut Children<'w>,
    effort: &'e mut Effort<'w>,
}

impl Walk<'_, '_, '_, '_> {
    fn record(&mut self, record: &Record, path: String) -> Result<(), Exceeded> {
        let Some(file) = &record.file else {
            self.children.entry(path, EntryKind::Directory, record.attributes.clone());
            return Ok(());
        };
        if let Some(kind) = self.special(record, file)? {
            self.children.entry(path, kind, record.attributes.clone());
            return Ok(());
        }
        if file.compressed {
            return self.compressed(record, file, path);
        }
        self.fork(
            &file.data,
            (record.number, 0),
            File { name: path.clone(), size: file.data.size, attributes: record.attributes.clone(), fault: None },
        )?;
        if file.resources.size > 0 {
            let name = format!("{path}/..namedfork/rsrc");
            let file_of = File { name, size: file.resources.size, attributes: Attributes::default(), fault: None };
            self.fork(&file.resources, (record.number, 0xff), file_of)?;
        }
        Ok(())
    }

    /// A file whose data fork is empty, as its content is compressed in an attribute or in the resource fork.
    fn compressed(&mut self, record: &Record, file: &Details, path: String) -> Result<(), Exceeded> {
        let Parts { image, volume, more, compressed } = &self.parts;
        let mut output = self.children.output();
        let attribute = compressed.get(&record.number).map(Vec::as_slice);
        let read = decmpfs::content(attribute, image.len(), &mut output, self.effort, |resources, effort| {
            let extents = volume.extents(&file.resources, more, (record.number, 0xff), effort)?;
            Ok(extents.read(*image, file.resources.size, resources).map(|_| ())?)
        });
        match read {
            Err(Fault::Exceeded(limit)) => out_of_limit(limit, path, output, record.attributes.clone(), self.children),
            result => self.children.made_with(path, output, record.attributes.clone(), result.err().as_ref()),
        }
    }

    fn fork(&mut self, fork: &Fork, of: (u32, u8), file: File<'_>) -> Result<(), Exceeded> {
        self.parts.volume.extents(fork, self.parts.more, of, self.effort)?.deliver(file, self.parts.image, self.children)
    }

    fn special(&mut self, record: &Record, file: &Details) -> Result<Option<EntryKind>, Exceeded> {
        if file.link {
            return Ok(self.inodes.get(&file.special).map(|target| EntryKind::HardLink(target.clone())));
        }
        let (major, minor) = apple_device_numbers(file.special);
        Ok(match record.attributes.mode.unwrap_or(0) & 0o170_000 {
            0o120_000 => {
                let extents = self.parts.volume.extents(&file.data, self.parts.more, (record.number, 0), self.effort)?;
                let span = extents.whole(file.data.size.min(LONGEST_LINK));
                let target = span.and_then(|span| self.parts.image.part(span).ok());
                target.map(|target| EntryKind::Symlink(path_text(target.0)))
            }
            0o020_000 => Some(EntryKind::CharacterDevice(major, minor)),
            0o060_000 => Some(EntryKind::BlockDevice(major, minor)),
            0o010_000 => Some(EntryKind::Fifo),
            0o140_000 => Some(EntryKind::Socket),
            _ => None,
        })
    }
}
