//! Trees: items by their keys.

use std::collections::BTreeMap;

use super::chunks::Chunks;
use super::superblock::Checksum;
use crate::blob::{Bytes, Endian, OutOfBounds};
use crate::limits::Effort;
use crate::problem::Fault;

/// Bytes before the items of a node: u8[32] checksum, u8[16] UUID, 48 u64 address, 56 u64 flags, 64 u8[16] UUID, 80 u64 generation,
/// 88 u64 owner, 96 u32 items, 100 u8 level.
const HEADER: u64 = 101;

/// Bytes of an item of a leaf (key, u32 offset behind the header, u32 size), and of a node above (key, u64 address, u64 generation).
const ITEM: u64 = 25;
const POINTER: u64 = 33;

/// What a look into a node costs, as bytes of work.
const LOOK: u64 = 512;

/// The key of an item: u64 object, u8 type, u64 offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) object: u64,
    pub(super) kind: u8,
    pub(super) offset: u64,
}

impl Key {
    pub(super) const SIZE: u64 = 17;

    pub(super) fn read(bytes: Bytes<'_>, at: u64) -> Result<Self, OutOfBounds> {
        Ok(Self {
            object: bytes.u64(at, Endian::Little)?,
            kind: bytes.u8(at.saturating_add(8))?,
            offset: bytes.u64(at.saturating_add(9), Endian::Little)?,
        })
    }
}

/// An item: its offset, its bytes, and where they stand in the image.
pub(super) type Item<'a> = (Key, Bytes<'a>, u64);

/// Reads nodes.
pub(super) struct Trees<'a, 'b> {
    pub(super) image: Bytes<'a>,
    pub(super) chunks: Chunks,
    pub(super) node_size: u64,
    pub(super) checksum: Checksum,
    pub(super) effort: Effort<'b>,
    /// Where nodes stand that were read and are whole.
    known: BTreeMap<u64, u64>,
}

impl<'a, 'b> Trees<'a, 'b> {
    pub(super) fn new(image: Bytes<'a>, chunks: Chunks, node_size: u64, checksum: Checksum, effort: Effort<'b>) -> Self {
        Self { image, chunks, node_size, checksum, effort, known: BTreeMap::new() }
    }

    /// The node at a logical address: the first copy that is whole.
    fn node(&mut self, logical: u64, level: u8) -> Result<(Bytes<'a>, u64), Fault> {
        self.effort.spend(LOOK)?;
        let (place, fresh) = match self.known.get(&logical) {
            Some(place) => (*place, false),
            None => (self.find(logical)?, true),
        };
        let bytes = Bytes(self.image.get(place, self.node_size)?);
        if bytes.u8(100)? != level {
            return Err(Fault::corrupt(format!("the node at {logical:#x} is of another level")));
        }
        if fresh {
            self.known.insert(logical, place);
        }
        Ok((bytes, place))
    }

    fn find(&mut self, logical: u64) -> Result<u64, Fault> {
        let mut fault = Fault::corrupt(format!("no chunk on this device has the address {logical:#x}"));
        for place in self.chunks.places(logical, self.node_size) {
            self.effort.spend(self.node_size)?;
            match self.image.get(place, self.node_size).map(Bytes) {
                Ok(bytes) if bytes.u64(48, Endian::Little) == Ok(logical) && self.checksum.fits(bytes) => return Ok(place),
                Ok(_) => fault = Fault::Checksum(format!("the node at {logical:#x} does not fit its checksum, nor do its copies")),
                Err(error) => fault = error.into(),
            }
        }
        Err(fault)
    }

    /// Adds all items between two keys to `found`, in order. Returns why that is not all.
    pub(super) fn range(&mut self, root: (u64, u8), first: Key, last: Key, found: &mut Vec<Item<'a>>) -> Option<Fault> {
        let mut fault = None;
        let (address, level) = root;
        self.below(address, level, (first, last), found, &mut fault);
        fault
    }

    fn below(&mut self, address: u64, level: u8, keys: (Key, Key), found: &mut Vec<Item<'a>>, fault: &mut Option<Fault>) {
        if matches!(fault, Some(Fault::Exceeded(_))) {
            return;
        }
        if let Err(broken) = self.node_below(address, level, keys, found, fault)
            && (fault.is_none() || broken.is_limit())
        {
            *fault = Some(broken);
        }
    }

    fn node_below(
        &mut self,
        address: u64,
        level: u8,
        keys: (Key, Key),
        found: &mut Vec<Item<'a>>,
        fault: &mut Option<Fault>,
    ) -> Result<(), Fault> {
        let (node, place) = self.node(address, level)?;
        let count = u64::from(node.u32(96, Endian::Little)?);
        let size = if level == 0 { ITEM } else { POINTER };
        if count > self.node_size.checked_div(size).unwrap_or(0) {
            return Err(Fault::corrupt(format!("the node at {address:#x} has too many items")));
        }
        let at = |index: u64| index.saturating_mul(size).saturating_add(HEADER);
        let (first, last) = keys;
        let mut index = first_at_least(count, |index| Key::read(node, at(index)).is_ok_and(|key| key < first));
        if level > 0 {
            // The one before may reach into the range.
            index = if Key::read(node, at(index)) == Ok(first) { index } else { index.saturating_sub(1) };
        }
        while index < count {
            let key = Key::read(node, at(index))?;
            if key > last {
                break;
            }
            let field = at(index).saturating_add(Key::SIZE);
            if let Some(lower) = level.checked_sub(1) {
                self.below(node.u64(field, Endian::Little)?, lower, keys, found, fault);
            } else {
                let start = u64::from(node.u32(field, Endian::Little)?).saturating_add(HEADER);
                let length = u64::from(node.u32(field.saturating_add(4), Endian::Little)?);
                found.push((key, Bytes(node.get(start, length)?), place.saturating_add(start)));
            }
            index = index.saturating_add(1);
        }
        Ok(())
    }
}

/// The first of `count` places, in order, at which `less` is false.
fn first_at_least(count: u64, less: impl Fn(u64) -> bool) -> u64 {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low.saturating_add(high.saturating_sub(low) / 2);
        if less(middle) { low = middle.saturating_add(1) } else { high = middle }
    }
    low
}
