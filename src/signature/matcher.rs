//! All rules of all signatures, compiled so that a value is read once whatever their number.

use std::collections::{BTreeMap, HashMap};

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, AhoCorasickKind, MatchKind};
use regex::bytes::{Captures, Regex, RegexSet, RegexSetBuilder};

use super::{Pattern, Signature, Strength};

/// A rule that holds for a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// Index of the signature in [`Database::signatures`](super::Database::signatures).
    pub signature: usize,
    /// Index of the rule in it.
    pub rule: usize,
    /// Whether the value is a library that the artifact imports, matched by the rule for that library's own name.
    pub import: bool,
    /// Where in the value it holds: offset and length, bytes.
    pub place: (usize, usize),
    /// The version that the rule captured.
    pub version: Option<String>,
}

#[derive(Debug, Clone, Copy)]
struct Target {
    signature: usize,
    rule: usize,
    import: bool,
}

/// Targets of patterns by pattern number: several rules may look for the same literal.
type Targets = Vec<Vec<Target>>;

#[derive(Default)]
struct KeyMatcher {
    literals: Option<(AhoCorasick, Targets)>,
    folded: Option<(AhoCorasick, Targets)>,
    equals: HashMap<String, Vec<Target>>,
    equals_folded: HashMap<String, Vec<Target>>,
    regexes: Option<(RegexSet, Vec<Target>)>,
}

pub(super) struct Matcher {
    keys: BTreeMap<&'static str, KeyMatcher>,
}

#[derive(Default)]
struct Collected {
    literals: BTreeMap<String, Vec<Target>>,
    folded: BTreeMap<String, Vec<Target>>,
    equals: HashMap<String, Vec<Target>>,
    equals_folded: HashMap<String, Vec<Target>>,
    regexes: Vec<(String, Target)>,
}

impl Matcher {
    pub(super) fn new(signatures: &[Signature]) -> Result<Self, String> {
        let mut collected: BTreeMap<&'static str, Collected> = BTreeMap::new();
        for (signature, written) in signatures.iter().enumerate() {
            for (rule, one) in written.rules.iter().enumerate() {
                let target = Target { signature, rule, import: false };
                collected.entry(one.fact).or_default().add(&one.pattern, target);
                if one.fact == "elf.soname" && one.strength != Strength::Against && written.component.is_some() {
                    collected.entry("elf.needed").or_default().add(&one.pattern, Target { import: true, ..target });
                }
            }
        }
        let compile = |(key, rules): (_, Collected)| Ok((key, rules.compile()?));
        Ok(Self { keys: collected.into_iter().map(compile).collect::<Result<_, String>>()? })
    }

    /// Every rule that holds for `value`, each once.
    pub(super) fn hits(&self, signatures: &[Signature], key: &str, value: &[u8], found: &mut dyn FnMut(Hit)) {
        // What is said in a certain encoding is a string like any other.
        let group = key.split_once('.').map(|(group, _)| group).filter(|group| *group == "string");
        for matcher in [Some(key), group].into_iter().flatten().filter_map(|key| self.keys.get(key)) {
            matcher.hits(signatures, value, found);
        }
    }
}

impl KeyMatcher {
    fn hits(&self, signatures: &[Signature], value: &[u8], found: &mut dyn FnMut(Hit)) {
        for (automaton, targets) in [&self.literals, &self.folded].into_iter().flatten() {
            literal_hits(signatures, automaton, targets, value, found);
        }
        if !self.equals.is_empty() || !self.equals_folded.is_empty() {
            let text = String::from_utf8_lossy(value);
            let same = self.equals.get(text.as_ref()).into_iter();
            let folded = self.equals_folded.get(&text.to_ascii_lowercase()).into_iter();
            for target in same.chain(folded).flatten() {
                found(target.hit((0, value.len()), None));
            }
        }
        if let Some((set, targets)) = &self.regexes {
            for target in set.matches(value).into_iter().filter_map(|index| targets.get(index)) {
                let Some(regex) = target.regex(signatures) else { continue };
                if let Some(captures) = regex.captures(value) {
                    found(target.hit(place(&captures), version(&captures)));
                }
            }
        }
    }
}

