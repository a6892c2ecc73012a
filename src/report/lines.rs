//! The report's smaller parts: certificates, keys, evidence, verdicts, problems.

use serde::Serialize;

/// A certificate.
#[derive(Debug, Serialize)]
pub struct CertificateLine {
    /// Subject.
    pub subject: String,
    /// Issuer.
    pub issuer: String,
    /// Organization of the subject.
    pub organization: Option<String>,
    /// SHA-256 of its SubjectPublicKeyInfo.
    pub spki_sha256: String,
    /// Key algorithm and size.
    pub key: String,
    /// Serial number, hex.
    pub serial: String,
    /// Validity, seconds since 1970.
    pub not_before: i64,
    /// Validity, seconds since 1970.
    pub not_after: i64,
    /// Artifact id.
    pub artifact: usize,
    /// Offset in the artifact.
    pub offset: u64,
    /// SHA-256 of the certificate.
    pub sha256: String,
    /// Other names of the subject, as in `DNS:example.com`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub alternative_names: Vec<String>,
    /// `signer` (of a signature of the same artifact), `trust-anchor` or `leaf`.
    #[serde(rename = "use")]
    pub purpose: &'static str,
}

/// A digital signature.
#[derive(Debug, Serialize)]
pub struct SignatureLine {
    /// `authenticode` or `linux-module`.
    pub kind: &'static str,
    /// Hash algorithm.
    pub algorithm: String,
    /// Subject of the signer's certificate.
    pub signer: Option<String>,
    /// Issuer of the signer's certificate.
    pub issuer: Option<String>,
    /// Serial number of the signer's certificate or identifier of its key, hex.
    pub key_id: String,
    /// SHA-256 of the signer's SubjectPublicKeyInfo.
    pub spki_sha256: Option<String>,
    /// Whether the artifact has the digest that was signed: `verified`, `mismatch` or `not-checked`.
    pub digest: &'static str,
    /// What was checked: `digest` or `nothing`; never whose key made the signature.
    pub checked: &'static str,
    /// Artifact id.
    pub artifact: usize,
    /// Offset in the artifact.
    pub offset: u64,
    /// Bytes.
    pub length: u64,
}

/// A private key.
#[derive(Debug, Serialize)]
pub struct KeyLine {
    /// How it is written.
    pub kind: &'static str,
    /// Algorithm and size.
    pub algorithm: String,
    /// Always true: public keys stand in certificates.
    pub private: bool,
    /// SHA-256 of the public half's SubjectPublicKeyInfo.
    pub spki_sha256: String,
    /// What it is known as, if it is known.
    pub known_as: Option<String>,
    /// Artifact id.
    pub artifact: usize,
    /// Offset in the artifact.
    pub offset: u64,
}

/// A piece of evidence.
#[derive(Debug, Serialize)]
pub struct EvidenceLine {
    /// Its number.
    pub id: usize,
    /// The file of the database and the line of the rule, `component:dropbear:12`.
    pub signature: String,
    /// Key of the fact.
    pub fact: &'static str,
    /// The layer: `hash`, `certificate`, `format`, `metadata`, `literal`, `name`.
    pub technique: &'static str,
    /// How much the rule says.
    pub strength: &'static str,
    /// Artifact id.
    pub artifact: usize,
    /// Offset in the artifact.
    pub offset: u64,
    /// Bytes from there.
    pub length: u64,
    /// What they say. Bytes outside of printable ASCII are `\xNN`.
    pub excerpt: String,
    /// Whether the excerpt stands there byte for byte; otherwise it was decoded from there.
    pub verbatim: bool,
    /// Whether it counted, or stands where the rule may not speak for code.
    pub in_context: bool,
    /// Further places of the artifact that say the same.
    #[serde(skip_serializing_if = "is_zero")]
    pub repeats: u64,
    /// Bits that the rule adds.
    pub weight: f64,
    /// `for` or `against`.
    pub polarity: &'static str,
    /// Where the rule's fact was seen.
    pub source: String,
}

/// A list's verdict.
#[derive(Debug, Serialize)]
pub struct PolicyLine {
    /// Id of the list.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Where the law is written down.
    pub citation: String,
    /// The day on which the list was read.
    pub as_of: String,
    /// `match`, `clear` or `inconclusive`.
    pub verdict: &'static str,
    /// Whose code.
    pub matches: Vec<PolicyMatchLine>,
    /// Why it is not clear.
    pub reasons: Vec<String>,
}

/// A listed supplier's part.
#[derive(Debug, Serialize)]
pub struct PolicyMatchLine {
    /// Whose code it is.
    pub supplier: String,
    /// Whom the list names.
    pub listed: String,
    /// Role.
    pub role: &'static str,
    /// Percent.
    pub confidence: u8,
    /// Ids of the artifacts.
    pub artifacts: Vec<usize>,
    /// Ids of the evidence.
    pub evidence: Vec<usize>,
    /// What the entry covers.
    pub scope: Option<String>,
}

/// A problem.
#[derive(Debug, Serialize)]
pub struct ProblemLine {
    /// Kind.
    pub code: &'static str,
    /// Artifact id.
    pub artifact: usize,
    /// Offset in the artifact.
    pub offset: Option<u64>,
    /// In words.
    pub message: String,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(value: &u64) -> bool {
    *value == 0
}
