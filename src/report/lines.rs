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
    /// What its key is known as, if it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub known_as: Option<KnownLine>,
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

/// A key that stands for itself, in no certificate.
#[derive(Debug, Serialize)]
pub struct KeyLine {
    /// How it is written.
    pub kind: &'static str,
    /// Algorithm and size.
    pub algorithm: String,
    /// Whether the private half is there.
    pub private: bool,
    /// SHA-256 of the public half's SubjectPublicKeyInfo.
    pub spki_sha256: String,
    /// Fingerprint or id, as programs of its kind say it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// Whom it names: user, comment, host.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// What makes it weak.
    pub weak: Vec<&'static str>,
    /// What it is known as, if it is known.
    pub known_as: Option<KnownLine>,
    /// Artifact id.
    pub artifact: usize,
    /// Offset in the artifact.
    pub offset: u64,
    /// Bytes from there.
    pub length: u64,
    /// Modulus of an RSA key, to compare it with those of other images.
    #[serde(skip)]
    pub modulus: Vec<u8>,
}

/// What is known of a key.
#[derive(Debug, Serialize)]
pub struct KnownLine {
    /// `device`, `ssh-authorized`, `sdk-shared`, `uefi-test`, `uefi-platform`, `bootguard-leak`, `debian-weak`, `library-test` or
    /// `documentation`.
    pub kind: &'static str,
    /// Whether everybody may have its private half. Keys of tests and of documentation are never leaked ones.
    pub leaked: bool,
    /// In words.
    pub text: String,
    /// In whose products it was seen.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub vendors: Vec<String>,
    /// In how many products.
    #[serde(skip_serializing_if = "is_zero")]
    pub products: u64,
    /// Where that is from.
    pub source: String,
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
