//! The TOML of one file, key by key, and its translation into what the engine uses.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::{Component, Expectation, Owner, Pattern, Role, Rule, Signature, Strength, Supplier, Test};
use crate::fact::{self, Context};

/// Where a supplier's own rules speak for code unless they say otherwise.
const CODE: [Context; 4] = [Context::Program, Context::KernelModule, Context::Kernel, Context::Raw];

/// Where a component's do: kernels share tables and messages with the tools that talk to them, and are not made of those.
const PROGRAMS: [Context; 2] = [Context::Program, Context::Raw];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ComponentFile {
    pub(super) id: String,
    name: String,
    supplier: String,
    purl: Option<String>,
    cpe: Option<String>,
    license: Option<String>,
    #[serde(default)]
    references: Vec<String>,
    source: String,
    #[serde(default, rename = "match")]
    matches: Vec<Spanned<MatchTable>>,
    #[serde(default, rename = "test")]
    tests: Vec<Spanned<TestTable>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SupplierFile {
    pub(super) id: String,
    name: String,
    country: Option<String>,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(default)]
    kinds: Vec<String>,
    #[serde(default)]
    references: Vec<String>,
    source: String,
    #[serde(default, rename = "owner")]
    owners: Vec<Owner>,
    #[serde(default, rename = "match")]
    matches: Vec<Spanned<MatchTable>>,
    #[serde(default, rename = "test")]
    tests: Vec<Spanned<TestTable>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MatchTable {
    fact: String,
    literal: Option<String>,
    regex: Option<String>,
    equals: Option<String>,
    #[serde(default)]
    ignore_case: bool,
    strength: Strength,
    role: Option<Role>,
    #[serde(default, rename = "in")]
    contexts: Vec<String>,
    note: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TestTable {
    #[serde(rename = "in")]
    context: String,
    facts: BTreeMap<String, Vec<String>>,
    expect: ExpectTable,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ExpectTable {
    Word(String),
    Claim(ClaimTable),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClaimTable {
    role: Role,
    version: Option<String>,
}

/// A mistake in a file: line and what is wrong.
pub(super) type Wrong = (usize, String);

impl ComponentFile {
    pub(super) fn translate(self, file: &str, text: &str) -> Result<Signature, Wrong> {
        let (rules, tests) = (rules(self.matches, text, &PROGRAMS)?, tests(self.tests, text)?);
        let component = Component { id: self.id.clone(), name: self.name, purl: self.purl, cpe: self.cpe, license: self.license };
        let Self { id, supplier, source, references, .. } = self;
        Ok(Signature { id, supplier, component: Some(component), rules, tests, source, references, file: file.to_owned() })
    }
}

impl SupplierFile {
    pub(super) fn translate(self, file: &str, text: &str) -> Result<(Supplier, Option<Signature>), Wrong> {
        let (rules, tests) = (rules(self.matches, text, &CODE)?, tests(self.tests, text)?);
        let Self { id, name, country, aliases, kinds, owners, references, source, .. } = self;
        let signature = (!rules.is_empty()).then(|| Signature {
            id: id.clone(),
            supplier: id.clone(),
            component: None,
            rules,
            tests,
            source: source.clone(),
            references: references.clone(),
            file: file.to_owned(),
        });
        Ok((Supplier { id, name, country, aliases, kinds, owners, references, source, file: file.to_owned() }, signature))
    }
}

/// Line, from 1, of the byte at `offset`.
pub(super) fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count().saturating_add(1)
}

fn rules(tables: Vec<Spanned<MatchTable>>, text: &str, contexts: &[Context]) -> Result<Vec<Rule>, Wrong> {
    let rule = |table: Spanned<MatchTable>| {
        let line = line_of(text, table.span().start);
        table.into_inner().translate(line, contexts).map_err(|why| (line, why))
    };
    tables.into_iter().map(rule).collect()
}

fn tests(tables: Vec<Spanned<TestTable>>, text: &str) -> Result<Vec<Test>, Wrong> {
    let test = |table: Spanned<TestTable>| {
        let line = line_of(text, table.span().start);
        table.into_inner().translate(line).map_err(|why| (line, why))
    };
    tables.into_iter().map(test).collect()
}

fn key(name: &str) -> Result<&'static str, String> {
    fact::keys().map(|key| key.name).find(|key| *key == name).ok_or_else(|| format!("there is no fact named {name:?}"))
}

fn context(name: &str) -> Result<Context, String> {
    Context::by_name(name).ok_or_else(|| format!("there is no context named {name:?}"))
}

impl MatchTable {
    fn translate(self, line: usize, usual: &[Context]) -> Result<Rule, String> {
        let fact = key(&self.fact)?;
        let compile = |regex: String| regex::bytes::RegexBuilder::new(&regex).unicode(false).build().map_err(|error| error.to_string());
        let regex = self.regex.map(compile).transpose()?;
        let pattern = match (self.literal, regex, self.equals) {
            (Some(text), regex, None) => Pattern::Literal { text, regex, ignore_case: self.ignore_case },
            (None, Some(regex), None) if fact != "string" => Pattern::Regex(regex),
            (None, None, Some(text)) => Pattern::Equals { text, ignore_case: self.ignore_case },
            (None, Some(_), None) => return Err("a regex on strings needs a literal that is part of it".to_owned()),
            _ => return Err("one of literal, regex and equals is wanted".to_owned()),
        };
        if let (Pattern::Literal { text, .. }, "string") = (&pattern, fact)
            && text.len() < 6
        {
            return Err(format!("the literal {text:?} is shorter than 6 bytes"));
        }
        let contexts = match self.contexts.as_slice() {
            [] => usual.to_vec(),
            names => names.iter().map(|name| context(name)).collect::<Result<_, _>>()?,
        };
        let role = self.role.unwrap_or(Role::Author);
        if matches!(role, Role::DependsOn | Role::Mentioned) {
            return Err(format!("the role {:?} is concluded, not written", role.name()));
        }
        Ok(Rule { fact, pattern, strength: self.strength, role, contexts, note: self.note, line })
    }
}

impl TestTable {
    fn translate(self, line: usize) -> Result<Test, String> {
        let facts = self.facts.into_iter().map(|(name, values)| Ok((key(&name)?, values))).collect::<Result<_, String>>()?;
        let expect = match self.expect {
            ExpectTable::Claim(claim) => Expectation::Claim { role: claim.role, version: claim.version },
            ExpectTable::Word(word) if word == "nothing" => Expectation::Nothing,
            ExpectTable::Word(word) if word == "mentioned" => Expectation::Mentioned,
            ExpectTable::Word(word) => return Err(format!("expect is \"nothing\", \"mentioned\" or a table, not {word:?}")),
        };
        Ok(Test { context: context(&self.context)?, facts, expect, line })
    }
}
