//! Which version: what a rule captured that says who it is, else the nearest bare version.

use std::collections::BTreeMap;

use crate::artifact::Artifact;
use crate::evidence::Evidence;
use crate::signature::{Signature, Strength};

/// The version that the evidence `members` of `artifact` tells.
pub(super) fn of(written: &Signature, artifact: &Artifact, members: &[usize]) -> Option<String> {
    let evidence = || members.iter().filter_map(|index| artifact.evidence.get(*index));
    let strength = |one: &Evidence| written.rules.get(one.rule).map(|rule| rule.strength);
    let (bare, spoken): (Vec<_>, Vec<_>) =
        evidence().filter(|one| strength(one) != Some(Strength::Against)).partition(|one| strength(one) == Some(Strength::Version));
    most_said(&spoken).or_else(|| nearest(&bare, &spoken))
}

/// The version that most places say; among equals the one that stands first.
fn most_said(spoken: &[&Evidence]) -> Option<String> {
    let mut said: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for one in spoken.iter().filter(|one| one.in_context || spoken.iter().all(|other| !other.in_context)) {
        let Some(version) = &one.version else { continue };
        let (count, first) = said.entry(version).or_insert((0, u64::MAX));
        *count = count.saturating_add(one.repeats).saturating_add(1);
        *first = one.span.start.min(*first);
    }
    let best = said.into_iter().max_by_key(|(_, (count, first))| (*count, std::cmp::Reverse(*first)));
    best.map(|(version, _)| version.to_owned())
}

/// Of bare versions, the one that stands nearest to what says who it is.
fn nearest(bare: &[&Evidence], spoken: &[&Evidence]) -> Option<String> {
    let distance = |one: &&&Evidence| spoken.iter().map(|other| other.span.start.abs_diff(one.span.start)).min().unwrap_or(u64::MAX);
    bare.iter().filter(|one| one.version.is_some()).min_by_key(distance).and_then(|one| one.version.clone())
}
