//! Files as the first Unix kept them: numbers of blocks in the inode, and behind them numbers of blocks full of numbers, three levels deep.

use crate::blob::{Bytes, Endian};
use crate::problem::Fault;

/// How numbers of blocks are written.
#[derive(Debug, Clone, Copy)]
pub(in crate::format) struct Width {
    /// Bytes of a number: 2, 4 or 8.
    pub(in crate::format) bytes: u64,
    pub(in crate::format) endian: Endian,
    /// Bytes of a block.
    pub(in crate::format) block: u64,
}

impl Width {
    /// The number at `at`; 0, which is a hole, where there is none.
    pub(in crate::format) fn number(self, bytes: Bytes<'_>, at: u64) -> u64 {
        match self.bytes {
            2 => bytes.u16(at, self.endian).map_or(0, u64::from),
            4 => bytes.u32(at, self.endian).map_or(0, u64::from),
            _ => bytes.u64(at, self.endian).unwrap_or(0),
        }
    }
}

/// A block of a file: its place in the file, and its number.
pub(in crate::format) type Placed = (u64, u64);

/// Reads a block of numbers.
pub(in crate::format) type Read<'a, 'r> = dyn FnMut(u64) -> Result<Bytes<'a>, Fault> + 'r;

/// The blocks of a file that are no holes, in order, up to the `wanted`th. `numbers` are those of the inode, of which the first `direct`
/// are of the file itself. What is behind a broken block is missing, and the fault says so.
pub(in crate::format) fn blocks<'a>(
    numbers: Bytes<'a>,
    width: Width,
    direct: u64,
    wanted: u64,
    read: &mut Read<'a, '_>,
) -> (Vec<Placed>, Option<Fault>) {
    let mut walk = Walk { width, wanted, found: Vec::new(), fault: None, read };
    walk.take(numbers, direct, 0);
    let count = numbers.len().checked_div(width.bytes).unwrap_or(0);
    let mut place = direct;
    for level in 1..=count.saturating_sub(direct) {
        let number = width.number(numbers, direct.saturating_add(level).saturating_sub(1).saturating_mul(width.bytes));
        place = walk.below(number, level, place);
    }
    (walk.found, walk.fault)
}

struct Walk<'a, 'r, 's> {
    width: Width,
    wanted: u64,
    found: Vec<Placed>,
    fault: Option<Fault>,
    read: &'s mut Read<'a, 'r>,
}

impl<'a> Walk<'a, '_, '_> {
    /// Takes the first `count` numbers of `block`.
    fn take(&mut self, block: Bytes<'a>, count: u64, place: u64) {
        for index in 0..count.min(self.wanted.saturating_sub(place)) {
            let number = self.width.number(block, index.saturating_mul(self.width.bytes));
            if number != 0 {
                self.found.push((place.saturating_add(index), number));
            }
        }
    }

    /// All behind a block of numbers; returns the place behind what it is for.
    fn below(&mut self, number: u64, level: u64, place: u64) -> u64 {
        if place >= self.wanted || self.fault.as_ref().is_some_and(Fault::is_limit) {
            return place;
        }
        let block = match (number != 0).then(|| (self.read)(number)) {
            None => None,
            Some(Ok(block)) => Some(block),
            Some(Err(fault)) => {
                if self.fault.is_none() || fault.is_limit() {
                    self.fault = Some(fault);
                }
                None
            }
        };
        let per_block = self.per_block();
        let covers = per_block.saturating_pow(u32::try_from(level).unwrap_or(u32::MAX));
        if let Some(block) = block {
            if level == 1 {
                self.take(block, per_block, place);
            } else {
                let mut place = place;
                for index in 0..per_block {
                    let number = self.width.number(block, index.saturating_mul(self.width.bytes));
                    place = self.below(number, level.saturating_sub(1), place);
                    if place >= self.wanted {
                        break;
                    }
                }
            }
        }
        place.saturating_add(covers)
    }

    fn per_block(&self) -> u64 {
        self.width.block.checked_div(self.width.bytes).unwrap_or(1).max(1)
    }
}
