//! What an inode, a listing and a table look like in each of the four versions: data, and nothing but data.

use super::bits::{Field, field};
use crate::format::EntryKind;

/// One version.
#[derive(Debug)]
pub(super) struct Layout {
    /// Bytes that all inodes begin with.
    pub(super) base: u64,
    pub(super) kind: Field,
    pub(super) mode: Field,
    pub(super) uid: Field,
    pub(super) gid: Field,
    /// Inode number, where inodes have one.
    pub(super) number: Option<Field>,
    /// The inodes, each with the numbers of its kind.
    pub(super) shapes: &'static [(&'static [u64], Shape)],
    /// Bytes of each entry in the list of a file's blocks.
    pub(super) block_entry: u64,
    /// Bytes of an entry of a folder's index, and the length of the name behind it less one.
    pub(super) index: (u64, Field),
    pub(super) listing: ListingLayout,
    pub(super) fragments: FragmentLayout,
    /// A group with this index is the one with the number of the owner.
    pub(super) same_group: Option<u64>,
}

/// An inode of one kind.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// Bytes, the base included.
    pub(super) size: u64,
    pub(super) mtime: Option<Field>,
    pub(super) is: Is,
}

/// What kind of inode, and where its fields are.
#[derive(Debug, Clone, Copy)]
pub(super) enum Is {
    Folder {
        length: Field,
        offset: Field,
        block: Field,
        indexes: Option<Field>,
    },
    File {
        start: Field,
        length: Field,
        fragment: Option<(Field, Field)>,
    },
    /// The target follows, and after it this many bytes more.
    Link {
        length: Field,
        more: u64,
    },
    Block(Field),
    Character(Field),
    Fifo,
    Socket,
    /// Fifo or socket, by the type of this field; the other one counts in sixteens into the table of owners.
    Either(Field, Field),
}

/// Headers and entries of a folder's listing.
#[derive(Debug)]
pub(super) struct ListingLayout {
    /// Bytes of a header, its fields `count` less one and `start_block`.
    pub(super) header: (u64, Field, Field),
    /// Bytes of an entry, its fields `offset` and length of the name less one.
    pub(super) entry: (u64, Field, Field),
    /// What the size of a folder counts beside its listing.
    pub(super) extra: u64,
}

/// The fragment table: bytes of a pointer in its list, of an entry; its fields.
#[derive(Debug)]
pub(super) struct FragmentLayout {
    pub(super) pointer: u64,
    pub(super) entry: u64,
    pub(super) start: Field,
    pub(super) size: Field,
}

impl Layout {
    /// The layout of version `major`.
    pub(super) fn of(major: u16) -> Option<&'static Self> {
        LAYOUTS.get(usize::from(major.checked_sub(1)?))
    }

    /// The shape of inodes of `kind`.
    pub(super) fn shape(&self, kind: u64) -> Option<Shape> {
        self.shapes.iter().find(|(kinds, _)| kinds.contains(&kind)).map(|(_, shape)| *shape)
    }

    /// Bytes of the smallest inode.
    pub(super) fn least(&self) -> u64 {
        self.shapes.iter().map(|(_, shape)| shape.size).min().unwrap_or(self.base)
    }
}

impl Is {
    /// The type bits of `st_mode`.
    pub(super) fn mode(self, entry: Option<&EntryKind>) -> u32 {
        match (self, entry) {
            (Self::Folder { .. }, _) => 0o040_000,
            (Self::File { .. }, _) => 0o100_000,
            (Self::Link { .. }, _) => 0o120_000,
            (Self::Block(_), _) => 0o060_000,
            (Self::Character(_), _) => 0o020_000,
            (Self::Fifo, _) | (Self::Either(..), Some(EntryKind::Fifo)) => 0o010_000,
            _ => 0o140_000,
        }
    }
}

const fn shape(size: u64, mtime: Option<Field>, is: Is) -> Shape {
    Shape { size, mtime, is }
}

const fn folder(length: Field, offset: Field, block: Field, indexes: Option<Field>) -> Is {
    Is::Folder { length, offset, block, indexes }
}

const fn file(start: Field, length: Field, fragment: Option<(Field, Field)>) -> Is {
    Is::File { start, length, fragment }
}

const fn link(length: Field, more: u64) -> Is {
    Is::Link { length, more }
}

const OWN_TIME_1: Option<Field> = Some(field(24, 32));
const OWN_TIME_2: Option<Field> = Some(field(32, 32));
const TIME_3: Option<Field> = Some(field(32, 32));
const TIME_4: Option<Field> = Some(field(64, 32));

