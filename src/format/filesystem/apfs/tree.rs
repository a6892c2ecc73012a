//! Objects, their checksums, and B-trees of them.

use std::collections::{BTreeMap, BTreeSet};

use crate::blob::{Bytes, Endian};
use crate::limits::{Effort, Exceeded};
use crate::problem::Fault;

/// Trees are never deeper.
const DEEPEST: usize = 16;
/// What a node begins with.
const NODE: u64 = 56;
/// What stands at the end of the uppermost node.
const FOOTER: u64 = 40;

/// Where objects are that have no fixed place: block and flags.
pub(super) type Places = BTreeMap<u64, (u64, u32)>;

/// How a tree names its nodes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Nodes<'p> {
    /// By their blocks.
    Blocks,
    /// By numbers, of which these are the places.
    Numbers(&'p Places),
}

/// The blocks of a container, and what was wrong with those that were read.
pub(super) struct Trees<'a, 'b> {
    pub(super) image: Bytes<'a>,
    /// Bytes of a block.
    pub(super) block: u64,
    pub(super) effort: Effort<'b>,
    damaged: u64,
    first_damaged: Option<u64>,
    faults: Vec<Fault>,
    /// Faults that were not kept.
    more: u64,
    /// Records of trees that cannot be read.
    unreadable: u64,
}

/// The checksum of an object, over all but itself: two sums of its words, modulo 2^32 - 1.
pub(super) fn is_sound(object: Bytes<'_>) -> bool {
    let modulo = |sum: u64| sum.checked_rem(0xffff_ffff).unwrap_or(0);
    let words = object.tail(8).chunks_exact(4).map(|word| u64::from(Bytes(word).u32(0, Endian::Little).unwrap_or(0)));
    let (first, second) = words.fold((0_u64, 0_u64), |(first, second), word| {
        let first = modulo(first.saturating_add(word));
        (first, modulo(second.saturating_add(first)))
    });
    let low = 0xffff_ffff_u64.saturating_sub(modulo(first.saturating_add(second)));
    let high = 0xffff_ffff_u64.saturating_sub(modulo(first.saturating_add(low)));
    object.u64(0, Endian::Little) == Ok(high << 32 | low)
}

/// A node: 32 flags u16 (1 uppermost, 2 leaf, 4 of fixed sizes), 34 level u16, 36 records u32, 40 where the table is u16 and its bytes u16;
/// all counted from 56. The table says where keys are behind it, and where values are before the end.
struct Node<'a> {
    bytes: Bytes<'a>,
    leaf: bool,
    fixed: bool,
    records: u64,
    table: u64,
    keys: u64,
    end: u64,
}

/// What a node says of something.
struct Record<'a> {
    key: Bytes<'a>,
    value: Bytes<'a>,
    /// Where the value begins in the node.
    start: u64,
}

/// Gets key and value of a record and where the value stands in the image; None if it cannot make anything of them.
type Each<'a, 'e> = dyn FnMut(Bytes<'a>, Bytes<'a>, u64) -> Option<()> + 'e;

impl<'a> Node<'a> {
    fn read(bytes: Bytes<'a>) -> Option<Self> {
        let half = |at| bytes.u16(at, Endian::Little).map(u64::from).ok();
        let flags = half(32)?;
        let table = NODE.saturating_add(half(40)?);
        Some(Self {
            bytes,
            leaf: flags & 2 != 0,
            fixed: flags & 4 != 0,
            records: bytes.u32(36, Endian::Little).ok()?.into(),
            table,
            keys: table.saturating_add(half(42)?),
            end: bytes.len().saturating_sub(if flags & 1 == 0 { 0 } else { FOOTER }),
        })
    }

    /// Key and value of a record. Where sizes are fixed the node does not say them: the key is at least, and the value at most what is there.
    fn record(&self, index: u64) -> Option<Record<'a>> {
        let step = if self.fixed { 4 } else { 8 };
        let at = self.table.saturating_add(index.saturating_mul(step));
        let half = |place: u64| self.bytes.u16(at.saturating_add(place), Endian::Little).map(u64::from).ok();
        let (key, key_length, value, value_length) =
            if self.fixed { (half(0)?, 16, half(2)?, 16) } else { (half(0)?, half(2)?, half(4)?, half(6)?) };
        // A value that is nowhere: none.
        let start = if value == 0xffff { self.end } else { self.end.checked_sub(value)? };
        let length = value_length.min(self.end.saturating_sub(start));
        let key = Bytes(self.bytes.get(self.keys.saturating_add(key), key_length).ok()?);
        Some(Record { key, value: Bytes(self.bytes.get(start, length).ok()?), start })
    }
}

impl<'a, 'b> Trees<'a, 'b> {
    pub(super) fn new(image: Bytes<'a>, block: u64, effort: Effort<'b>) -> Self {
        Self { image, block, effort, damaged: 0, first_damaged: None, faults: Vec::new(), more: 0, unreadable: 0 }
    }

