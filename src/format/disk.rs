//! Disks of virtual machines in the making: what their images hold in pieces becomes the disk that the machine sees.

use crate::blob::to_u64;
use crate::format::extents::out_of_limit;
use crate::format::{Attributes, Children};
use crate::limits::{Exceeded, Output};
use crate::problem::Fault;

/// The name of the disk in its image.
pub(super) const NAME: &str = "disk.img";

/// Zeros at the end of a disk that are made whatever the image holds.
const FREE: u64 = 16 << 20;

/// A disk whose pieces come in any order; what never comes is zero.
pub(super) struct Disk<'w> {
    output: Output<'w>,
    size: u64,
    limit: Option<Exceeded>,
    fault: Option<Fault>,
}

impl<'w> Disk<'w> {
    /// A disk of `size` bytes.
    pub(super) fn new(size: u64, children: &Children<'w>) -> Self {
        Self { output: children.output(), size, limit: None, fault: None }
    }

    /// Whether nothing more can be put on it.
    pub(super) fn is_full(&self) -> bool {
        self.limit.is_some()
    }

    /// Puts `bytes` where they belong; what would be behind the end of the disk is left out.
    ///
    /// # Errors
    /// If a limit is reached that is not of this disk alone.
    pub(super) fn put(&mut self, at: u64, bytes: &[u8]) -> Result<(), Exceeded> {
        let room = self.size.saturating_sub(at).min(to_u64(bytes.len()));
        let bytes = bytes.get(..crate::blob::to_usize(room)).unwrap_or_default();
        if self.limit.is_some() || bytes.is_empty() {
            return Ok(());
        }
        match self.output.write_at(at, bytes) {
            Err(limit @ (Exceeded::Artifact(_) | Exceeded::Ratio(_))) => self.limit = Some(limit),
            result => return result,
        }
        Ok(())
    }

    /// Says that a piece of it cannot be read. The first such piece is what the report tells.
    pub(super) fn lacks(&mut self, fault: Fault) {
        self.fault.get_or_insert(fault);
    }

    /// Hands the disk over.
    ///
    /// # Errors
    /// If a limit is reached that is not of this disk alone.
    pub(super) fn deliver(mut self, input: u64, children: &mut Children<'_>) -> Result<(), Exceeded> {
        if let Some(limit) = self.limit {
            return out_of_limit(limit, NAME.to_owned(), self.output, Attributes::default(), children);
        }
        let limits = children.budget().limits();
        let zeros = self.size.saturating_sub(self.output.len());
        if self.size <= FREE.max(input.saturating_mul(limits.ratio)).min(limits.artifact) {
            self.output.zeros(zeros)?;
        } else if zeros > 0 {
            self.lacks(Fault::Truncated(format!("the last {zeros} bytes, which are all zero, are left out")));
        }
        children.made_with(NAME, self.output, Attributes::default(), self.fault.as_ref())
    }
}
