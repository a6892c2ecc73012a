//! The rules of judgement, on facts made up for them.

use super::*;
use crate::selftest::run;

fn outcome(rules: &str, tests: &str) -> Vec<String> {
    let text = format!("id = 'thing'\nname = 'Thing'\nsupplier = 'acme'\nsource = 'a test of judgement'\n{rules}\n{tests}");
    let database = Database::of(&[("components/thing.toml".to_owned(), text)]).unwrap_or_else(|mistake| panic!("{mistake}"));
    run(&database).failures.into_iter().map(|failure| failure.message).collect()
}

fn rule(fact: &str, what: &str, strength: &str) -> String {
    format!("[[match]]\nfact = '{fact}'\n{what}\nstrength = '{strength}'\n")
}

fn check(rules: &[String], context: &str, facts: &str, expect: &str) {
    let test = format!("[[test]]\nin = '{context}'\nfacts = {{ {facts} }}\nexpect = {expect}");
    let failures = outcome(&rules.concat(), &test);
    assert!(failures.is_empty(), "{failures:?}");
}

const CLAIM: &str = "{ role = 'author' }";

#[test]
fn one_banner_is_a_mention_and_with_a_companion_a_claim() {
    let rules = [rule("module.author", "equals = 'Thing'", "banner"), rule("module.license", "equals = 'Thing licence'", "internal")];
    check(&rules, "program", "'module.author' = ['Thing']", "'mentioned'");
    check(&rules, "program", "'module.author' = ['Thing', 'Thing']", "'mentioned'");
    check(&rules, "program", "'module.author' = ['Thing'], 'module.license' = ['Thing licence']", CLAIM);
}

#[test]
fn text_never_makes_a_claim() {
    let rules = [rule("kernel.banner", "equals = 'Thing'", "conclusive")];
    check(&rules, "program", "'kernel.banner' = ['Thing']", CLAIM);
    check(&rules, "kernel-module", "'kernel.banner' = ['Thing']", "'mentioned'");
    check(&rules, "text", "'kernel.banner' = ['Thing']", "'mentioned'");
    check(&rules, "data", "'kernel.banner' = ['Thing']", "'mentioned'");
}

#[test]
fn a_version_says_nothing_about_who() {
    let rules =
        [rule("module.version", "regex = '^(?<version>1\\.\\d)$'", "version"), rule("module.name", "equals = 'thing'", "conclusive")];
    check(&rules, "program", "'module.version' = ['1.2']", "'nothing'");
    check(&rules, "program", "'module.version' = ['1.2'], 'module.name' = ['thing']", "{ role = 'author', version = '1.2' }");
}

#[test]
fn what_speaks_against_counts() {
    let rules = [
        rule("name", "equals = 'thing'", "banner"),
        rule("module.name", "equals = 'thing'", "banner"),
        rule("module.author", "equals = 'Fork'", "against"),
    ];
    check(&rules, "program", "name = ['thing'], 'module.name' = ['thing']", CLAIM);
    check(&rules, "program", "name = ['thing'], 'module.name' = ['thing'], 'module.author' = ['Fork']", "'mentioned'");
}

#[test]
fn confidence_is_the_posterior() {
    assert_eq!(percent(0.0), 50);
    assert_eq!(percent(-20.0), 1);
    assert_eq!(percent(20.0), 99);
    assert_eq!(percent(2.0), 80);
}

#[test]
fn layers_are_capped_and_shrunk() {
    let witness = |layer| Witness { strength: Strength::Internal, layer, weight: 8.0, fact: "name" };
    let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a} {b}");
    close(total(&[witness(Layer::Literal)]), 8.0);
    close(total(&[witness(Layer::Literal), witness(Layer::Literal), witness(Layer::Literal)]), 14.0);
    close(total(&[witness(Layer::Literal), witness(Layer::Literal), witness(Layer::Metadata)]), 14.0 + 6.4);
}

#[test]
fn a_certificate_alone_is_no_signature() {
    let rules =
        [rule("certificate.organization", "equals = 'Thing Ltd.'", "conclusive"), rule("module.name", "equals = 'thing'", "internal")];
    check(&rules, "data", "'certificate.organization' = ['Thing Ltd.']", "'mentioned'");
    check(&rules, "program", "'certificate.organization' = ['Thing Ltd.'], 'module.name' = ['thing']", CLAIM);
}

/// One maker's signature, which also looks at bare versions.
fn maker(number: usize) -> (String, String) {
    let text = format!(
        "id = 'm{number}'\nname = 'M'\nsupplier = 's{number}'\nsource = 'a test of tables'\n{}{}",
        rule("string", &format!("literal = 'the mark of maker {number}.'"), "conclusive"),
        rule("version", r"regex = '^(?<version>1\.2\.3)$'", "version")
    );
    (format!("components/m{number}.toml"), text)
}

fn claims_among(makers: usize, named: usize) -> usize {
    let files: Vec<_> = (0..makers).map(maker).collect();
    let database = Database::of(&files).unwrap();
    let mut bytes: Vec<u8> = (0..named).flat_map(|number| format!("the mark of maker {number}.\0").into_bytes()).collect();
    bytes.extend_from_slice(b"\x01\x021.2.3\0\x01\x02");
    let (input, options) = (crate::walk::Input::Image(crate::blob::Blob::new(bytes)), crate::Options::default());
    let report = crate::inspect(&input, "x", &database, &options);
    report.components.iter().filter(|one| one.confidence >= crate::attribution::CLAIM).count()
}

#[test]
fn a_table_of_everybody_is_nobodys_code() {
    assert_eq!(claims_among(20, 1), 1, "rules for bare versions make no table");
    assert_eq!(claims_among(20, 3), 3);
    assert_eq!(claims_among(20, 20), 0);
}
