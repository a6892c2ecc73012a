//! The recursion: scan, unpack, analyze, match, one artifact at a time and many at once. The only file that names rayon.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::Scope;

use crate::artifact::{Artifact, Keep};
use crate::blob::Blob;
use crate::format::{Attributes, Child, Children};
use crate::limits::{Budget, Exceeded};
use crate::problem::{Code, Fault, Problem};
use crate::signature::Database;

mod digests;
mod examine;
mod tree;

pub use digests::Digest;
use examine::Examination;

/// What is inspected.
pub enum Input<'i> {
    /// The bytes of an image.
    Image(Blob),
    /// A folder of the host: hands over its files as an unpacker would.
    Folder(&'i (dyn Fn(&mut Children<'_>) -> Result<(), Fault> + Sync)),
}

/// How far the walk has come: read by whoever shows it, whenever they like.
#[derive(Debug, Default)]
pub struct Progress {
    /// Artifacts examined.
    pub artifacts: AtomicU64,
    /// Bytes examined.
    pub bytes: AtomicU64,
}

/// Looks at examined artifacts and their bytes, from any thread.
pub type Observer<'o> = dyn Fn(&Artifact, &Blob) + Sync + 'o;

/// What a walk needs beside its input.
pub struct Walk<'w> {
    /// The signatures to match.
    pub database: &'w Database,
    /// What may be spent.
    pub budget: &'w Budget,
    /// Where to say how far it has come.
    pub progress: &'w Progress,
    /// Which facts to keep.
    pub keep: Keep,
    /// Hashes to make of every artifact beside SHA-256.
    pub digests: &'w [Digest],
    /// Shown every artifact with its bytes, once it was examined; its number is not known yet.
    pub observer: Option<&'w Observer<'w>>,
    /// Threads; one means: in order, on this thread.
    pub jobs: usize,
}

/// Stack of a worker: unpackers call the walk, which calls unpackers.
const STACK: usize = 64 << 20;

/// The whole tree in preorder.
///
/// If a limit that all threads share struck, what was reached hangs on their timing, and the caller walks again with one job.
pub fn walk(input: &Input<'_>, walk: &Walk<'_>) -> Vec<Artifact> {
    let root = |parallel| match input {
        Input::Image(blob) => Pending::root(blob.clone()).examine(walk, parallel),
        Input::Folder(feed) => Examination::folder(walk, *feed, parallel),
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(walk.jobs.max(1)).stack_size(STACK).build();
    let node = match pool {
        Ok(pool) => pool.install(|| root(walk.jobs > 1)),
        Err(_) => root(false),
    };
    tree::flatten(node)
}

/// An artifact with those in it.
struct Node {
    artifact: Artifact,
    children: Vec<Node>,
}

/// An artifact that waits to be examined.
struct Pending {
    child: Child,
    depth: u32,
    /// Whether the scan that found it said already that nothing is in it.
    scanned: bool,
    /// Index of its format's row, if the scan that found it knows.
    format: Option<usize>,
    /// What its stream held, if finding the end of the stream meant decompressing it, and why that is not all.
    payload: Option<(Child, Option<Problem>)>,
}

impl Pending {
    fn root(blob: Blob) -> Self {
        let child = Child { name: String::new(), span: None, blob, attributes: Attributes::default(), problem: None };
        Self { child, depth: 0, scanned: false, format: None, payload: None }
    }

    fn examine(self, walk: &Walk<'_>, parallel: bool) -> Node {
        Examination::new(walk, parallel, self).run()
    }
}

/// Children that are being examined, each with its place.
#[derive(Default)]
struct Slots {
    nodes: Mutex<Vec<Option<Node>>>,
}

impl Slots {
    fn reserve(&self) -> usize {
        let mut nodes = self.nodes.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        nodes.push(None);
        nodes.len().saturating_sub(1)
    }

    fn fill(&self, place: usize, node: Node) {
        let mut nodes = self.nodes.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(slot) = nodes.get_mut(place) {
            *slot = Some(node);
        }
    }

    fn into_nodes(self) -> Vec<Node> {
        self.nodes.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner).into_iter().flatten().collect()
    }
}

/// Examines children, at once or in turn. Depth first where memory asks for it: a child that is not handed to another thread is done with
/// before its parent goes on.
struct Crew<'c, 'scope, 'w> {
    walk: &'scope Walk<'w>,
    slots: &'scope Slots,
    scope: Option<&'c Scope<'scope>>,
    waiting: &'scope AtomicU64,
}

/// Children of one parent that may wait for a thread.
const WAITING: u64 = 64;

impl<'scope, 'w> Crew<'_, 'scope, 'w> {
    fn take(&self, pending: Pending) -> Result<(), Exceeded> {
        self.walk.budget.charge_artifact()?;
        let place = self.slots.reserve();
        let (walk, slots, waiting) = (self.walk, self.slots, self.waiting);
        let room = walk.budget.live() < walk.budget.limits().live / 4 && waiting.load(Ordering::Relaxed) < WAITING;
        match self.scope.filter(|_| room) {
            Some(scope) => {
                waiting.fetch_add(1, Ordering::Relaxed);
                scope.spawn(move |_| {
                    slots.fill(place, pending.examine(walk, true));
                    waiting.fetch_sub(1, Ordering::Relaxed);
                });
            }
            None => slots.fill(place, pending.examine(walk, self.scope.is_some())),
        }
        Ok(())
    }
}

/// Runs `work` with a crew and returns what the crew examined, in order.
fn with_crew(walk: &Walk<'_>, parallel: bool, work: impl FnOnce(&Crew<'_, '_, '_>) + Send) -> Vec<Node> {
    let (slots, waiting) = (Slots::default(), AtomicU64::new(0));
    if parallel {
        rayon::scope(|scope| work(&Crew { walk, slots: &slots, scope: Some(scope), waiting: &waiting }));
    } else {
        work(&Crew { walk, slots: &slots, scope: None, waiting: &waiting });
    }
    slots.into_nodes()
}

/// The last net: a reader that panics has a bug, and loses its own artifact's content, not the report.
fn caught<T>(what: &str, work: impl FnOnce() -> T) -> Result<T, Problem> {
    catch_unwind(AssertUnwindSafe(work))
        .map_err(|_| Problem::new(Code::Corrupt, None, format!("the {what} reader failed on these bytes: this is a bug of touchmark")))
}
