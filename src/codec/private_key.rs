//! Private keys: PKCS#1 (RFC 8017), PKCS#8 (RFC 5958), SEC 1 (RFC 5915), and what OpenSSL and SSH write. Only what is public comes out.

use super::der::{BIT_STRING, CONTEXT_0, CONTEXT_1, Element, INTEGER, OCTET_STRING, OID, Reader, SEQUENCE, bits, oid_text};
use super::pem::Block;
use super::public_key::{self, DSA, EC, RSA, RSA_PSS, curve_by_oid, ec_name, explicit_size, fixed, is_point};
use crate::blob::to_u64;

mod ssh;
mod stores;

pub use ssh::{dropbear, openssh, ssh_public};
pub use stores::{bks, jks, pkcs12};

/// What a private key says that is no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// How it is written.
    pub kind: &'static str,
    /// Algorithm and size, as in `rsa-2048`; empty if encrypted; an object identifier if it is none that is known.
    pub algorithm: String,
    /// The SubjectPublicKeyInfo of its public half, if that can be told.
    pub spki: Option<Vec<u8>>,
    /// Bytes that it takes.
    pub length: u64,
}

/// The key that these numbers make, if they fit each other: `n`, `e`, `d`, `p`, `q`.
pub fn of_rsa_numbers(kind: &'static str, [n, e, d, p, q]: [&[u8]; 5], length: u64) -> Option<Key> {
    let (algorithm, spki) = is_rsa(n, e, d, p, q).then(|| rsa(n, e))?;
    Some(Key { kind, algorithm, spki, length })
}

/// Algorithm and SubjectPublicKeyInfo.
type Public = (String, Option<Vec<u8>>);

/// The forms of DER, each with what reads it to its end.
static FORMS: &[(&str, Form)] = &[("pkcs1", pkcs1), ("pkcs8", pkcs8), ("sec1", sec1_alone), ("dsa", dsa), ("pkcs8-encrypted", encrypted)];

