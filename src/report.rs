//! The report: what is serialized, and how it comes from the tree and its attributions. Nothing inside serializes itself.
//!
//! Fields of schema 1 are only ever added to.

use std::collections::BTreeMap;

use serde::Serialize;

mod build;
mod lines;
mod parts;
pub mod text;
pub mod tree;

pub use build::{Findings, report};
pub use lines::{CertificateLine, EvidenceLine, KeyLine, KnownLine, PolicyLine, PolicyMatchLine, ProblemLine, SignatureLine};

/// Name and version of the schema.
pub const SCHEMA: &str = "touchmark-report/1";

/// All that was found out about one input.
#[derive(Debug, Serialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// What made it.
    pub tool: Tool,
    /// What was looked at.
    pub input: InputLine,
    /// `complete`, `partial` (there are problems) or `failed` (nothing could be read).
    pub outcome: &'static str,
    /// Who is in it, surest first.
    pub suppliers: Vec<SupplierLine>,
    /// Which software is in it.
    pub components: Vec<ComponentLine>,
    /// Code like that of a known supplier although nothing names it.
    pub lineage: Vec<LineageLine>,
    /// X.509 certificates.
    pub certificates: Vec<CertificateLine>,
    /// Digital signatures.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub signatures: Vec<SignatureLine>,
    /// Private keys, never their secret part, and public keys that are in no certificate.
    pub keys: Vec<KeyLine>,
    /// What became of every byte.
    pub coverage: CoverageLine,
    /// The tree, in preorder.
    pub artifacts: Vec<ArtifactLine>,
    /// What speaks for whom.
    pub evidence: Vec<EvidenceLine>,
    /// Verdicts of the lists that were asked for.
    pub policies: Vec<PolicyLine>,
    /// What went less than perfectly.
    pub problems: Vec<ProblemLine>,
}

/// What made a report.
#[derive(Debug, Serialize)]
pub struct Tool {
    /// `touchmark`.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    /// The database that it used.
    pub database: DatabaseLine,
}

/// Which database.
#[derive(Debug, Serialize)]
pub struct DatabaseLine {
    /// Version.
    pub version: &'static str,
    /// SHA-256 over its files.
    pub sha256: String,
    /// Number of signatures.
    pub signatures: usize,
}

/// What was looked at.
#[derive(Debug, Serialize)]
pub struct InputLine {
    /// As given.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256; of a folder, over the sorted list of its files' paths and hashes.
    pub sha256: String,
}

/// A supplier's part in the input.
#[derive(Debug, Serialize)]
pub struct SupplierLine {
    /// Id in the database.
    pub id: String,
    /// Its name.
    pub name: String,
    /// ISO 3166 alpha-2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// Who owns it now, nearest first.
    pub owners: Vec<String>,
    /// The same with relation and dates.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ownership: Vec<OwnerLine>,
    /// Its parts, by role.
    pub roles: BTreeMap<&'static str, RoleLine>,
    /// Policy lists of the database that mean it.
    pub lists: Vec<String>,
}

/// A step of an ownership chain.
#[derive(Debug, Serialize)]
pub struct OwnerLine {
    /// The owner.
    pub id: String,
    /// `subsidiary`, `brand` or `affiliate`.
    pub relation: &'static str,
    /// First day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
}

/// A supplier in one role.
#[derive(Debug, Serialize)]
pub struct RoleLine {
    /// Of its surest attribution, percent.
    pub confidence: u8,
    /// How many artifacts.
    pub artifacts: usize,
    /// How many bytes they have.
    pub bytes: u64,
}