    /// What was wrong.
    pub(super) fn faults(self) -> Vec<(Fault, Option<u64>)> {
        let damaged = (self.damaged > 0)
            .then(|| (Fault::Checksum(format!("{} objects do not fit their checksums", self.damaged)), self.first_damaged));
        let counted = [
            (self.more, "more things are not as they should be"),
            (self.unreadable, "records of the trees cannot be read: what they say of is missing"),
        ];
        let counted = counted.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| Fault::corrupt(format!("{count} {what}")));
        self.faults.into_iter().chain(counted).map(|fault| (fault, None)).chain(damaged).collect()
    }

    /// Something that is not as it should be.
    pub(super) fn note(&mut self, what: impl Into<String>) {
        let fault = Fault::corrupt(what);
        if self.faults.contains(&fault) {
            return;
        }
        // The first few say it all.
        if self.faults.len() < 20 {
            self.faults.push(fault);
        } else {
            self.more = self.more.saturating_add(1);
        }
    }

    /// The object in a block. One of which the end of the image cuts off is not there.
    ///
    /// # Errors
    /// If a limit is reached.
    pub(super) fn object(&mut self, number: u64, headless: bool) -> Result<Option<Bytes<'a>>, Exceeded> {
        self.effort.spend(self.block)?;
        let at = number.saturating_mul(self.block);
        let Ok(bytes) = self.image.get(at, self.block).map(Bytes) else {
            self.note(format!("block {number} is behind the end of the image"));
            return Ok(None);
        };
        if !headless && !is_sound(bytes) {
            self.damaged = self.damaged.saturating_add(1);
            self.first_damaged = self.first_damaged.or(Some(at));
        }
        Ok(Some(bytes))
    }

    /// Hands key and value of all records of a tree to `each`, in order.
    ///
    /// # Errors
    /// If a limit is reached.
    pub(super) fn walk(&mut self, root: u64, nodes: Nodes<'_>, each: &mut Each<'a, '_>) -> Result<(), Exceeded> {
        let (mut open, mut seen) = (vec![(root, 0_usize)], BTreeSet::new());
        while let Some((number, depth)) = open.pop() {
            let place = match nodes {
                Nodes::Blocks => Some((number, 0)),
                Nodes::Numbers(places) => places.get(&number).copied(),
            };
            let Some((block, flags)) = place else {
                self.note(format!("object {number:#x} is nowhere"));
                continue;
            };
            if depth > DEEPEST || !seen.insert(block) {
                self.note(format!("node {number:#x} of a tree is inside itself"));
                continue;
            }
            let Some(node) = self.object(block, flags & 8 != 0)?.and_then(Node::read) else { continue };
            if node.records > self.block.checked_div(4).unwrap_or(0) {
                self.note(format!("node {number:#x} of a tree says that it has more records than it has room for"));
                continue;
            }
            let below = open.len();
            let at = block.saturating_mul(self.block);
            for index in 0..node.records {
                let read = node.record(index).and_then(|Record { key, value, start }| {
                    if node.leaf {
                        return each(key, value, at.saturating_add(start));
                    }
                    open.push((value.u64(0, Endian::Little).ok()?, depth.saturating_add(1)));
                    Some(())
                });
                self.unreadable = self.unreadable.saturating_add(u64::from(read.is_none()));
            }
            // The last one is read first.
            if let Some(children) = open.get_mut(below..) {
                children.reverse();
            }
        }
        Ok(())
    }

    /// The newest place of each object of a map: 48 its tree u64. Keys: number u64, transaction u64; values: flags u32, bytes u32, block u64.
    ///
    /// # Errors
    /// If a limit is reached.
    pub(super) fn places(&mut self, map: u64) -> Result<Places, Exceeded> {
        let (mut places, mut newest) = (Places::new(), BTreeMap::new());
        // Block 0 is that of the container: there is no map yet.
        if map == 0 {
            return Ok(places);
        }
        let Some(tree) = self.object(map, false)?.and_then(|map| map.u64(48, Endian::Little).ok()) else { return Ok(places) };
        self.walk(tree, Nodes::Blocks, &mut |key, value, _| {
            let (number, time) = (key.u64(0, Endian::Little).ok()?, key.u64(8, Endian::Little).ok()?);
            let (flags, block) = (value.u32(0, Endian::Little).ok()?, value.u64(8, Endian::Little).ok()?);
            if newest.get(&number).is_none_or(|known| *known <= time) {
                newest.insert(number, time);
                // The lowest flag: it is gone.
                if flags & 1 == 0 {
                    places.insert(number, (block, flags))
                } else {
                    places.remove(&number)
                };
            }
            Some(())
        })?;
        Ok(places)
    }
}