type Form = fn(Reader<'_>) -> Option<Public>;

/// The key in a PEM block.
pub fn pem(block: &Block<'_>) -> Option<Key> {
    let bytes = block.decode();
    match block.label {
        b"OPENSSH PRIVATE KEY" => openssh(&bytes),
        b"RSA PRIVATE KEY" | b"EC PRIVATE KEY" | b"DSA PRIVATE KEY" if block.is_encrypted() => {
            let is_whole = block.is_closed && bytes.len() >= 32 && bytes.len().is_multiple_of(8);
            is_whole.then(|| Key { kind: "pem-encrypted", algorithm: String::new(), spki: None, length: to_u64(bytes.len()) })
        }
        label if label.ends_with(b"PRIVATE KEY") => der(&bytes),
        _ => None,
    }
}

/// The key in DER that `bytes` start with, in any of its forms.
pub fn der(bytes: &[u8]) -> Option<Key> {
    let key = Reader::new(bytes).element(SEQUENCE)?;
    let (kind, (algorithm, spki)) = FORMS.iter().find_map(|(kind, read)| Some((*kind, read(Reader::new(key.content))?)))?;
    Some(Key { kind, algorithm, spki, length: to_u64(key.whole.len()) })
}

/// `RSAPrivateKey`: `version`, `modulus`, `publicExponent`, `privateExponent`, `prime1`, `prime2`, `exponent1`, `exponent2`, `coefficient`.
fn pkcs1(mut key: Reader<'_>) -> Option<Public> {
    if key.read(INTEGER)? != [0] {
        return None;
    }
    let (n, e, d) = (key.unsigned()?, key.unsigned()?, key.unsigned()?);
    let (p, q) = (key.unsigned()?, key.unsigned()?);
    let (dp, dq, inverse) = (key.unsigned()?, key.unsigned()?, key.unsigned()?);
    let fits = |part: &[u8], whole: &[u8]| !part.is_empty() && bits(part) <= bits(whole);
    let is_whole = key.is_empty() && fits(dp, p) && fits(dq, q) && fits(inverse, p);
    (is_whole && is_rsa(n, e, d, p, q)).then(|| rsa(n, e))
}

/// Whether the sizes of these numbers fit each other, as they do in every RSA key of two primes.
fn is_rsa(n: &[u8], e: &[u8], d: &[u8], p: &[u8], q: &[u8]) -> bool {
    let size = bits(n);
    let is_odd = |number: &[u8]| number.last().is_some_and(|last| last & 1 == 1);
    let product = bits(p).saturating_add(bits(q));
    (512..=16_384).contains(&size)
        && [n, e, p, q].into_iter().all(is_odd)
        && (1..=size).contains(&bits(e))
        && !d.is_empty()
        && bits(d) <= size
        && (product == size || product == size.saturating_add(1))
        && bits(p).min(bits(q)) >= size / 4
}

fn rsa(n: &[u8], e: &[u8]) -> Public {
    (format!("rsa-{}", bits(n)), Some(public_key::write_rsa(n, e)))
}

/// `OneAsymmetricKey`: `version`, `privateKeyAlgorithm`, `privateKey`, `[0] attributes`, `[1] publicKey`.
fn pkcs8(mut key: Reader<'_>) -> Option<Public> {
    if !matches!(key.read(INTEGER)?, [0 | 1]) {
        return None;
    }
    let mut algorithm = key.enter(SEQUENCE)?;
    let oid = algorithm.read(OID)?;
    let parameters = algorithm.any();
    let inner = key.read(OCTET_STRING)?;
    key.element(CONTEXT_0);
    let public = key.read(0x81).and_then(|bits| bits.strip_prefix(&[0]));
    if !key.is_empty() || !algorithm.is_empty() {
        return None;
    }
    let mut inner = Reader::new(inner);
    let found = match oid {
        RSA | RSA_PSS => pkcs1(inner.enter(SEQUENCE)?)?,
        EC => sec1(inner.enter(SEQUENCE)?, parameters)?,
        DSA => (dsa_name(parameters?, inner.unsigned()?)?, None),
        _ => match fixed(oid) {
            Some((name, size)) if inner.read(OCTET_STRING)?.len() == size => {
                (name.to_owned(), public.map(|public| public_key::write(oid, &[], public)))
            }
            Some(_) => return None,
            None => return is_other(oid).then(|| (oid_text(oid), None)),
        },
    };
    inner.is_empty().then_some(found)
}

/// Algorithms that we know nothing of but that their identifier is one: at least three arcs, none cut off.
fn is_other(oid: &[u8]) -> bool {
    oid.len() >= 3 && oid.last().is_some_and(|last| last & 0x80 == 0)
}

/// `DSA-Parms`, and a private half that is smaller than the subgroup.
fn dsa_name(parameters: Element<'_>, x: &[u8]) -> Option<String> {
    let mut parameters = Reader::new(Some(parameters).filter(|parameters| parameters.tag == SEQUENCE)?.content);
    let (p, q, g) = (parameters.unsigned()?, parameters.unsigned()?, parameters.unsigned()?);
    is_dsa(p, q, g, x).then(|| format!("dsa-{}", bits(p)))
}

fn is_dsa(p: &[u8], q: &[u8], g: &[u8], x: &[u8]) -> bool {
    (512..=4096).contains(&bits(p))
        && (160..=256).contains(&bits(q))
        && bits(g) > 1
        && bits(g) <= bits(p)
        && bits(x) > 1
        && bits(x) <= bits(q)
}

/// OpenSSL's form of a DSA key: `0`, `p`, `q`, `g`, `y`, `x`.
fn dsa(mut key: Reader<'_>) -> Option<Public> {
    if key.read(INTEGER)? != [0] {
        return None;
    }
    let (p, q, g) = (key.unsigned()?, key.unsigned()?, key.unsigned()?);
    let (y, x) = (key.unsigned()?, key.unsigned()?);
    let is_whole = key.is_empty() && is_dsa(p, q, g, x) && bits(y) > 1 && bits(y) <= bits(p);
    is_whole.then(|| (format!("dsa-{}", bits(p)), Some(public_key::write_dsa(p, q, g, y))))
}

fn sec1_alone(key: Reader<'_>) -> Option<Public> {
    sec1(key, None)
}

/// `ECPrivateKey`: `version`, `privateKey`, `[0] parameters`, `[1] publicKey`. In PKCS#8, `outer` are the parameters.
fn sec1<'a>(mut key: Reader<'a>, outer: Option<Element<'a>>) -> Option<Public> {
    if key.read(INTEGER)? != [1] {
        return None;
    }
    let secret = key.read(OCTET_STRING)?;
    let own = key.enter(CONTEXT_0).and_then(|mut own| own.any());
    let public = key.enter(CONTEXT_1).and_then(|mut public| public.read(BIT_STRING)).and_then(|bits| bits.strip_prefix(&[0]));
    let parameters = own.or(outer)?;
    let size = match parameters.tag {
        OID => curve_by_oid(parameters.content)?.size,
        SEQUENCE => explicit_size(parameters.content)?,
        _ => return None,
    };
    // Some write the number without its leading zeros.
    let is_secret = secret.len() <= size && secret.len().saturating_add(4) >= size && secret.iter().any(|byte| *byte != 0);
    let is_whole = key.is_empty() && is_secret && public.is_none_or(|public| is_point(public, size));
    let spki = public.map(|public| public_key::write(EC, parameters.whole, public));
    is_whole.then(|| (ec_name(Some(parameters)), spki))
}

/// `EncryptedPrivateKeyInfo`: an algorithm of PKCS#5 or PKCS#12, and the data.
fn encrypted(mut key: Reader<'_>) -> Option<Public> {
    const PKCS5: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05];
    const PKCS12_PBE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x01];
    let mut algorithm = key.enter(SEQUENCE)?;
    let oid = algorithm.read(OID)?;
    algorithm.enter(SEQUENCE)?;
    let data = key.read(OCTET_STRING)?;
    let is_whole = key.is_empty() && data.len() >= 16 && (oid.starts_with(PKCS5) || oid.starts_with(PKCS12_PBE));
    is_whole.then(|| (String::new(), None))
}
