//! What may be spent on an input, and the shared meter that everything is charged to.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// The most that one inspection may spend. All sizes are bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Levels of things inside things.
    pub depth: u32,
    /// Bytes unpacked from the whole input.
    pub unpacked: u64,
    /// Bytes of one unpacked artifact.
    pub artifact: u64,
    /// Bytes unpacked for each byte of input, once more than 16 MiB came out of one stream.
    pub ratio: u64,
    /// Artifacts in the tree.
    pub artifacts: u64,
    /// Bytes held at once in unpacked artifacts.
    pub live: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 24, unpacked: 16 << 30, artifact: 2 << 30, ratio: 250, artifacts: 2_000_000, live: 4 << 30 }
    }
}

/// Output below this is never called a bomb, whatever its ratio.
const RATIO_FREE: u64 = 16 << 20;

/// A limit was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Exceeded {
    /// Too many levels of things inside things.
    #[error("nested deeper than {0} levels")]
    Depth(u32),
    /// Too much unpacked in all.
    #[error("more than {0} bytes unpacked from the input")]
    Unpacked(u64),
    /// One artifact too large.
    #[error("an artifact of more than {0} bytes")]
    Artifact(u64),
    /// Too much out of too little.
    #[error("more than {0} bytes unpacked for each byte of input")]
    Ratio(u64),
    /// Too many artifacts.
    #[error("more than {0} artifacts")]
    Artifacts(u64),
    /// Too much held at once.
    #[error("more than {0} bytes held at once")]
    Live(u64),
    /// Interrupted from outside, by a time limit or by the user.
    #[error("the time limit struck")]
    Time,
}

/// The meter of one inspection, shared by all threads.
#[derive(Debug)]
pub struct Budget {
    shared: Arc<Shared>,
    spent: AtomicU64,
    struck: OnceLock<Exceeded>,
}

#[derive(Debug)]
struct Shared {
    limits: Limits,
    unpacked: AtomicU64,
    artifacts: AtomicU64,
    live: Arc<AtomicU64>,
    limit_struck: AtomicBool,
    interrupt: Arc<AtomicBool>,
}

impl Budget {
    /// A fresh meter. Whoever holds `interrupt` can stop the inspection by setting it: there is no clock in here.
    pub fn new(limits: Limits, interrupt: Arc<AtomicBool>) -> Self {
        let shared = Shared {
            limits,
            unpacked: AtomicU64::new(0),
            artifacts: AtomicU64::new(0),
            live: Arc::default(),
            limit_struck: AtomicBool::new(false),
            interrupt,
        };
        Self { shared: Arc::new(shared), spent: AtomicU64::new(0), struck: OnceLock::new() }
    }

