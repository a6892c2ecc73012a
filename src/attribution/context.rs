//! What stands around evidence: tables of many makers, stores of trusted certificates.

use std::collections::BTreeSet;

use crate::artifact::Artifact;
use crate::evidence::{Evidence, Layer};
use crate::signature::{Database, Strength};

/// Bytes within which the makers named are counted.
const WINDOW: u64 = 4096;

/// Certificates of authorities in one artifact from which on it is a store of them.
const TRUST_STORE: usize = 8;

/// How crowded with makers each place of an artifact is.
pub(super) struct Tables {
    places: Vec<(u64, usize)>,
}

impl Tables {
    pub(super) fn of(database: &Database, artifact: &Artifact) -> Self {
        // A bare version names nobody, though the rules of many look at it.
        let maker = |one: &Evidence| {
            let written = database.signatures().get(one.signature)?;
            let speaks = written.rules.get(one.rule)?.strength != Strength::Version;
            (speaks && Layer::of(one.fact) == Layer::Literal).then_some((one.span.start, written.supplier.as_str()))
        };
        let mut named: Vec<(u64, &str)> = artifact.evidence.iter().filter_map(maker).collect();
        named.sort_unstable();
        let mut places = Vec::with_capacity(named.len());
        let (mut first, mut past) = (0_usize, 0_usize);
        for (start, _) in &named {
            let (from, to) = (start.saturating_sub(WINDOW / 2), start.saturating_add(WINDOW / 2));
            while named.get(first).is_some_and(|(other, _)| *other < from) {
                first = first.saturating_add(1);
            }
            while named.get(past).is_some_and(|(other, _)| *other <= to) {
                past = past.saturating_add(1);
            }
            let around: BTreeSet<&str> = named.get(first..past).unwrap_or_default().iter().map(|(_, supplier)| *supplier).collect();
            places.push((*start, around.len()));
        }
        places.dedup();
        Self { places }
    }

    /// What evidence at `start` counts: all of it among few makers, a share among several, nothing in a crowd.
    pub(super) fn share(&self, start: u64) -> f64 {
        let place = self.places.binary_search_by_key(&start, |(place, _)| *place).ok().and_then(|index| self.places.get(index));
        match place.map_or(1, |(_, makers)| *makers) {
            0..=4 => 1.0,
            makers @ 5..=8 => 2.0 / f64::from(u32::try_from(makers).unwrap_or(8)),
            _ => 0.0,
        }
    }
}

/// Whether the certificate that `evidence` comes from is an authority: trusted here, not the maker of what it lies beside.
pub(super) fn is_authority(artifact: &Artifact, evidence: &Evidence) -> bool {
    let holds = |span: crate::blob::Span| span.start <= evidence.span.start && evidence.span.end() <= span.end();
    artifact.certificates.iter().any(|one| one.authority && holds(one.span))
}

/// Whether the artifact is a collection of authorities that somebody trusts: it says nothing about who made it.
pub fn is_trust_store(artifact: &Artifact) -> bool {
    artifact.certificates.iter().filter(|one| one.authority).count() >= TRUST_STORE
}
