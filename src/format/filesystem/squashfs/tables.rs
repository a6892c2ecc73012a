//! Tables of small fixed entries: owners and fragments. A list of `u64` says where their metadata blocks are.

use super::metadata::{Cursor, Reader};
use super::superblock::METADATA_SIZE;
use crate::blob::{Bytes, Span};
use crate::problem::Fault;

/// Set in the size of a data block or fragment that stands as it is.
const RAW: u32 = 1 << 24;

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

impl Reader<'_> {
    /// All owners, as far as they can be read. Entries are `u32`.
    pub(super) fn ids(&mut self) -> (Vec<u32>, Option<Fault>) {
        let mut ids = Vec::new();
        for index in 0..self.superblock.ids {
            let id = self.entry::<4>(self.superblock.id_table, index.into()).and_then(|bytes| Ok(Bytes(&bytes).u32(0, self.endian)?));
            match id {
                Ok(id) => ids.push(id),
                Err(fault) => return (ids, Some(fault)),
            }
        }
        (ids, None)
    }

    /// Where fragment `index` is. Entries are `u64 start_block, u32 size, u32 unused`.
    pub(super) fn fragment_entry(&mut self, index: u32) -> Result<Stored, Fault> {
        let table = self.superblock.fragment_table.filter(|_| index < self.superblock.fragments);
        let table = table.ok_or_else(|| Fault::corrupt(format!("fragment {index} of {}", self.superblock.fragments)))?;
        let bytes = self.entry::<16>(table, index.into())?;
        let bytes = Bytes(&bytes);
        Ok(Stored::new(bytes.u64(0, self.endian)?, bytes.u32(8, self.endian)?))
    }

    /// Entry `index` of the table whose list of metadata blocks is at `list`.
    fn entry<const N: usize>(&mut self, list: u64, index: u64) -> Result<[u8; N], Fault> {
        let position = index.saturating_mul(u64::try_from(N).unwrap_or(u64::MAX));
        let pointer = list.saturating_add((position / METADATA_SIZE).saturating_mul(8));
        let block = self.image.u64(pointer, self.endian)?;
        let offset = u16::try_from(position % METADATA_SIZE).unwrap_or(u16::MAX);
        self.take(&mut Cursor::new(Span::between(block, list), 0, offset))
    }
}
