//! Rules about rules: small named checks, each with advice.

use super::{Database, Expectation, KeyKind, Pattern, Signature, Strength};

/// What a check has to say of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// Name of the check.
    pub check: &'static str,
    /// Path under the database's root.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// What is wrong, and what to do.
    pub message: String,
}

type Check = fn(&Database, &mut dyn FnMut(&str, usize, String));

/// All checks, by name.
static CHECKS: &[(&str, Check)] = &[
    ("known-suppliers", known_suppliers),
    ("tested", tested),
    ("can-claim", can_claim),
    ("references", references),
    ("sources", sources),
    ("tidy-ids", tidy_ids),
    ("country", country),
    ("literal-in-regex", literal_in_regex),
    ("known-keys", known_keys),
];

/// Everything that the checks have to say, in order of check and file. Nothing means: the database is in order.
pub fn lint(database: &Database) -> Vec<Advice> {
    let mut all = Vec::new();
    for (check, run) in CHECKS {
        run(database, &mut |file, line, message| all.push(Advice { check, file: file.to_owned(), line, message }));
    }
    all
}

fn known_suppliers(database: &Database, say: &mut dyn FnMut(&str, usize, String)) {
    let known = |id: &str| database.suppliers().contains_key(id);
    for signature in database.signatures().iter().filter(|signature| !known(&signature.supplier)) {
        say(&signature.file, 1, format!("there is no suppliers/{}.toml: write it, or correct the id", signature.supplier));
    }
    for supplier in database.suppliers().values() {
        for owner in supplier.owners.iter().filter(|owner| !known(&owner.id)) {
            say(&supplier.file, 1, format!("its owner {:?} has no file: write suppliers/{}.toml", owner.id, owner.id));
        }
    }
    for list in database.lists().values() {
        for entry in list.entries.iter().filter(|entry| !known(&entry.supplier)) {
            say(&format!("lists/{}.toml", list.id), 1, format!("the entry {:?} is no supplier of the database", entry.supplier));
        }
    }
}

fn tested(database: &Database, say: &mut dyn FnMut(&str, usize, String)) {
    for signature in database.signatures() {
        let claims = |test: &super::Test| matches!(test.expect, Expectation::Claim { .. });
        if !signature.tests.iter().any(claims) {
            say(&signature.file, 1, "no test expects a claim: quote one from a real file".to_owned());
        }
        if signature.tests.iter().all(claims) {
            say(&signature.file, 1, "no test expects \"nothing\" or \"mentioned\": show what must not match".to_owned());
        }
    }
}

fn can_claim(database: &Database, say: &mut dyn FnMut(&str, usize, String)) {
    for signature in database.signatures() {
        let count = |strength| signature.rules.iter().filter(|rule| rule.strength == strength).count();
        let strong = count(Strength::Internal).saturating_add(count(Strength::Banner));
        let enough = count(Strength::Conclusive) > 0 || strong > 1 || (strong > 0 && count(Strength::Supporting) > 0);
        if !enough {
            say(&signature.file, 1, "its rules can never make a claim: one conclusive, or two of which one is not supporting".to_owned());
        }
    }
}

fn references(database: &Database, say: &mut dyn FnMut(&str, usize, String)) {
    let mut check = |file: &str, references: &[String]| {
        if references.is_empty() || references.iter().any(|page| !page.starts_with("http")) {
            say(file, 1, "references wants the address of at least one page about it".to_owned());
        }
    };
    database.signatures().iter().filter(|one| one.component.is_some()).for_each(|one| check(&one.file, &one.references));
    database.suppliers().values().for_each(|one| check(&one.file, &one.references));
}

fn sources(database: &Database, say: &mut dyn FnMut(&str, usize, String)) {
    let mut check = |file: &str, source: &str| {
        if source.trim().len() < 8 {
            say(file, 1, "source wants to say where the facts were seen: package, version, file".to_owned());
        }
    };
    database.signatures().iter().for_each(|one| check(&one.file, &one.source));
    database.suppliers().values().for_each(|one| check(&one.file, &one.source));
}

