//! What the pages of a YAFFS say together: of all copies of a page the newest is true.

use std::collections::{BTreeMap, BTreeSet};

use super::geometry::Geometry;
use super::page::{DELETED, MOST_OBJECTS, ROOT, Tags, UNLINKED};
use crate::blob::{Bytes, Endian};
use crate::format::Attributes;
use crate::format::filesystem::jffs2::tree::{Inodes, Name};
use crate::format::unix::inodes::device_numbers;
use crate::limits::{Exceeded, Output};
use crate::problem::Fault;

/// A number that is not set.
const NONE: u32 = u32::MAX;

/// A page of an object, by age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Piece {
    object: u32,
    sequence: u32,
    start: u64,
    /// 0 begins the object.
    page: u32,
    length: u32,
}

/// All objects.
pub(super) struct Objects<'b> {
    bytes: Bytes<'b>,
    geometry: Geometry,
    /// Sorted by object, and by age: the oldest first.
    pieces: Vec<Piece>,
    /// Objects that a newer one took the place of.
    replaced: BTreeSet<u32>,
}

/// The page that begins an object, `struct yaffs_obj_hdr`:
///
/// ```text
///   0 u32 type        10 name[256]     276 u32 gid        300 alias[160]         496 u32 file_size_high
///   4 u32 parent     268 u32 mode      284 u32 mtime      460 u32 rdev           504 u32 shadows_obj
///   8 u16 unused     272 u32 uid       292 u32 file_size  488 u32 shadowed, 492 u32 is_shrink: of inband tags
///                                      296 u32 equiv_id                          508 u32 is_shrink
/// ```
#[derive(Clone, Copy)]
struct Header<'b> {
    bytes: Bytes<'b>,
    endian: Endian,
}

impl<'b> Header<'b> {
    fn word(&self, at: u64) -> u32 {
        self.bytes.u32(at, self.endian).unwrap_or(NONE)
    }

    fn kind(&self) -> u32 {
        self.word(0)
    }

    fn parent(&self) -> u32 {
        self.word(4)
    }

    fn name(&self) -> &'b [u8] {
        self.bytes.text(10, 256).unwrap_or_default()
    }

    /// Old images have erased flash for the upper half.
    fn size(&self) -> u64 {
        let (low, high) = (self.word(292), self.word(496));
        if low == NONE { 0 } else { u64::from(low) | (u64::from(if high == NONE { 0 } else { high }) << 32) }
    }

    fn shrinks(&self) -> bool {
        !matches!(self.word(508), 0 | NONE)
    }

    /// The type bits of `st_mode`, where the mode has none.
    fn mode(&self) -> u32 {
        let mode = self.word(268);
        let bits = [0, 0x8000, 0xa000, 0x4000, 0, 0].get(usize::try_from(self.kind()).unwrap_or(0)).copied().unwrap_or(0);
        if mode == NONE { bits } else { (mode & 0xffff) | if mode & 0xf000 == 0 { bits } else { 0 } }
    }
}

impl<'b> Objects<'b> {
    pub(super) fn new(bytes: Bytes<'b>, geometry: Geometry) -> Self {
        Self { bytes, geometry, pieces: Vec::new(), replaced: BTreeSet::new() }
    }

    pub(super) fn add(&mut self, start: u64, tags: &Tags) {
        let Tags { object, page, length, sequence } = *tags;
        self.pieces.push(Piece { object, sequence, start, page, length });
    }

