//! What the tree of a volume says: inodes, names in folders, extents, attributes.

use std::collections::BTreeMap;

use super::container::Volume;
use super::tree::{Nodes, Trees};
use crate::blob::{Bytes, Endian};
use crate::format::decmpfs;
use crate::limits::Exceeded;

/// The number of the uppermost folder.
pub(super) const ROOT: u64 = 2;

/// The attribute with the target of a link.
const LINK: &str = "com.apple.fs.symlink";
const RESOURCES: &str = "com.apple.ResourceFork";

/// Bytes of a name: 255 letters.
const LONGEST_NAME: usize = 1023;

/// Kinds of records: the upper four bits of the first number of a key; the rest of it is the number of what they are about.
const INODE: u64 = 3;
const ATTRIBUTE: u64 = 4;
const EXTENT: u64 = 8;
const NAME: u64 = 9;

/// An attribute: flags u16 (1: elsewhere), bytes u16, those; or number of its content u64, bytes of it u64.
#[derive(Debug, Clone, Copy)]
pub(super) enum Attribute<'a> {
    Inside(Bytes<'a>),
    Elsewhere(u64, u64),
}

/// An inode:
///
/// ```text
///  8 number of its content u64   24 time of change u64 (nanoseconds)   68 flags u32 (20: compressed)   72 owner u32   76 group u32
/// 80 mode u16   92 fields: number u16, bytes u16, for each kind u8, flags u8, bytes u16; then their values, each up to a multiple of 8
/// ```
#[derive(Debug, Clone, Copy)]
pub(super) struct Inode {
    pub(super) content: u64,
    pub(super) modified: Option<i64>,
    pub(super) compressed: bool,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) mode: u32,
    pub(super) size: u64,
    pub(super) device: u32,
    /// Where it stands in the image.
    pub(super) at: u64,
}

/// All of a volume.
#[derive(Debug, Default)]
pub(super) struct Records<'a> {
    pub(super) inodes: BTreeMap<u64, Inode>,
    /// Names and numbers, by the number of the folder.
    pub(super) names: BTreeMap<u64, Vec<(&'a [u8], u64)>>,
    /// Bytes and first block, by the number of the content and place in it.
    pub(super) extents: BTreeMap<(u64, u64), (u64, u64)>,
    pub(super) links: BTreeMap<u64, Attribute<'a>>,
    pub(super) resources: BTreeMap<u64, Attribute<'a>>,
    pub(super) compressed: BTreeMap<u64, Attribute<'a>>,
}

impl<'a> Records<'a> {
    /// # Errors
    /// If a limit is reached.
    pub(super) fn of(volume: &Volume, trees: &mut Trees<'a, '_>) -> Result<Self, Exceeded> {
        let places = trees.places(volume.map)?;
        let nodes = |is_block: bool| if is_block { Nodes::Blocks } else { Nodes::Numbers(&places) };
        let mut records = Self::default();
        let (tree, is_block) = volume.tree;
        trees.walk(tree, nodes(is_block), &mut |key, value, at| records.take(key, value, (at, volume.hashed)))?;
        if let Some((tree, is_block)) = volume.extents {
            // Their keys have no kind: number of the content u64, place in it u64.
            trees.walk(tree, nodes(is_block), &mut |key, value, _| records.extent(key.u64(0, Endian::Little).ok(), key, value))?;
        }
        Ok(records)
    }

    /// Keeps a record, whose value stands at `at`; None if it cannot be read.
    fn take(&mut self, key: Bytes<'a>, value: Bytes<'a>, (at, hashed): (u64, bool)) -> Option<()> {
        let head = key.u64(0, Endian::Little).ok()?;
        let number = head & (u64::MAX >> 4);
        match head >> 60 {
            INODE => _ = self.inodes.insert(number, Inode::read(value, at)?),
            EXTENT => self.extent(Some(number), key, value)?,
            NAME => {
                // Ten bits are its length; the others a hash.
                let (length, start) = if hashed {
                    (u64::from(key.u32(8, Endian::Little).ok()? & 0x3ff), 12)
                } else {
                    (u64::from(key.u16(8, Endian::Little).ok()?), 10)
                };
                let name = key.text(start, length).ok().filter(|name| name.len() <= LONGEST_NAME)?;
                self.names.entry(number).or_default().push((name, value.u64(0, Endian::Little).ok()?));
            }
            ATTRIBUTE => {
                let name = key.text(10, key.u16(8, Endian::Little).ok()?.into()).ok()?;
                let attributes = match std::str::from_utf8(name).unwrap_or_default() {
                    LINK => &mut self.links,
                    RESOURCES => &mut self.resources,
                    decmpfs::ATTRIBUTE => &mut self.compressed,
                    _ => return Some(()),
                };
                let elsewhere = value.u16(0, Endian::Little).ok()? & 1 != 0;
                let attribute = if elsewhere {
                    Attribute::Elsewhere(value.u64(4, Endian::Little).ok()?, value.u64(12, Endian::Little).ok()?)
                } else {
                    Attribute::Inside(Bytes(value.get(4, value.u16(2, Endian::Little).ok()?.into()).ok()?))
                };
                attributes.insert(number, attribute);
            }
            _ => {}
        }
        Some(())
    }

    /// A key: 8 place in the content u64. A value: bytes u64 (the upper eight bits are flags), first block u64.
    fn extent(&mut self, number: Option<u64>, key: Bytes<'_>, value: Bytes<'_>) -> Option<()> {
        let place = key.u64(8, Endian::Little).ok()?;
        let length = value.u64(0, Endian::Little).ok()? & (u64::MAX >> 8);
        self.extents.insert((number?, place), (length, value.u64(8, Endian::Little).ok()?));
        Some(())
    }
}

impl Inode {
    fn read(value: Bytes<'_>, at: u64) -> Option<Self> {
        let (word, wide) = (|at| value.u32(at, Endian::Little).ok(), |at| value.u64(at, Endian::Little).ok());
        let nanoseconds = wide(24)?.cast_signed();
        let mut inode = Self {
            content: wide(8)?,
            modified: nanoseconds.checked_div_euclid(1_000_000_000),
            compressed: word(68)? & 0x20 != 0,
            uid: word(72)?,
            gid: word(76)?,
            mode: value.u16(80, Endian::Little).ok()?.into(),
            size: 0,
            device: 0,
            at,
        };
        let fields = value.u16(92, Endian::Little).map_or(0, u64::from);
        let mut at = fields.saturating_mul(4).saturating_add(96);
        for index in 0..fields {
            let field = index.saturating_mul(4).saturating_add(96);
            let (Ok(kind), Ok(length)) = (value.u8(field), value.u16(field.saturating_add(2), Endian::Little)) else { break };
            match kind {
                8 => inode.size = wide(at)?,
                14 => inode.device = word(at)?,
                _ => {}
            }
            at = at.saturating_add(u64::from(length).next_multiple_of(8));
        }
        Some(inode)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_too_long_are_none() {
        for (length, kept) in [(1023_u16, true), (1024, false), (30_000, false)] {
            let key = [&(NAME << 60 | ROOT).to_le_bytes()[..], &length.to_le_bytes(), &vec![b'n'; length.into()]].concat();
            let taken = Records::default().take(Bytes(&key), Bytes(&[5; 8]), (0, false));
            assert_eq!(taken.is_some(), kept, "{length}");
        }
    }
}
