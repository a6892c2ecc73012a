//! Strings that a Go program up to 1.17 points to: addresses of memory, looked up in the segments or sections of the file.

use goblin::elf::program_header::PT_LOAD;

use super::{LONGEST, Text};
use crate::blob::{Bytes, Endian};
use crate::fact::elf::image::Image;

/// A part of the file and where it is loaded.
struct Mapping {
    address: u64,
    offset: u64,
    length: u64,
}

/// What is needed to follow a pointer.
pub(super) struct Pointers<'a> {
    bytes: Bytes<'a>,
    size: u64,
    endian: Endian,
    mappings: Vec<Mapping>,
}

impl<'a> Pointers<'a> {
    /// Pointers of `size` bytes in an ELF or PE file.
    pub(super) fn new(bytes: Bytes<'a>, size: u8, endian: Endian) -> Option<Self> {
        if !matches!(size, 4 | 8) {
            return None;
        }
        let mappings = if bytes.has(0, b"\x7fELF") {
            let image = Image::read(bytes)?;
            let loaded = image.segments.iter().filter(|segment| segment.p_type == PT_LOAD);
            loaded.map(|segment| Mapping { address: segment.p_vaddr, offset: segment.p_offset, length: segment.p_filesz }).collect()
        } else {
            crate::fact::pe::image::Image::read(bytes)?
                .mappings()
                .map(|(address, offset, length)| Mapping { address, offset, length })
                .collect()
        };
        Some(Self { bytes, size: size.into(), endian, mappings })
    }

    /// The pointer at this place of the file.
    pub(super) fn read(&self, at: u64) -> Option<u64> {
        if self.size == 8 { self.bytes.u64(at, self.endian).ok() } else { self.bytes.u32(at, self.endian).ok().map(u64::from) }
    }

    fn offset(&self, address: u64) -> Option<u64> {
        let holds = |mapping: &&Mapping| address.checked_sub(mapping.address).is_some_and(|inside| inside < mapping.length);
        let mapping = self.mappings.iter().find(holds)?;
        address.checked_sub(mapping.address)?.checked_add(mapping.offset)
    }

    /// The Go string (pointer and length) at this address of memory.
    pub(super) fn string(&self, address: u64) -> Option<Text<'a>> {
        let at = self.offset(address)?;
        let (data, length) = (self.read(at)?, self.read(at.saturating_add(self.size))?);
        let start = self.offset(data)?;
        (length <= LONGEST).then(|| self.bytes.get(start, length).ok()).flatten().map(|text| (text, start))
    }
}
