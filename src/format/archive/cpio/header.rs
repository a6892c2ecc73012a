//! The header of one entry.

use crate::blob::{Bytes, Endian, Span};
use crate::format::Attributes;
use crate::problem::Rejected;

/// One entry.
pub(super) struct Entry<'a> {
    /// Where its header is.
    pub(super) start: u64,
    pub(super) name: &'a [u8],
    pub(super) mode: u32,
    uid: u32,
    gid: u32,
    modified: u32,
    pub(super) links: u32,
    inode: (u64, u64),
    /// Of device files: major, minor.
    pub(super) device: (u32, u32),
    pub(super) size: u64,
    pub(super) data: Span,
    /// Sum of all bytes.
    pub(super) check: Option<u32>,
    /// Where the next header is.
    pub(super) next: u64,
    /// Whether there was little to check.
    pub(super) weak: bool,
}

/// An entry, and in the how manieth archive in a row.
pub(super) struct Place<'a> {
    pub(super) entry: Entry<'a>,
    pub(super) archive: u64,
}

impl Place<'_> {
    pub(super) fn inode(&self) -> (u64, u64, u64) {
        let (device, inode) = self.entry.inode;
        (self.archive, device, inode)
    }
}

/// The name of the entry that ends an archive.
const TRAILER: &[u8] = b"TRAILER!!!";

/// Longest name that is believed, with its NUL: that of Linux.
const LONGEST_NAME: u64 = 4096;

/// The numbers of a header, however they are spelled.
#[derive(Default)]
struct Numbers {
    inode: (u64, u64),
    mode: u32,
    uid: u32,
    gid: u32,
    links: u32,
    modified: u32,
    device: (u32, u32),
    size: u64,
    name_size: u64,
    check: Option<u32>,
    /// Bytes of header.
    header: u64,
    /// What names and data are filled up to.
    align: u64,
}

impl<'a> Entry<'a> {
    pub(super) fn read(bytes: Bytes<'a>, start: u64) -> Result<Self, Rejected> {
        let binary = |endian| binary(bytes, start, endian);
        let (numbers, weak) = match &bytes.array::<6>(start)? {
            b"070701" => (new_ascii(bytes, start, false)?, false),
            b"070702" => (new_ascii(bytes, start, true)?, false),
            b"070707" => (old_ascii(bytes, start)?, false),
            [0xc7, 0x71, ..] => (binary(Endian::Little)?, true),
            [0x71, 0xc7, ..] => (binary(Endian::Big)?, true),
            _ => return Err(Rejected("magic")),
        };
        let Numbers { header, align, name_size, size, .. } = numbers;
        if !(1..=LONGEST_NAME).contains(&name_size) {
            return Err(Rejected("length of the name"));
        }
        let (last, name) = bytes.get(start.saturating_add(header), name_size)?.split_last().unwrap_or((&1, &[]));
        if *last != 0 || name.contains(&0) || (weak && name.iter().any(u8::is_ascii_control)) {
            return Err(Rejected("name"));
        }
        let kind = (numbers.mode & 0o170_000) >> 12;
        if numbers.mode > 0o177_777 || !(matches!(kind, 1 | 2 | 4 | 6 | 8 | 10 | 12) || (kind == 0 && !weak) || name == TRAILER) {
            return Err(Rejected("mode"));
        }
        // Offsets are filled up as counted from the header.
        let data = start.saturating_add(header.saturating_add(name_size).next_multiple_of(align));
        let next = data.saturating_add(size.next_multiple_of(align));
        let Numbers { inode, mode, uid, gid, links, modified, device, check, .. } = numbers;
        Ok(Self { start, name, mode, uid, gid, modified, links, inode, device, size, data: Span::new(data, size), check, next, weak })
    }

    pub(super) fn is_trailer(&self) -> bool {
        self.name == TRAILER
    }

    pub(super) fn is_file(&self) -> bool {
        matches!(self.mode & 0o170_000, 0o100_000 | 0)
    }

    pub(super) fn attributes(&self) -> Attributes {
        Attributes { mode: Some(self.mode), uid: Some(self.uid), gid: Some(self.gid), modified: Some(self.modified.into()) }
    }
}

fn number(digits: &[u8], radix: u32) -> Result<u64, Rejected> {
    let value = |digit: &u8| char::from(*digit).to_digit(radix).map(u64::from);
    let add = |sum: u64, digit: &u8| Some(sum.saturating_mul(radix.into()).saturating_add(value(digit)?));
    digits.iter().try_fold(0, add).ok_or(Rejected("digits"))
}

fn small(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// After the magic thirteen numbers of eight hexadecimal digits: ino, mode, uid, gid, nlink, mtime, filesize, devmajor, devminor,
/// rdevmajor, rdevminor, namesize, check. Names and data are filled up to four bytes.
fn new_ascii(bytes: Bytes<'_>, start: u64, checked: bool) -> Result<Numbers, Rejected> {
    let (fields, _) = bytes.get(start.saturating_add(6), 104)?.as_chunks::<8>();
    let mut numbers = [0; 13];
    for (number, field) in numbers.iter_mut().zip(fields) {
        *number = self::number(field, 16)?;
    }
    let [ino, mode, uid, gid, links, modified, size, major, minor, of_major, of_minor, name_size, check] = numbers;
    Ok(Numbers {
        inode: ((major << 32) | minor, ino),
        mode: small(mode),
        uid: small(uid),
        gid: small(gid),
        links: small(links),
        modified: small(modified),
        device: (small(of_major), small(of_minor)),
        size,
        name_size,
        check: checked.then_some(small(check)),
        header: 110,
        align: 4,
    })
}

/// After the magic octal numbers: of six digits dev, ino, mode, uid, gid, nlink, rdev; of eleven mtime; of six namesize; of eleven
/// filesize. Nothing is filled up.
fn old_ascii(bytes: Bytes<'_>, start: u64) -> Result<Numbers, Rejected> {
    let field = |at: u64, length| number(bytes.get(start.saturating_add(at), length)?, 8);
    let device = small(field(42, 6)?);
    Ok(Numbers {
        inode: (field(6, 6)?, field(12, 6)?),
        mode: small(field(18, 6)?),
        uid: small(field(24, 6)?),
        gid: small(field(30, 6)?),
        links: small(field(36, 6)?),
        device: (device >> 8, device & 0xff),
        modified: small(field(48, 11)?),
        name_size: field(59, 6)?,
        size: field(65, 11)?,
        check: None,
        header: 76,
        align: 1,
    })
}

/// u16 each: magic, dev, ino, mode, uid, gid, nlink, rdev, mtime (upper half, lower half), namesize, filesize (upper half, lower half).
/// Names and data are filled up to two bytes.
fn binary(bytes: Bytes<'_>, start: u64, endian: Endian) -> Result<Numbers, Rejected> {
    let word = |index: u64| bytes.u16(start.saturating_add(index.saturating_mul(2)), endian).map(u32::from);
    let long = |index: u64| Ok::<u32, Rejected>((word(index)? << 16) | word(index.saturating_add(1))?);
    let device = word(7)?;
    let links = word(6)?;
    if links == 0 {
        return Err(Rejected("no links"));
    }
    Ok(Numbers {
        inode: (word(1)?.into(), word(2)?.into()),
        mode: word(3)?,
        uid: word(4)?,
        gid: word(5)?,
        links,
        device: (device >> 8, device & 0xff),
        modified: long(8)?,
        name_size: word(10)?.into(),
        size: long(11)?.into(),
        check: None,
        header: 26,
        align: 2,
    })
}
