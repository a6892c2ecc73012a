//! The whole database: every supplier, signature and list, compiled.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::known_keys::{self, Place};
use super::matcher::{Hit, Matcher};
use super::written::{ComponentFile, SupplierFile, line_of};
use super::{KeyTable, KnownKey, Link, PolicyList, Signature, Supplier, embedded, ownership};

/// One file of a database: path under its root, and text.
pub type Source = (String, String);

/// A mistake in a file of the database.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {message}")]
pub struct Mistake {
    /// Path under the database's root.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// What is wrong, and what would be right.
    pub message: String,
}

/// All mistakes of a database's files, in order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct Mistakes(pub Vec<Mistake>);

/// All that is known.
pub struct Database {
    suppliers: BTreeMap<String, Supplier>,
    signatures: Vec<Signature>,
    lists: BTreeMap<String, PolicyList>,
    key_tables: Vec<KeyTable>,
    known_keys: BTreeMap<String, Place>,
    matcher: Matcher,
    sha256: String,
}

#[derive(Default)]
struct Loading {
    suppliers: BTreeMap<String, Supplier>,
    signatures: BTreeMap<(bool, String), Signature>,
    lists: BTreeMap<String, PolicyList>,
    key_tables: BTreeMap<String, KeyTable>,
}

impl Database {
    /// The database that comes with the program.
    ///
    /// # Errors
    /// If one of its files is wrong, which its tests rule out.
    pub fn embedded() -> Result<Self, Mistakes> {
        Self::with(&[])
    }

    /// The database that comes with the program, with `more` files: one that has the id of an embedded one replaces it.
    ///
    /// # Errors
    /// If a file is wrong.
    pub fn with(more: &[Source]) -> Result<Self, Mistakes> {
        let own = embedded::FILES.iter().map(|(file, text)| (*file, *text));
        Self::load(own.chain(more.iter().map(|(file, text)| (file.as_str(), text.as_str()))))
    }

    /// A database of just these files.
    ///
    /// # Errors
    /// If a file is wrong.
    pub fn of(files: &[Source]) -> Result<Self, Mistakes> {
        Self::load(files.iter().map(|(file, text)| (file.as_str(), text.as_str())))
    }

    fn load<'f>(files: impl Iterator<Item = (&'f str, &'f str)>) -> Result<Self, Mistakes> {
        let (mut loading, mut digest, mut mistakes) = (Loading::default(), Sha256::new(), Vec::new());
        for (file, text) in files {
            for part in [file, "\0", text, "\0"] {
                digest.update(part);
            }
            let wrong = loading.add(file, text).err();
            mistakes.extend(wrong.map(|(line, message)| Mistake { file: file.to_owned(), line, message }));
        }
        if !mistakes.is_empty() {
            return Err(Mistakes(mistakes));
        }
        let signatures: Vec<Signature> = loading.signatures.into_values().collect();
        let matcher = Matcher::new(&signatures).map_err(|message| Mistakes(vec![Mistake { file: "all".to_owned(), line: 0, message }]))?;
        let sha256 = digest.finalize().iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        });
        let key_tables: Vec<KeyTable> = loading.key_tables.into_values().collect();
        let known_keys = known_keys::index(&key_tables);
        Ok(Self { suppliers: loading.suppliers, signatures, lists: loading.lists, key_tables, known_keys, matcher, sha256 })
    }

    /// All suppliers, by id.
    pub fn suppliers(&self) -> &BTreeMap<String, Supplier> {
        &self.suppliers
    }

    /// All signatures: suppliers' own first, then components', each in order of id.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// All policy lists, by id.
    pub fn lists(&self) -> &BTreeMap<String, PolicyList> {
        &self.lists
    }

    /// All tables of keys, by id.
    pub fn key_tables(&self) -> &[KeyTable] {
        &self.key_tables
    }

    /// The key whose SubjectPublicKeyInfo has this SHA-256, or whose certificate this SHA-1, if it is known.
    pub fn known_key(&self, hash: &str) -> Option<&KnownKey> {
        let (table, index) = self.known_keys.get(hash)?;
        self.key_tables.get(*table)?.keys.get(*index)
    }

    /// SHA-256 over all files, lower case hex.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Who owns the supplier `id` now, nearest first.
    pub fn owners(&self, id: &str) -> Vec<Link> {
        ownership::owners(&self.suppliers, id)
    }

    /// Every rule that holds for a fact.
    pub fn hits(&self, key: &str, value: &[u8], found: &mut dyn FnMut(Hit)) {
        self.matcher.hits(&self.signatures, key, value, found);
    }
}