static LAYOUTS: [Layout; 4] = [
    Layout {
        base: 3,
        kind: field(0, 4),
        mode: field(4, 12),
        uid: field(16, 4),
        gid: field(20, 4),
        number: None,
        shapes: &[
            (&[0], shape(4, None, Is::Either(field(24, 4), field(28, 4)))),
            // Owners are counted in sixteens: the second sixteen have the kinds from 6 on, the third those from 11 on.
            (&[1, 6, 11], shape(14, Some(field(56, 32)), folder(field(24, 19), field(43, 13), field(88, 24), None))),
            (&[2, 7, 12], shape(15, OWN_TIME_1, file(field(56, 32), field(88, 32), None))),
            (&[3, 8, 13], shape(5, None, link(field(24, 16), 0))),
            (&[4, 9, 14], shape(5, None, Is::Block(field(24, 16)))),
            (&[5, 10, 15], shape(5, None, Is::Character(field(24, 16)))),
        ],
        block_entry: 2,
        index: (8, field(56, 8)),
        listing: OLD_LISTING,
        fragments: OLD_FRAGMENTS,
        same_group: Some(15),
    },
    Layout {
        base: 4,
        kind: field(0, 4),
        mode: field(4, 12),
        uid: field(16, 8),
        gid: field(24, 8),
        number: None,
        shapes: &[
            (&[1], shape(15, Some(field(64, 32)), folder(field(32, 19), field(51, 13), field(96, 24), None))),
            (&[8], shape(18, Some(field(72, 32)), folder(field(32, 27), field(59, 13), field(104, 24), Some(field(128, 16))))),
            (&[2], shape(24, OWN_TIME_2, file(field(64, 32), field(160, 32), Some((field(96, 32), field(128, 32)))))),
            (&[3], shape(6, None, link(field(32, 16), 0))),
            (&[4], shape(6, None, Is::Block(field(32, 16)))),
            (&[5], shape(6, None, Is::Character(field(32, 16)))),
            (&[6], shape(4, None, Is::Fifo)),
            (&[7], shape(4, None, Is::Socket)),
        ],
        block_entry: 4,
        index: (8, field(56, 8)),
        listing: OLD_LISTING,
        fragments: OLD_FRAGMENTS,
        same_group: Some(255),
    },
    Layout {
        base: 12,
        kind: field(0, 4),
        mode: field(4, 12),
        uid: field(16, 8),
        gid: field(24, 8),
        number: Some(field(64, 32)),
        shapes: &[
            (&[1], shape(28, TIME_3, folder(field(128, 19), field(147, 13), field(160, 32), None))),
            (&[8], shape(31, TIME_3, folder(field(128, 27), field(155, 13), field(168, 32), Some(field(200, 16))))),
            (&[2], shape(32, TIME_3, file(field(96, 64), field(224, 32), Some((field(160, 32), field(192, 32)))))),
            (&[9], shape(40, TIME_3, file(field(128, 64), field(256, 64), Some((field(192, 32), field(224, 32)))))),
            (&[3], shape(18, TIME_3, link(field(128, 16), 0))),
            (&[4], shape(18, TIME_3, Is::Block(field(128, 16)))),
            (&[5], shape(18, TIME_3, Is::Character(field(128, 16)))),
            (&[6], shape(16, TIME_3, Is::Fifo)),
            (&[7], shape(16, TIME_3, Is::Socket)),
        ],
        block_entry: 4,
        index: (9, field(64, 8)),
        listing: ListingLayout { header: (9, field(0, 8), field(8, 32)), entry: (5, field(0, 13), field(16, 8)), extra: 3 },
        fragments: FRAGMENTS,
        same_group: Some(255),
    },
    Layout {
        base: 16,
        kind: field(0, 16),
        mode: field(16, 16),
        uid: field(32, 16),
        gid: field(48, 16),
        number: Some(field(96, 32)),
        shapes: &[
            (&[1], shape(32, TIME_4, folder(field(192, 16), field(208, 16), field(128, 32), None))),
            (&[8], shape(40, TIME_4, folder(field(160, 32), field(272, 16), field(192, 32), Some(field(256, 16))))),
            (&[2], shape(32, TIME_4, file(field(128, 32), field(224, 32), Some((field(160, 32), field(192, 32)))))),
            (&[9], shape(56, TIME_4, file(field(128, 64), field(192, 64), Some((field(352, 32), field(384, 32)))))),
            (&[3], shape(24, TIME_4, link(field(160, 32), 0))),
            (&[10], shape(24, TIME_4, link(field(160, 32), 4))),
            (&[4], shape(24, TIME_4, Is::Block(field(160, 32)))),
            (&[11], shape(28, TIME_4, Is::Block(field(160, 32)))),
            (&[5], shape(24, TIME_4, Is::Character(field(160, 32)))),
            (&[12], shape(28, TIME_4, Is::Character(field(160, 32)))),
            (&[6], shape(20, TIME_4, Is::Fifo)),
            (&[13], shape(24, TIME_4, Is::Fifo)),
            (&[7], shape(20, TIME_4, Is::Socket)),
            (&[14], shape(24, TIME_4, Is::Socket)),
        ],
        block_entry: 4,
        index: (12, field(64, 32)),
        listing: ListingLayout { header: (12, field(0, 32), field(32, 32)), entry: (8, field(0, 16), field(48, 16)), extra: 3 },
        fragments: FRAGMENTS,
        same_group: None,
    },
];

const OLD_LISTING: ListingLayout =
    ListingLayout { header: (4, field(0, 8), field(8, 24)), entry: (3, field(0, 13), field(16, 8)), extra: 0 };
const OLD_FRAGMENTS: FragmentLayout = FragmentLayout { pointer: 4, entry: 8, start: field(0, 32), size: field(32, 32) };
const FRAGMENTS: FragmentLayout = FragmentLayout { pointer: 8, entry: 16, start: field(0, 64), size: field(64, 32) };