    /// Brings the pages in order; the name of each object.
    pub(super) fn settle(&mut self) -> Vec<Name<'b>> {
        self.pieces.sort_unstable();
        let newest: BTreeMap<u32, Piece> = self.pieces.iter().filter(|piece| piece.page == 0).map(|piece| (piece.object, *piece)).collect();
        let mut names = Vec::new();
        for (object, piece) in &newest {
            let header = self.header(piece);
            let shadowed = header.word(504);
            let older = |other: &Piece| (other.sequence, other.start) < (piece.sequence, piece.start);
            if (ROOT..=MOST_OBJECTS).contains(&shadowed) && shadowed != *object && newest.get(&shadowed).is_some_and(older) {
                self.replaced.insert(shadowed);
            }
            if *object <= DELETED || self.deleted((*object).into()) {
                continue;
            }
            let target = if header.kind() == 4 { header.word(296) } else { *object };
            names.push(Name {
                parent: header.parent().into(),
                bytes: header.name(),
                version: (u64::from(piece.sequence) << 32).saturating_add(piece.start),
                inode: target.into(),
                kind: header.mode() & 0xf000,
                obsolete: false,
            });
        }
        names
    }

    fn header(&self, piece: &Piece) -> Header<'b> {
        Header { bytes: Bytes(self.bytes.up_to(piece.start, 512)), endian: self.geometry.endian }
    }

    fn pieces(&self, object: u64) -> &[Piece] {
        let start = self.pieces.partition_point(|piece| u64::from(piece.object) < object);
        let end = self.pieces.partition_point(|piece| u64::from(piece.object) <= object);
        self.pieces.get(start..end).unwrap_or_default()
    }

    fn newest(&self, object: u64) -> Option<Header<'b>> {
        self.pieces(object).iter().rev().find(|piece| piece.page == 0).map(|piece| self.header(piece))
    }

    /// The bytes of a file that a page has, and where they start in it.
    fn data(&self, piece: &Piece) -> (u64, &'b [u8]) {
        let start = u64::from(piece.page.saturating_sub(1)).saturating_mul(self.geometry.data());
        (start, self.bytes.up_to(piece.start, u64::from(piece.length).min(self.geometry.data())))
    }

    fn file(&self, object: u64, output: &mut Output<'_>) -> Result<Option<Fault>, Exceeded> {
        let (mut size, mut limit, mut taken) = (None, u64::MAX, BTreeMap::new());
        let mut end = 0_u64;
        for piece in self.pieces(object).iter().rev() {
            if piece.page == 0 {
                let header = self.header(piece);
                // Pages written behind the newest size are there because power was lost before it was written again.
                size = size.or(Some(header.size().max(end)));
                if header.shrinks() {
                    limit = limit.min(header.size());
                }
            } else if self.data(piece).0 < limit {
                let (start, data) = self.data(piece);
                taken.entry(piece.page).or_insert(*piece);
                end = end.max(start.saturating_add(crate::format::length_of(data)));
            }
        }
        let size = size.unwrap_or(end);
        for piece in taken.values() {
            let (start, data) = self.data(piece);
            if start < size {
                output.write_at(start, Bytes(data).up_to(0, size.saturating_sub(start)))?;
            }
        }
        output.zeros(size.saturating_sub(output.len()))?;
        let headless = self.newest(object).is_none();
        Ok(headless.then(|| Fault::corrupt("the page that begins it is missing: the size is a guess")))
    }
}

impl Inodes for Objects<'_> {
    fn all(&self) -> Vec<u64> {
        let mut all: Vec<u64> = self.pieces.iter().map(|piece| u64::from(piece.object)).collect();
        all.dedup();
        // A hard link is but a name; what it names has a number of its own.
        all.retain(|object| *object > DELETED.into() && self.newest(*object).is_none_or(|header| header.kind() != 4));
        all
    }

    fn deleted(&self, inode: u64) -> bool {
        let gone = |header: Header<'_>| matches!(header.parent(), UNLINKED | DELETED);
        self.newest(inode).is_some_and(gone) || u32::try_from(inode).is_ok_and(|object| self.replaced.contains(&object))
    }

    fn attributes(&self, inode: u64) -> Option<Attributes> {
        let header = self.newest(inode)?;
        let set = |value: u32| Some(value).filter(|value| *value != NONE);
        Some(Attributes {
            mode: Some(header.mode()),
            uid: set(header.word(272)),
            gid: set(header.word(276)),
            modified: set(header.word(284)).map(i64::from),
        })
    }

    fn encrypted(&self, _: u64) -> bool {
        false
    }

    fn content(&self, inode: u64, output: &mut Output<'_>) -> Result<Option<Fault>, Exceeded> {
        match self.newest(inode).map(|header| (header, header.kind())) {
            Some((header, 2)) => output.push(header.bytes.text(300, 160).unwrap_or_default())?,
            Some((header, 5)) => output.push(&header.word(460).to_le_bytes())?,
            _ => return self.file(inode, output),
        }
        Ok(None)
    }

    fn device(&self, content: &[u8]) -> (u32, u32) {
        device_numbers(Bytes(content).u32(0, Endian::Little).unwrap_or(0))
    }
}
