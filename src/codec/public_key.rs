//! SubjectPublicKeyInfo, RFC 5280 section 4.1: what a public key is, and how to write one.

use super::der::{BIT_STRING, Element, NULL, OCTET_STRING, OID, Reader, SEQUENCE, bits, element, integer, oid_text};

/// `rsaEncryption`, 1.2.840.113549.1.1.1.
pub const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
/// `id-RSASSA-PSS`, 1.2.840.113549.1.1.10.
pub const RSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
/// `id-ecPublicKey`, 1.2.840.10045.2.1.
pub const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
/// `id-dsa`, 1.2.840.10040.4.1.
pub const DSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x01];
/// `id-Ed25519`, 1.3.101.112.
pub const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

/// A named curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Curve {
    /// As in `p256`.
    pub name: &'static str,
    /// Content of its object identifier.
    pub oid: &'static [u8],
    /// Bytes of a coordinate.
    pub size: usize,
}

const fn curve(name: &'static str, size: usize, oid: &'static [u8]) -> Curve {
    Curve { name, oid, size }
}

/// The curves that keys are found on.
pub static CURVES: &[Curve] = &[
    curve("p192", 24, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x01]),
    curve("p224", 28, &[0x2b, 0x81, 0x04, 0x00, 0x21]),
    curve("p256", 32, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07]),
    curve("p384", 48, &[0x2b, 0x81, 0x04, 0x00, 0x22]),
    curve("p521", 66, &[0x2b, 0x81, 0x04, 0x00, 0x23]),
    curve("secp256k1", 32, &[0x2b, 0x81, 0x04, 0x00, 0x0a]),
    curve("sm2", 32, &[0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x82, 0x2d]),
    curve("brainpoolp256r1", 32, &[0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x07]),
    curve("brainpoolp384r1", 48, &[0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0b]),
    curve("brainpoolp512r1", 64, &[0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0d]),
];

/// The curve whose object identifier has this content.
pub fn curve_by_oid(oid: &[u8]) -> Option<Curve> {
    CURVES.iter().copied().find(|curve| curve.oid == oid)
}

/// A key of this algorithm whose only parameter is what it is, and the bytes of its private half.
pub fn fixed(oid: &[u8]) -> Option<(&'static str, usize)> {
    Some(match oid {
        [0x2b, 0x65, 0x70] => ("ed25519", 32),
        [0x2b, 0x65, 0x71] => ("ed448", 57),
        [0x2b, 0x65, 0x6e] => ("x25519", 32),
        [0x2b, 0x65, 0x6f] => ("x448", 56),
        _ => return None,
    })
}

/// Algorithm and size of the key in a SubjectPublicKeyInfo, as in `rsa-2048`, `ec-p256`, `ed25519`. Algorithms without a name here have
/// their object identifier; what is no SubjectPublicKeyInfo has nothing.
pub fn name(spki: &[u8]) -> String {
    read(spki).unwrap_or_default()
}

fn read(spki: &[u8]) -> Option<String> {
    let mut info = Reader::new(spki).enter(SEQUENCE)?;
    let mut algorithm = info.enter(SEQUENCE)?;
    let key = info.read(BIT_STRING)?.strip_prefix(&[0])?;
    let oid = algorithm.read(OID)?;
    let parameters = algorithm.any();
    Some(match oid {
        RSA | RSA_PSS => format!("rsa-{}", bits(Reader::new(key).enter(SEQUENCE)?.unsigned()?)),
        EC => ec_name(parameters),
        DSA => format!("dsa-{}", bits(Reader::new(parameters?.content).unsigned()?)),
        _ => fixed(oid).map_or_else(|| oid_text(oid), |known| known.0.to_owned()),
    })
}

/// Modulus and exponent of the RSA key in a SubjectPublicKeyInfo.
pub fn rsa_numbers(spki: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut info = Reader::new(spki).enter(SEQUENCE)?;
    let oid = info.enter(SEQUENCE)?.read(OID)?;
    let key = info.read(BIT_STRING)?.strip_prefix(&[0])?;
    let mut numbers = Some(oid).filter(|oid| matches!(*oid, RSA | RSA_PSS)).and_then(|_| Reader::new(key).enter(SEQUENCE))?;
    Some((numbers.unsigned()?, numbers.unsigned()?))
}

