//! The two headers of a file: the local one before its data, the central one in the directory.

use crate::blob::{Bytes, Endian};
use crate::format::Attributes;
use crate::problem::Rejected;

pub(super) const LOCAL: &[u8] = b"PK\x03\x04";
pub(super) const CENTRAL: &[u8] = b"PK\x01\x02";

/// What a header says of a file.
#[derive(Debug, Clone)]
pub(super) struct Entry<'a> {
    pub(super) name: &'a [u8],
    pub(super) flags: u16,
    pub(super) method: u16,
    pub(super) crc: u32,
    /// Bytes of the compressed data.
    pub(super) packed: u64,
    /// Bytes of the file.
    pub(super) size: u64,
    /// Where the local header is, as the central one has it.
    pub(super) offset: u64,
    /// Bytes of this header.
    pub(super) length: u64,
    /// Whether checksum and sizes are known: the local header may leave them to a descriptor behind the data.
    pub(super) checked: bool,
    /// `st_mode`, 0 if the archive is from elsewhere.
    mode: u32,
    modified: Option<i64>,
    directory: bool,
}

/// Flags that are not used, and those of the masked headers of encrypted directories. APPNOTE section 4.4.4.
const FLAGS_UNUSED: u16 = 0xe780;

/// Longest name that is believed.
const LONGEST_NAME: u16 = 4096;

impl<'a> Entry<'a> {
    /// APPNOTE section 4.3.7: u32 signature, u16 version needed, u16 flags, u16 method, u16 time, u16 date, u32 CRC-32, u32 compressed
    /// size, u32 size, u16 length of name, u16 length of extra field, name, extra field.
    pub(super) fn local(bytes: Bytes<'a>, start: u64) -> Result<Self, Rejected> {
        let header = Bytes(bytes.get(start, 30)?);
        if !header.has(0, LOCAL) {
            return Err(Rejected("signature"));
        }
        let (name_size, extra_size) = (header.u16(26, Endian::Little)?, header.u16(28, Endian::Little)?);
        let mut entry = Self::common(header, 4, bytes, start.saturating_add(30), (name_size, extra_size))?;
        entry.checked = entry.flags & 8 == 0;
        entry.length = 30_u64.saturating_add(name_size.into()).saturating_add(extra_size.into());
        Ok(entry)
    }

    /// APPNOTE section 4.3.12: u32 signature, u8 version made by, u8 system, then as the local header from version needed on; u16 length of
    /// comment, u16 disk, u16 internal attributes, u32 external attributes, u32 offset of the local header; name, extra field, comment.
    pub(super) fn central(bytes: Bytes<'a>, start: u64) -> Result<Self, Rejected> {
        let header = Bytes(bytes.get(start, 46)?);
        if !header.has(0, CENTRAL) {
            return Err(Rejected("signature"));
        }
        let (name_size, extra_size) = (header.u16(28, Endian::Little)?, header.u16(30, Endian::Little)?);
        let mut entry = Self::common(header, 6, bytes, start.saturating_add(46), (name_size, extra_size))?;
        let attributes = header.u32(38, Endian::Little)?;
        // Systems 3 and 19 are Unix and Darwin; others fill the upper half at times as well.
        entry.mode = attributes >> 16;
        entry.directory |= attributes & 0x10 != 0 && entry.size == 0;
        if entry.offset == 0 {
            entry.offset = header.u32(42, Endian::Little)?.into();
        }
        let comment = header.u16(32, Endian::Little)?;
        entry.length = 46_u64.saturating_add(name_size.into()).saturating_add(extra_size.into()).saturating_add(comment.into());
        Ok(entry)
    }

    fn common(header: Bytes<'a>, at: u64, bytes: Bytes<'a>, behind: u64, sizes: (u16, u16)) -> Result<Self, Rejected> {
        let short = |offset: u64| header.u16(at.saturating_add(offset), Endian::Little);
        let long = |offset: u64| header.u32(at.saturating_add(offset), Endian::Little);
        let (version, flags, method) = (short(0)?, short(2)?, short(4)?);
        if version & 0xff > 63 || flags & FLAGS_UNUSED != 0 || !matches!(method, 0..=20 | 93..=99) {
            return Err(Rejected("version, flags or method"));
        }
        let (name_size, extra_size) = sizes;
        let name = bytes.get(behind, name_size.into())?;
        if name_size == 0 || name_size > LONGEST_NAME || name.iter().any(|byte| *byte < b' ') {
            return Err(Rejected("name"));
        }
        let mut entry = Self {
            name,
            flags,
            method,
            crc: long(10)?,
            packed: long(14)?.into(),
            size: long(18)?.into(),
            offset: 0,
            length: 0,
            checked: true,
            mode: 0,
            modified: None,
            directory: name.ends_with(b"/"),
        };
        let offset = if at == 6 { header.u32(42, Endian::Little)? } else { 0 };
        entry.extra(Bytes(bytes.up_to(behind.saturating_add(name_size.into()), extra_size.into())), offset);
        Ok(entry)
    }

    /// Fields of u16 id, u16 size, and that many bytes. 1 is of Zip64, APPNOTE section 4.5.3: size, compressed size and offset as u64, of
    /// those that do not fit their own fields. 0x5455 is of Info-ZIP: u8 flags, and if bit 0 is set u32 time of last change.
    fn extra(&mut self, extra: Bytes<'_>, offset: u32) {
        let mut at = 0_u64;
        while let (Ok(id), Ok(size)) = (extra.u16(at, Endian::Little), extra.u16(at.saturating_add(2), Endian::Little)) {
            let field = Bytes(extra.up_to(at.saturating_add(4), size.into()));
            at = at.saturating_add(4).saturating_add(size.into());
            if id == 0x5455 && field.u8(0).is_ok_and(|flags| flags & 1 != 0) {
                self.modified = field.u32(1, Endian::Little).ok().map(|time| time.cast_signed().into());
            }
            if id == 1 {
                let mut next = 0_u64;
                let mut wide = |narrow: u64| {
                    if narrow != u64::from(u32::MAX) {
                        return narrow;
                    }
                    next = next.saturating_add(8);
                    field.u64(next.saturating_sub(8), Endian::Little).unwrap_or(narrow)
                };
                self.size = wide(self.size);
                self.packed = wide(self.packed);
                self.offset = wide(offset.into());
            }
        }
    }

    pub(super) fn encrypted(&self) -> bool {
        self.flags & 1 != 0 || self.method == 99
    }

    pub(super) fn is_directory(&self) -> bool {
        self.directory || self.mode & 0o170_000 == 0o040_000
    }

    pub(super) fn is_symlink(&self) -> bool {
        self.mode & 0o170_000 == 0o120_000
    }

    pub(super) fn attributes(&self) -> Attributes {
        Attributes { mode: (self.mode != 0).then_some(self.mode), modified: self.modified, ..Attributes::default() }
    }
}