    /// The same meter with a count of its own of what is spent through it.
    pub fn fork(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), spent: AtomicU64::new(0), struck: OnceLock::new() }
    }

    /// Bytes unpacked through this meter, not counting its forks.
    pub fn spent(&self) -> u64 {
        self.spent.load(Ordering::Relaxed)
    }

    /// The first limit that struck an output of this meter, not counting its forks.
    pub fn struck(&self) -> Option<Exceeded> {
        self.struck.get().copied()
    }

    /// The limits it was made with.
    pub fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    /// Bytes held at this moment in unpacked artifacts.
    pub fn live(&self) -> u64 {
        self.shared.live.load(Ordering::Relaxed)
    }

    /// Whether a limit struck that all threads share, so that *where* it struck hangs on their timing.
    pub fn shared_limit_struck(&self) -> bool {
        self.shared.limit_struck.load(Ordering::Relaxed)
    }

    /// Fails once the inspection was interrupted.
    ///
    /// # Errors
    /// [`Exceeded::Time`].
    pub fn check(&self) -> Result<(), Exceeded> {
        if self.shared.interrupt.load(Ordering::Relaxed) { Err(Exceeded::Time) } else { Ok(()) }
    }

    /// Pays for one more artifact.
    ///
    /// # Errors
    /// If there are too many, or the inspection was interrupted.
    pub fn charge_artifact(&self) -> Result<(), Exceeded> {
        self.check()?;
        if self.shared.artifacts.fetch_add(1, Ordering::Relaxed) >= self.shared.limits.artifacts {
            self.shared.limit_struck.store(true, Ordering::Relaxed);
            return Err(Exceeded::Artifacts(self.shared.limits.artifacts));
        }
        Ok(())
    }

    /// Fails for artifacts at a `depth` to which nobody goes.
    ///
    /// # Errors
    /// [`Exceeded::Depth`], [`Exceeded::Time`].
    pub fn check_depth(&self, depth: u32) -> Result<(), Exceeded> {
        self.check()?;
        if depth > self.shared.limits.depth { Err(Exceeded::Depth(self.shared.limits.depth)) } else { Ok(()) }
    }

    fn charge_bytes(&self, count: u64) -> Result<(), Exceeded> {
        self.check()?;
        self.spent.fetch_add(count, Ordering::Relaxed);
        let before = self.shared.unpacked.fetch_add(count, Ordering::Relaxed);
        if before.saturating_add(count) > self.shared.limits.unpacked {
            self.shared.limit_struck.store(true, Ordering::Relaxed);
            return Err(Exceeded::Unpacked(self.shared.limits.unpacked));
        }
        let before = self.shared.live.fetch_add(count, Ordering::Relaxed);
        if before.saturating_add(count) > self.shared.limits.live {
            self.shared.live.fetch_sub(count, Ordering::Relaxed);
            self.shared.limit_struck.store(true, Ordering::Relaxed);
            return Err(Exceeded::Live(self.shared.limits.live));
        }
        Ok(())
    }
}

/// Bytes held, given back to the budget when dropped.
#[derive(Debug)]
pub(crate) struct Lease {
    live: Arc<AtomicU64>,
    count: u64,
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.live.fetch_sub(self.count, Ordering::Relaxed);
    }
}

/// Bytes on their way out of an unpacker. Every one is paid for before it is kept.
#[derive(Debug)]
pub struct Output<'b> {
    bytes: Vec<u8>,
    budget: &'b Budget,
    lease: Lease,
    input: u64,
}

impl<'b> Output<'b> {
    /// An empty output, made from `input` bytes: what it may grow to is measured against them.
    pub fn new(budget: &'b Budget, input: u64) -> Self {
        Self { bytes: Vec::new(), budget, lease: Lease { live: Arc::clone(&budget.shared.live), count: 0 }, input }
    }

    /// Bytes written so far.
    pub fn len(&self) -> u64 {
        crate::blob::to_u64(self.bytes.len())
    }

    /// Whether nothing was written yet.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The bytes written so far.
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes
    }

    fn pay(&mut self, count: u64) -> Result<(), Exceeded> {
        let budget = self.budget;
        self.try_to_pay(count).inspect_err(|exceeded| _ = budget.struck.set(*exceeded))
    }

    fn try_to_pay(&mut self, count: u64) -> Result<(), Exceeded> {
        let limits = self.budget.limits();
        let after = self.len().saturating_add(count);
        if after > limits.artifact {
            return Err(Exceeded::Artifact(limits.artifact));
        }
        if after > RATIO_FREE && after > self.input.saturating_mul(limits.ratio) {
            return Err(Exceeded::Ratio(limits.ratio));
        }
        self.budget.charge_bytes(count)?;
        self.lease.count = self.lease.count.saturating_add(count);
        Ok(())
    }

    /// Appends `bytes`.
    ///
    /// # Errors
    /// If a limit is reached; nothing of `bytes` is kept then.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), Exceeded> {
        self.pay(crate::blob::to_u64(bytes.len()))?;
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// Appends `count` zero bytes: a hole.
    ///
    /// # Errors
    /// If a limit is reached.
    pub fn zeros(&mut self, count: u64) -> Result<(), Exceeded> {
        self.pay(count)?;
        self.bytes.resize(self.bytes.len().saturating_add(crate::blob::to_usize(count)), 0);
        Ok(())
    }

    /// Overwrites bytes from `start`, growing with zeros where needed: for images whose pieces come in any order.
    ///
    /// # Errors
    /// If a limit is reached.
    pub fn write_at(&mut self, start: u64, bytes: &[u8]) -> Result<(), Exceeded> {
        let end = start.saturating_add(crate::blob::to_u64(bytes.len()));
        if end > self.len() {
            self.zeros(end.saturating_sub(self.len()))?;
        }
        let (start, end) = (crate::blob::to_usize(start), crate::blob::to_usize(end));
        if let Some(place) = self.bytes.get_mut(start..end) {
            place.copy_from_slice(bytes);
        }
        Ok(())
    }

    /// Cuts off everything after the first `length` bytes.
    pub fn truncate(&mut self, length: u64) {
        self.bytes.truncate(crate::blob::to_usize(length));
    }

    /// The finished bytes. They are given back to the budget when the last carving of the blob is dropped.
    pub fn into_blob(self) -> crate::blob::Blob {
        crate::blob::Blob::with_lease(self.bytes, Some(self.lease))
    }
}

