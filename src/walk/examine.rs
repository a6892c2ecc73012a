//! One artifact: what it is, what it says, and what is in it.

use std::sync::atomic::Ordering;

use sha2::{Digest, Sha256};

use super::{Crew, Node, Pending, Walk, caught, with_crew};
use crate::artifact::{Artifact, Chunk, ChunkKind, KeptFact, is_opaque};
use crate::blob::{Blob, Span};
use crate::evidence::Collector;
use crate::fact::{ANALYZERS, Context, Fact, Facts, Subject, hex, is_kernel};
use crate::format::{Attributes, Child, Children, FORMATS, Format, Kind, Notes, mtdparts};
use crate::limits::Exceeded;
use crate::problem::{Code, Fault, Problem};
use crate::scan::{Content, begins_with_format, scan, scan_inside};

/// The examination of one artifact.
pub(super) struct Examination<'e, 'w> {
    walk: &'e Walk<'w>,
    parallel: bool,
    depth: u32,
    scanned: bool,
    format: Option<&'static dyn Format>,
    payload: Option<(Child, Option<Problem>)>,
    blob: Blob,
    artifact: Artifact,
    notes: Notes,
}

impl<'e, 'w> Examination<'e, 'w> {
    pub(super) fn new(walk: &'e Walk<'w>, parallel: bool, pending: Pending) -> Self {
        let Pending { child: Child { name, span, blob, attributes, problem }, depth, scanned, format, payload } = pending;
        let format = format.and_then(|row| FORMATS.get(row).copied());
        let encrypted = problem.as_ref().is_some_and(|problem| problem.code == Code::Encrypted);
        let artifact = Artifact {
            opaque: encrypted,
            span,
            sha256: Sha256::digest(blob.as_slice()).into(),
            attributes,
            problems: problem.into_iter().collect(),
            ..Artifact::new(name, Context::Raw, blob.len())
        };
        Self { walk, parallel, depth, scanned, format, payload, blob, artifact, notes: Notes::default() }
    }

