//! Digital signatures: who signed an artifact, with what, and whether its bytes still have the digest that was signed.
//!
//! A digest that agrees says that the bytes are those that somebody signed. Whether the signer's key made the signature is not checked.

use super::{Analyzer, DigestState, DigitalSignature, Facts, Key, Subject, certificates, hex};
use crate::blob::{Bytes, Span, to_u64};
use crate::codec::cms::{self, SignedData, Signer};
use crate::codec::x509;

mod authenticode;
mod digest;
mod module;

/// Digital signatures of programs and kernel modules.
#[derive(Debug)]
pub(super) struct Signatures;

impl Analyzer for Signatures {
    fn id(&self) -> &'static str {
        "signatures"
    }

    fn keys(&self) -> &'static [Key] {
        const {
            &[
                Key::new("signature.kind", "kind of a digital signature"),
                Key::new("signature.algorithm", "hash algorithm of a digital signature"),
                Key::new("signature.signer", "subject of the certificate that signed"),
                Key::new("signature.issuer", "issuer of the certificate that signed"),
                Key::new("signature.key-id", "serial number of the certificate that signed, or identifier of its key"),
                Key::new("signature.spki", "SHA-256 of the SubjectPublicKeyInfo of the key that signed"),
                Key::new("signature.digest", "whether the bytes have the digest that was signed: verified, mismatch or not-checked"),
            ]
        }
    }

    fn analyze(&self, subject: &Subject<'_>, facts: &mut Facts<'_>) {
        let bytes = subject.blob.bytes();
        let mut found = if subject.format == Some("pe") { authenticode::read(bytes) } else { Vec::new() };
        found.extend(module::read(bytes));
        found.sort_by_key(|signature| signature.span);
        for signature in &found {
            for (key, value) in [
                ("signature.kind", signature.kind),
                ("signature.algorithm", &signature.algorithm),
                ("signature.signer", &signature.signer),
                ("signature.issuer", &signature.issuer),
                ("signature.key-id", &signature.key_id),
                ("signature.spki", &signature.spki_sha256),
                ("signature.digest", signature.digest.name()),
            ] {
                if !value.is_empty() {
                    facts.say(key, value.as_bytes(), signature.span);
                }
            }
        }
        facts.signatures.append(&mut found);
    }
}

/// What `signer` of `data` says of itself, and what its certificate says if it is there.
fn signature(kind: &'static str, span: Span, data: &SignedData<'_>, signer: &Signer<'_>, digest: DigestState) -> DigitalSignature {
    let issuer = certificates::distinguished_name(signer.issuer);
    let key_id = hex(signer.id);
    let own = |place: Span| {
        let read = certificates::read(Bytes(data.certificates).part(place).ok()?.0, place)?;
        (read.issuer == issuer && read.serial == key_id).then_some(read)
    };
    let certificate = x509::certificates(data.certificates).find_map(own);
    let (signer_name, spki_sha256) = certificate.map_or_else(Default::default, |one| (one.subject, one.spki_sha256));
    DigitalSignature {
        span,
        kind,
        algorithm: digest::Algorithm::by_oid(signer.digest)
            .map_or_else(|| crate::codec::der::oid_text(signer.digest), |one| one.name().to_owned()),
        signer: signer_name,
        issuer,
        key_id,
        spki_sha256,
        digest,
    }
}

/// Where `part` of `bytes` stands, when all of `bytes` starts at `start`.
fn place(bytes: &[u8], start: u64, part: &[u8]) -> Span {
    let offset = memchr::memmem::find(bytes, part).map_or(0, to_u64);
    Span::new(start.saturating_add(offset), to_u64(part.len()))
}

/// Whether the digest that `signer` signed is that of `content`; `None` if it signed the content itself.
fn attribute_agrees(signer: &Signer<'_>, content: &[u8]) -> Option<bool> {
    let algorithm = digest::Algorithm::by_oid(signer.digest)?;
    let said = crate::codec::der::Reader::new(signer.signed(cms::MESSAGE_DIGEST)?).read(crate::codec::der::OCTET_STRING)?;
    Some(algorithm.of(&[content]) == said)
}

#[cfg(test)]
mod tests;
