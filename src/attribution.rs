//! From evidence to claims: who made an artifact, in which role, how surely. How confidence is computed stands here and nowhere else.
//!
//! Each hypothesis, one signature in one role about one artifact, starts at [`PRIOR_BITS`]. Every rule that holds adds bits, a log-likelihood
//! ratio to base two ([`bits`]), once however often it holds. Rules that hold at overlapping bytes are one witness. Bits of one [`Layer`] count
//! up to its cap; the second layer counts at 80 %, further ones at 60 %, because one build leaves marks in all of them. Evidence that stands
//! where many suppliers are named within 4 KiB is a table, and is divided or dropped. Confidence is the posterior in percent, from 1 to 99.
//!
//! A claim needs a conclusive rule, or two witnesses of which one is more than supporting. All else is `mentioned`.

use std::collections::{BTreeMap, BTreeSet};

use crate::artifact::{Artifact, ArtifactId};
use crate::evidence::{Evidence, Layer};
use crate::signature::{Database, Role, Signature, Strength};

mod context;
pub use context::is_trust_store;
mod version;

/// Log-odds, in bits, that any given artifact holds any given component: one in 64.
pub const PRIOR_BITS: f64 = -6.0;

/// The most that is said of what is only named.
pub const MENTION_CAP: u8 = 40;

/// Claims from here on count: in the lists of suppliers and components, and in verdicts.
pub const CLAIM: u8 = 50;

/// Bits that a rule of this strength adds.
pub const fn bits(strength: Strength) -> f64 {
    match strength {
        Strength::Conclusive => 14.0,
        Strength::Internal => 8.0,
        Strength::Banner => 6.0,
        Strength::Supporting => 3.0,
        Strength::Version => 0.0,
        Strength::Against => -8.0,
    }
}

/// The most that one layer adds.
const fn cap(layer: Layer) -> f64 {
    match layer {
        Layer::Hash => 20.0,
        Layer::Certificate | Layer::Format | Layer::Metadata | Layer::Literal => 14.0,
        Layer::Name => 4.0,
    }
}

/// What second, third and further layers count.
const SHRINK: [f64; 3] = [1.0, 0.8, 0.6];

/// Somebody's part in an artifact.
#[derive(Debug, Clone, PartialEq)]
pub struct Attribution {
    /// The artifact.
    pub artifact: ArtifactId,
    /// Index of the signature that speaks.
    pub signature: usize,
    /// The part.
    pub role: Role,
    /// The version, if one can be told.
    pub version: Option<String>,
    /// Log-likelihood ratio of the evidence, bits.
    pub bits: f64,
    /// Percent, 1 to 99.
    pub confidence: u8,
    /// Indexes of its evidence in the artifact. Never empty.
    pub evidence: Vec<usize>,
}

impl Attribution {
    /// Whether it says that code of the supplier is in the artifact, surely enough to count.
    pub fn is_claim(&self) -> bool {
        self.confidence >= CLAIM && !matches!(self.role, Role::DependsOn | Role::Mentioned)
    }

    /// Whether code seems to say so, not a text or a table, though not surely enough to count.
    pub fn is_hint(&self) -> bool {
        self.role == Role::Mentioned && self.bits >= bits(Strength::Banner)
    }
}

/// All attributions of one artifact, by signature and role.
pub fn attribute(database: &Database, artifact: &Artifact) -> Vec<Attribution> {
    let mut groups: BTreeMap<(usize, Role), Vec<usize>> = BTreeMap::new();
    for (index, evidence) in artifact.evidence.iter().enumerate() {
        let Some(role) = role(database, evidence) else { continue };
        groups.entry((evidence.signature, role)).or_default().push(index);
    }
    let tables = context::Tables::of(database, artifact);
    let trust_store = context::is_trust_store(artifact);
    let mut all = Vec::new();
    for ((signature, role), members) in &groups {
        let Some(written) = database.signatures().get(*signature) else { continue };
        let imported = *role != Role::DependsOn && groups.contains_key(&(*signature, Role::DependsOn));
        let hypothesis = Hypothesis { written, artifact, tables: &tables, trust_store, imported };
        all.extend(hypothesis.judge(*signature, *role, members));
    }
    without_echoes(all)
}

/// A part that is claimed is not mentioned as well.
fn without_echoes(all: Vec<Attribution>) -> Vec<Attribution> {
    let strong = |one: &&Attribution| one.role != Role::Mentioned;
    let claimed: BTreeSet<usize> = all.iter().filter(strong).map(|one| one.signature).collect();
    all.into_iter().filter(|one| one.role != Role::Mentioned || !claimed.contains(&one.signature)).collect()
}

fn role(database: &Database, evidence: &Evidence) -> Option<Role> {
    let rule = database.signatures().get(evidence.signature)?.rules.get(evidence.rule)?;
    Some(if evidence.import { Role::DependsOn } else { rule.role })
}

struct Hypothesis<'h> {
    written: &'h Signature,
    artifact: &'h Artifact,
    tables: &'h context::Tables,
    trust_store: bool,
    imported: bool,
}

/// A rule that holds, at bytes that no stronger one took.
struct Witness {
    strength: Strength,
    layer: Layer,
    weight: f64,
    fact: &'static str,
}