    /// A folder of the host as the root of a tree.
    pub(super) fn folder(walk: &'e Walk<'w>, feed: &(dyn Fn(&mut Children<'_>) -> Result<(), Fault> + Sync), parallel: bool) -> Node {
        let mut this = Self::new(walk, parallel, Pending::root(Blob::new(Vec::new())));
        this.artifact.format = Some("folder");
        this.artifact.context = Context::Data;
        let (depth, mut failed, mut notes) = (this.depth, None, Notes::default());
        let children = with_crew(walk, parallel, |crew| {
            let mut deliver = |child| deliver(crew, child, depth);
            failed = feed(&mut Children::new(walk.budget, &this.blob, &mut deliver, &mut notes)).err();
        });
        this.notes = notes;
        this.artifact.size = children.iter().map(|child| child.artifact.size).fold(0, u64::saturating_add);
        this.artifact.sha256 = digest_of(&children);
        this.artifact.problems.extend(failed.map(|fault| fault.at(None)));
        this.finish(children)
    }

    pub(super) fn run(mut self) -> Node {
        if let Err(exceeded) = self.walk.budget.check_depth(self.depth) {
            self.artifact.problems.push(Fault::from(exceeded).at(None));
            return Node { artifact: self.artifact, children: Vec::new() };
        }
        let (walk, parallel) = (self.walk, self.parallel);
        let children = with_crew(walk, parallel, |crew| {
            self.identify(crew);
            self.artifact.format = self.format.map(|format| format.spec().id);
            self.artifact.context = Context::of(&self.blob, self.artifact.format);
            match (self.payload.take(), self.format) {
                (Some((child, problem)), _) => {
                    self.artifact.problems.extend(problem);
                    let outcome = crew.take(below(child, self.depth)).map(|()| Vec::new());
                    self.problems_of(outcome);
                }
                (None, Some(format)) => self.unpack(format, crew),
                (None, None) => (),
            }
            self.analyze();
        });
        if let Some(observer) = self.walk.observer {
            observer(&self.artifact, &self.blob);
        }
        self.walk.progress.artifacts.fetch_add(1, Ordering::Relaxed);
        self.walk.progress.bytes.fetch_add(self.artifact.size, Ordering::Relaxed);
        self.finish(children)
    }

    fn finish(mut self, children: Vec<Node>) -> Node {
        self.artifact.entries = self.notes.entries;
        self.artifact.problems.extend(self.notes.problems);
        Node { artifact: self.artifact, children }
    }

    /// Finds out what the blob is, or what is in it.
    fn identify(&mut self, crew: &Crew<'_, '_, '_>) {
        if self.scanned || self.format.is_some() || self.artifact.opaque {
            return;
        }
        let (blob, depth, budget) = (self.blob.clone(), self.depth, self.walk.budget);
        if is_kernel(blob.bytes()) && !begins_with_format(&blob, budget) {
            // A kernel without a header is one program, however much is embedded in it.
            return self.look_inside(crew);
        }
        let mut chunks = Vec::new();
        let names = mtdparts::names(blob.bytes());
        let mut found = |span: Span, content: Content<'_>| {
            let (kind, mut pending) = part(&blob, span, content, depth);
            chunks.push(Chunk { span, kind });
            if let (Some(pending), Some(name)) = (&mut pending, names.get(&span.start)) {
                pending.child.name.clone_from(name);
            }
            match pending {
                Some(pending) if span.length == blob.len() => {
                    self.format = pending.format.and_then(|row| FORMATS.get(row).copied());
                    self.payload = pending.payload;
                }
                Some(pending) => crew.take(pending)?,
                None => (),
            }
            budget.check()
        };
        let outcome = scan(&blob, budget, &mut found);
        let covered = chunks.last().map_or(0, |chunk| chunk.span.end());
        if outcome.is_err() && covered < blob.len() {
            // Where a limit ended the scan, the rest is unknown.
            chunks.push(Chunk { span: Span::between(covered, blob.len()), kind: ChunkKind::Unknown });
        }
        self.problems_of(outcome);
        // A blob that is one unknown chunk is simply unknown, one that is one format is of that format.
        if chunks.len() > 1 || matches!(chunks.as_slice(), [Chunk { kind: ChunkKind::Padding, .. }]) {
            self.artifact.chunks = chunks;
        }
    }

    fn problems_of(&mut self, outcome: Result<Vec<Problem>, Exceeded>) {
        match outcome {
            Ok(problems) => self.artifact.problems.extend(problems),
            Err(exceeded) => self.artifact.problems.push(Fault::from(exceeded).at(None)),
        }
    }

    fn unpack(&mut self, format: &'static dyn Format, crew: &Crew<'_, '_, '_>) {
        let (blob, depth, budget) = (self.blob.clone(), self.depth, self.walk.budget);
        let mut notes = std::mem::take(&mut self.notes);
        let mut deliver = |child| deliver(crew, child, depth);
        let outcome = caught(format.spec().name, || format.unpack(&blob, &mut Children::new(budget, &blob, &mut deliver, &mut notes)));
        self.notes = notes;
        match outcome {
            Ok(Ok(())) => (),
            Ok(Err(fault)) => self.artifact.problems.push(fault.at(None)),
            Err(problem) => self.artifact.problems.push(problem),
        }
        if format.spec().leaf && format.spec().kind != Kind::Media {
            self.look_inside(crew);
        }
    }

    /// Streams, archives and file systems embedded in a program.
    fn look_inside(&mut self, crew: &Crew<'_, '_, '_>) {
        let (blob, depth) = (self.blob.clone(), self.depth);
        let mut found = |span: Span, content: Content<'_>| part(&blob, span, content, depth).1.map_or(Ok(()), |pending| crew.take(pending));
        let outcome = scan_inside(&blob, self.walk.budget, &mut found);
        self.problems_of(outcome);
    }

    /// Reads the facts of the artifact's own bytes, and those that its format read from its header.
    fn analyze(&mut self) {
        let (blob, context, walk) = (self.blob.clone(), self.artifact.context, self.walk);
        let mut collector = Collector::new(walk.database, context);
        let mut kept = Vec::new();
        let mut take = |fact: Fact<'_>| {
            collector.add(&blob, &fact);
            if walk.keep.keeps(fact.key) && !fact.value.is_empty() {
                kept.push(KeptFact { key: fact.key, value: fact.value.to_vec(), span: fact.span });
            }
        };
        let whole = Span::new(0, blob.len());
        let hash = hex(&self.artifact.sha256);
        let name = self.artifact.name.rsplit('/').next().unwrap_or_default();
        for (key, value) in [("hash.sha256", hash.as_str()), ("format", self.artifact.format.unwrap_or_default()), ("name", name)] {
            take(Fact { key, value: value.as_bytes(), span: whole });
        }
        for digest in walk.digests {
            if let Some(value) = digest.of(blob.as_slice()) {
                take(Fact { key: digest.key(), value: value.as_bytes(), span: whole });
                self.artifact.hashes.push((digest.name(), value));
            }
        }
        for fact in &self.notes.facts {
            take(Fact { key: fact.key, value: &fact.value, span: fact.span });
        }
        // Keys of OpenPGP are not handed out one by one: they are read where they stand.
        let says_itself = |format: &dyn Format| format.spec().leaf || format.spec().id == "openpgp";
        let own = self.artifact.chunks.is_empty() && self.format.is_none_or(says_itself);
        if own && walk.budget.check().is_ok() {
            let subject = Subject { blob: &blob, format: self.artifact.format, context };
            let mut facts = Facts::new(&mut take);
            for analyzer in ANALYZERS {
                self.artifact.problems.extend(caught(analyzer.id(), || analyzer.analyze(&subject, &mut facts)).err());
            }
            self.artifact.problems.append(&mut facts.problems);
            self.artifact.certificates = facts.certificates;
            self.artifact.keys = facts.keys;
            self.artifact.public_keys = facts.public_keys;
            self.artifact.signatures = facts.signatures;
            self.artifact.opaque = self.artifact.opaque || (self.format.is_none() && is_opaque(&blob));
        }
        self.artifact.evidence = collector.finish();
        self.artifact.facts = kept;
    }
}

