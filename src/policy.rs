//! Claims against policy lists: match, clear or inconclusive, and why.

use std::collections::{BTreeMap, BTreeSet};

use crate::artifact::Artifact;
use crate::attribution::{Attribution, CLAIM};
use crate::coverage::Coverage;
use crate::problem::Code;
use crate::signature::{Database, Link, ListEntry, PolicyList, Role};

/// What a list says of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Code of a listed supplier is in it.
    Match,
    /// It was understood, and none is.
    Clear,
    /// None was found, and too much was not understood to say more.
    Inconclusive,
}

impl Verdict {
    /// The name in the report.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Match => "match",
            Self::Clear => "clear",
            Self::Inconclusive => "inconclusive",
        }
    }
}

/// A listed supplier's part in the image.
#[derive(Debug, Clone, PartialEq)]
pub struct ListMatch {
    /// The supplier whose code it is.
    pub supplier: String,
    /// The supplier that the list names: the same, or one that owns it.
    pub listed: String,
    /// Its part.
    pub role: Role,
    /// The surest claim, percent.
    pub confidence: u8,
    /// How many artifacts.
    pub artifacts: usize,
    /// Indexes of the claims among all attributions.
    pub attributions: Vec<usize>,
    /// What the list's entry covers.
    pub scope: Option<String>,
}

/// A list's judgement.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// Id of the list.
    pub list: String,
    /// What it says.
    pub verdict: Verdict,
    /// Whose code, when it matches.
    pub matches: Vec<ListMatch>,
    /// Why it is not clear, in words.
    pub reasons: Vec<String>,
}

/// Parts of the image, percent, that may be unknown or opaque in one that is called clear.
const MOST_NOT_UNDERSTOOD: u64 = 10;

/// The entry of `list` that means the supplier `id`: one that names it, or one that names an owner of it and means whom that owns.
pub fn entry<'l>(list: &'l PolicyList, id: &str, owners: &[Link]) -> Option<&'l ListEntry> {
    let named = list.entries.iter().find(|entry| entry.supplier == id);
    let owned = |entry: &&ListEntry| entry.affiliates && owners.iter().any(|link| link.owner == entry.supplier);
    named.or_else(|| list.entries.iter().find(owned))
}

/// What `list` says of an image with these attributions.
pub fn judge(database: &Database, list: &PolicyList, artifacts: &[Artifact], all: &[Attribution], coverage: &Coverage) -> Judgement {
    let (mut matches, mut unsure) = (Vec::new(), BTreeSet::new());
    for hint in all.iter().filter(|one| one.is_hint()) {
        let Some(written) = database.signatures().get(hint.signature) else { continue };
        if entry(list, &written.supplier, &database.owners(&written.supplier)).is_some() {
            unsure.insert(written.supplier.clone());
        }
    }
    for (supplier, roles) in parts(database, all) {
        let Some(entry) = entry(list, supplier, &database.owners(supplier)) else { continue };
        for (role, members) in roles {
            let claims: Vec<_> = members.iter().filter(|(_, one)| one.is_claim()).collect();
            let Some(confidence) = claims.iter().map(|(_, one)| one.confidence).max() else {
                unsure.insert(supplier.to_owned());
                continue;
            };
            let places: BTreeSet<_> = claims.iter().map(|(_, one)| one.artifact).collect();
            matches.push(ListMatch {
                supplier: supplier.to_owned(),
                listed: entry.supplier.clone(),
                role,
                confidence,
                artifacts: places.len(),
                attributions: claims.iter().map(|(index, _)| *index).collect(),
                scope: entry.scope.clone().or_else(|| list.scope.clone()),
            });
        }
    }
    matches.sort_by(|a, b| b.confidence.cmp(&a.confidence).then_with(|| a.supplier.cmp(&b.supplier)));
    let reasons = if matches.is_empty() { doubts(artifacts, coverage, &unsure) } else { Vec::new() };
    let verdict = match (matches.is_empty(), reasons.is_empty()) {
        (false, _) => Verdict::Match,
        (true, true) => Verdict::Clear,
        (true, false) => Verdict::Inconclusive,
    };
    Judgement { list: list.id.clone(), verdict, matches, reasons }
}

/// Attributions with their indexes, by supplier and role: those that a list may speak of.
type Parts<'a> = BTreeMap<&'a str, BTreeMap<Role, Vec<(usize, &'a Attribution)>>>;

fn parts<'a>(database: &'a Database, all: &'a [Attribution]) -> Parts<'a> {
    let mut parts = Parts::new();
    for (index, one) in all.iter().enumerate() {
        let spoken_of = !matches!(one.role, Role::DependsOn | Role::Mentioned | Role::Builder | Role::Distribution);
        let Some(written) = database.signatures().get(one.signature).filter(|_| spoken_of) else { continue };
        parts.entry(written.supplier.as_str()).or_default().entry(one.role).or_default().push((index, one));
    }
    parts
}

/// Why nothing found does not mean nothing there.
fn doubts(artifacts: &[Artifact], coverage: &Coverage, unsure: &BTreeSet<String>) -> Vec<String> {
    let mut reasons = Vec::new();
    let dark = coverage.opaque.saturating_add(coverage.unknown);
    let meant = coverage.total.saturating_sub(coverage.padding);
    if dark.saturating_mul(100) > meant.saturating_mul(MOST_NOT_UNDERSTOOD) {
        reasons.push(format!("{dark} of {meant} bytes are compressed, encrypted or unknown"));
    }
    if coverage.total == 0 {
        reasons.push("there are no bytes to judge".to_owned());
    }
    let lossy = |code: Code| !matches!(code, Code::UnsafeName | Code::Checksum);
    let problems = artifacts.iter().flat_map(|artifact| &artifact.problems).filter(|problem| lossy(problem.code)).count();
    if problems > 0 {
        reasons.push(format!("{problems} problems: not everything could be read"));
    }
    reasons.extend(unsure.iter().map(|supplier| format!("hints at {supplier} stay below confidence {CLAIM}")));
    reasons
}
