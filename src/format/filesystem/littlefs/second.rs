//! Folders as version 2 writes them: a log of tags in commits, each with a CRC.

use std::collections::BTreeMap;

use super::walk::{Content, Entry, Folder};
use super::{Volume, crc, word};
use crate::blob::{Bytes, Endian, Span};
use crate::problem::Rejected;

/// Where the magic stands in the first block.
pub(super) const MAGIC: u64 = 8;

/// What is read of the first block to find out whether it is one.
const LOOK: u64 = 4096;

/// The first block: the tag of the volume's name, and beside it version u32, bytes of a block u32, blocks u32, limits.
pub(super) fn volume(image: Bytes<'_>) -> Result<Volume, Rejected> {
    let log = Log::read(image, Span::new(0, LOOK)).ok_or(Rejected("no commit that is whole"))?;
    let named = log.files.values().find(|file| file.name == Some((0xff, Span::new(MAGIC, 8))));
    let place = named.and_then(|file| file.place).ok_or(Rejected("no volume"))?;
    let read = |at: u64| word(image, place.1.start.saturating_add(at)).ok_or(Rejected("too short"));
    if place.0 != 0x201 || place.1.length < 24 || read(0)? >> 16 != 2 {
        return Err(Rejected("the version"));
    }
    Ok(Volume { old: false, block: read(4)?.into(), blocks: read(8)?.into(), root: [0, 1] })
}

/// What the block of a folder says, if a commit in it is whole.
pub(super) fn folder(image: Bytes<'_>, block: Span) -> Option<Folder> {
    let log = Log::read(image, block)?;
    let mut entries = Vec::new();
    for file in log.files.values() {
        let (Some((kind, name)), Some((what, data))) = (file.name, file.place) else { continue };
        let pair = || Some([word(image, data.start)?, word(image, data.start.saturating_add(4))?]);
        let content = match (kind, what) {
            (2, 0x200) => pair().map(Content::Folder),
            (1, 0x201) => Some(Content::Here(data)),
            (1, 0x202) => pair().map(|[head, size]| Content::List { head, size: size.into() }),
            _ => None,
        };
        let name = image.up_to(name.start, name.length).to_vec();
        entries.extend(content.map(|content| Entry { name, content }));
    }
    Some(Folder { number: log.number, entries, next: log.next })
}

/// What the log says of one file.
#[derive(Debug, Clone, Default)]
struct File {
    /// Its kind and where its name stands.
    name: Option<(u32, Span)>,
    /// Where its bytes are, or where it is said where they are, and how.
    place: Option<(u32, Span)>,
}

/// All commits of a block, one after the other.
#[derive(Debug, Clone, Default)]
struct Log {
    number: u32,
    files: BTreeMap<u32, File>,
    /// The blocks in which the folder goes on.
    next: Option<[u32; 2]>,
}

impl Log {
    /// Reads commits as far as they are whole. A tag, big endian and mixed with the one before, has its kind in bits 20 to 30, the number of the
    /// file in bits 10 to 19 and its bytes in bits 0 to 9; bit 31 is set where nothing was written.
    fn read(image: Bytes<'_>, block: Span) -> Option<Self> {
        let bytes = Bytes(image.up_to(block.start, block.length));
        let mut log = Self { number: word(bytes, 0)?, ..Self::default() };
        let (mut whole, mut last, mut at, mut begin) = (None, u32::MAX, 4_u64, 0_u64);
        while let Ok(raw) = bytes.u32(at, Endian::Big) {
            let tag = raw ^ last;
            let length = Some(u64::from(tag & 0x3ff)).filter(|length| *length != 0x3ff).unwrap_or(0);
            let data = at.saturating_add(4);
            if tag >> 31 != 0 || bytes.get(data, length).is_err() {
                break;
            }
            last = tag;
            if tag >> 20 & 0x7fe == 0x500 {
                if word(bytes, data)? != crc(bytes.get(begin, data.saturating_sub(begin)).ok()?) {
                    break;
                }
                last ^= (tag >> 20 & 1) << 31;
                begin = data.saturating_add(length);
                whole = Some(log.clone());
            } else {
                log.tag(tag, image, Span::new(block.start.saturating_add(data), length));
            }
            at = data.saturating_add(length);
        }
        whole
    }

    fn tag(&mut self, tag: u32, image: Bytes<'_>, data: Span) {
        let (kind, file) = (tag >> 20 & 0x7ff, tag >> 10 & 0x3ff);
        match kind {
            // A name.
            0x000..=0x0ff => self.files.entry(file).or_default().name = Some((kind, data)),
            // Where the bytes are.
            0x200..=0x2ff => self.files.entry(file).or_default().place = Some((kind, data)),
            // A new file moves those behind it up, one that is gone moves them down.
            0x401 => {
                self.files = std::mem::take(&mut self.files)
                    .into_iter()
                    .map(|(key, one)| (key.saturating_add(u32::from(key >= file)), one))
                    .collect()
            }
            0x4ff => {
                self.files.remove(&file);
                self.files = std::mem::take(&mut self.files)
                    .into_iter()
                    .map(|(key, one)| (key.saturating_sub(u32::from(key > file)), one))
                    .collect();
            }
            // The next blocks: of another folder, or of this one.
            0x600 => self.next = None,
            0x601 => {
                self.next = word(image, data.start).zip(word(image, data.start.saturating_add(4))).map(|(first, second)| [first, second])
            }
            _ => {}
        }
    }
}