/// The first place of every literal that occurs; most values hold none, so nothing is allocated before one does.
fn literal_hits(signatures: &[Signature], automaton: &AhoCorasick, targets: &Targets, value: &[u8], found: &mut dyn FnMut(Hit)) {
    let mut seen: Vec<usize> = Vec::new();
    for hit in automaton.find_overlapping_iter(value) {
        let pattern = hit.pattern().as_usize();
        if seen.contains(&pattern) {
            continue;
        }
        seen.push(pattern);
        for target in targets.get(pattern).into_iter().flatten() {
            match target.regex(signatures) {
                None => found(target.hit((hit.start(), hit.len()), None)),
                Some(regex) => {
                    if let Some(captures) = regex.captures(value) {
                        found(target.hit(place(&captures), version(&captures)));
                    }
                }
            }
        }
    }
}

impl Collected {
    fn add(&mut self, pattern: &Pattern, target: Target) {
        match pattern {
            Pattern::Literal { text, ignore_case: false, .. } => self.literals.entry(text.clone()).or_default().push(target),
            Pattern::Literal { text, .. } => self.folded.entry(text.to_ascii_lowercase()).or_default().push(target),
            Pattern::Equals { text, ignore_case: false } => self.equals.entry(text.clone()).or_default().push(target),
            Pattern::Equals { text, .. } => self.equals_folded.entry(text.to_ascii_lowercase()).or_default().push(target),
            Pattern::Regex(regex) => self.regexes.push((regex.as_str().to_owned(), target)),
        }
    }

    fn compile(self) -> Result<KeyMatcher, String> {
        let regexes = if self.regexes.is_empty() {
            None
        } else {
            let (texts, targets): (Vec<_>, Vec<_>) = self.regexes.into_iter().unzip();
            let set = RegexSetBuilder::new(texts).unicode(false).size_limit(256 << 20).dfa_size_limit(16 << 20).build();
            Some((set.map_err(|error| error.to_string())?, targets))
        };
        let (equals, equals_folded) = (self.equals, self.equals_folded);
        Ok(KeyMatcher { literals: automaton(self.literals, false)?, folded: automaton(self.folded, true)?, equals, equals_folded, regexes })
    }
}

fn automaton(literals: BTreeMap<String, Vec<Target>>, fold: bool) -> Result<Option<(AhoCorasick, Targets)>, String> {
    if literals.is_empty() {
        return Ok(None);
    }
    let (texts, targets): (Vec<_>, Vec<_>) = literals.into_iter().unzip();
    let automaton = AhoCorasickBuilder::new()
        .match_kind(MatchKind::Standard)
        .ascii_case_insensitive(fold)
        // A DFA of some thousand literals falls out of the cache; the compact automaton was faster on strings.
        .kind(Some(AhoCorasickKind::ContiguousNFA))
        .build(texts)
        .map_err(|error| error.to_string())?;
    Ok(Some((automaton, targets)))
}

impl Target {
    fn regex<'s>(&self, signatures: &'s [Signature]) -> Option<&'s Regex> {
        match &signatures.get(self.signature)?.rules.get(self.rule)?.pattern {
            Pattern::Literal { regex, .. } => regex.as_ref(),
            Pattern::Regex(regex) => Some(regex),
            Pattern::Equals { .. } => None,
        }
    }

    fn hit(&self, place: (usize, usize), version: Option<String>) -> Hit {
        Hit { signature: self.signature, rule: self.rule, import: self.import, place, version }
    }
}

fn place(captures: &Captures<'_>) -> (usize, usize) {
    captures.get(0).map_or((0, 0), |whole| (whole.start(), whole.len()))
}

/// The group `version`, or `major.minor.patch` without leading zeros.
fn version(captures: &Captures<'_>) -> Option<String> {
    let group = |name| captures.name(name).map(|group| String::from_utf8_lossy(group.as_bytes()).into_owned());
    if let Some(version) = group("version") {
        return Some(version);
    }
    let number = |name| {
        group(name).map(|digits| match digits.trim_start_matches('0') {
            "" => "0".to_owned(),
            rest => rest.to_owned(),
        })
    };
    let parts: Vec<String> = ["major", "minor", "patch"].into_iter().filter_map(number).collect();
    (!parts.is_empty()).then(|| parts.join("."))
}
