//! What an LZ77 decoder has made so far, as far back as it may copy from, on its way out.

use super::Sink;
use crate::blob::{to_u64, to_usize};
use crate::problem::Fault;

/// Bytes that are kept until there are too many, and handed on in pieces.
pub(super) struct Window {
    bytes: Vec<u8>,
    /// How far back copies may reach.
    reach: usize,
    /// Bytes of `bytes` that were handed on.
    flushed: usize,
    made: u64,
    /// What stands before the first byte, as far as copies reach: some decoders start in a window of spaces or zeros.
    before: Option<u8>,
}

impl Window {
    pub(super) fn new(reach: u64, before: Option<u8>) -> Self {
        Self { bytes: Vec::new(), reach: to_usize(reach), flushed: 0, made: 0, before }
    }

    /// Bytes made in all.
    pub(super) fn made(&self) -> u64 {
        self.made
    }

    pub(super) fn push(&mut self, byte: u8) {
        self.bytes.push(byte);
        self.made = self.made.saturating_add(1);
    }

    pub(super) fn extend(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.made = self.made.saturating_add(to_u64(bytes.len()));
    }

    /// Copies `length` bytes from `distance` back, which may overlap what they make.
    pub(super) fn copy(&mut self, distance: u64, length: u64) -> Result<(), Fault> {
        let wrong = || Fault::corrupt("the compressed data refers to bytes before its beginning");
        let distance = to_usize(distance);
        if distance == 0 || distance > self.reach {
            return Err(wrong());
        }
        for _ in 0..length {
            let from = self.bytes.len().checked_sub(distance).and_then(|at| self.bytes.get(at)).copied();
            let byte = from.or(self.before).ok_or_else(wrong)?;
            self.push(byte);
        }
        Ok(())
    }

    /// Hands on all that was not, and forgets what nobody can copy from any more.
    pub(super) fn flush(&mut self, sink: &mut Sink<'_>) -> Result<(), Fault> {
        self.flush_changed(sink, |_, _| ())
    }

    /// The same, after `change` had a copy of the bytes and the number of bytes made before them: copies are from what was decoded.
    pub(super) fn flush_changed(&mut self, sink: &mut Sink<'_>, change: impl FnOnce(&mut [u8], u64)) -> Result<(), Fault> {
        let mut fresh = self.bytes.get(self.flushed..).unwrap_or_default().to_vec();
        let before = self.made.saturating_sub(to_u64(fresh.len()));
        change(&mut fresh, before);
        self.flushed = self.bytes.len();
        if self.flushed > self.reach.saturating_mul(2).saturating_add(super::STEP) {
            self.bytes.drain(..self.flushed.saturating_sub(self.reach));
            self.flushed = self.bytes.len();
        }
        sink(&fresh)
    }

    /// Whether a good piece is ready to be handed on.
    pub(super) fn is_full(&self) -> bool {
        self.bytes.len().saturating_sub(self.flushed) >= super::STEP
    }
}
