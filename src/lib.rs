//! Reads firmware and says whose code is inside, how sure it is, and shows the bytes that say so.
//!
//! ```text
//!                 one artifact at a time, recursively, in parallel                     once, at the end
//!         ┌─────────────────────────────────────────────────────────────────────┐   ┌──────────────────────┐
//!  image  │  Blob ──scan──▶ Chunk* ──Format::unpack──▶ child Blobs ──┐          │   │                      │
//!  bytes ─┼▶  │                                          (recurse) ──┘          │   │                      │
//!         │   └──Analyzer::analyze──▶ Fact* ──match──▶ Evidence*                │   │                      │
//!         │                                      ▲         └──▶ Artifact tree   │   │                      │
//!         │                        signatures/*.toml          (no bytes) ───────┼──▶│ Attribution ─▶ Report│
//!         └─────────────────────────────────────────────────────────────────────┘   └──────────────────────┘
//!           Limits/Budget is charged by everything in this box
//!  what it is:        data          what it holds      what it says   why we think so      who made it   for you
//!  module:         blob, limits     scan, format/      fact/          signature, evidence  attribution   report/
//! ```
//!
//! Arrows never point left. What holds whatever the input:
//!
//! 1. No input makes it panic, hang, or pass its limits.
//! 2. Every unpacked byte is paid for before it is kept.
//! 3. Chunks cover a blob exactly once, and every byte of the image is accounted for in the report.
//! 4. A location resolves to the same bytes; each excerpt of evidence is found there again.
//! 5. Same bytes, same database, same options: the same report, byte for byte, whatever the number of threads. A time limit that struck is
//!    the one exception, and the report says so.
//! 6. No clock, environment, file or randomness below the command.
//! 7. Facts do not interpret; only attribution concludes; no evidence, no attribution.
//! 8. No name of a contained file ever becomes a path of the host.
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, clippy::as_conversions, clippy::string_slice, clippy::too_many_lines))]

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

pub mod artifact;
pub mod attribution;
pub mod blob;
pub mod codec;
pub mod coverage;
pub mod evidence;
pub mod fact;
pub mod format;
pub mod limits;
pub mod policy;
pub mod problem;
pub mod report;
pub mod scan;
pub mod selftest;
pub mod signature;
pub mod walk;

#[cfg(test)]
pub(crate) mod testing;

use artifact::Keep;
use limits::{Budget, Limits};
use report::{Findings, Report};
use signature::{Database, PolicyList};
use walk::{Input, Progress, Walk};

/// How to inspect.
#[derive(Clone)]
pub struct Options<'o> {
    /// What may be spent.
    pub limits: Limits,
    /// Threads.
    pub jobs: usize,
    /// Which facts the report keeps.
    pub keep: Keep,
    /// Hashes to make of every artifact beside SHA-256.
    pub digests: Vec<walk::Digest>,
    /// Shown every artifact with its bytes.
    pub observer: Option<&'o walk::Observer<'o>>,
    /// Lists to judge by.
    pub policies: Vec<&'o PolicyList>,
    /// Set from outside to stop.
    pub interrupt: Arc<AtomicBool>,
    /// Where the walk says how far it has come.
    pub progress: Arc<Progress>,
}

impl Default for Options<'_> {
    fn default() -> Self {
        let jobs = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            limits: Limits::default(),
            jobs,
            keep: Keep::None,
            digests: Vec::new(),
            observer: None,
            policies: Vec::new(),
            interrupt: Arc::default(),
            progress: Arc::default(),
        }
    }
}

/// Inspects one input and reports on it; `path` is how the report calls it.
pub fn inspect(input: &Input<'_>, path: &str, database: &Database, options: &Options<'_>) -> Report {
    let pass = |jobs| {
        let budget = Budget::new(options.limits.clone(), Arc::clone(&options.interrupt));
        let walk = Walk {
            database,
            budget: &budget,
            progress: &options.progress,
            keep: options.keep,
            digests: &options.digests,
            observer: options.observer,
            jobs,
        };
        (walk::walk(input, &walk), budget.shared_limit_struck())
    };
    let (mut artifacts, struck) = pass(options.jobs);
    if struck && options.jobs > 1 {
        // Which artifact a shared limit struck hangs on the timing of threads: in order, it is always the same one.
        artifacts = pass(1).0;
    }
    report::report(&Findings::new(database, artifacts, &options.policies), path)
}
