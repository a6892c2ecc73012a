//! Files with holes, as GNU tar writes them.

use super::header::number;
use super::pax::decimal;
use crate::blob::{Bytes, to_u64};
use crate::limits::Output;
use crate::problem::Fault;

/// Where the pieces of the data belong in the file.
#[derive(Default)]
pub(super) struct Sparse {
    /// Bytes of the file.
    size: u64,
    /// Offset in the file and length.
    pieces: Vec<(u64, u64)>,
}

impl Sparse {
    /// The old format of GNU: a map of 4 pieces in the header, at 386; if the byte at 482 is set, more of them in blocks behind it, 21 in
    /// each, with the byte at 504 for more; the size at 483. Returns the bytes of those blocks too.
    pub(super) fn gnu(header: Bytes<'_>, behind: Bytes<'_>) -> (Self, u64) {
        let size = number(header.get(483, 12).unwrap_or_default()).and_then(|size| u64::try_from(size).ok());
        let mut sparse = Self { size: size.unwrap_or(0), pieces: Vec::new() };
        sparse.add(header.up_to(386, 96));
        let (mut more, mut used) = (header.u8(482).unwrap_or(0), 0_u64);
        while more != 0 {
            let Ok(block) = behind.get(used, super::BLOCK).map(Bytes) else { break };
            sparse.add(block.up_to(0, 504));
            more = block.u8(504).unwrap_or(0);
            used = used.saturating_add(super::BLOCK);
        }
        (sparse, used)
    }

    /// Pieces: offset and length, 12 bytes each. Empty fields end them.
    fn add(&mut self, map: &[u8]) {
        let (pieces, _) = map.as_chunks::<24>();
        for piece in pieces.iter().take_while(|piece| !piece.starts_with(&[0])) {
            let (offset, length) = piece.split_at(12);
            let number = |field| number(field).and_then(|number| u64::try_from(number).ok()).unwrap_or(0);
            self.pieces.push((number(offset), number(length)));
        }
    }

    /// The whole file, holes and all.
    pub(super) fn assemble(&self, data: &[u8], output: &mut Output<'_>) -> Result<(), Fault> {
        let (data, mut at) = (Bytes(data), 0_u64);
        for (offset, length) in self.pieces.iter().copied() {
            let hole = offset.checked_sub(output.len()).filter(|_| offset.saturating_add(length) <= self.size);
            output.zeros(hole.ok_or_else(|| Fault::corrupt(format!("tar: a piece of a sparse file at {offset:#x}")))?)?;
            let piece = data.up_to(at, length);
            output.push(piece)?;
            if to_u64(piece.len()) < length {
                return Err(Fault::Truncated("tar: the data of a sparse file ends early".to_owned()));
            }
            at = at.saturating_add(length);
        }
        output.zeros(self.size.saturating_sub(output.len()))?;
        Ok(())
    }
}

/// The formats of GNU that pax headers describe, by the keywords after `GNU.sparse.`.
#[derive(Default)]
pub(super) struct Described {
    sparse: Sparse,
    offset: u64,
    /// The map is at the beginning of the data.
    inside: bool,
}

impl Described {
    pub(super) fn set(&mut self, key: &[u8], value: &[u8]) {
        match key {
            b"size" | b"realsize" => self.sparse.size = decimal(value).unwrap_or(0),
            b"major" => self.inside = value == b"1",
            b"offset" => self.offset = decimal(value).unwrap_or(0),
            b"numbytes" => self.sparse.pieces.push((self.offset, decimal(value).unwrap_or(0))),
            b"map" => {
                let numbers: Vec<u64> = value.split(|byte| *byte == b',').filter_map(decimal).collect();
                let (pieces, _) = numbers.as_chunks::<2>();
                self.sparse.pieces = pieces.iter().map(|[offset, length]| (*offset, *length)).collect();
            }
            _ => (),
        }
    }

    /// The map, and how many bytes of the data it took: in format 1.0 decimal numbers in lines, first how many pieces, then offset and
    /// length of each, filled up to a block.
    pub(super) fn map(self, data: &[u8]) -> (Sparse, u64) {
        let mut sparse = self.sparse;
        if !self.inside {
            return (sparse, 0);
        }
        let mut lines = data.split(|byte| *byte == b'\n');
        let mut used = 0_u64;
        let mut next = || {
            let line = lines.next().filter(|line| line.len() < 24)?;
            used = used.saturating_add(to_u64(line.len())).saturating_add(1);
            decimal::<u64>(line)
        };
        let count = next().unwrap_or(0);
        for _ in 0..count {
            let (Some(offset), Some(length)) = (next(), next()) else { break };
            sparse.pieces.push((offset, length));
        }
        (sparse, used.next_multiple_of(super::BLOCK))
    }
}
