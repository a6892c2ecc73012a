//! A volume whose folders are walked.

use super::records::{Attribute, Inode as Record, Records};
use super::tree::Trees;
use crate::blob::{Bytes, Span};
use crate::format::decmpfs;
use crate::format::extents::Extents;
use crate::format::unix::inodes::{Inode, Name, Volume};
use crate::limits::Output;
use crate::problem::Fault;

pub(super) struct Mounted<'a, 'b, 'r> {
    pub(super) records: &'r Records<'a>,
    pub(super) trees: &'r mut Trees<'a, 'b>,
}

impl<'a> Mounted<'a, '_, '_> {
    /// Where the `size` bytes of a content are.
    fn extents(&self, content: u64, size: u64) -> Extents {
        let mut extents = Extents::default();
        for ((_, place), (length, block)) in self.records.extents.range((content, 0)..=(content, u64::MAX)) {
            extents.hole(place.saturating_sub(extents.length()));
            if *block == 0 {
                extents.hole(*length);
            } else {
                extents.stored(Span::new(block.saturating_mul(self.trees.block), *length));
            }
        }
        extents.hole(size.saturating_sub(extents.length()));
        extents
    }

    /// All of an attribute.
    fn attribute(&self, attribute: &Attribute<'a>, output: &mut Output<'_>) -> Result<(), Fault> {
        match *attribute {
            Attribute::Inside(bytes) => Ok(output.push(bytes.0)?),
            Attribute::Elsewhere(content, size) => {
                let fault = self.extents(content, size).read(self.trees.image, size, output)?;
                fault.map_or(Ok(()), Err)
            }
        }
    }

    fn decompressed(&mut self, number: u64, output: &mut Output<'_>) -> Result<(), Fault> {
        let missing = || Fault::corrupt("the attribute that says how it is compressed is not there");
        let budget = self.trees.effort.budget();
        let (mut attribute, mut resources) = (Output::new(budget, self.trees.image.len()), Output::new(budget, self.trees.image.len()));
        self.attribute(self.records.compressed.get(&number).ok_or_else(missing)?, &mut attribute)?;
        let compressed = decmpfs::Attribute::read(Bytes(attribute.as_slice())).ok_or_else(missing)?;
        if let Some(fork) = self.records.resources.get(&number).filter(|_| compressed.is_outside()) {
            self.attribute(fork, &mut resources)?;
        }
        compressed.decompress(Bytes(resources.as_slice()), output, &mut self.trees.effort)
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
            at: 0,
            mode: record.mode,
            size,
            device: (record.device >> 24, record.device & 0x00ff_ffff),
            uid: record.uid,
            gid: record.gid,
            modified: record.modified,
            detail: (number, *record),
        })
    }

    fn names(&mut self, folder: &Inode<(u64, Record)>, names: &mut Vec<Name<u64>>) -> Result<(), Fault> {
        let (number, _) = folder.detail;
        let found = self.records.names.get(&number).into_iter().flatten();
        names.extend(found.map(|(name, number)| (name.to_vec(), *number)));
        Ok(())
    }

    fn place(&mut self, inode: &Inode<(u64, Record)>) -> Option<Span> {
        let (_, record) = inode.detail;
        let plain = !record.compressed && inode.size > 0;
        plain
            .then(|| self.extents(record.content, inode.size).whole(inode.size))
            .flatten()
            .filter(|span| span.end() <= self.trees.image.len())
    }

    fn content(&mut self, inode: &Inode<(u64, Record)>, output: &mut Output<'_>) -> Result<(), Fault> {
        let (number, record) = inode.detail;
        if record.compressed {
            return self.decompressed(number, output);
        }
        if let Some(link) = self.records.links.get(&number).copied() {
            return self.attribute(&link, output);
        }
        let fault = self.extents(record.content, inode.size).read(self.trees.image, inode.size, output)?;
        fault.map_or(Ok(()), Err)
    }
}
