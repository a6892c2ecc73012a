//! What tests of analyzers share: run one over bytes and look at what it says.

use super::{Analyzer, Certificate, Context, DigitalSignature, Fact, Facts, PrivateKey, PublicKey, Subject};
use crate::blob::{Blob, Span};
use crate::problem::Problem;

/// All that an analyzer said.
#[derive(Debug, Default)]
pub(crate) struct Said {
    /// Key, value, place.
    pub(crate) facts: Vec<(&'static str, String, Span)>,
    /// Certificates.
    pub(crate) certificates: Vec<Certificate>,
    /// Private keys.
    pub(crate) keys: Vec<PrivateKey>,
    /// Public keys.
    pub(crate) public_keys: Vec<PublicKey>,
    /// Digital signatures.
    pub(crate) signatures: Vec<DigitalSignature>,
    /// What went wrong.
    pub(crate) problems: Vec<Problem>,
}

impl Said {
    /// All values of `key`, in order; those of `string` in any encoding.
    pub(crate) fn values(&self, key: &str) -> Vec<&str> {
        let asked = |fact: &str| fact == key || key == "string" && fact.starts_with("string.");
        self.facts.iter().filter(|fact| asked(fact.0)).map(|fact| fact.1.as_str()).collect()
    }
}

/// Runs `analyzer` over `bytes`; checks that it keeps to its keys.
pub(crate) fn analyze(analyzer: &dyn Analyzer, bytes: &[u8], format: Option<&'static str>) -> Said {
    let blob = Blob::new(bytes.to_vec());
    let subject = Subject { blob: &blob, format, context: Context::of(&blob, format) };
    let mut said = Said::default();
    let mut deliver = |fact: Fact<'_>| {
        assert!(analyzer.keys().iter().any(|key| key.name == fact.key), "{} does not declare {}", analyzer.id(), fact.key);
        assert!(fact.span.end() <= blob.len(), "{} points outside", fact.key);
        said.facts.push((fact.key, String::from_utf8_lossy(fact.value).into_owned(), fact.span));
    };
    let mut facts = Facts::new(&mut deliver);
    analyzer.analyze(&subject, &mut facts);
    let Facts { certificates, keys, public_keys, signatures, problems, .. } = facts;
    Said { certificates, keys, public_keys, signatures, problems, ..said }
}

/// Feeds `analyzer` damaged copies of `bytes`: it may say what it likes, but must come back, and soon.
pub(crate) fn survives_damage(analyzer: &dyn Analyzer, bytes: &[u8], format: Option<&'static str>) {
    for copy in crate::testing::damaged(bytes, 500, 512) {
        analyze(analyzer, &copy, format);
    }
}

/// A PE file for x86 with these data directories and one section, which holds `content` and is loaded at 0x1000; the DOS program holds `stub`.
pub(crate) fn pe(stub: &[u8], directories: &[(usize, u32, u32)], content: &[u8]) -> Vec<u8> {
    let header = (0x40 + stub.len()).next_multiple_of(8);
    let mut bytes = vec![0; 0x400];
    let mut put = |at: usize, what: &[u8]| bytes[at..at + what.len()].copy_from_slice(what);
    put(0, b"MZ");
    put(0x3c, &(header as u32).to_le_bytes());
    put(0x40, stub);
    put(header, b"PE\0\0\x4c\x01\x01\0");
    put(header + 20, &[224, 0, 2, 0x20, 0x0b, 1, 14, 29]);
    for (at, word) in [(52, 0x40_0000_u32), (56, 0x1000), (60, 0x200), (84, 0x400), (92, 3 | 0x4140 << 16), (116, 16)] {
        put(header + at, &word.to_le_bytes());
    }
    for (index, address, size) in directories {
        put(header + 120 + index * 8, &[address.to_le_bytes(), size.to_le_bytes()].concat());
    }
    put(header + 248, b".all\0\0\0\0");
    for (at, word) in [(8, content.len() as u32), (12, 0x1000), (16, content.len() as u32), (20, 0x400)] {
        put(header + 248 + at, &word.to_le_bytes());
    }
    bytes.extend(content);
    bytes
}

/// Bytes without any order.
pub(crate) fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..length).map(|_| next()).collect()
}
