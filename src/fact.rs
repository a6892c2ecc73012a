//! What bytes say, uninterpreted, and the table of analyzers that read it. One file an analyzer in `fact/`, two lines here.
//!
//! No analyzer names a supplier.

use crate::blob::{Blob, Span};
use crate::problem::{Code, Problem};

mod banners;
mod certificates;
mod context;
mod dotnet;
mod elf;
pub(crate) mod entropy;
mod go;
mod hardening;
mod hashes;
mod kernel_module;
mod keys;
mod mtd;
mod ordered;
mod packages;
mod pe;
mod regions;
mod rust;
mod settings;
mod signatures;
mod strings;
mod update;

pub use context::Context;
pub(crate) use context::is_kernel;

/// All analyzers, in the order in which their facts come.
pub static ANALYZERS: &[&dyn Analyzer] = &[
    // any bytes
    &strings::Strings,
    &banners::Banners,
    &regions::Regions,
    &mtd::Mtd,
    &update::Update,
    &certificates::Certificates,
    &keys::Keys,
    // files of systems
    &packages::Packages,
    &settings::Settings,
    // programs
    &elf::Elf,
    &kernel_module::KernelModule,
    &pe::Pe,
    &hardening::Hardening,
    &go::Go,
    &rust::Rust,
    &dotnet::DotNet,
    &hashes::Hashes,
    &signatures::Signatures,
];

/// What facts are called, and what they say: signatures name them by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// The name, `elf.soname`: what it is about, a dot, and what about it.
    pub name: &'static str,
    /// What a fact of this key says, in a few words.
    pub meaning: &'static str,
}

impl Key {
    /// The key `name`, whose facts say `meaning`.
    pub(crate) const fn new(name: &'static str, meaning: &'static str) -> Self {
        Self { name, meaning }
    }
}

/// Keys of facts that formats read from their headers, not analyzers. `header.*` are those that many formats have.
pub static HEADER_KEYS: &[Key] = &[
    Key::new("android.cmdline", "kernel command line of an Android boot image"),
    Key::new("android.name", "board of an Android boot image"),
    Key::new("device-tree.compatible", "what a device tree is compatible with"),
    Key::new("device-tree.model", "model of a device tree"),
    Key::new("fit.description", "description of a FIT image or a part of it"),
    Key::new("header.board", "board that a header names"),
    Key::new("header.date", "date that a header says"),
    Key::new("header.name", "name that a header says"),
    Key::new("header.product", "product that a header names"),
    Key::new("header.vendor", "vendor that a header names"),
    Key::new("header.version", "version that a header says"),
    Key::new("hwnp.item", "item of a Huawei ONT image"),
    Key::new("hwnp.product", "products that a Huawei ONT image is for"),
    Key::new("u-boot.environment", "setting of a U-Boot environment"),
    Key::new("uimage.name", "name of a U-Boot image"),
];

/// Keys of facts that the walk itself knows of every artifact.
pub static WALK_KEYS: &[Key] = &[
    Key::new("format", "id of the format"),
    Key::new("hash.md5", "MD5 of all bytes, with `--hash md5`"),
    Key::new("hash.sha1", "SHA-1 of all bytes, with `--hash sha1`"),
    Key::new("hash.sha256", "SHA-256 of all bytes"),
    Key::new("hash.tlsh", "TLSH of all bytes, with `--hash tlsh`"),
    Key::new("name", "name of the file, without its folders"),
];

/// Every key there is.
pub fn keys() -> impl Iterator<Item = Key> {
    let analyzed = ANALYZERS.iter().flat_map(|analyzer| analyzer.keys().iter());
    analyzed.chain(HEADER_KEYS).chain(WALK_KEYS).copied()
}

/// Reads facts of one kind from an artifact.
pub trait Analyzer: Sync {
    /// Short name.
    fn id(&self) -> &'static str;

    /// The keys of all facts it may yield.
    fn keys(&self) -> &'static [Key];

    /// Hands every fact of `subject` to `facts`, in ascending order of offset where there is one. Damaged input yields what it holds.
    fn analyze(&self, subject: &Subject<'_>, facts: &mut Facts<'_>);
}

/// What an analyzer looks at.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// The artifact's bytes.
    pub blob: &'a Blob,
    /// Id of its format, if it has one.
    pub format: Option<&'static str>,
    /// What kind of content it is.
    pub context: Context,
}

/// One thing that the bytes say.
#[derive(Debug, Clone, Copy)]
pub struct Fact<'a> {
    /// What is said.
    pub key: &'static str,
    /// What it says.
    pub value: &'a [u8],
    /// Where, from byte 0 of the artifact.
    pub span: Span,
}

/// An X.509 certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Where its DER (or its PEM block) stands.
    pub span: Span,
    /// Subject, RFC 4514 order as in the certificate, `O=…, CN=…`.
    pub subject: String,
    /// Issuer, in the same form.
    pub issuer: String,
    /// Organization of the subject, if it names one.
    pub organization: Option<String>,
    /// Serial number, lower case hex.
    pub serial: String,
    /// Start and end of validity, seconds since 1970.
    pub validity: (i64, i64),
    /// Algorithm and size of the key, as in `rsa-2048`, `ec-p256`.
    pub key: String,
    /// SHA-256 of the SubjectPublicKeyInfo, lower case hex.
    pub spki_sha256: String,
    /// SHA-1 and SHA-256 of the certificate, lower case hex: what is called its fingerprint.
    pub fingerprints: (String, String),
    /// Other names of the subject, as in `DNS:example.com`.
    pub alternative_names: Vec<String>,
    /// Whether basic constraints say that it is an authority.
    pub authority: bool,
    /// Whether subject and issuer are the same.
    pub self_issued: bool,
}

