//! Streams: chains of sectors, as the table has them.

use super::header::{Header, LAST_SECTOR};
use crate::blob::{Bytes, Endian, Span};
use crate::problem::Fault;

/// Bytes of a small sector.
const SMALL: u64 = 64;

/// A compound file: where its sectors are, and which follows which.
pub(super) struct Volume<'a> {
    pub(super) bytes: Bytes<'a>,
    header: Header,
    table: Vec<u32>,
    small_table: Vec<Span>,
    /// Where small sectors are: a stream of its own.
    small: Vec<Span>,
    pub(super) directory: Vec<Span>,
}

impl<'a> Volume<'a> {
    pub(super) fn new(bytes: Bytes<'a>, header: Header) -> Result<Self, Fault> {
        let table = header.table(bytes);
        let mut volume = Self { bytes, header, table, small_table: Vec::new(), small: Vec::new(), directory: Vec::new() };
        volume.directory = volume.chain(volume.header.directory, u64::MAX);
        volume.small_table = volume.chain(volume.header.small_table, u64::MAX);
        // The first entry of the directory is the root, whose stream holds all small ones.
        let root = volume.directory.first().ok_or_else(|| Fault::corrupt("cfb: there is no directory"))?.start;
        let start = bytes.u32(root.saturating_add(116), Endian::Little)?;
        volume.small = volume.chain(start, bytes.u64(root.saturating_add(120), Endian::Little)? & 0xffff_ffff);
        Ok(volume)
    }

    /// The runs of bytes of a stream that begins in sector `start` and has `size` bytes, as far as the chain reaches.
    pub(super) fn stream(&self, start: u32, size: u64) -> Vec<Span> {
        if size < self.header.small_below { self.small_chain(start, size) } else { self.chain(start, size) }
    }

    /// What finding an entry of the directory, or a stream of `size` bytes, may cost.
    pub(super) fn cost(&self, size: u64) -> u64 {
        let runs = if size < self.header.small_below { &self.small } else { &self.directory };
        crate::blob::to_u64(runs.len()).max(1).saturating_mul((size.min(self.bytes.len()) / SMALL).saturating_add(1))
    }

    fn chain(&self, start: u32, size: u64) -> Vec<Span> {
        let entry = |sector: u32| {
            let (index, within) =
                (u64::from(sector).checked_div(self.header.entries())?, u64::from(sector).checked_rem(self.header.entries())?);
            let table = *self.table.get(crate::blob::to_usize(index))?;
            self.bytes.u32(self.header.place(table).saturating_add(within.saturating_mul(4)), Endian::Little).ok()
        };
        let place = |sector| Some(self.header.place(sector)).filter(|place| *place < self.bytes.len());
        self.follow(start, size, self.header.sector, &entry, &place)
    }

    fn small_chain(&self, start: u32, size: u64) -> Vec<Span> {
        let entry = |sector: u32| self.bytes.u32(within(&self.small_table, u64::from(sector).saturating_mul(4))?, Endian::Little).ok();
        let place = |sector: u32| within(&self.small, u64::from(sector).saturating_mul(SMALL));
        self.follow(start, size, SMALL, &entry, &place)
    }

    /// A chain never has more sectors than there are, or it goes in circles.
    fn follow(&self, start: u32, size: u64, unit: u64, next: &dyn Fn(u32) -> Option<u32>, place: &dyn Fn(u32) -> Option<u64>) -> Vec<Span> {
        let most = self.bytes.len().checked_div(unit).unwrap_or(0);
        let (mut runs, mut sector, mut left): (Vec<Span>, _, _) = (Vec::new(), start, size);
        for _ in 0..=most {
            let Some(at) = place(sector).filter(|_| left > 0 && sector <= LAST_SECTOR) else { break };
            let length = unit.min(left);
            left = left.saturating_sub(length);
            match runs.last_mut() {
                Some(last) if last.end() == at => last.length = last.length.saturating_add(length),
                _ => runs.push(Span::new(at, length)),
            }
            let Some(following) = next(sector) else { break };
            sector = following;
        }
        runs
    }
}

/// Where byte `offset` of a stream is.
fn within(runs: &[Span], offset: u64) -> Option<u64> {
    let mut left = offset;
    for run in runs {
        if left < run.length {
            return Some(run.start.saturating_add(left));
        }
        left = left.saturating_sub(run.length);
    }
    None
}