fn tidy_ids(database: &Database, say: &mut dyn FnMut(&str, usize, String)) {
    let tidy = |id: &str| id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.+".contains(&byte));
    let signatures = database.signatures().iter().map(|one| (&one.id, &one.file));
    for (id, file) in signatures.chain(database.suppliers().values().map(|one| (&one.id, &one.file))) {
        if !tidy(id) {
            say(file, 1, format!("the id {id:?} has characters other than a-z, 0-9, '-', '_', '.', '+'"));
        }
    }
}

fn country(database: &Database, say: &mut dyn FnMut(&str, usize, String)) {
    for supplier in database.suppliers().values() {
        if supplier.country.as_ref().is_some_and(|code| code.len() != 2 || !code.bytes().all(|byte| byte.is_ascii_uppercase())) {
            say(&supplier.file, 1, "country is an ISO 3166 code of two capital letters".to_owned());
        }
    }
}

/// A literal that the expression does not need is no prefilter but a second condition. Digits of it may stand for a class of the expression.
fn literal_in_regex(database: &Database, say: &mut dyn FnMut(&str, usize, String)) {
    let plain = |text: &str| text.chars().filter(char::is_ascii_alphabetic).collect::<String>();
    let holds = |signature: &Signature, say: &mut dyn FnMut(&str, usize, String)| {
        for rule in &signature.rules {
            if let Pattern::Literal { text, regex: Some(regex), ignore_case: false } = &rule.pattern
                && !plain(regex.as_str()).contains(&plain(text))
            {
                say(&signature.file, rule.line, format!("the literal {text:?} is no part of its regex"));
            }
        }
    };
    database.signatures().iter().for_each(|signature| holds(signature, say));
}

/// Tables of keys are in order, say where each is from, and whose products have it.
fn known_keys(database: &Database, say: &mut dyn FnMut(&str, usize, String)) {
    for table in database.key_tables() {
        for (before, key) in table.keys.iter().zip(table.keys.iter().skip(1)) {
            if before.hash >= key.hash {
                say(&table.file, key.line, format!("{} is there already, or not in order", key.hash));
            }
        }
        for key in &table.keys {
            if key.source.trim().len() < 8 {
                say(&table.file, key.line, "source wants to say which list or package it is from".to_owned());
            }
            if key.kind.is_leaked() && key.vendors.is_empty() && key.kind != KeyKind::DebianWeak {
                say(&table.file, key.line, "it wants the makers in whose products it was seen".to_owned());
            }
            if !key.kind.is_leaked() && key.subject.is_empty() {
                say(&table.file, key.line, "subject wants to say what it is an example or a test of".to_owned());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_database_is_in_order() {
        let database = Database::embedded().unwrap_or_else(|mistake| panic!("{mistake}"));
        let advice = lint(&database);
        let told: Vec<_> = advice.iter().map(|one| format!("{}:{}: {} ({})", one.file, one.line, one.message, one.check)).collect();
        assert!(advice.is_empty(), "{}", told.join("\n"));
    }

    #[test]
    fn each_check_finds_what_it_is_for() {
        let files = [
            ("suppliers/Bad.toml", "id = 'Bad'\nname = 'x'\nsource = '?'\ncountry = 'China'\n[[owner]]\nid = 'x'\nrelation = 'brand'"),
            (
                "components/c.toml",
                "id = 'c'\nname = 'c'\nsupplier = 'y'\nsource = 'somewhere'
                 [[match]]\nfact = 'string'\nliteral = 'not there'\nregex = 'else'\nstrength = 'supporting'",
            ),
            (
                "keys/k.tsv",
                "# title: k\nhash\tkind\tproducts\tvendors\tsubject\tsource\nda39a3ee5e6b4b0d3255bfef95601890afd80709\tdevice\t0\t\t\t?",
            ),
        ];
        let database = Database::of(&files.map(|(file, text)| (file.to_owned(), text.to_owned()))).unwrap();
        let mut checks: Vec<_> = lint(&database).into_iter().map(|advice| advice.check).collect();
        checks.dedup();
        let all: Vec<_> = CHECKS.iter().map(|(name, _)| *name).collect();
        assert_eq!(checks, all);
    }
}