/// A private key. Never its secret part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrivateKey {
    /// Where it stands.
    pub span: Span,
    /// How it is written: `pkcs1`, `pkcs8`, `sec1`, `dsa`, `openssh`, `dropbear`, `ppk`, `openpgp`, `signify`, `minisign`, `rsa-xml`, `jwk`,
    /// `wireguard`; `pkcs8-encrypted`, `pem-encrypted`, `openssh-encrypted`, `ppk-encrypted`, `openpgp-encrypted`, `signify-encrypted`,
    /// `minisign-encrypted`, `pkcs12-encrypted`, `jks-encrypted`, `bks-encrypted` where that is encrypted.
    pub kind: &'static str,
    /// Algorithm and size, as in `rsa-2048`; empty where that is encrypted too.
    pub algorithm: String,
    /// SHA-256 of the public half's SubjectPublicKeyInfo, lower case hex; empty if it cannot be told.
    pub spki_sha256: String,
    /// Modulus of an RSA key; empty of any other.
    pub modulus: Vec<u8>,
    /// What makes it weak, as `codec::weakness` says it.
    pub weak: Vec<&'static str>,
}

/// A public key that stands for itself, in no certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// Where it stands.
    pub span: Span,
    /// How it is written: `spki`, `pkcs1-public`, `ssh-public`, `ssh-authorized`, `ssh-known-host`, `openpgp`, `openpgp-subkey`, `minisign`,
    /// `signify`, `rsa-xml-public`, `jwk-public`, `android`, `avb`, `wireguard-peer`.
    pub kind: &'static str,
    /// Algorithm and size, as in `rsa-2048`.
    pub algorithm: String,
    /// SHA-256 of its SubjectPublicKeyInfo, lower case hex; empty if it cannot be told.
    pub spki_sha256: String,
    /// How programs of its kind call it: fingerprint or key id, lower case hex; empty if they have no such name.
    pub id: String,
    /// Whom it names: the first user, a comment, a host; empty if it names none.
    pub name: String,
    /// Modulus of an RSA key; empty of any other.
    pub modulus: Vec<u8>,
    /// What makes it weak, as `codec::weakness` says it.
    pub weak: Vec<&'static str>,
}

/// What a comparison with the digest that was signed gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DigestState {
    /// The bytes have it.
    Verified,
    /// They have another.
    Mismatch,
    /// It could not be told.
    NotChecked,
}

impl DigestState {
    /// What it is called in facts and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Mismatch => "mismatch",
            Self::NotChecked => "not-checked",
        }
    }

    /// Of a comparison, where there was one.
    pub(crate) const fn of(agrees: Option<bool>) -> Self {
        match agrees {
            Some(true) => Self::Verified,
            Some(false) => Self::Mismatch,
            None => Self::NotChecked,
        }
    }
}

/// A digital signature over an artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigitalSignature {
    /// Where it stands.
    pub span: Span,
    /// `authenticode` or `linux-module`.
    pub kind: &'static str,
    /// Hash algorithm, as in `sha256`.
    pub algorithm: String,
    /// Subject of the signer's certificate, if it is there; else the name that the signature gives it.
    pub signer: String,
    /// Issuer of the signer's certificate.
    pub issuer: String,
    /// Serial number of the signer's certificate or identifier of its key, lower case hex.
    pub key_id: String,
    /// SHA-256 of the signer's SubjectPublicKeyInfo, lower case hex; empty without its certificate.
    pub spki_sha256: String,
    /// Whether the bytes have the digest that was signed. Whose key made the signature is not checked.
    pub digest: DigestState,
}

/// Where analyzers put what they read.
pub struct Facts<'a> {
    deliver: &'a mut dyn FnMut(Fact<'_>),
    /// Certificates, in order of offset.
    pub certificates: Vec<Certificate>,
    /// Private keys, in order of offset.
    pub keys: Vec<PrivateKey>,
    /// Public keys, in order of offset.
    pub public_keys: Vec<PublicKey>,
    /// Digital signatures, in order of offset.
    pub signatures: Vec<DigitalSignature>,
    /// What went wrong.
    pub problems: Vec<Problem>,
}

impl<'a> Facts<'a> {
    /// A place that hands each fact on as it comes.
    pub fn new(deliver: &'a mut dyn FnMut(Fact<'_>)) -> Self {
        Self { deliver, certificates: Vec::new(), keys: Vec::new(), public_keys: Vec::new(), signatures: Vec::new(), problems: Vec::new() }
    }

    /// There are more of `what` than are read.
    pub(crate) fn limit(&mut self, what: &str) {
        self.problems.push(Problem::new(Code::Limit, None, format!("there are more {what} than are read")));
    }

    /// The bytes at `span` say `value` under `key`.
    pub fn say(&mut self, key: &'static str, value: &[u8], span: Span) {
        (self.deliver)(Fact { key, value, span });
    }
}

/// Bytes as lower case hex, two digits each.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len().saturating_mul(2)), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
#[allow(dead_code, reason = "not every build of the tests uses all of it")]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
