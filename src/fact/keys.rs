//! Private and public keys, however they are written. What is secret in them is not kept.

use std::collections::BTreeMap;

use memchr::memmem;
use sha2::{Digest, Sha256};

use super::{Analyzer, Facts, Key, PrivateKey, PublicKey, Subject, hex};
use crate::blob::{Span, to_u64};
use crate::codec::{private_key, public_key, weakness};

mod android;
mod encoded;
mod in_der;
mod openpgp;
mod signify;
mod ssh;
mod text;

/// Keys.
#[derive(Debug)]
pub(super) struct Keys;

impl Analyzer for Keys {
    fn id(&self) -> &'static str {
        "keys"
    }

    fn keys(&self) -> &'static [Key] {
        const {
            &[
                Key::new("key.spki", "SHA-256 of the SubjectPublicKeyInfo of a private key's public half"),
                Key::new("public-key.id", "fingerprint or id of a public key, as programs of its kind say it"),
                Key::new("public-key.name", "whom a public key names: user, comment, host"),
                Key::new("public-key.options", "what a line of authorized_keys allows the owner of a key"),
                Key::new("public-key.spki", "SHA-256 of the SubjectPublicKeyInfo of a public key that is in no certificate"),
                Key::new("key.signer", "fingerprint or id of the key that made a signature of OpenPGP, minisign or signify"),
            ]
        }
    }

    fn analyze(&self, subject: &Subject<'_>, facts: &mut Facts<'_>) {
        let bytes = subject.blob.as_slice();
        let mut search = Search {
            bytes,
            patience: to_u64(bytes.len()).saturating_mul(8).saturating_add(1 << 20),
            gave_up: false,
            found: Vec::new(),
            facts: Vec::new(),
        };
        for kind in SEARCHES {
            kind(&mut search);
        }
        search.tell(facts);
    }
}

/// All ways in which keys are written.
static SEARCHES: &[fn(&mut Search<'_>)] = &[
    in_der::pem_blocks,
    in_der::private_keys,
    in_der::encrypted_keys,
    in_der::public_keys,
    in_der::stores,
    ssh::dropbear_keys,
    ssh::public_keys,
    openpgp::packets,
    signify::files,
    text::putty,
    text::xml,
    text::json,
    text::wireguard,
    encoded::base64,
    encoded::arrays,
    android::adb,
    android::verified_boot,
];

/// A key that was found.
#[derive(Debug, Default)]
struct Found {
    span: Span,
    kind: &'static str,
    is_private: bool,
    algorithm: String,
    spki: Option<Vec<u8>>,
    id: String,
    /// The name, and where it stands.
    name: (String, Span),
}

/// Bytes that are searched, and what was found.
struct Search<'a> {
    bytes: &'a [u8],
    /// Bytes that may still be decoded, so that false starts do not take long.
    patience: u64,
    /// Whether some were not decoded.
    gave_up: bool,
    found: Vec<Found>,
    /// Further facts of keys, told after them: key, value, place.
    facts: Vec<(&'static str, Vec<u8>, Span)>,
}

/// Keys of one artifact at most, and those of them whose numbers are looked at.
const MOST: usize = 20_000;
const MOST_JUDGED: usize = 1000;

impl<'a> Search<'a> {
    /// Whether `count` bytes may be decoded.
    fn pays(&mut self, count: usize) -> bool {
        let left = self.patience.checked_sub(to_u64(count).saturating_add(16));
        self.patience = left.unwrap_or(0);
        self.gave_up |= left.is_none();
        left.is_some()
    }

    /// All places of `mark`, in order.
    fn places(&self, mark: &'static [u8]) -> impl Iterator<Item = usize> + use<'a> {
        memmem::find_iter(self.bytes, mark)
    }

    /// The bytes from `start` on, `most` at most.
    fn window(&self, start: usize, most: usize) -> &'a [u8] {
        let rest = self.bytes.get(start..).unwrap_or_default();
        rest.get(..most).unwrap_or(rest)
    }

    fn private(&mut self, span: Span, key: private_key::Key) {
        self.found.push(Found { span, kind: key.kind, is_private: true, algorithm: key.algorithm, spki: key.spki, ..Found::default() });
    }

    fn public(&mut self, span: Span, kind: &'static str, spki: Vec<u8>) {
        self.found.push(Found { span, kind, algorithm: public_key::name(&spki), spki: Some(spki), ..Found::default() });
    }

    fn say(&mut self, key: &'static str, value: impl Into<Vec<u8>>, span: Span) {
        self.facts.push((key, value.into(), span));
    }

    /// Hands everything over, in order. A key inside another is the same key, or a part of it; a public key inside a certificate is the
    /// certificate's.
    fn tell(mut self, facts: &mut Facts<'_>) {
        if self.gave_up || self.found.len() > MOST {
            facts.limit("bytes that look like keys");
        }
        self.found.sort_by_key(|found| (found.span.start, std::cmp::Reverse(found.span.length)));
        let certificates: Vec<Span> = facts.certificates.iter().map(|one| one.span).collect();
        let in_certificate = |span: Span| {
            let before = certificates.partition_point(|one| one.start <= span.start);
            certificates.get(before.saturating_sub(1)).is_some_and(|one| one.start <= span.start && span.end() <= one.end())
        };
        let (mut last, mut weak) = (Span::default(), BTreeMap::new());
        for found in std::mem::take(&mut self.found).into_iter().take(MOST) {
            let inside = found.span.start < last.end() && found.span != last;
            if inside || !found.is_private && in_certificate(found.span) {
                continue;
            }
            last = found.span;
            self.hand_over(found, &mut weak, facts);
        }
        self.facts.sort_by_key(|(_, _, span)| span.start);
        for (key, value, span) in &self.facts {
            facts.say(key, value, *span);
        }
    }

    fn hand_over(&mut self, found: Found, judged: &mut BTreeMap<String, Vec<&'static str>>, facts: &mut Facts<'_>) {
        let Found { span, kind, is_private, algorithm, spki, id, name } = found;
        let spki_sha256 = spki.as_ref().map(|spki| hex(&Sha256::digest(spki))).unwrap_or_default();
        let modulus = spki.as_ref().and_then(|spki| public_key::rsa_numbers(spki)).map(|(n, _)| n.to_vec()).unwrap_or_default();
        let weak = match spki.filter(|_| judged.len() < MOST_JUDGED) {
            Some(spki) => judged.entry(spki_sha256.clone()).or_insert_with(|| weakness::weaknesses(&spki)).clone(),
            None => weakness::of_name(&algorithm).into_iter().collect(),
        };
        let said = if is_private { "key.spki" } else { "public-key.spki" };
        for (key, value, span) in [(said, &spki_sha256, span), ("public-key.id", &id, span), ("public-key.name", &name.0, name.1)] {
            if !value.is_empty() {
                self.say(key, value.as_bytes(), span);
            }
        }
        match is_private {
            true => facts.keys.push(PrivateKey { span, kind, algorithm, spki_sha256, modulus, weak }),
            false => facts.public_keys.push(PublicKey { span, kind, algorithm, spki_sha256, id, name: name.0, modulus, weak }),
        }
    }
}

#[cfg(test)]
mod tests;
