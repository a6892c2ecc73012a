//! Keys that are known by their hash: tables of `signatures/keys/`, a key a line.

use std::collections::BTreeMap;

/// What a key is known as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyKind {
    /// An example of a standard or a manual.
    Documentation,
    /// Belongs to the tests of a library or a program.
    LibraryTest,
    /// Lies in the firmware of products that are sold.
    Device,
    /// Lies in the firmware of several makers, who had it from the same kit.
    SdkShared,
    /// Opens accounts of products that are sold.
    SshAuthorized,
    /// Is meant for tests of UEFI firmware, and known.
    UefiTest,
    /// A maker's own key of UEFI firmware. Its private half is not known.
    UefiPlatform,
    /// Signs what starts a machine, and was stolen.
    BootguardLeak,
    /// One of the few that a broken generator made.
    DebianWeak,
}

impl KeyKind {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Documentation,
        Self::LibraryTest,
        Self::Device,
        Self::SdkShared,
        Self::SshAuthorized,
        Self::UefiTest,
        Self::UefiPlatform,
        Self::BootguardLeak,
        Self::DebianWeak,
    ];

    /// The name in tables and in the report.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Documentation => "documentation",
            Self::LibraryTest => "library-test",
            Self::Device => "device",
            Self::SdkShared => "sdk-shared",
            Self::SshAuthorized => "ssh-authorized",
            Self::UefiTest => "uefi-test",
            Self::UefiPlatform => "uefi-platform",
            Self::BootguardLeak => "bootguard-leak",
            Self::DebianWeak => "debian-weak",
        }
    }

    /// Whether a product that has it has a key of which others hold the private half. Tests and documentation are no products.
    pub const fn is_leaked(self) -> bool {
        !matches!(self, Self::Documentation | Self::LibraryTest | Self::UefiPlatform)
    }
}

/// A key that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownKey {
    /// SHA-256 of its SubjectPublicKeyInfo, or SHA-1 of its certificate, lower case hex.
    pub hash: String,
    /// What it is known as.
    pub kind: KeyKind,
    /// In how many products it was seen; 0 if nobody counted.
    pub products: u64,
    /// In whose products. It does not say that they made it.
    pub vendors: Vec<String>,
    /// Subject of its certificate, or what it is for; may be empty.
    pub subject: String,
    /// Where that is from.
    pub source: String,
    /// Line in its file.
    pub line: usize,
}

/// Vendors that are named in a sentence.
const NAMED: usize = 3;

impl KnownKey {
    /// What is known, in words. A key that several have says nothing of whose it is.
    pub fn text(&self) -> String {
        let vendors = self.vendors.get(..NAMED).unwrap_or(&self.vendors).join(", ");
        let more = self.vendors.len().saturating_sub(NAMED);
        let vendors = if more > 0 { format!("{vendors} and {more} more") } else { vendors };
        match self.kind {
            KeyKind::Documentation => format!("example key: {}", self.subject),
            KeyKind::LibraryTest => format!("test key: {}", self.subject),
            KeyKind::UefiTest => format!("test key of UEFI firmware, as in products of {vendors}: {}", self.subject),
            KeyKind::UefiPlatform => format!("platform key of {vendors}: {}", self.subject),
            KeyKind::BootguardLeak => format!("leaked signing key of {vendors}: {}", self.subject),
            KeyKind::DebianWeak => "made by the broken generator of Debian (CVE-2008-0166)".to_owned(),
            KeyKind::SshAuthorized => format!("opens accounts, as in products of {vendors}"),
            KeyKind::Device | KeyKind::SdkShared if self.products > 1 => format!("same key as in {} products of {vendors}", self.products),
            KeyKind::Device | KeyKind::SdkShared => format!("same key as in a product of {vendors}"),
        }
    }
}

/// A table of keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyTable {
    /// Its id, the name of its file.
    pub id: String,
    /// What it holds.
    pub title: String,
    /// Its keys, in the order in which they stand there.
    pub keys: Vec<KnownKey>,
    /// Path of the file under its root.
    pub file: String,
}

const HEADER: &str = "hash\tkind\tproducts\tvendors\tsubject\tsource";

