//! Subvolumes, inodes and folders.

use std::collections::BTreeMap;

use super::superblock::Superblock;
use super::tree::{Item, Key, Trees};
use crate::blob::{Bytes, Endian, Span};
use crate::format::unix::inodes::{Inode, Name, Volume};
use crate::limits::{Budget, Effort, Output};
use crate::problem::Fault;

const INODE: u8 = 1;
const NAME: u8 = 96;
const EXTENT: u8 = 108;
const ROOT: u8 = 132;
const CHUNK: u8 = 228;

/// The object of all chunks, and the subvolume that all others are in.
const CHUNKS: u64 = 256;
const TOP: u64 = 5;

/// A file system being read.
pub(super) struct Btrfs<'a, 'b> {
    pub(super) trees: Trees<'a, 'b>,
    pub(super) sector_size: u64,
    roots: (u64, u8),
    /// Subvolumes that were wanted: their trees, and the inodes of their uppermost folders.
    subvolumes: BTreeMap<u64, ((u64, u8), u64)>,
}

/// Which tree an inode is in, and its number.
pub(super) type Number = (u64, u64);

impl<'a, 'b> Btrfs<'a, 'b> {
    /// The file system, and why not all chunks of it are known.
    pub(super) fn new(image: Bytes<'a>, superblock: Superblock, budget: &'b Budget) -> Result<(Self, Option<Fault>), Fault> {
        let effort = Effort::new(budget, image.len());
        let mut trees = Trees::new(image, superblock.chunks, superblock.node_size, superblock.checksum, effort);
        let mut chunks = Vec::new();
        let key = |offset| Key { object: CHUNKS, kind: CHUNK, offset };
        let fault = trees.range(superblock.chunk_tree, key(0), key(u64::MAX), &mut chunks);
        for (key, bytes, _) in chunks {
            trees.chunks.add(key.offset, bytes, superblock.device)?;
        }
        let volume = Self { trees, sector_size: superblock.sector_size, roots: superblock.roots, subvolumes: BTreeMap::new() };
        Ok((volume, fault))
    }

    /// The uppermost folder of all.
    pub(super) fn top(&mut self) -> Result<Number, Fault> {
        let (_, folder) = self.subvolume(TOP)?;
        Ok((TOP, folder))
    }

    /// The tree of a subvolume and its uppermost folder. In the item: 168 u64 folder, 176 u64 address, 238 u8 level.
    fn subvolume(&mut self, number: u64) -> Result<((u64, u8), u64), Fault> {
        if let Some(known) = self.subvolumes.get(&number) {
            return Ok(*known);
        }
        let mut items = Vec::new();
        let key = |offset| Key { object: number, kind: ROOT, offset };
        let fault = self.trees.range(self.roots, key(0), key(u64::MAX), &mut items);
        let Some((_, item, _)) = items.last() else {
            return Err(fault.unwrap_or_else(|| Fault::corrupt(format!("there is no subvolume {number}"))));
        };
        let found = ((item.u64(176, Endian::Little)?, item.u8(238)?), item.u64(168, Endian::Little)?);
        self.subvolumes.insert(number, found);
        Ok(found)
    }

    /// The items of a kind of an inode.
    pub(super) fn items(&mut self, (subvolume, object): Number, kind: u8, items: &mut Vec<Item<'a>>) -> Result<(), Fault> {
        let (tree, _) = self.subvolume(subvolume)?;
        let key = |offset| Key { object, kind, offset };
        self.trees.range(tree, key(0), key(u64::MAX), items).map_or(Ok(()), Err)
    }

    /// The extents of a file.
    pub(super) fn extents(&mut self, number: Number, items: &mut Vec<Item<'a>>) -> Result<(), Fault> {
        self.items(number, EXTENT, items)
    }
}

impl<'a> Volume for Btrfs<'a, '_> {
    type Number = Number;
    type Detail = Number;

    /// In the item: 16 u64 size, 44 u32 owner, 48 u32 group, 52 u32 mode, 56 u64 device, 136 u64 time.
    fn inode(&mut self, number: Number) -> Result<Inode<Number>, Fault> {
        let mut items = Vec::new();
        let fault = self.items(number, INODE, &mut items);
        let Some((_, item, at)) = items.first() else {
            return Err(fault.err().unwrap_or_else(|| Fault::corrupt(format!("there is no inode {}", number.1))));
        };
        let device = item.u64(56, Endian::Little)?;
        Ok(Inode {
            at: *at,
            mode: item.u32(52, Endian::Little)?,
            size: item.u64(16, Endian::Little)?,
            device: (u32::try_from(device >> 20).unwrap_or(0), u32::try_from(device & 0xf_ffff).unwrap_or(0)),
            uid: item.u32(44, Endian::Little)?,
            gid: item.u32(48, Endian::Little)?,
            modified: item.u64(136, Endian::Little).ok().and_then(|time| i64::try_from(time).ok()),
            detail: number,
        })
    }

    /// In each item: key of the inode or of the root of a subvolume, 25 u16 size of data, 27 u16 length of the name, 29 u8 type, name.
    fn names(&mut self, folder: &Inode<Number>, names: &mut Vec<Name<Number>>) -> Result<(), Fault> {
        let mut items = Vec::new();
        let result = self.items(folder.detail, NAME, &mut items);
        for (_, item, _) in items {
            let key = Key::read(item, 0)?;
            let name = item.get(30, item.u16(27, Endian::Little)?.into())?.to_vec();
            let number = match key.kind {
                INODE => (folder.detail.0, key.object),
                ROOT => match self.subvolume(key.object) {
                    Ok((_, root)) => (key.object, root),
                    Err(limit @ Fault::Exceeded(_)) => return Err(limit),
                    // Where it should be, the walk finds nothing, and says so.
                    Err(_) => (key.object, CHUNKS),
                },
                _ => continue,
            };
            names.push((name, number));
        }
        result
    }

    fn place(&mut self, inode: &Inode<Number>) -> Option<Span> {
        self.in_one_piece(inode)
    }

    fn content(&mut self, inode: &Inode<Number>, output: &mut Output<'_>) -> Result<(), Fault> {
        self.write(inode, output)
    }
}
