//! Signatures as they are written: TOML in, checked, with the place of every mistake.
//!
//! The format is described in `docs/signatures.md`.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::fact::Context;

mod checks;
mod database;
mod embedded;
mod known_keys;
mod matcher;
mod ownership;
mod written;

pub use checks::{Advice, lint};
pub use database::{Database, Mistake, Mistakes, Source};
pub use known_keys::{KeyKind, KeyTable, KnownKey};
pub use matcher::Hit;
pub use ownership::Link;

/// Who a claim says it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Wrote the code.
    Author,
    /// Its SDK or chip.
    Silicon,
    /// Built the product.
    Integrator,
    /// Toolchain or build system.
    Builder,
    /// Signed it.
    Signer,
    /// Re-shipped it.
    Distribution,
    /// Is imported by it.
    DependsOn,
    /// Is named in it, nothing more.
    Mentioned,
}

impl Role {
    /// All of them, the strongest first.
    pub const ALL: [Self; 8] =
        [Self::Author, Self::Silicon, Self::Integrator, Self::Builder, Self::Signer, Self::Distribution, Self::DependsOn, Self::Mentioned];

    /// The name in signatures and in the report.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Author => "author",
            Self::Silicon => "silicon",
            Self::Integrator => "integrator",
            Self::Builder => "builder",
            Self::Signer => "signer",
            Self::Distribution => "distribution",
            Self::DependsOn => "depends-on",
            Self::Mentioned => "mentioned",
        }
    }
}

/// How much a match says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strength {
    /// Nobody else's code can say this.
    Conclusive,
    /// Only this code has it.
    Internal,
    /// Others copy or print it.
    Banner,
    /// True of this code and of little else.
    Supporting,
    /// Gives the version, nothing more.
    Version,
    /// Speaks against.
    Against,
}

impl Strength {
    /// The name in signatures.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Conclusive => "conclusive",
            Self::Internal => "internal",
            Self::Banner => "banner",
            Self::Supporting => "supporting",
            Self::Version => "version",
            Self::Against => "against",
        }
    }
}

/// What a match looks for in a fact's value.
#[derive(Debug, Clone)]
pub enum Pattern {
    /// These bytes, anywhere in the value.
    Literal {
        /// The bytes.
        text: String,
        /// Must hold as well, if given.
        regex: Option<regex::bytes::Regex>,
        /// Whether upper and lower case are the same.
        ignore_case: bool,
    },
    /// This expression.
    Regex(regex::bytes::Regex),
    /// This value.
    Equals {
        /// The value.
        text: String,
        /// Whether upper and lower case are the same.
        ignore_case: bool,
    },
}

/// One `[[match]]`.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Key of the facts it looks at.
    pub fact: &'static str,
    /// What it looks for.
    pub pattern: Pattern,
    /// How much it says.
    pub strength: Strength,
    /// Who it says it was.
    pub role: Role,
    /// Where it may speak for code.
    pub contexts: Vec<Context>,
    /// Why, for the reader.
    pub note: Option<String>,
    /// Line in its file.
    pub line: usize,
}

/// What a `[[test]]` expects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expectation {
    /// No evidence at all.
    Nothing,
    /// Evidence that makes no claim.
    Mentioned,
    /// A claim.
    Claim {
        /// In this role.
        role: Role,
        /// With this version, if given.
        version: Option<String>,
    },
}

/// One `[[test]]`.
#[derive(Debug, Clone)]
pub struct Test {
    /// Kind of content that the facts come from.
    pub context: Context,
    /// Facts, by key.
    pub facts: BTreeMap<&'static str, Vec<String>>,
    /// What must come of them.
    pub expect: Expectation,
    /// Line in its file.
    pub line: usize,
}

/// The software that a component signature speaks of.
#[derive(Debug, Clone)]
pub struct Component {
    /// Its id.
    pub id: String,
    /// Its name as people write it.
    pub name: String,
    /// Package URL without version.
    pub purl: Option<String>,
    /// `vendor:product` of its CPE.
    pub cpe: Option<String>,
    /// SPDX licence expression.
    pub license: Option<String>,
}

/// All that one file says of code: its rules and their tests.
#[derive(Debug, Clone)]
pub struct Signature {
    /// Id of the file: of the component, or of the supplier.
    pub id: String,
    /// Whose code it is.
    pub supplier: String,
    /// Which software, unless it speaks of all that the supplier makes.
    pub component: Option<Component>,
    /// Its rules.
    pub rules: Vec<Rule>,
    /// Their tests.
    pub tests: Vec<Test>,
    /// Where the facts were seen.
    pub source: String,
    /// Pages about it.
    pub references: Vec<String>,
    /// Path of the file under its root.
    pub file: String,
}

impl Signature {
    /// The id as the report shows it: `component:dropbear`, `supplier:hisilicon`.
    pub fn label(&self) -> String {
        let kind = if self.component.is_some() { "component" } else { "supplier" };
        format!("{kind}:{}", self.id)
    }
}

/// A period in which somebody owned a supplier.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Owner {
    /// The owner's supplier id.
    pub id: String,
    /// How.
    pub relation: Relation,
    /// First day, as precisely as known.
    pub since: Option<String>,
    /// Last day; absent while it lasts.
    pub until: Option<String>,
}

/// How a supplier belongs to its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Relation {
    /// A company that it owns.
    Subsidiary,
    /// A name under which it sells.
    Brand,
    /// Related in some other way.
    Affiliate,
}

impl Relation {
    /// The name in signatures and in the report.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Subsidiary => "subsidiary",
            Self::Brand => "brand",
            Self::Affiliate => "affiliate",
        }
    }
}

/// Somebody who makes code.
#[derive(Debug, Clone)]
pub struct Supplier {
    /// Its id.
    pub id: String,
    /// Its name as people write it.
    pub name: String,
    /// ISO 3166 alpha-2, unless it is of no country.
    pub country: Option<String>,
    /// Other names.
    pub aliases: Vec<String>,
    /// What it makes.
    pub kinds: Vec<String>,
    /// Who owned it, and when.
    pub owners: Vec<Owner>,
    /// Pages about it.
    pub references: Vec<String>,
    /// Where the facts come from.
    pub source: String,
    /// Path of the file under its root.
    pub file: String,
}

/// An entry of a policy list.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListEntry {
    /// Whom it names.
    pub supplier: String,
    /// Whether those whom the supplier owns are meant too.
    #[serde(default)]
    pub affiliates: bool,
    /// Since when.
    pub included: Option<String>,
    /// What for.
    pub scope: Option<String>,
    /// Under which name.
    pub legal_name: Option<String>,
    /// How well the entry was read.
    pub confidence: Option<String>,
}

/// A list of suppliers under some law.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyList {
    /// Its id.
    pub id: String,
    /// Whose law.
    pub jurisdiction: String,
    /// Its title.
    pub title: String,
    /// Where it is written down.
    pub citation: String,
    /// Since when it binds whom.
    #[serde(default)]
    pub effective: Vec<String>,
    /// The day on which it was read.
    pub as_of: String,
    /// How well it was read: `source`, `partial` or `memory`.
    pub confidence: String,
    /// What it covers.
    pub scope: Option<String>,
    /// What the entries do not say.
    pub note: Option<String>,
    /// Pages about it.
    #[serde(default)]
    pub references: Vec<String>,
    /// Whom it names.
    #[serde(default, rename = "entry")]
    pub entries: Vec<ListEntry>,
}
