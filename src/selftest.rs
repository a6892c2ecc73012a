//! Runs the tests that signatures carry, and looks for signatures that claim what is another's.

use crate::artifact::Artifact;
use crate::attribution::{Attribution, attribute};
use crate::blob::{Blob, Span, to_u64};
use crate::evidence::Collector;
use crate::fact::Fact;
use crate::signature::{Database, Expectation, Role, Signature, Test};

/// A test of a signature that did not come out as it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Path of the file under the database's root.
    pub file: String,
    /// Line of the test.
    pub line: usize,
    /// What was expected and what came.
    pub message: String,
}

/// What came of the tests.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Tests run.
    pub tests: usize,
    /// Those that failed, and the confusions.
    pub failures: Vec<Failure>,
}

/// Runs every test of every signature. A positive test that another supplier's signature claims too is a confusion, and fails.
pub fn run(database: &Database) -> Outcome {
    let mut outcome = Outcome::default();
    for (index, signature) in database.signatures().iter().enumerate() {
        for test in &signature.tests {
            outcome.tests = outcome.tests.saturating_add(1);
            let attributions = attribute(database, &artifact(database, test));
            let mut fail = |message| outcome.failures.push(Failure { file: signature.file.clone(), line: test.line, message });
            if let Some(message) = judge(index, test, &attributions) {
                fail(message);
            }
            if let Some(other) = confusion(database, signature, test, &attributions) {
                fail(format!("{} claims this, too: one of the two is not specific enough", other.label()));
            }
        }
    }
    outcome
}

fn judge(signature: usize, test: &Test, attributions: &[Attribution]) -> Option<String> {
    let own: Vec<&Attribution> = attributions.iter().filter(|one| one.signature == signature && one.role != Role::DependsOn).collect();
    let came = own.iter().map(|one| format!("{} {} ({})", one.role.name(), one.version.as_deref().unwrap_or("-"), one.confidence));
    let came = came.reduce(|all, one| format!("{all}, {one}")).unwrap_or_else(|| "nothing".to_owned());
    let holds = match &test.expect {
        Expectation::Nothing => own.is_empty(),
        Expectation::Mentioned => !own.is_empty() && own.iter().all(|one| !one.is_claim()),
        Expectation::Claim { role, version } => {
            own.iter().any(|one| one.is_claim() && one.role == *role && (version.is_none() || one.version == *version))
        }
    };
    (!holds).then(|| format!("expected {:?}, came {came}", test.expect))
}

fn confusion<'d>(database: &'d Database, signature: &Signature, test: &Test, all: &[Attribution]) -> Option<&'d Signature> {
    let Expectation::Claim { role, .. } = test.expect else { return None };
    let others = all.iter().filter(|one| one.is_claim() && one.role == role).filter_map(|one| database.signatures().get(one.signature));
    others.into_iter().find(|other| other.supplier != signature.supplier)
}

/// An artifact that says just what the test says. Its facts stand apart, each on a page of its own.
fn artifact(database: &Database, test: &Test) -> Artifact {
    const PAGE: u64 = 8192;
    let values = || test.facts.iter().flat_map(|(key, values)| values.iter().map(move |value| (*key, value.as_bytes())));
    let mut bytes = Vec::new();
    let mut facts = Vec::new();
    for (key, value) in values() {
        bytes.resize(bytes.len().next_multiple_of(crate::blob::to_usize(PAGE)), 0);
        facts.push((key, value, Span::new(to_u64(bytes.len()), to_u64(value.len()))));
        bytes.extend_from_slice(value);
    }
    bytes.push(0);
    let blob = Blob::new(bytes);
    let mut collector = Collector::new(database, test.context);
    for (key, value, span) in facts {
        collector.add(&blob, &Fact { key, value, span });
    }
    Artifact { evidence: collector.finish(), ..Artifact::new(String::new(), test.context, blob.len()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_database_passes_its_own_tests() {
        let database = Database::embedded().unwrap_or_else(|mistake| panic!("{mistake}"));
        let outcome = run(&database);
        let told: Vec<_> = outcome.failures.iter().map(|one| format!("{}:{}: {}", one.file, one.line, one.message)).collect();
        assert!(told.is_empty(), "{}", told.join("\n"));
    }

    #[test]
    fn wrong_expectations_and_confusions_fail() {
        let component = |id: &str, supplier: &str, expect: &str| {
            let text = format!(
                "id = '{id}'\nname = '{id}'\nsupplier = '{supplier}'\nsource = 'a test of tests'
                 [[match]]\nfact = 'module.name'\nequals = 'thing'\nstrength = 'conclusive'
                 [[test]]\nin = 'raw'\nfacts = {{ 'module.name' = ['thing'] }}\nexpect = {expect}"
            );
            (format!("components/{id}.toml"), text)
        };
        let run = |files: &[(String, String)]| run(&Database::of(files).unwrap()).failures.len();
        assert_eq!(run(&[component("a", "x", "{ role = 'author' }")]), 0);
        assert_eq!(run(&[component("a", "x", "{ role = 'author', version = '1' }")]), 1);
        assert_eq!(run(&[component("a", "x", "'nothing'")]), 1);
        assert_eq!(run(&[component("a", "x", "'mentioned'")]), 1);
        assert_eq!(run(&[component("a", "x", "{ role = 'author' }"), component("b", "x", "{ role = 'author' }")]), 0);
        assert_eq!(run(&[component("a", "x", "{ role = 'author' }"), component("b", "y", "{ role = 'author' }")]), 2);
    }
}
