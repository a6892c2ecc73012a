//! From the root folder to everything below it.

use std::collections::BTreeSet;

use super::{Volume, first, second, word};
use crate::blob::{Bytes, Span};
use crate::format::extents::{Extents, File};
use crate::format::{Attributes, Children, EntryKind, part_text};
use crate::limits::{Effort, Exceeded};
use crate::problem::Fault;

/// Longer paths cannot be used anywhere: only a broken or hostile image has them.
const LONGEST_PATH: usize = 4096;

/// What is under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Content {
    /// A folder: its two blocks.
    Folder([u32; 2]),
    /// The bytes of a file.
    Here(Span),
    /// A file in blocks of which each says where the ones before are: the last block, and bytes.
    List { head: u32, size: u64 },
}

/// One file or folder.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) name: Vec<u8>,
    pub(super) content: Content,
}

/// What one of the two blocks of a folder says.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    /// The one with the higher number counts.
    pub(super) number: u32,
    pub(super) entries: Vec<Entry>,
    /// The blocks in which it goes on.
    pub(super) next: Option<[u32; 2]>,
}

/// Hands over all files.
///
/// # Errors
/// If a limit is reached.
pub(super) fn walk(image: Bytes<'_>, volume: &Volume, children: &mut Children<'_>) -> Result<(), Exceeded> {
    let effort = Effort::new(children.budget(), image.len());
    let mut walk = Walk { image, volume, seen: BTreeSet::new(), effort, children };
    let mut folders = vec![(volume.root, String::new())];
    while let Some((pair, path)) = folders.pop() {
        let waiting = folders.len();
        walk.folder(pair, &path, &mut folders)?;
        if let Some(new) = folders.get_mut(waiting..) {
            new.reverse();
        }
    }
    Ok(())
}

struct Walk<'a, 'c, 'w> {
    image: Bytes<'a>,
    volume: &'a Volume,
    /// Pairs of blocks that were read.
    seen: BTreeSet<[u32; 2]>,
    effort: Effort<'w>,
    children: &'c mut Children<'w>,
}

impl Walk<'_, '_, '_> {
    fn place(&self, block: u32) -> Span {
        Span::new(u64::from(block).saturating_mul(self.volume.block), self.volume.block)
    }

    /// The newer of two blocks of which one may be broken.
    fn newer(&self, pair: [u32; 2]) -> Option<Folder> {
        let read = if self.volume.old { first::folder } else { second::folder };
        let [one, other] = pair.map(|block| read(self.image, self.place(block)));
        match (one, other) {
            // The numbers go round.
            (Some(one), Some(other)) => Some(if one.number.wrapping_sub(other.number) >> 31 == 0 { one } else { other }),
            (one, other) => one.or(other),
        }
    }

    fn folder(&mut self, pair: [u32; 2], path: &str, folders: &mut Vec<([u32; 2], String)>) -> Result<(), Exceeded> {
        let mut next = Some(pair);
        while let Some([one, other]) = next {
            let sorted = [one.min(other), one.max(other)];
            let at = Some(self.place(one).start);
            if !self.seen.insert(sorted) {
                self.children.problem(&Fault::corrupt(format!("the folder {path:?} is there twice")), at);
                return Ok(());
            }
            self.effort.spend(self.volume.block.min(self.image.len()).saturating_mul(2))?;
            let Some(folder) = self.newer([one, other]) else {
                self.children.problem(&Fault::corrupt(format!("both blocks of the folder {path:?} are broken")), at);
                return Ok(());
            };
            for entry in folder.entries {
                self.entry(entry, path, folders)?;
            }
            next = folder.next;
        }
        Ok(())
    }

    fn entry(&mut self, entry: Entry, folder: &str, folders: &mut Vec<([u32; 2], String)>) -> Result<(), Exceeded> {
        let name = part_text(&entry.name);
        let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
        match entry.content {
            Content::Folder(_) if path.len() > LONGEST_PATH => {
                self.children.problem(&Fault::corrupt(format!("the folder {path:.200?} is too deep")), None);
            }
            Content::Folder(pair) => {
                self.children.entry(path.clone(), EntryKind::Directory, Attributes::default());
                folders.push((pair, path));
            }
            Content::Here(span) => self.children.span(path, span, Attributes::default())?,
            Content::List { head, size } => {
                let (extents, fault) = self.list(head, size)?;
                let file = File { name: path, size, attributes: Attributes::default(), fault: fault.as_ref() };
                extents.deliver(file, self.image, self.children)?;
            }
        }
        Ok(())
    }

    /// Blocks of a file, from the last to the first. Block n begins with the numbers of the blocks n-1, n-2, n-4 and so on, as often as n can be
    /// halved, and one more; the first has none.
    fn list(&mut self, head: u32, size: u64) -> Result<(Extents, Option<Fault>), Exceeded> {
        let headers = |index: u64| if index == 0 { 0 } else { u64::from(index.trailing_zeros()).saturating_add(1).saturating_mul(4) };
        let (mut extents, mut rooms, mut left) = (Extents::default(), Vec::new(), size);
        if size > self.volume.length() {
            return Ok((extents, Some(Fault::corrupt("it has more bytes than the volume"))));
        }
        while left > 0 {
            let header = headers(crate::blob::to_u64(rooms.len()));
            let room = self.volume.block.saturating_sub(header).min(left);
            if room == 0 {
                return Ok((extents, Some(Fault::corrupt("its blocks have no room"))));
            }
            rooms.push((header, room));
            left = left.saturating_sub(room);
        }
        self.effort.spend(crate::blob::to_u64(rooms.len()).saturating_mul(16))?;
        let (mut block, mut spans) = (head, Vec::new());
        for (header, room) in rooms.iter().rev() {
            let start = self.place(block).start;
            spans.push(Span::new(start.saturating_add(*header), *room));
            if *header > 0 {
                let Some(before) = word(self.image, start).filter(|before| u64::from(*before) < self.volume.blocks) else {
                    return Ok((extents, Some(Fault::corrupt("a block of it is broken"))));
                };
                block = before;
            }
        }
        spans.into_iter().rev().for_each(|span| extents.stored(span));
        Ok((extents, None))
    }
}
