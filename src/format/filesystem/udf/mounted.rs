//! A volume whose folders are walked.

use std::collections::BTreeSet;

use super::descriptor::{Place, Tag, long};
use super::entry::{Content, Entry};
use super::folder;
use super::space::Space;
use super::volume::Volume;
use crate::blob::{Bytes, Span};
use crate::format::unix::inodes::{self, Inode, Name};
use crate::limits::{Effort, Output};
use crate::problem::Fault;

/// Newer entries behind an old one.
pub(super) const MOST_VERSIONS: u32 = 256;

pub(super) struct Mounted<'a, 'b> {
    pub(super) image: Bytes<'a>,
    pub(super) space: &'a Space,
    pub(super) effort: Effort<'b>,
    /// Where descriptors are that do not fit their checksums.
    pub(super) damaged: BTreeSet<u64>,
    /// The last entry that was read of a file whose newer ones go on and on.
    pub(super) endless: Option<u64>,
}

impl<'a> Mounted<'a, '_> {
    /// Where the entry of the uppermost folder is, as the descriptor of the files says: 400 place.
    pub(super) fn root(&mut self, volume: &Volume) -> Result<Place, Fault> {
        let (_, tag) = self.descriptor(volume.files)?;
        if tag.kind != 256 {
            return Err(Fault::corrupt("the descriptor of the files is something else"));
        }
        Ok(long(tag.bytes, 400)?.1)
    }

    /// The descriptor in a block, and where it stands.
    fn descriptor(&mut self, place: Place) -> Result<(u64, Tag<'a>), Fault> {
        self.effort.spend(self.space.block)?;
        let at = self.space.at(place).ok_or_else(|| Fault::corrupt(format!("there is no block {place:?}")))?;
        let bytes = Bytes(self.image.get(at, self.space.block)?);
        let tag = Tag::read(bytes).ok_or_else(|| Fault::corrupt(format!("no descriptor in block {place:?}")))?;
        if !tag.is_sound() {
            self.damaged.insert(at);
        }
        Ok((at, tag))
    }

    /// The entry at `place`, or the newest one that replaces it: in the block behind an old one stands where the next one is.
    fn entry(&mut self, mut place: Place) -> Result<(u64, Entry<'a>), Fault> {
        let none = || Fault::corrupt("no entry of a file");
        let (mut at, tag) = self.descriptor(place)?;
        let mut entry = Entry::read(tag, place.0).ok_or_else(none)?;
        for _ in 0..MOST_VERSIONS {
            let newer = if entry.chained { self.newer(place) } else { None };
            let Some(newer) = newer else { return Ok((at, entry)) };
            (at, entry, place) = newer;
        }
        self.endless = self.endless.or(Some(at));
        Ok((at, entry))
    }

    /// The entry that replaces the one at `place`, and its place.
    fn newer(&mut self, place: Place) -> Option<(u64, Entry<'a>, Place)> {
        let (_, tag) = self.descriptor((place.0, place.1.saturating_add(1))).ok()?;
        let (length, next) = (tag.kind == 248).then(|| long(tag.bytes, 36).ok()).flatten()?;
        if length == 0 {
            return None;
        }
        let (at, tag) = self.descriptor(next).ok()?;
        Some((at, Entry::read(tag, next.0)?, next))
    }

    fn bytes_of(&self, inode: &Inode<Content>) -> Result<(Output<'_>, Option<Fault>), Fault> {
        let mut output = Output::new(self.effort.budget(), self.image.len());
        match inode.detail.read(self.image, inode.size, &mut output) {
            Err(limit @ Fault::Exceeded(_)) => Err(limit),
            result => Ok((output, result.err())),
        }
    }
}

impl inodes::Volume for Mounted<'_, '_> {
    type Number = Place;
    type Detail = Content;

    fn inode(&mut self, number: Place) -> Result<Inode<Content>, Fault> {
        let (at, entry) = self.entry(number)?;
        let detail = self.space.content(self.image, &entry, at, &mut self.effort)?;
        Ok(Inode {
            at,
            mode: entry.mode(),
            size: entry.size,
            device: entry.device,
            uid: entry.uid,
            gid: entry.gid,
            modified: entry.modified,
            detail,
        })
    }

    fn names(&mut self, folder: &Inode<Content>, names: &mut Vec<Name<Place>>) -> Result<(), Fault> {
        self.effort.spend(folder.size)?;
        let (bytes, fault) = self.bytes_of(folder)?;
        let read = folder::names(Bytes(bytes.as_slice()), names);
        fault.map_or(read, Err)
    }

    fn place(&mut self, inode: &Inode<Content>) -> Option<Span> {
        inode.detail.whole(inode.size).filter(|span| span.length > 0 && span.end() <= self.image.len())
    }

    fn content(&mut self, inode: &Inode<Content>, output: &mut Output<'_>) -> Result<(), Fault> {
        if inode.mode & 0o170_000 != 0o120_000 {
            return inode.detail.read(self.image, inode.size, output);
        }
        let (bytes, fault) = self.bytes_of(inode)?;
        output.push(folder::target(Bytes(bytes.as_slice())).as_bytes())?;
        fault.map_or(Ok(()), Err)
    }
}
