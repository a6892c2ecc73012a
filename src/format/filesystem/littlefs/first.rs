//! Folders as version 1 writes them: entries in a row behind a header, with a CRC at the end.

use super::walk::{Content, Entry, Folder};
use super::{Volume, crc, word};
use crate::blob::{Bytes, Span};
use crate::problem::Rejected;

/// Where the magic stands in the first block.
pub(super) const MAGIC: u64 = 40;

/// The first block: number u32, bytes u32, next two blocks u32 each; then an entry of type 2e with the root folder (two blocks u32), bytes of a
/// block u32, blocks u32, version u32, and the name "littlefs".
pub(super) fn volume(image: Bytes<'_>) -> Result<Volume, Rejected> {
    let read = |at| word(image, at).ok_or(Rejected("too short"));
    if !image.has(MAGIC, b"littlefs") || !image.has(16, &[0x2e, 20]) || read(36)? >> 16 != 1 {
        return Err(Rejected("no entry of a volume, or its version"));
    }
    let length = u64::from(read(4)? & 0x7fff_ffff);
    if !(52..=4096).contains(&length) || crc(image.get(0, length)?) != 0 {
        return Err(Rejected("the checksum of the first block"));
    }
    Ok(Volume { old: true, root: [read(20)?, read(24)?], block: read(28)?.into(), blocks: read(32)?.into() })
}

/// What the block of a folder says, if it is whole: 0 number u32, 4 bytes u32 (highest bit: the folder goes on), 8 the next two blocks u32, then
/// entries: type u8, bytes of place, attributes and name u8 each, and these.
pub(super) fn folder(image: Bytes<'_>, block: Span) -> Option<Folder> {
    let bytes = Bytes(image.up_to(block.start, block.length));
    let size = word(bytes, 4)?;
    let length = u64::from(size & 0x7fff_ffff);
    let bytes = Bytes(bytes.get(0, length).ok()?);
    if length < 20 || crc(bytes.0) != 0 {
        return None;
    }
    let mut folder = Folder { number: word(bytes, 0)?, entries: Vec::new(), next: None };
    if size >> 31 != 0 {
        folder.next = Some([word(bytes, 8)?, word(bytes, 12)?]);
    }
    let mut at = 16_u64;
    while at.saturating_add(8) <= length {
        let sizes: [u8; 4] = bytes.array(at).ok()?;
        let [kind, place, attributes, name] = sizes;
        let data = at.saturating_add(4);
        let name_at = data.saturating_add(place.into()).saturating_add(attributes.into());
        let name = bytes.get(name_at, name.into()).ok()?;
        let pair @ [head, size] = [word(bytes, data)?, word(bytes, data.saturating_add(4))?];
        let content = match kind & 0x7f {
            0x11 => Some(Content::List { head, size: size.into() }),
            0x22 => Some(Content::Folder(pair)),
            _ => None,
        };
        folder.entries.extend(content.map(|content| Entry { name: name.to_vec(), content }));
        at = name_at.saturating_add(crate::blob::to_u64(name.len()));
    }
    Some(folder)
}