/// Work that leaves no bytes behind, measured against the input just as output is: a small image must not keep us busy by listing the
/// same folder, or wanting the same broken block, a million times.
#[derive(Debug)]
pub struct Effort<'b> {
    budget: &'b Budget,
    left: u64,
}

/// Bytes of work that any image may make.
const EFFORT_FREE: u64 = 64 << 20;

impl<'b> Effort<'b> {
    /// What an image of `input` bytes may cost.
    pub fn new(budget: &'b Budget, input: u64) -> Self {
        Self { budget, left: input.saturating_mul(budget.limits().ratio).saturating_add(EFFORT_FREE) }
    }

    /// The meter that it is part of.
    pub fn budget(&self) -> &'b Budget {
        self.budget
    }

    /// Pays for `bytes` of work: those that were read or decompressed.
    ///
    /// # Errors
    /// If it was too much, and from then on.
    pub fn spend(&mut self, bytes: u64) -> Result<(), Exceeded> {
        self.budget.check()?;
        let left = self.left.checked_sub(bytes);
        self.left = left.unwrap_or(0);
        left.map(|_| ()).ok_or(Exceeded::Ratio(self.budget.limits().ratio))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(limits: Limits) -> Budget {
        Budget::new(limits, Arc::default())
    }

    #[test]
    fn bytes_are_paid_for_and_given_back() {
        let budget = budget(Limits { unpacked: 10, ..Limits::default() });
        let mut output = Output::new(&budget, 100);
        output.push(b"123456").unwrap();
        assert_eq!(budget.live(), 6);
        assert_eq!(output.push(b"123456"), Err(Exceeded::Unpacked(10)));
        assert!(budget.shared_limit_struck());
        drop(output.into_blob());
        assert_eq!(budget.live(), 0);
    }

    #[test]
    fn a_bomb_is_stopped_by_its_ratio_alone() {
        let budget = budget(Limits::default());
        let mut output = Output::new(&budget, 10);
        assert_eq!(output.zeros(RATIO_FREE + 1), Err(Exceeded::Ratio(250)));
        assert!(!budget.shared_limit_struck(), "what one stream does hangs on nobody's timing");
    }

    #[test]
    fn pieces_may_come_in_any_order() {
        let budget = budget(Limits::default());
        let mut output = Output::new(&budget, 10);
        output.write_at(4, b"ef").unwrap();
        output.write_at(0, b"ab").unwrap();
        assert_eq!(output.as_slice(), b"ab\0\0ef");
    }

    #[test]
    fn work_without_output_has_an_end_too() {
        let budget = budget(Limits::default());
        let mut effort = Effort::new(&budget, 10);
        effort.spend(EFFORT_FREE).unwrap();
        effort.spend(2500).unwrap();
        assert_eq!(effort.spend(1), Err(Exceeded::Ratio(250)));
    }

    #[test]
    fn interruption_stops_at_the_next_charge() {
        let interrupt = Arc::new(AtomicBool::new(false));
        let budget = Budget::new(Limits::default(), Arc::clone(&interrupt));
        budget.charge_artifact().unwrap();
        interrupt.store(true, Ordering::Relaxed);
        assert_eq!(budget.charge_artifact(), Err(Exceeded::Time));
    }
}
