//! One artifact, one piece of evidence, one entry: from what the walk made to what is serialized.

use super::{ArtifactLine, CertificateLine, ChunkLine, EntryLine, EvidenceLine, FactLine, KeyLine, KnownLine, SignatureLine, SpanLine};
use crate::artifact::{Artifact, ChunkKind};
use crate::attribution::bits;
use crate::evidence::{Evidence, Layer};
use crate::fact::{Certificate, DigestState, DigitalSignature, PrivateKey, PublicKey, hex};
use crate::format::{Entry, EntryKind};
use crate::signature::{Database, Strength};

/// Bytes as text: printable ASCII as it is, `\` doubled, any other byte as `\xNN`.
pub(super) fn escaped(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for byte in bytes {
        match byte {
            b'\\' => text.push_str("\\\\"),
            0x20..=0x7e => text.push(char::from(*byte)),
            _ => text.push_str(&format!("\\x{byte:02x}")),
        }
    }
    text
}

pub(super) fn artifact(artifact: &Artifact, location: String) -> ArtifactLine {
    ArtifactLine {
        id: artifact.id,
        parent: artifact.parent,
        location,
        name: artifact.name.clone(),
        span: artifact.span.map(|span| SpanLine { start: span.start, length: span.length }),
        format: artifact.format,
        context: artifact.context.name(),
        size: artifact.size,
        sha256: hex(&artifact.sha256),
        hashes: artifact.hashes.iter().cloned().collect(),
        mode: artifact.attributes.mode,
        attributions: Vec::new(),
        chunks: artifact
            .chunks
            .iter()
            .map(|chunk| ChunkLine { start: chunk.span.start, length: chunk.span.length, kind: kind(chunk.kind) })
            .collect(),
        entries: artifact.entries.iter().map(entry).collect(),
        facts: artifact
            .facts
            .iter()
            .map(|fact| FactLine {
                key: fact.key,
                value: String::from_utf8_lossy(&fact.value).into_owned(),
                offset: fact.span.start,
                length: fact.span.length,
            })
            .collect(),
    }
}

fn kind(kind: ChunkKind) -> &'static str {
    match kind {
        ChunkKind::Format(id) => id,
        ChunkKind::Padding => "padding",
        ChunkKind::Unknown => "unknown",
    }
}

fn entry(entry: &Entry) -> EntryLine {
    let (target, device) = match &entry.kind {
        EntryKind::Symlink(target) | EntryKind::HardLink(target) => (Some(target.clone()), None),
        EntryKind::CharacterDevice(major, minor) | EntryKind::BlockDevice(major, minor) => (None, Some((*major, *minor))),
        EntryKind::Directory | EntryKind::Fifo | EntryKind::Socket => (None, None),
    };
    EntryLine { path: entry.path.clone(), kind: entry.kind.name(), target, device, mode: entry.attributes.mode }
}

pub(super) fn evidence(database: &Database, id: usize, artifact: usize, one: &Evidence) -> Option<EvidenceLine> {
    let signature = database.signatures().get(one.signature)?;
    let rule = signature.rules.get(one.rule)?;
    Some(EvidenceLine {
        id,
        signature: format!("{}:{}", signature.label(), rule.line),
        fact: one.fact,
        technique: Layer::of(one.fact).name(),
        strength: rule.strength.name(),
        artifact,
        offset: one.span.start,
        length: one.span.length,
        excerpt: escaped(&one.excerpt),
        verbatim: one.verbatim,
        in_context: one.in_context,
        repeats: one.repeats,
        weight: if one.import { 0.0 } else { bits(rule.strength) },
        polarity: if rule.strength == Strength::Against { "against" } else { "for" },
        source: signature.source.clone(),
    })
}

pub(super) fn certificate(database: &Database, artifact: &Artifact, trust_store: bool, one: &Certificate) -> CertificateLine {
    let signs = artifact.signatures.iter().any(|signature| signature.spki_sha256 == one.spki_sha256);
    CertificateLine {
        known_as: known(database, &one.spki_sha256).or_else(|| known(database, &one.fingerprints.0)),
        subject: one.subject.clone(),
        issuer: one.issuer.clone(),
        organization: one.organization.clone(),
        spki_sha256: one.spki_sha256.clone(),
        key: one.key.clone(),
        serial: one.serial.clone(),
        not_before: one.validity.0,
        not_after: one.validity.1,
        artifact: artifact.id,
        offset: one.span.start,
        sha256: one.fingerprints.1.clone(),
        alternative_names: one.alternative_names.clone(),
        purpose: match signs {
            true => "signer",
            false if trust_store || one.authority => "trust-anchor",
            false => "leaf",
        },
    }
}

pub(super) fn signature(artifact: usize, one: &DigitalSignature) -> SignatureLine {
    let said = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    SignatureLine {
        kind: one.kind,
        algorithm: one.algorithm.clone(),
        signer: said(&one.signer),
        issuer: said(&one.issuer),
        key_id: one.key_id.clone(),
        spki_sha256: said(&one.spki_sha256),
        digest: one.digest.name(),
        checked: if one.digest == DigestState::NotChecked { "nothing" } else { "digest" },
        artifact,
        offset: one.span.start,
        length: one.span.length,
    }
}

/// The keys of an artifact, in order of offset.
pub(super) fn keys(database: &Database, artifact: &Artifact) -> Vec<KeyLine> {
    let private = artifact.keys.iter().map(|one| private_key(database, artifact.id, one));
    let mut lines: Vec<KeyLine> = private.chain(artifact.public_keys.iter().map(|one| public_key(database, artifact.id, one))).collect();
    lines.sort_by_key(|line| line.offset);
    lines
}

fn private_key(database: &Database, artifact: usize, one: &PrivateKey) -> KeyLine {
    KeyLine {
        kind: one.kind,
        algorithm: one.algorithm.clone(),
        private: true,
        spki_sha256: one.spki_sha256.clone(),
        id: String::new(),
        name: String::new(),
        weak: one.weak.clone(),
        known_as: known(database, &one.spki_sha256),
        artifact,
        offset: one.span.start,
        length: one.span.length,
        modulus: one.modulus.clone(),
    }
}

fn public_key(database: &Database, artifact: usize, one: &PublicKey) -> KeyLine {
    KeyLine {
        kind: one.kind,
        algorithm: one.algorithm.clone(),
        private: false,
        spki_sha256: one.spki_sha256.clone(),
        id: one.id.clone(),
        name: one.name.clone(),
        weak: one.weak.clone(),
        known_as: known(database, &one.spki_sha256),
        artifact,
        offset: one.span.start,
        length: one.span.length,
        modulus: one.modulus.clone(),
    }
}

/// What the database knows of the key or the certificate with this hash.
pub(super) fn known(database: &Database, hash: &str) -> Option<KnownLine> {
    let key = database.known_key(hash)?;
    let line = KnownLine {
        kind: key.kind.name(),
        leaked: key.kind.is_leaked(),
        text: key.text(),
        vendors: key.vendors.clone(),
        products: key.products,
        source: key.source.clone(),
    };
    Some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaping_loses_nothing() {
        assert_eq!(escaped(b"a\\x00\x00\xff"), "a\\\\x00\\x00\\xff");
    }
}