impl Hypothesis<'_> {
    fn judge(&self, signature: usize, role: Role, members: &[usize]) -> Option<Attribution> {
        let witnesses = self.witnesses(members);
        if role != Role::DependsOn && !members.iter().any(|index| self.names_somebody(*index)) {
            return None;
        }
        let version = version::of(self.written, self.artifact, members);
        let bits = total(&witnesses);
        let confidence = percent(PRIOR_BITS + bits);
        let attribution = |role, confidence| Attribution {
            artifact: self.artifact.id,
            signature,
            role,
            version: version.clone(),
            bits,
            confidence,
            evidence: members.iter().copied().filter(|index| self.is_relevant(*index, version.as_deref())).collect(),
        };
        if role == Role::DependsOn {
            // DT_NEEDED is an instruction to the loader: there is nothing to weigh.
            return Some(Attribution { version: None, ..attribution(role, 99) });
        }
        let strong = witnesses.iter().filter(|one| one.strength < Strength::Supporting).count();
        let conclusive = witnesses.iter().any(|one| one.strength == Strength::Conclusive);
        let counted = witnesses.iter().filter(|one| one.weight > 0.0).count();
        let enough = conclusive || (strong > 0 && counted > 1);
        if enough && !(self.imported && self.could_be_a_copy(&witnesses)) {
            return Some(attribution(role, confidence));
        }
        Some(attribution(Role::Mentioned, confidence.min(MENTION_CAP)))
    }

    /// Who imports a library may hold its messages and names too: only code that is there by itself counts.
    fn could_be_a_copy(&self, witnesses: &[Witness]) -> bool {
        let internal = witnesses.iter().filter(|one| one.strength <= Strength::Internal);
        let (symbols, texts): (Vec<_>, Vec<_>) = internal.partition(|one| one.fact == "elf.symbol");
        symbols.is_empty() && texts.len() < 2
    }

    /// Bare versions and symbols that many have name nobody.
    fn names_somebody(&self, index: usize) -> bool {
        let symbol = self.artifact.evidence.get(index).is_some_and(|evidence| evidence.fact.starts_with("elf."));
        self.strength(index).is_some_and(|strength| strength < Strength::Supporting || (strength == Strength::Supporting && !symbol))
    }

    /// Of bare versions, only those that say the version that was settled on.
    fn is_relevant(&self, index: usize, version: Option<&str>) -> bool {
        let says = |evidence: &Evidence| evidence.version.as_deref() == version;
        self.strength(index) != Some(Strength::Version) || self.artifact.evidence.get(index).is_some_and(says)
    }

    fn strength(&self, index: usize) -> Option<Strength> {
        let evidence = self.artifact.evidence.get(index)?;
        self.written.rules.get(evidence.rule).map(|rule| rule.strength)
    }

    /// One witness for each rule that holds in context, at bytes of its own.
    fn witnesses(&self, members: &[usize]) -> Vec<Witness> {
        let mut candidates: Vec<(Strength, usize)> = members.iter().filter_map(|index| Some((self.strength(*index)?, *index))).collect();
        candidates.sort_unstable();
        let (mut rules, mut taken, mut witnesses) = (BTreeSet::new(), Vec::new(), Vec::new());
        for (strength, index) in candidates {
            let Some(evidence) = self.artifact.evidence.get(index) else { continue };
            let overlaps = |other: &crate::blob::Span| evidence.span.start < other.end() && other.start < evidence.span.end();
            // Facts about the artifact as a whole span all of it and overlap with nothing.
            let whole = evidence.span.length == self.artifact.size;
            let silent = !evidence.in_context || strength == Strength::Version;
            if silent || rules.contains(&evidence.rule) || (!whole && taken.iter().any(overlaps)) {
                continue;
            }
            rules.insert(evidence.rule);
            taken.extend((!whole).then_some(evidence.span));
            witnesses.push(self.witness(strength, evidence));
        }
        witnesses
    }

    fn witness(&self, strength: Strength, evidence: &Evidence) -> Witness {
        let layer = Layer::of(evidence.fact);
        let share = match layer {
            Layer::Literal => self.tables.share(evidence.span.start),
            Layer::Certificate if self.trust_store || context::is_authority(self.artifact, evidence) => 0.0,
            _ => 1.0,
        };
        // In a table of everybody's marks nothing is conclusive; and a certificate that lies in an image says whom it is for, or whom somebody
        // trusts, not who wrote the image: as long as no signature was verified with it, it only supports.
        let weak = share < 1.0 || layer == Layer::Certificate;
        let strength = if weak && strength < Strength::Supporting { Strength::Supporting } else { strength };
        let weight = bits(strength) * if strength == Strength::Against { 1.0 } else { share };
        Witness { strength, layer, weight, fact: evidence.fact }
    }
}

/// Bits of all witnesses: capped in each layer, shrunk from layer to layer, what speaks against in full.
fn total(witnesses: &[Witness]) -> f64 {
    let mut layers: BTreeMap<Layer, f64> = BTreeMap::new();
    for witness in witnesses.iter().filter(|one| one.weight > 0.0) {
        let sum = layers.entry(witness.layer).or_default();
        *sum = (*sum + witness.weight).min(cap(witness.layer));
    }
    let mut sums: Vec<f64> = layers.into_values().collect();
    sums.sort_by(|a, b| b.total_cmp(a));
    let shrink = SHRINK.iter().chain(std::iter::repeat(&0.6));
    let supporting: f64 = sums.iter().zip(shrink).map(|(sum, share)| sum * share).sum();
    supporting + witnesses.iter().map(|one| one.weight.min(0.0)).sum::<f64>()
}

/// The posterior of these log-odds in percent, rounded down, from 1 to 99.
pub fn percent(log_odds: f64) -> u8 {
    let share = 100.0 / (1.0 + (-log_odds).exp2());
    (1..=99_u8).rev().find(|value| f64::from(*value) <= share).unwrap_or(1)
}

#[cfg(test)]
mod tests;
