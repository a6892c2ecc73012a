//! The header of the archive, and that of each file, which look the same.

use crate::blob::{Bytes, Endian, Span, to_u64};
use crate::codec::crc32;
use crate::format::{Attributes, dos_time, entry_path};
use crate::problem::Rejected;

/// A header; all numbers little endian. One of size 0 ends the archive.
///
/// ```text
///  0 magic 60 ea   2 size of what follows, without checksum u16
///  4 size of the fixed part u8   5 version u8, least version u8, system u8: 2 is Unix
///  8 flags u8   9 method u8   10 type u8   11 reserved u8
/// 12 time u32: MS-DOS, or Unix   16 packed size u32   20 size u32   24 crc u32   28 place of the name u16   30 mode u16
/// 32 host data u16; then the rest of the fixed part, name ended by NUL, comment ended by NUL; crc u32
/// further headers: size u16, and if that is not 0: data, crc u32; then data
/// ```
pub(super) struct Header<'a> {
    system: u8,
    flags: u8,
    pub(super) method: u8,
    pub(super) kind: u8,
    time: u32,
    pub(super) size: u64,
    pub(super) crc: u32,
    mode: u16,
    name: &'a [u8],
    pub(super) data: Span,
}

/// Kinds of headers: of the archive, of a folder; and of labels of volumes and parts of chapters.
const ARCHIVE: u8 = 2;
pub(super) const FOLDER: u8 = 3;
const LAST_KIND: u8 = 5;

const UNIX: u8 = 2;
const NEXT: u8 = 11;

/// Largest header that there may be, by the documentation.
const LARGEST: u64 = 2600;

impl<'a> Header<'a> {
    /// The header at `start`, or none if the archive ends there.
    pub(super) fn read(bytes: Bytes<'a>, start: u64) -> Result<Option<Self>, Rejected> {
        let size = u64::from(bytes.u16(start.saturating_add(2), Endian::Little)?);
        if !bytes.has(start, &[0x60, 0xea]) || size > LARGEST {
            return Err(Rejected("header"));
        }
        if size == 0 {
            return Ok(None);
        }
        let header = Bytes(bytes.get(start.saturating_add(4), size)?);
        let mut end = start.saturating_add(8).saturating_add(size);
        if bytes.u32(end.saturating_sub(4), Endian::Little)? != crc32(header.0) {
            return Err(Rejected("checksum of the header"));
        }
        loop {
            let further = u64::from(bytes.u16(end, Endian::Little)?);
            end = end.saturating_add(2);
            if further == 0 {
                break;
            }
            end = end.saturating_add(further).saturating_add(4);
        }
        let (fixed, kind, word) = (u64::from(header.u8(0)?), header.u8(6)?, |at| header.u32(at, Endian::Little));
        if fixed < 30 || fixed > size || kind > LAST_KIND {
            return Err(Rejected("kind"));
        }
        let name = header.text(fixed, size.saturating_sub(fixed))?;
        let length = if kind == ARCHIVE { 0 } else { word(12)?.into() };
        Ok(Some(Self {
            system: header.u8(3)?,
            flags: header.u8(4)?,
            method: header.u8(5)?,
            kind,
            time: word(8)?,
            size: word(16)?.into(),
            crc: word(20)?,
            mode: header.u16(26, Endian::Little)?,
            name,
            data: Span::new(end, length),
        }))
    }

    pub(super) fn is_archive(&self) -> bool {
        self.kind == ARCHIVE && to_u64(self.name.len()) < LARGEST
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.flags & 1 != 0
    }

    pub(super) fn path(&self) -> String {
        entry_path(&self.name.iter().map(|byte| if *byte == b'\\' { b'/' } else { *byte }).collect::<Vec<u8>>())
    }

    pub(super) fn attributes(&self) -> Attributes {
        let unix = matches!(self.system, UNIX | NEXT);
        let dos = || dos_time(u16::try_from(self.time >> 16).ok()?, u16::try_from(self.time & 0xffff).ok()?);
        Attributes {
            mode: unix.then_some(self.mode.into()),
            modified: if unix { Some(self.time.into()) } else { dos() },
            ..Attributes::default()
        }
    }
}
