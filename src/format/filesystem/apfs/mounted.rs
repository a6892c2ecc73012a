//! A volume whose folders are walked.

use super::records::{Attribute, Inode as Record, Records};
use super::tree::Trees;
use crate::blob::{Bytes, Span, to_u64};
use crate::format::decmpfs;
use crate::format::extents::Extents;
use crate::format::unix::inodes::{Inode, Name, Volume, apple_device_numbers};
use crate::limits::{Effort, Exceeded, Output};
use crate::problem::Fault;

/// What it costs to know of one extent.
const EXTENT: u64 = 24;

pub(super) struct Mounted<'a, 'b, 'r> {
    pub(super) records: &'r Records<'a>,
    pub(super) trees: &'r mut Trees<'a, 'b>,
}

/// Where contents are.
#[derive(Clone, Copy)]
struct Contents<'a, 'r> {
    records: &'r Records<'a>,
    image: Bytes<'a>,
    block: u64,
}

impl<'a> Contents<'a, '_> {
    /// Where the `size` bytes of a content are.
    fn extents(&self, content: u64, size: u64, effort: &mut Effort<'_>) -> Result<Extents, Exceeded> {
        let mut extents = Extents::default();
        for ((_, place), (length, block)) in self.records.extents.range((content, 0)..=(content, u64::MAX)) {
            effort.spend(EXTENT)?;
            extents.hole(place.saturating_sub(extents.length()));
            if *block == 0 {
                extents.hole(*length);
            } else {
                extents.stored(Span::new(block.saturating_mul(self.block), *length));
            }
        }
        extents.hole(size.saturating_sub(extents.length()));
        Ok(extents)
    }

    fn read(&self, content: u64, size: u64, output: &mut Output<'_>, effort: &mut Effort<'_>) -> Result<(), Fault> {
        self.extents(content, size, effort)?.read(self.image, size, output)?.map_or(Ok(()), Err)
    }

    /// All of an attribute.
    fn attribute(&self, attribute: Attribute<'a>, output: &mut Output<'_>, effort: &mut Effort<'_>) -> Result<(), Fault> {
        match attribute {
            Attribute::Inside(bytes) => Ok(output.push(bytes.0)?),
            Attribute::Elsewhere(content, size) => self.read(content, size, output, effort),
        }
    }
}

impl<'a, 'r> Mounted<'a, '_, 'r> {
    fn contents(&self) -> Contents<'a, 'r> {
        Contents { records: self.records, image: self.trees.image, block: self.trees.block }
    }

    fn decompressed(&mut self, number: u64, output: &mut Output<'_>) -> Result<(), Fault> {
        let (contents, effort) = (self.contents(), &mut self.trees.effort);
        let mut bytes = Output::new(effort.budget(), contents.image.len());
        let attribute = contents.records.compressed.get(&number).copied();
        if let Some(attribute) = attribute {
            contents.attribute(attribute, &mut bytes, effort)?;
        }
        let attribute = attribute.map(|_| bytes.as_slice());
        decmpfs::content(attribute, contents.image.len(), output, effort, |resources, effort| {
            contents.records.resources.get(&number).map_or(Ok(()), |fork| contents.attribute(*fork, resources, effort))
        })
    }
}

impl Volume for Mounted<'_, '_, '_> {
    type Number = u64;
    type Detail = (u64, Record);

    fn inode(&mut self, number: u64) -> Result<Inode<(u64, Record)>, Fault> {
        self.trees.effort.spend(64)?;
        let record = self.records.inodes.get(&number).ok_or_else(|| Fault::corrupt(format!("there is no inode {number:#x}")))?;
        let link = self.records.links.get(&number).filter(|_| record.mode & 0o170_000 == 0o120_000);
        let size = match link {
            Some(Attribute::Inside(bytes)) => bytes.len(),
            Some(Attribute::Elsewhere(_, size)) => *size,
            None => record.size,
        };
        Ok(Inode {
            at: record.at,
            mode: record.mode,
            size,
            device: apple_device_numbers(record.device),
            uid: record.uid,
            gid: record.gid,
            modified: record.modified,
            detail: (number, *record),
        })
    }

    fn names(&mut self, folder: &Inode<(u64, Record)>, names: &mut Vec<Name<u64>>) -> Result<(), Fault> {
        let (number, _) = folder.detail;
        for (name, number) in self.records.names.get(&number).into_iter().flatten() {
            self.trees.effort.spend(to_u64(name.len()))?;
            names.push((name.to_vec(), *number));
        }
        Ok(())
    }

    fn place(&mut self, inode: &Inode<(u64, Record)>) -> Option<Span> {
        let (_, record) = inode.detail;
        if record.compressed || inode.size == 0 {
            return None;
        }
        let extents = self.contents().extents(record.content, inode.size, &mut self.trees.effort).ok()?;
        extents.whole(inode.size).filter(|span| span.end() <= self.trees.image.len())
    }

    fn content(&mut self, inode: &Inode<(u64, Record)>, output: &mut Output<'_>) -> Result<(), Fault> {
        let (number, record) = inode.detail;
        if record.compressed {
            return self.decompressed(number, output);
        }
        let (contents, effort) = (self.contents(), &mut self.trees.effort);
        match contents.records.links.get(&number) {
            Some(link) => contents.attribute(*link, output, effort),
            None => contents.read(record.content, inode.size, output, effort),
        }
    }
}
