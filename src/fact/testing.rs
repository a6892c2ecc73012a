//! What tests of analyzers share: run one over bytes and look at what it says.

use super::{Analyzer, Certificate, Context, DigitalSignature, Fact, Facts, PrivateKey, Subject};
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
    /// Digital signatures.
    pub(crate) signatures: Vec<DigitalSignature>,
    /// What went wrong.
    pub(crate) problems: Vec<Problem>,
}

impl Said {
    /// All values of `key`, in order.
    pub(crate) fn values(&self, key: &str) -> Vec<&str> {
        self.facts.iter().filter(|fact| fact.0 == key).map(|fact| fact.1.as_str()).collect()
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
    let (certificates, keys, signatures, problems) = (facts.certificates, facts.keys, facts.signatures, facts.problems);
    Said { certificates, keys, signatures, problems, ..said }
}

/// Feeds `analyzer` damaged copies of `bytes`: it may say what it likes, but must come back, and soon.
pub(crate) fn survives_damage(analyzer: &dyn Analyzer, bytes: &[u8], format: Option<&'static str>) {
    for copy in crate::testing::damaged(bytes, 500, 512) {
        analyze(analyzer, &copy, format);
    }
}