/// `ec-` and the curve that the parameters name; `ec` alone if they spell it out.
pub fn ec_name(parameters: Option<Element<'_>>) -> String {
    match parameters {
        Some(Element { tag: OID, content, .. }) => match curve_by_oid(content) {
            Some(curve) => format!("ec-{}", curve.name),
            None => format!("ec-{}", oid_text(content)),
        },
        _ => "ec".to_owned(),
    }
}

/// The SubjectPublicKeyInfo that `bytes` start with, all of it, if its algorithm is one that is known.
pub fn spki(bytes: &[u8]) -> Option<&[u8]> {
    let whole = Reader::new(bytes).element(SEQUENCE)?;
    let mut info = Reader::new(whole.content);
    let mut algorithm = info.enter(SEQUENCE)?;
    let oid = algorithm.read(OID)?;
    let parameters = algorithm.any();
    let key = info.read(BIT_STRING)?.strip_prefix(&[0])?;
    let is_key = match oid {
        RSA | RSA_PSS => pkcs1(key).is_some_and(|found| found.len() == key.len()),
        EC => match parameters? {
            Element { tag: OID, content, .. } => curve_by_oid(content).is_some_and(|curve| is_point(key, curve.size)),
            Element { tag: SEQUENCE, content, .. } => explicit_size(content).is_some_and(|size| is_point(key, size)),
            _ => false,
        },
        DSA => Reader::new(key).unsigned().is_some_and(|y| (512..=4096).contains(&bits(y))),
        _ => fixed(oid).is_some_and(|(_, size)| key.len() == size),
    };
    (is_key && info.is_empty() && algorithm.is_empty()).then_some(whole.whole)
}

/// The `RSAPublicKey` that `bytes` start with, RFC 8017 section A.1.1: `modulus`, `publicExponent`.
pub fn pkcs1(bytes: &[u8]) -> Option<&[u8]> {
    let whole = Reader::new(bytes).element(SEQUENCE)?;
    let mut numbers = Reader::new(whole.content);
    let (n, e) = (numbers.unsigned()?, numbers.unsigned()?);
    let is_key = (512..=16_384).contains(&bits(n)) && (1..=bits(n)).contains(&bits(e));
    (is_key && numbers.is_empty()).then_some(whole.whole)
}

/// Writes the SubjectPublicKeyInfo of a key whose algorithm has these parameters.
pub fn write(oid: &[u8], parameters: &[u8], key: &[u8]) -> Vec<u8> {
    let algorithm = element(SEQUENCE, &[&element(OID, &[oid]), parameters]);
    element(SEQUENCE, &[&algorithm, &element(BIT_STRING, &[&[0], key])])
}

/// Writes the SubjectPublicKeyInfo of an RSA key.
pub fn write_rsa(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    write(RSA, &element(NULL, &[]), &element(SEQUENCE, &[&integer(modulus), &integer(exponent)]))
}

/// Writes the SubjectPublicKeyInfo of a DSA key.
pub fn write_dsa(p: &[u8], q: &[u8], g: &[u8], y: &[u8]) -> Vec<u8> {
    write(DSA, &element(SEQUENCE, &[&integer(p), &integer(q), &integer(g)]), &integer(y))
}

/// Whether a point may be one of a curve with coordinates of `size` bytes, SEC 1 section 2.3.3.
pub fn is_point(point: &[u8], size: usize) -> bool {
    match point {
        [4, coordinates @ ..] => coordinates.len() == size.saturating_mul(2),
        [2 | 3, coordinate @ ..] => coordinate.len() == size,
        _ => false,
    }
}

/// The size of a coordinate where the curve is spelled out, RFC 3279 section 2.3.5: `version`, `fieldID`, `curve`, `base`, `order`, …
pub fn explicit_size(parameters: &[u8]) -> Option<usize> {
    let mut parameters = Reader::new(parameters);
    let version = parameters.unsigned()?;
    let mut field = parameters.enter(SEQUENCE)?;
    field.read(OID)?;
    let prime = field.unsigned()?;
    parameters.enter(SEQUENCE)?;
    let base = parameters.read(OCTET_STRING)?;
    parameters.unsigned()?;
    let size = bits(prime).div_ceil(8);
    (matches!(version, [1..=3]) && (16..=72).contains(&size) && is_point(base, size)).then_some(size)
}