/// SHA-256 over the names and hashes of a folder's files, in order.
fn digest_of(children: &[Node]) -> [u8; 32] {
    let mut digest = Sha256::new();
    for child in children {
        digest.update(child.artifact.name.as_bytes());
        digest.update([0]);
        digest.update(child.artifact.sha256);
    }
    digest.finalize().into()
}

/// Hands a child of an unpacker to the crew.
fn deliver(crew: &Crew<'_, '_, '_>, child: Child, depth: u32) -> Result<(), Exceeded> {
    crew.take(below(child, depth))
}

/// A child of an artifact at `depth` of which nothing is known yet.
fn below(child: Child, depth: u32) -> Pending {
    Pending { child, depth: depth.saturating_add(1), scanned: false, format: None, payload: None }
}

/// What a chunk is, and the artifact that it makes. Padding makes none.
fn part(blob: &Blob, span: Span, content: Content<'_>, depth: u32) -> (ChunkKind, Option<Pending>) {
    let made = |name, span, blob| Child { name, span, blob, attributes: Attributes::default(), problem: None };
    let carved = blob.carve(span).unwrap_or_else(|_| Blob::new(Vec::new()));
    let pending = |scanned, format, payload| {
        let child = made(String::new(), Some(span), carved);
        Some(Pending { child, depth: depth.saturating_add(1), scanned, format, payload })
    };
    match content {
        Content::Padding => (ChunkKind::Padding, None),
        Content::Unknown => (ChunkKind::Unknown, pending(true, None, None)),
        Content::Format(row, carved) => {
            let payload = carved.payload.map(|payload| {
                let problem = payload.fault.as_ref().map(|fault| fault.at(None));
                (made(payload.name, None, payload.output.into_blob()), problem)
            });
            let id = FORMATS.get(row).map_or("", |format| format.spec().id);
            (ChunkKind::Format(id), pending(false, Some(row), payload))
        }
    }
}
