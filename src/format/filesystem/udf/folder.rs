//! What folders say of the files in them, and links of where they lead.

use super::descriptor::{Place, Tag, letters, long};
use crate::blob::{Bytes, Endian};
use crate::format::unix::inodes::Name;
use crate::format::utf16_part_text;
use crate::problem::Fault;

/// Names in a row. Each: a tag, 18 flags u8 (4 deleted, 8 the folder above), 19 bytes of the name u8, 20 place of the entry, 36 bytes for
/// others u16, those, the name, padding to four bytes.
pub(super) fn names(folder: Bytes<'_>, names: &mut Vec<Name<Place>>) -> Result<(), Fault> {
    let (mut rest, mut sound) = (folder, true);
    while !rest.is_empty() {
        let tag = Tag::read(rest).filter(|tag| tag.kind == 257).ok_or_else(|| Fault::corrupt("a name is broken"))?;
        sound &= tag.is_sound();
        let (flags, length) = (tag.bytes.u8(18)?, u64::from(tag.bytes.u8(19)?));
        let start = u64::from(tag.bytes.u16(36, Endian::Little)?).saturating_add(38);
        let name = tag.bytes.get(start, length)?;
        let (bytes, place) = long(tag.bytes, 20)?;
        if flags & 0xc == 0 && bytes & 0x3fff_ffff != 0 {
            names.push((utf16_part_text(letters(name)).into_bytes(), place));
        }
        rest = Bytes(rest.tail(start.saturating_add(length).next_multiple_of(4)));
    }
    if sound { Ok(()) } else { Err(Fault::Checksum("names do not fit their checksums".to_owned())) }
}

/// The path that the parts of a link are: each 0 kind u8 (1 and 2 root, 3 above, 4 here, 5 a name), 1 bytes of the name u8, 4 name.
pub(super) fn target(parts: Bytes<'_>) -> String {
    let (mut path, mut rest) = (String::new(), parts);
    while let (Ok(kind), Ok(length)) = (rest.u8(0), rest.u8(1)) {
        let name = utf16_part_text(letters(rest.up_to(4, length.into())));
        if !path.is_empty() && !path.ends_with('/') {
            path.push('/');
        }
        match kind {
            1 | 2 => path = "/".to_owned(),
            3 => path.push_str(".."),
            4 => path.push('.'),
            _ => path.push_str(&name),
        }
        rest = Bytes(rest.tail(u64::from(length).saturating_add(4)));
    }
    path
}
