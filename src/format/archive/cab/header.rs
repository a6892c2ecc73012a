//! The header of a cabinet, and the entries of its files.

use super::folder::Folder;
use crate::blob::{Bytes, Endian};
use crate::format::{Attributes, dos_time, path_text};
use crate::problem::Rejected;

/// The header; all numbers little endian:
///
/// ```text
///  0 magic "MSCF"   4 reserved u32: 0   8 size u32   12 reserved u32: 0   16 offset of the first file u32   20 reserved u32: 0
/// 24 minor version u8: 3, major version u8: 1   26 folders u16   28 files u16   30 flags u16   32 set u16, index in it u16
/// with flag 4: 36 bytes kept free behind the header u16, behind each folder u8, behind each block header u8; the first of these
/// with flag 1: names of the cabinet and disk before, ended by NUL; with flag 2: of those behind
/// ```
pub(super) struct Header {
    pub(super) length: u64,
    pub(super) first_file: u64,
    pub(super) folders: u64,
    pub(super) files: u64,
    /// Where folders are described, and how far one description is from the next.
    folder_table: u64,
    folder_size: u64,
    /// Bytes kept free in the header of each block.
    pub(super) block_reserve: u64,
}

/// Longest name that is believed, with its NUL.
const LONGEST_NAME: u64 = 257;

impl Header {
    pub(super) fn read(bytes: Bytes<'_>) -> Result<Self, Rejected> {
        let (short, word) = (|at| bytes.u16(at, Endian::Little), |at| bytes.u32(at, Endian::Little));
        if word(4)? != 0 || word(12)? != 0 || word(20)? != 0 || short(24)? != 0x0103 {
            return Err(Rejected("header"));
        }
        let (length, first_file, folders, files, flags) = (word(8)?.into(), word(16)?.into(), short(26)?, short(28)?, short(30)?);
        let (mut at, mut folder_reserve, mut block_reserve) = (36_u64, 0, 0);
        if flags & 4 != 0 {
            (folder_reserve, block_reserve) = (bytes.u8(38)?.into(), bytes.u8(39)?.into());
            at = 40_u64.saturating_add(short(36)?.into());
        }
        for flag in [1, 1, 2, 2] {
            if flags & flag != 0 {
                let name = bytes.up_to(at, LONGEST_NAME).iter().position(|byte| *byte == 0).ok_or(Rejected("name of another cabinet"))?;
                at = at.saturating_add(crate::blob::to_u64(name)).saturating_add(1);
            }
        }
        let folder_size = 8_u64.saturating_add(folder_reserve);
        let table_end = at.saturating_add(folder_size.saturating_mul(folders.into()));
        if flags > 7 || folders == 0 || first_file < table_end || first_file >= length {
            return Err(Rejected("places in the header"));
        }
        Ok(Self { length, first_file, folders: folders.into(), files: files.into(), folder_table: at, folder_size, block_reserve })
    }

    /// The folder of this number.
    pub(super) fn folder(&self, bytes: Bytes<'_>, index: u64) -> Option<Folder> {
        let at = self.folder_table.saturating_add(self.folder_size.saturating_mul(index));
        Folder::read(bytes, at, self).ok().filter(|_| index < self.folders)
    }
}

/// An entry; all numbers little endian:
///
/// ```text
///  0 size u32   4 offset in its folder, unpacked u32   8 folder u16, 0xfffd and up: continued   10 date u16, time u16   14 attributes u16
/// 16 name, ended by NUL: UTF-8 with attribute 0x80
/// ```
pub(super) struct File<'a> {
    pub(super) size: u64,
    pub(super) start: u64,
    folder: u16,
    modified: Option<i64>,
    name: &'a [u8],
    pub(super) next: u64,
}

const CONTINUED: u16 = 0xfffd;
const GOES_ON: u16 = 0xfffe;
const BOTH: u16 = 0xffff;

impl<'a> File<'a> {
    pub(super) fn read(bytes: Bytes<'a>, at: u64) -> Result<Self, Rejected> {
        let field = Bytes(bytes.get(at, 16)?);
        let (short, word) = (|at| field.u16(at, Endian::Little), |at| field.u32(at, Endian::Little));
        let start = at.saturating_add(16);
        let name = Bytes(bytes.up_to(start, LONGEST_NAME));
        let name = name.text(0, name.len())?;
        let next = start.saturating_add(crate::blob::to_u64(name.len())).saturating_add(1);
        if name.is_empty() || name.iter().any(u8::is_ascii_control) || next > bytes.len() {
            return Err(Rejected("name"));
        }
        let modified = dos_time(short(10)?, short(12)?);
        Ok(Self { size: word(0)?.into(), start: word(4)?.into(), folder: short(8)?, modified, name, next })
    }

    pub(super) fn is_continued(&self) -> bool {
        matches!(self.folder, CONTINUED | BOTH)
    }

    pub(super) fn goes_on(&self) -> bool {
        matches!(self.folder, GOES_ON | BOTH)
    }

    /// The number of its folder among `folders`.
    pub(super) fn folder(&self, folders: u64) -> u64 {
        match self.folder {
            CONTINUED | BOTH => 0,
            GOES_ON => folders.saturating_sub(1),
            folder => folder.into(),
        }
    }

    /// The path, with the slashes of the rest of the world.
    pub(super) fn path(&self) -> String {
        path_text(self.name).replace('\\', "/")
    }

    pub(super) fn attributes(&self) -> Attributes {
        Attributes { modified: self.modified, ..Attributes::default() }
    }
}
