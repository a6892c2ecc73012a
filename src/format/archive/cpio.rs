//! cpio archives in all their spellings, among them the initramfs of Linux: several in a row with zeros between.

use std::collections::BTreeMap;

use self::header::{Entry, Place};
use crate::blob::{Blob, Bytes, Span};
use crate::format::{Carved, Children, EntryKind, Format, Kind, Magic, Spec, entry_path, path_text};
use crate::limits::{Budget, Exceeded};
use crate::problem::{Fault, Rejected};

mod header;

/// cpio: new ASCII, with and without checksum, old ASCII, old binary of both byte orders.
#[derive(Debug)]
pub(super) struct Cpio;

static SPEC: Spec = Spec {
    id: "cpio",
    name: "cpio",
    kind: Kind::Archive,
    magics: &[
        Magic::anywhere(b"070701"),
        Magic::anywhere(b"070702"),
        Magic::anywhere(b"070707"),
        // 070707 as a number
        Magic::anywhere(&[0xc7, 0x71]),
        Magic::anywhere(&[0x71, 0xc7]),
    ],
    leaf: false,
    references: &[
        "https://docs.kernel.org/driver-api/early-userspace/buffer-format.html",
        "https://man.freebsd.org/cgi/man.cgi?query=cpio&sektion=5",
    ],
    limitations: &["files that old archives hold once for each of their names are not recognized as links"],
};

/// Zeros between two archives in a row, at most.
const LONGEST_GAP: u64 = 4096;

/// cpio writes blocks of this many bytes, and fills up the last one.
const BLOCK: u64 = 512;

impl Format for Cpio {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let bytes = Bytes(blob.bytes().tail(start));
        let first = Entry::read(bytes, 0)?;
        if first.is_trailer() {
            return Err(Rejected("nothing inside"));
        }
        let mut count = 0_u64;
        let end = walk(bytes, &mut |_| {
            count = count.saturating_add(1);
            Ok(())
        });
        let Ok(end) = end else { return Err(Rejected("unreachable: nothing was unpacked")) };
        if first.weak && !end.whole && count < 3 {
            return Err(Rejected("two bytes of magic want more proof"));
        }
        Ok(Carved::new(end.at, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        let links = hard_links(bytes)?;
        let end = walk(bytes, &mut |place| child(place, &links, bytes, children))?;
        if end.whole { Ok(()) } else { Err(Fault::Truncated(format!("cpio: no trailer, the last entry ends at {:#x}", end.at))) }
    }
}

/// How a walk ended.
struct End {
    at: u64,
    /// Whether the last archive had its trailer.
    whole: bool,
}

/// Visits all entries of all archives in a row.
fn walk<'a>(bytes: Bytes<'a>, visit: &mut dyn FnMut(&Place<'a>) -> Result<(), Exceeded>) -> Result<End, Exceeded> {
    let (mut at, mut archive, mut begin, mut trailer) = (0_u64, 0_u64, 0_u64, None);
    loop {
        let Ok(entry) = Entry::read(bytes, at) else {
            let end = trailer.unwrap_or(at);
            return Ok(End { at: end.min(bytes.len()), whole: trailer.is_some() });
        };
        let next = entry.next;
        if entry.is_trailer() {
            trailer = Some(padded(bytes, begin, next));
            let zeros = bytes.up_to(next, LONGEST_GAP).iter().take_while(|byte| **byte == 0).count();
            at = next.saturating_add(crate::blob::to_u64(zeros));
            (begin, archive) = (at, archive.saturating_add(1));
            continue;
        }
        visit(&Place { entry, archive })?;
        trailer = None;
        if next > bytes.len() {
            return Ok(End { at: bytes.len(), whole: false });
        }
        at = next;
    }
}

/// Where the block ends in which the trailer of the archive at `begin` ends, if it is filled with zeros.
fn padded(bytes: Bytes<'_>, begin: u64, end: u64) -> u64 {
    let full = begin.saturating_add(end.saturating_sub(begin).next_multiple_of(BLOCK));
    let fill = bytes.up_to(end, full.saturating_sub(end));
    if fill.iter().all(|byte| *byte == 0) { full } else { end }
}

/// Archive, device and inode.
type Inode = (u64, u64, u64);

/// Where the data is of files with several names, by inode: at the entry that has some, or else at the last.
fn hard_links(bytes: Bytes<'_>) -> Result<BTreeMap<Inode, (u64, String)>, Exceeded> {
    let mut links: BTreeMap<Inode, (u64, String)> = BTreeMap::new();
    let mut sizes: BTreeMap<Inode, u64> = BTreeMap::new();
    walk(bytes, &mut |place| {
        let entry = &place.entry;
        if entry.is_file() && entry.links > 1 && (entry.size > 0 || sizes.get(&place.inode()).is_none_or(|size| *size == 0)) {
            links.insert(place.inode(), (entry.start, entry_path(entry.name)));
            sizes.insert(place.inode(), entry.size);
        }
        Ok(())
    })?;
    Ok(links)
}

fn child(place: &Place<'_>, links: &BTreeMap<Inode, (u64, String)>, bytes: Bytes<'_>, children: &mut Children<'_>) -> Result<(), Exceeded> {
    let entry = &place.entry;
    let path = entry_path(entry.name);
    let (major, minor) = entry.device;
    let kind = match entry.mode & 0o170_000 {
        0o040_000 if path.is_empty() => return Ok(()),
        0o040_000 => EntryKind::Directory,
        0o120_000 => EntryKind::Symlink(path_text(bytes.up_to(entry.data.start, entry.data.length.min(4096)))),
        0o020_000 => EntryKind::CharacterDevice(major, minor),
        0o060_000 => EntryKind::BlockDevice(major, minor),
        0o010_000 => EntryKind::Fifo,
        0o140_000 => EntryKind::Socket,
        _ => match links.get(&place.inode()) {
            Some((start, target)) if entry.links > 1 && entry.size == 0 && *start != entry.start => EntryKind::HardLink(target.clone()),
            _ => return file(entry, path, bytes, children),
        },
    };
    children.entry(path, kind, entry.attributes());
    Ok(())
}

fn file(entry: &Entry<'_>, path: String, bytes: Bytes<'_>, children: &mut Children<'_>) -> Result<(), Exceeded> {
    let Span { start, length } = entry.data;
    let sum = || bytes.up_to(start, length).iter().fold(0_u32, |sum, byte| sum.wrapping_add((*byte).into()));
    if entry.check.is_some_and(|check| entry.next <= bytes.len() && check != sum()) {
        children.problem(&Fault::Checksum(format!("cpio: the checksum of {path:?} does not fit")), Some(start));
    }
    children.span(path, entry.data, entry.attributes())
}

#[cfg(test)]
mod tests;
