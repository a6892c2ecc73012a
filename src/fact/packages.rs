//! What package databases say: which packages are installed, from where, and with which files.
//!
//! All of them are stanzas of fields, one line each, between empty lines; a row of [`DIALECTS`] says how the fields are called.

use super::{Analyzer, Facts, Key, Subject};
use crate::blob::{Span, to_u64};

/// Databases of dpkg, opkg and apk, control files of packages, and the metadata of Python distributions.
#[derive(Debug)]
pub(super) struct Packages;

/// How one kind of database calls its fields.
struct Dialect {
    /// What such a file begins with.
    begins: &'static [u8],
    name: &'static [u8],
    version: &'static [u8],
    architecture: &'static [u8],
    /// Fields that are facts of their own.
    fields: &'static [(&'static [u8], &'static str)],
    /// Whether there is one stanza, and free text after it.
    alone: bool,
}

/// dpkg and opkg: `deb-control(5)`; apk: its wiki's `Apk_spec`; Python: the core metadata specification.
const DIALECTS: &[Dialect] = &[
    Dialect {
        begins: b"Package: ",
        name: b"Package",
        version: b"Version",
        architecture: b"Architecture",
        fields: &[
            (b"Source", "package.source"),
            (b"SourceName", "package.source"),
            (b"Maintainer", "package.maintainer"),
            (b"License", "package.license"),
        ],
        alone: false,
    },
    Dialect {
        begins: b"C:Q",
        name: b"P",
        version: b"V",
        architecture: b"A",
        fields: &[(b"o", "package.source"), (b"m", "package.maintainer"), (b"L", "package.license")],
        alone: false,
    },
    Dialect {
        begins: b"Metadata-Version: ",
        name: b"Name",
        version: b"Version",
        architecture: b"",
        fields: &[
            (b"Maintainer", "package.maintainer"),
            (b"Maintainer-email", "package.maintainer"),
            (b"License", "package.license"),
            (b"License-Expression", "package.license"),
        ],
        alone: true,
    },
];

impl Analyzer for Packages {
    fn id(&self) -> &'static str {
        "packages"
    }

    fn keys(&self) -> &'static [Key] {
        const {
            &[
                Key::new(
                    "package",
                    "name, version and architecture, if any, of a package, a space between them: of one that is installed, or whose own description it is",
                ),
                Key::new("package.source", "what a package was built from"),
                Key::new("package.maintainer", "who maintains a package"),
                Key::new("package.license", "license that a package names"),
                Key::new("package.file", "path of a file of a package, as an apk database lists it"),
            ]
        }
    }

    fn analyze(&self, subject: &Subject<'_>, facts: &mut Facts<'_>) {
        let bytes = subject.blob.as_slice();
        let Some(dialect) = DIALECTS.iter().find(|dialect| bytes.starts_with(dialect.begins)) else { return };
        let mut stanza = Stanza::default();
        let mut start = 0_usize;
        for whole in bytes.split_inclusive(|byte| *byte == b'\n') {
            let line = whole.trim_ascii_end();
            if line.is_empty() {
                std::mem::take(&mut stanza).say(start, facts);
                if dialect.alone {
                    return;
                }
            } else {
                stanza.read(dialect, line, start);
            }
            start = start.saturating_add(whole.len());
        }
        stanza.say(start, facts);
    }
}

/// What one package's fields say.
#[derive(Default)]
struct Stanza<'a> {
    start: Option<usize>,
    name: &'a [u8],
    version: &'a [u8],
    architecture: &'a [u8],
    /// Whether only its settings are left, or not even those.
    removed: bool,
    folder: &'a [u8],
    others: Vec<(&'static str, Span, Value<'a>)>,
}

/// The value of a field, or a file in a folder.
enum Value<'a> {
    Field(&'a [u8]),
    File(&'a [u8], &'a [u8]),
}

impl<'a> Stanza<'a> {
    fn read(&mut self, dialect: &Dialect, line: &'a [u8], at: usize) {
        self.start.get_or_insert(at);
        let Some((field, rest)) = memchr::memchr(b':', line).and_then(|colon| line.split_at_checked(colon)) else { return };
        let value = rest.get(1..).unwrap_or_default().trim_ascii();
        let at = at.saturating_add(line.len()).saturating_sub(value.len());
        let span = Span::new(to_u64(at), to_u64(value.len()));
        if value.is_empty() {
            // apk: the root folder has no name.
            if field == b"F" {
                self.folder = value;
            }
        } else if field == dialect.name {
            self.name = value;
        } else if field == dialect.version {
            self.version = value;
        } else if field == dialect.architecture {
            self.architecture = value;
        } else if let Some((_, key)) = dialect.fields.iter().find(|(name, _)| *name == field) {
            self.others.push((key, span, Value::Field(value)));
        } else {
            match field {
                b"Status" => self.removed = value.ends_with(b" not-installed") || value.ends_with(b" config-files"),
                b"F" => self.folder = value,
                b"R" => self.others.push(("package.file", span, Value::File(self.folder, value))),
                _ => (),
            }
        }
    }