impl KeyTable {
    /// Reads a table: `# title: …`, comments, a line with the names of the columns, and keys.
    ///
    /// # Errors
    /// The line, and what is wrong with it.
    pub(super) fn read(id: &str, file: &str, text: &str) -> Result<Self, (usize, String)> {
        let mut lines = text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty() && !line.starts_with('#'));
        match lines.next() {
            Some((HEADER, _)) => (),
            other => return Err((other.map_or(1, |(_, number)| number), format!("the first line names the columns: {HEADER:?}"))),
        }
        let keys = lines.map(|(line, number)| key(line, number).map_err(|message| (number, message))).collect::<Result<_, _>>()?;
        let title = text.lines().find_map(|line| line.strip_prefix("# title:")).ok_or((1, "no line \"# title: …\"".to_owned()))?;
        Ok(Self { id: id.to_owned(), title: title.trim().to_owned(), keys, file: file.to_owned() })
    }
}

fn key(line: &str, number: usize) -> Result<KnownKey, String> {
    let columns: Vec<&str> = line.split('\t').collect();
    let [hash, kind, products, vendors, subject, source] = columns[..] else {
        return Err(format!("{} columns, not 6", columns.len()));
    };
    let is_hex = hash.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'));
    if !is_hex || !matches!(hash.len(), 40 | 64) {
        return Err(format!("{hash:?} is no SHA-256 of a SubjectPublicKeyInfo and no SHA-1 of a certificate in lower case hex"));
    }
    let found = KeyKind::ALL.into_iter().find(|one| one.name() == kind);
    let kinds = || KeyKind::ALL.map(KeyKind::name).join(", ");
    Ok(KnownKey {
        hash: hash.to_owned(),
        kind: found.ok_or_else(|| format!("{kind:?} is no kind of key: {}", kinds()))?,
        products: products.parse().map_err(|_| format!("{products:?} is no number of products"))?,
        vendors: vendors.split(';').filter(|vendor| !vendor.is_empty()).map(str::to_owned).collect(),
        subject: subject.to_owned(),
        source: source.to_owned(),
        line: number,
    })
}

/// Where a key stands: table and index.
pub(super) type Place = (usize, usize);

/// All keys of all tables by their hash. Where tables differ, the one that makes it less of a matter is believed: what lies in the tests of a
/// library got into products from there.
pub(super) fn index(tables: &[KeyTable]) -> BTreeMap<String, Place> {
    let mut places: BTreeMap<String, (KeyKind, Place)> = BTreeMap::new();
    for (number, table) in tables.iter().enumerate() {
        for (index, key) in table.keys.iter().enumerate() {
            let here = (key.kind, (number, index));
            places.entry(key.hash.clone()).and_modify(|place| *place = here.min(*place)).or_insert(here);
        }
    }
    places.into_iter().map(|(hash, (_, place))| (hash, place)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(lines: &str) -> Result<KeyTable, (usize, String)> {
        KeyTable::read("some", "keys/some.tsv", &format!("# title: some keys\n{HEADER}\n{lines}"))
    }

    #[test]
    fn a_line_is_a_key() {
        let hash = "ab".repeat(32);
        let read = table(&format!("{hash}\tdevice\t17\tAcme;Other\tCN=x\ta list\n")).unwrap();
        let [key] = &read.keys[..] else { panic!("one key") };
        assert_eq!((key.kind, key.products, key.vendors.len(), key.line), (KeyKind::Device, 17, 2, 3));
        assert_eq!(key.text(), "same key as in 17 products of Acme, Other");
        for (line, part) in [
            (format!("{hash}\tdevice\t17\tAcme\tCN=x"), "columns"),
            (format!("{hash}\tother\t17\tAcme\tCN=x\ta list"), "no kind"),
            (format!("{}\tdevice\t17\tAcme\tCN=x\ta list", "AB".repeat(32)), "hex"),
            (format!("{hash}\tdevice\tmany\tAcme\tCN=x\ta list"), "number"),
        ] {
            let (number, message) = table(&line).unwrap_err();
            assert!(number == 3 && message.contains(part), "{number}: {message}");
        }
        assert!(KeyTable::read("some", "keys/some.tsv", HEADER).unwrap_err().1.contains("title"));
        assert_eq!(KeyTable::read("some", "keys/some.tsv", "").unwrap_err().0, 1);
    }

    #[test]
    fn tests_and_examples_are_believed_first() {
        let hash = "ab".repeat(32);
        let line = |kind: &str| table(&format!("{hash}\t{kind}\t1\tAcme\tCN=x\ta list\n")).unwrap();
        let tables = [line("device"), line("library-test"), line("sdk-shared")];
        assert_eq!(index(&tables)[&hash], (1, 0));
        assert!(!KeyKind::LibraryTest.is_leaked() && KeyKind::Device.is_leaked());
    }
}
