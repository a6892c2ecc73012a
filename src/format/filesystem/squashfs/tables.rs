//! Tables of small fixed entries: owners and fragments. A list of pointers says where their metadata blocks are.

use super::metadata::{Cursor, Reader};
use super::superblock::{METADATA_SIZE, OwnerTable};
use crate::blob::{Bytes, Span};
use crate::problem::Fault;

/// Set in the size of a data block or fragment that stands as it is.
pub(super) const RAW: u32 = 1 << 24;

/// Where a data block or fragment is stored, and whether it stands there as it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stored {
    pub(super) span: Span,
    pub(super) raw: bool,
}

impl Stored {
    /// `size` as in block lists and in the fragment table: bits 0 to 23 count bytes, bit 24 says that they stand as they are.
    pub(super) fn new(start: u64, size: u32) -> Self {
        Self { span: Span::new(start, u64::from(size & !RAW)), raw: size & RAW != 0 }
    }
}

/// Numbers of users and groups, which inodes name by their index.
#[derive(Debug, Default)]
pub(super) struct Owners {
    users: Vec<u32>,
    /// Where groups have a table of their own.
    groups: Option<Vec<u32>>,
}

impl Owners {
    pub(super) fn user(&self, index: u64) -> Option<u32> {
        self.users.get(usize::try_from(index).ok()?).copied()
    }

    pub(super) fn group(&self, index: u64) -> Option<u32> {
        self.groups.as_ref().unwrap_or(&self.users).get(usize::try_from(index).ok()?).copied()
    }
}

impl Reader<'_> {
    /// All owners, as far as they can be read.
    pub(super) fn owners(&mut self) -> (Owners, Option<Fault>) {
        match self.superblock.owners {
            OwnerTable::Listed { list, count } => {
                let (users, fault) = self.numbers(count, |reader, index| reader.entry(list, 8, 4, index));
                (Owners { users, groups: None }, fault)
            }
            OwnerTable::Plain { users: (users, count), groups: (groups, group_count) } => {
                let plain = |start: u64| {
                    move |reader: &mut Self, index: u64| {
                        Ok(reader.image.get(start.saturating_add(index.saturating_mul(4)), 4).map(<[u8]>::to_vec)?)
                    }
                };
                let (users, fault) = self.numbers(count, plain(users));
                let (groups, group_fault) = self.numbers(group_count, plain(groups));
                (Owners { users, groups: Some(groups) }, fault.or(group_fault))
            }
        }
    }

    fn numbers(&mut self, count: u16, read: impl Fn(&mut Self, u64) -> Result<Vec<u8>, Fault>) -> (Vec<u32>, Option<Fault>) {
        let mut numbers = Vec::new();
        for index in 0..count {
            let endian = self.superblock.endian;
            match read(self, index.into()).and_then(|bytes| Ok(Bytes(&bytes).u32(0, endian)?)) {
                Ok(number) => numbers.push(number),
                Err(fault) => return (numbers, Some(fault)),
            }
        }
        (numbers, None)
    }

    /// Where fragment `index` is.
    pub(super) fn fragment_entry(&mut self, index: u32) -> Result<Stored, Fault> {
        let table = self.superblock.fragment_table.filter(|_| index < self.superblock.fragments);
        let table = table.ok_or_else(|| Fault::corrupt(format!("fragment {index} of {}", self.superblock.fragments)))?;
        let (layout, endian) = (&self.superblock.layout.fragments, self.superblock.endian);
        let bytes = self.entry(table, layout.pointer, layout.entry, index.into())?;
        Ok(Stored::new(layout.start.read(Bytes(&bytes), endian)?, layout.size.word(Bytes(&bytes), endian)?))
    }

    /// Entry `index`, of `size` bytes, of the table whose list of metadata blocks is at `list`, with pointers of `pointer` bytes.
    fn entry(&mut self, list: u64, pointer: u64, size: u64, index: u64) -> Result<Vec<u8>, Fault> {
        let position = index.saturating_mul(size);
        let at = list.saturating_add((position / METADATA_SIZE).saturating_mul(pointer));
        let endian = self.superblock.endian;
        let block = if pointer == 8 { self.image.u64(at, endian)? } else { self.image.u32(at, endian)?.into() };
        let offset = u16::try_from(position % METADATA_SIZE).unwrap_or(u16::MAX);
        let mut bytes = Vec::new();
        self.append(&mut Cursor::new(Span::between(block, list), 0, offset), size, &mut bytes)?;
        Ok(bytes)
    }

    /// The next size in the list of a file's blocks, as version 2 and later have it. Version 1 has `u16`: bit 15 says that the block
    /// stands as it is, no bytes are all that the others can not count.
    pub(super) fn block_entry(&mut self, cursor: &mut Cursor) -> Result<u32, Fault> {
        let endian = self.superblock.endian;
        if self.superblock.layout.block_entry != 2 {
            let bytes: [u8; 4] = self.take(cursor)?;
            return Ok(Bytes(&bytes).u32(0, endian)?);
        }
        let bytes: [u8; 2] = self.take(cursor)?;
        let entry = Bytes(&bytes).u16(0, endian)?;
        let length = if entry & 0x7fff == 0 { 0x8000 } else { u32::from(entry & 0x7fff) };
        Ok(if entry & 0x8000 == 0 { length } else { length | RAW })
    }
}
