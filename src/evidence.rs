//! Facts against signatures: what speaks for whom, and where it stands.

use std::collections::BTreeMap;

use crate::blob::{Blob, Span, to_u64, to_usize};
use crate::fact::{Context, Fact};
use crate::signature::{Database, Hit};

/// This rule, this fact, here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// Index of the signature in the database.
    pub signature: usize,
    /// Index of the rule in the signature.
    pub rule: usize,
    /// Whether it says that the artifact imports this, not that it is this.
    pub import: bool,
    /// Key of the fact.
    pub fact: &'static str,
    /// The bytes of the artifact that say so.
    pub span: Span,
    /// What they say.
    pub excerpt: Vec<u8>,
    /// Whether `excerpt` is what stands at `span`, byte for byte; otherwise it was decoded from there.
    pub verbatim: bool,
    /// The version that it names.
    pub version: Option<String>,
    /// Whether the rule may speak for code in this kind of content.
    pub in_context: bool,
    /// Further places of the artifact that say the same.
    pub repeats: u64,
}

/// Where evidence comes from. Evidence of one layer hangs together, so it counts up to a cap only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// The exact bytes are known.
    Hash,
    /// Certificates and keys.
    Certificate,
    /// Containers and headers.
    Format,
    /// Fields that tools write: module information, dynamic section, symbols, device trees.
    Metadata,
    /// Text inside.
    Literal,
    /// The name under which it was found.
    Name,
}

impl Layer {
    /// The layer of facts with this key.
    pub fn of(key: &str) -> Self {
        match key.split('.').next().unwrap_or_default() {
            "hash" => Self::Hash,
            "certificate" | "key" => Self::Certificate,
            "format" | "header" | "uimage" | "fit" | "android" | "hwnp" => Self::Format,
            "string" | "version" | "kernel" | "u-boot" => Self::Literal,
            "name" => Self::Name,
            _ => Self::Metadata,
        }
    }

    /// The name in the report.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hash => "hash",
            Self::Certificate => "certificate",
            Self::Format => "format",
            Self::Metadata => "metadata",
            Self::Literal => "literal",
            Self::Name => "name",
        }
    }
}

/// Places of one rule that are kept apart; further ones are counted.
const PLACES: usize = 4;

/// Bytes shown before and after what a rule matched, and in all.
const MARGIN: (usize, usize, usize) = (24, 48, 240);

/// Collects the evidence of one artifact while its facts stream by.
pub struct Collector<'d> {
    database: &'d Database,
    context: Context,
    evidence: Vec<Evidence>,
    places: BTreeMap<(usize, usize, bool), Vec<usize>>,
}

impl<'d> Collector<'d> {
    /// An empty collection for an artifact whose content is of kind `context`.
    pub fn new(database: &'d Database, context: Context) -> Self {
        Self { database, context, evidence: Vec::new(), places: BTreeMap::new() }
    }

    /// Matches one fact of `blob`.
    pub fn add(&mut self, blob: &Blob, fact: &Fact<'_>) {
        self.database.hits(fact.key, fact.value, &mut |hit| {
            let known = self.places.entry((hit.signature, hit.rule, hit.import)).or_default();
            let same = |index: &usize| self.evidence.get(*index).is_some_and(|one| one.version == hit.version);
            if known.len() >= PLACES
                && let Some(first) = known.iter().find(|index| same(index)).or(known.first())
                && let Some(first) = self.evidence.get_mut(*first)
            {
                first.repeats = first.repeats.saturating_add(1);
                return;
            }
            known.push(self.evidence.len());
            self.evidence.push(evidence(self.database, self.context, blob, fact, hit));
        });
    }

    /// All evidence, in the order in which it was met.
    pub fn finish(self) -> Vec<Evidence> {
        self.evidence
    }
}

fn evidence(database: &Database, context: Context, blob: &Blob, fact: &Fact<'_>, hit: Hit) -> Evidence {
    let rule = database.signatures().get(hit.signature).and_then(|signature| signature.rules.get(hit.rule));
    // What stands in text may be about anybody; fields, certificates and headers are about the thing itself.
    let spoken = Layer::of(fact.key) == Layer::Literal;
    let in_context = !spoken || rule.is_some_and(|rule| rule.contexts.contains(&context));
    let verbatim = blob.bytes().part(fact.span).is_ok_and(|bytes| bytes.0 == fact.value);
    let (span, excerpt) = if verbatim { window(fact, hit.place) } else { (fact.span, shortened(fact.value)) };
    let Hit { signature, rule, import, version, .. } = hit;
    Evidence { signature, rule, import, fact: fact.key, span, excerpt, verbatim, version, in_context, repeats: 0 }
}

/// The part of the value around what matched.
fn window(fact: &Fact<'_>, (start, length): (usize, usize)) -> (Span, Vec<u8>) {
    let from = start.saturating_sub(MARGIN.0);
    let to = start.saturating_add(length).saturating_add(MARGIN.1).min(from.saturating_add(MARGIN.2)).min(fact.value.len());
    let excerpt = fact.value.get(from..to).unwrap_or_default();
    (Span::new(fact.span.start.saturating_add(to_u64(from)), to_u64(excerpt.len())), excerpt.to_vec())
}

fn shortened(value: &[u8]) -> Vec<u8> {
    value.get(..to_usize(to_u64(MARGIN.2))).unwrap_or(value).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database() -> Database {
        let component = "id = 'thing'\nname = 'Thing'\nsupplier = 'acme'\nsource = 'a test'
            [[match]]\nfact = 'name'\nregex = 'thing-(?<version>[0-9.]+)'\nstrength = 'banner'
            [[match]]\nfact = 'kernel.banner'\nliteral = 'Thing speaks'\nstrength = 'banner'";
        Database::of(&[("components/thing.toml".to_owned(), component.to_owned())]).unwrap()
    }

    #[test]
    fn evidence_points_at_its_bytes_and_repeats_are_counted() {
        let database = database();
        if !crate::fact::keys().any(|key| key.name == "kernel.banner") {
            return;
        }
        let text = [b"Thing speaks here. ".as_slice(); 20].concat();
        let blob = Blob::new(text.clone());
        let mut collector = Collector::new(&database, Context::Raw);
        for start in (0..text.len()).step_by(19) {
            let value = &text[start..start + 18];
            collector.add(&blob, &Fact { key: "kernel.banner", value, span: Span::new(to_u64(start), 18) });
        }
        let evidence = collector.finish();
        assert_eq!(evidence.len(), PLACES);
        assert_eq!(evidence[0].repeats, 16);
        for one in &evidence {
            assert!(one.verbatim && one.in_context);
            assert_eq!(blob.bytes().part(one.span).unwrap().0, one.excerpt);
        }
    }

    #[test]
    fn layers_follow_from_keys() {
        assert_eq!(Layer::of("elf.soname"), Layer::Metadata);
        assert_eq!(Layer::of("string"), Layer::Literal);
        assert_eq!(Layer::of("certificate.organization"), Layer::Certificate);
    }
}