    /// Says what it holds; `end` is where the stanza ends.
    fn say(self, end: usize, facts: &mut Facts<'_>) {
        let Some(start) = self.start else { return };
        if self.removed || self.name.is_empty() || self.version.is_empty() {
            return;
        }
        let words = [self.name, self.version, self.architecture];
        let value = words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(&b' ');
        facts.say("package", &value, Span::between(to_u64(start), to_u64(end)));
        for (key, span, value) in self.others {
            match value {
                Value::Field(text) | Value::File(b"", text) => facts.say(key, text, span),
                Value::File(folder, name) => facts.say(key, &[folder, name].join(&b'/'), span),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::testing::{analyze, survives_damage};

    const STATUS: &str = "Package: zlib1g\nStatus: install ok installed\nArchitecture: arm64\nSource: zlib\nVersion: 1:1.2.13\nDescription: x\n \
                          Package: no\n\nPackage: gone\nStatus: deinstall ok config-files\nVersion: 1\nArchitecture: all\n\nPackage: last\nVersion: 2";
    const APK: &str =
        "C:Q1aaa=\nP:musl\nV:1.2.4-r2\nA:x86_64\nL:MIT\no:musl\nF:lib\nR:libc.so\nF:\nR:root\n\nC:Q1bbb=\nP:b\nV:1\nA:noarch\n\n";

    #[test]
    fn installed_packages_of_dpkg_and_opkg() {
        let said = analyze(&Packages, STATUS.as_bytes(), None);
        assert_eq!(said.values("package"), ["zlib1g 1:1.2.13 arm64", "last 2"]);
        assert_eq!(said.values("package.source"), ["zlib"]);
        let (_, _, span) = said.facts[1];
        assert_eq!(&STATUS[span.start as usize..span.end() as usize], "zlib");
        survives_damage(&Packages, STATUS.as_bytes(), None);
    }

    #[test]
    fn dpkg_query_says_the_same_of_this_machine() {
        let Ok(status) = std::fs::read("/var/lib/dpkg/status") else { return };
        if crate::testing::lacking(&["dpkg-query"]) {
            return;
        }
        let format = "${db:Status-Status}\t${Package} ${Version} ${Architecture}\n";
        let output = std::process::Command::new("dpkg-query").args(["-W", "-f", format]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let rows = text.lines().filter_map(|line| line.split_once('\t'));
        let mut expect: Vec<_> = rows.filter(|(status, _)| !matches!(*status, "not-installed" | "config-files")).map(|row| row.1).collect();
        let said = analyze(&Packages, &status, None);
        let mut found = said.values("package");
        expect.sort_unstable();
        found.sort_unstable();
        assert_eq!(found, expect);
    }

    #[test]
    fn installed_packages_of_apk_and_their_files() {
        let said = analyze(&Packages, APK.as_bytes(), None);
        assert_eq!(said.values("package"), ["musl 1.2.4-r2 x86_64", "b 1 noarch"]);
        assert_eq!(said.values("package.license"), ["MIT"]);
        assert_eq!(said.values("package.file"), ["lib/libc.so", "root"]);
        assert!(said.facts.is_sorted_by_key(|fact| fact.2.start));
    }

    #[test]
    fn python_metadata_ends_with_its_headers() {
        let text = "Metadata-Version: 2.1\r\nName: six\r\nVersion: 1.16.0\r\nLicense: MIT\r\n\r\nName: text\r\nVersion: 3\r\n";
        let said = analyze(&Packages, text.as_bytes(), None);
        assert_eq!(said.values("package"), ["six 1.16.0"]);
        assert_eq!(said.values("package.license"), ["MIT"]);
    }

    #[test]
    fn what_mentions_packages_is_no_database() {
        for text in ["The\nPackage: a\nVersion: 1\n", "Package: a\n\nVersion: 1\n", "Package: ", "C:Q", ""] {
            assert!(analyze(&Packages, text.as_bytes(), None).facts.is_empty(), "{text:?}");
        }
    }
}