impl Loading {
    fn add(&mut self, file: &str, text: &str) -> Result<(), (usize, String)> {
        let (folder, name) = file.rsplit_once('/').unwrap_or(("", file));
        let stem = name.strip_suffix(".toml").or(name.strip_suffix(".tsv")).unwrap_or(name);
        let named = |id: &str| match id == stem {
            true => Ok(()),
            false => Err((1, format!("the id {id:?} and the file name {stem:?} differ"))),
        };
        match folder.rsplit('/').next() {
            Some("suppliers") => {
                let (supplier, signature) = read::<SupplierFile>(text)?.translate(file, text)?;
                named(&supplier.id)?;
                self.signatures.remove(&(false, supplier.id.clone()));
                self.signatures.extend(signature.map(|signature| ((false, signature.id.clone()), signature)));
                self.suppliers.insert(supplier.id.clone(), supplier);
            }
            Some("components") => {
                let signature = read::<ComponentFile>(text)?.translate(file, text)?;
                named(&signature.id)?;
                self.signatures.insert((true, signature.id.clone()), signature);
            }
            Some("lists") => {
                let list = read::<PolicyList>(text)?;
                named(&list.id)?;
                self.lists.insert(list.id.clone(), list);
            }
            Some("keys") => {
                self.key_tables.insert(stem.to_owned(), KeyTable::read(stem, file, text)?);
            }
            _ => return Err((1, "a file of the database lies in suppliers/, components/, lists/ or keys/".to_owned())),
        }
        Ok(())
    }
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T, (usize, String)> {
    toml::from_str(text).map_err(|error| (error.span().map_or(1, |span| line_of(text, span.start)), error.message().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUPPLIER: &str = "id = 'acme'\nname = 'Acme'\nsource = 'a test'\n";

    fn database(component: &str) -> Result<Database, Mistakes> {
        let files = [("suppliers/acme.toml", SUPPLIER), ("components/thing.toml", component)];
        Database::of(&files.map(|(file, text)| (file.to_owned(), text.to_owned())))
    }

    fn wrong(rule: &str, line: usize, part: &str) {
        let text = format!("id = 'thing'\nname = 'Thing'\nsupplier = 'acme'\nsource = 'a test'\n{rule}");
        let mistake = database(&text).err().unwrap().0.remove(0);
        assert_eq!((mistake.file.as_str(), mistake.line), ("components/thing.toml", line), "{mistake}");
        assert!(mistake.message.contains(part), "{mistake}");
    }

    #[test]
    fn mistakes_have_a_file_and_a_line() {
        wrong("[[match]]\nfact = 'no.such'\nequals = 'x'\nstrength = 'banner'", 5, "no.such");
        wrong("[[match]]\nfact = 'name'\nequals = 'x'\nstrength = 'very'", 8, "very");
        wrong("\n[[match]]\nfact = 'name'\nregex = '('\nstrength = 'banner'", 6, "unclosed");
        wrong("[[match]]\nfact = 'name'\nstrength = 'banner'", 5, "one of");
        wrong("colour = 'red'", 5, "colour");
        let other = "id = 'other'\nname = 'x'\nsupplier = 'acme'\nsource = 'x'";
        assert!(database(other).err().unwrap().to_string().contains("differ"));
    }

    #[test]
    fn versions_are_captured_whole_or_in_parts() {
        let text = "id = 'thing'\nname = 'Thing'\nsupplier = 'acme'\nsource = 'a test'
            [[match]]\nfact = 'name'\nregex = 'thing-(?<version>[0-9]+(\\.[0-9]+)*)'\nstrength = 'banner'
            [[match]]\nfact = 'name'\nregex = '^(?<major>2)(?<minor>\\d\\d)(?<patch>\\d\\d)$'\nstrength = 'version'";
        let database = database(text).unwrap();
        let versions = |value: &[u8]| {
            let mut versions = Vec::new();
            database.hits("name", value, &mut |hit| versions.extend(hit.version));
            versions
        };
        assert_eq!(versions(b"thing-1.2.3.bin"), ["1.2.3"]);
        assert_eq!(versions(b"20914"), ["2.9.14"]);
        assert_eq!(versions(b"20001"), ["2.0.1"]);
        assert!(versions(b"nothing").is_empty());
    }
}