/// A component of a supplier, in one version and role.
#[derive(Debug, Serialize)]
pub struct ComponentLine {
    /// Supplier id.
    pub supplier: String,
    /// Component id.
    pub name: String,
    /// Its name as people write it.
    pub title: String,
    /// Version, if one can be told.
    pub version: Option<String>,
    /// Role.
    pub role: &'static str,
    /// Of its surest attribution, percent.
    pub confidence: u8,
    /// Package URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purl: Option<String>,
    /// CPE 2.3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpe: Option<String>,
    /// SPDX licence expression.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
    /// Ids of the artifacts it is in.
    pub artifacts: Vec<usize>,
    /// Ids of the evidence.
    pub evidence: Vec<usize>,
}

/// Likeness to a known supplier's code.
#[derive(Debug, Serialize)]
pub struct LineageLine {
    /// Supplier id.
    pub supplier: String,
    /// Component id.
    pub component: Option<String>,
    /// Artifact id.
    pub artifact: usize,
    /// Share of what is alike, 0 to 1.
    pub similarity: f64,
    /// Percent.
    pub confidence: u8,
    /// Ids of the evidence.
    pub evidence: Vec<usize>,
}

/// Bytes of the input by what is known of them. They add up to `total`.
#[derive(Debug, Serialize)]
pub struct CoverageLine {
    /// All.
    pub total: u64,
    /// In code whose maker is named.
    pub attributed: u64,
    /// In a known format, without a maker.
    pub identified: u64,
    /// One value over and over.
    pub padding: u64,
    /// Compressed or encrypted, not opened.
    pub opaque: u64,
    /// Anything else.
    pub unknown: u64,
}

/// Offset and length, bytes.
#[derive(Debug, Serialize)]
pub struct SpanLine {
    /// Offset in the parent.
    pub start: u64,
    /// Length.
    pub length: u64,
}

/// An artifact.
#[derive(Debug, Serialize)]
pub struct ArtifactLine {
    /// Its number, in preorder.
    pub id: usize,
    /// The artifact it was in.
    pub parent: Option<usize>,
    /// The way to it from the image.
    pub location: String,
    /// Path or role in the parent.
    pub name: String,
    /// Where it stands in the parent, if it stands there as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub span: Option<SpanLine>,
    /// Id of its format.
    pub format: Option<&'static str>,
    /// Kind of content.
    pub context: &'static str,
    /// Bytes.
    pub size: u64,
    /// SHA-256.
    pub sha256: String,
    /// Other hashes, when asked for: `sha1`, `md5`, `tlsh`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub hashes: BTreeMap<&'static str, String>,
    /// Unix mode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<u32>,
    /// Whose it is.
    pub attributions: Vec<AttributionLine>,
    /// What its bytes are, when more than one thing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub chunks: Vec<ChunkLine>,
    /// Links, devices, folders.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<EntryLine>,
    /// Facts, when asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<FactLine>,
}

/// Somebody's part in an artifact.
#[derive(Debug, Serialize)]
pub struct AttributionLine {
    /// Supplier id.
    pub supplier: String,
    /// Component id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    /// Version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Role.
    pub role: &'static str,
    /// Percent.
    pub confidence: u8,
    /// Log-likelihood ratio of the evidence, bits.
    pub bits: f64,
    /// Ids of the evidence.
    pub evidence: Vec<usize>,
}

/// A chunk.
#[derive(Debug, Serialize)]
pub struct ChunkLine {
    /// Offset.
    pub start: u64,
    /// Length.
    pub length: u64,
    /// Format id, `padding` or `unknown`.
    pub kind: &'static str,
}

/// A link, device or folder.
#[derive(Debug, Serialize)]
pub struct EntryLine {
    /// Path in the artifact.
    pub path: String,
    /// What it is.
    pub kind: &'static str,
    /// Where a link points.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Major and minor number of a device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<(u32, u32)>,
    /// Unix mode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<u32>,
}

/// A fact.
#[derive(Debug, Serialize)]
pub struct FactLine {
    /// Key.
    pub key: &'static str,
    /// Value.
    pub value: String,
    /// Offset in the artifact.
    pub offset: u64,
    /// Bytes that say it.
    pub length: u64,
}
