//! YAFFS 1 and 2: logs of pages, each with a tag in the spare area behind it that says which page of which file it is.

use self::geometry::Geometry;
use self::objects::Objects;
use self::page::{CHECKPOINT, Pages};
use crate::blob::{Blob, Bytes};
use crate::format::filesystem::jffs2::tree;
use crate::format::{Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

mod geometry;
mod objects;
mod page;
#[cfg(test)]
mod tests;

/// Yet Another Flash File System.
#[derive(Debug)]
pub(in crate::format) struct Yaffs;

static SPEC: Spec = Spec {
    id: "yaffs",
    name: "YAFFS",
    kind: Kind::FileSystem,
    magics: &MAGICS,
    leaf: false,
    references: &["https://yaffs.net/documents/how-yaffs-works", "https://github.com/m8cool/yaffs2/blob/master/yaffs_guts.h"],
    limitations: &[
        "extended attributes",
        "what stands before the first page that begins an object of the uppermost folder",
        "single wrong bits are not corrected",
    ],
};

/// Type of object 1 file, 2 link, 3 folder or 5 device (4, hard links, come later), in the uppermost folder, and a checksum that nobody
/// uses: what the page of an object begins with.
pub(in crate::format) static MAGICS: [Magic; 8] = [
    Magic::anywhere(&[3, 0, 0, 0, 1, 0, 0, 0, 0xff, 0xff]),
    Magic::anywhere(&[1, 0, 0, 0, 1, 0, 0, 0, 0xff, 0xff]),
    Magic::anywhere(&[2, 0, 0, 0, 1, 0, 0, 0, 0xff, 0xff]),
    Magic::anywhere(&[5, 0, 0, 0, 1, 0, 0, 0, 0xff, 0xff]),
    Magic::anywhere(&[0, 0, 0, 3, 0, 0, 0, 1, 0xff, 0xff]),
    Magic::anywhere(&[0, 0, 0, 1, 0, 0, 0, 1, 0xff, 0xff]),
    Magic::anywhere(&[0, 0, 0, 2, 0, 0, 0, 1, 0xff, 0xff]),
    Magic::anywhere(&[0, 0, 0, 5, 0, 0, 0, 1, 0xff, 0xff]),
];

/// Pages in a row that belong to nothing: a damaged erase block, or erased ones.
const LONGEST_GARBAGE: u64 = 64;
/// Erased pages in a row inside of one file system.
const LONGEST_BLANK: u64 = 4096;

impl Format for Yaffs {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let bytes = Bytes(blob.bytes().tail(start));
        let geometry = Geometry::find(bytes)?;
        let (mut end, mut garbage, mut blank) = (0, 0_u64, 0_u64);
        for page in Pages::new(bytes, geometry) {
            match page.tags {
                Some(_) => (end, garbage, blank) = (page.end, 0, 0),
                None if page.blank => blank = blank.saturating_add(1),
                None => garbage = garbage.saturating_add(1),
            }
            if garbage > LONGEST_GARBAGE || blank > LONGEST_BLANK {
                break;
            }
        }
        Ok(Carved::new(end, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        let geometry = Geometry::find(bytes).map_err(|why| Fault::corrupt(why.to_string()))?;
        let (mut objects, mut foreign, mut first) = (Objects::new(bytes, geometry), 0_u64, None);
        for page in Pages::new(bytes, geometry) {
            match page.tags {
                Some(tags) if tags.sequence != CHECKPOINT => objects.add(page.start, &tags),
                Some(_) => (),
                None if page.blank => (),
                None => {
                    foreign = foreign.saturating_add(1);
                    first = first.or(Some(page.start));
                }
            }
        }
        if foreign > 0 {
            let why = format!("{foreign} pages have no tags that make sense");
            children.problem(&Fault::corrupt(why), first);
        }
        let names = objects.settle();
        tree::hand_over(page::ROOT.into(), names, &objects, children)?;
        Ok(())
    }
}
