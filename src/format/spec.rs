//! The declaration of a format.

/// What kind of thing a format is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Files with names, in folders.
    FileSystem,
    /// Files with names, in a row.
    Archive,
    /// One thing, made smaller.
    Compression,
    /// Parts of a firmware image or of a boot chain, with a header.
    Container,
    /// A table of partitions, or a layer between flash and file systems.
    Partition,
    /// Machine code with a header.
    Program,
    /// Bytes written as text.
    Encoding,
    /// Certificates and keys.
    Credential,
    /// Pictures, sound, fonts, documents, tables: what programs show and read.
    Media,
}

impl Kind {
    /// The name that users see.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FileSystem => "file system",
            Self::Archive => "archive",
            Self::Compression => "compression",
            Self::Container => "container",
            Self::Partition => "partition table",
            Self::Program => "program",
            Self::Encoding => "encoding",
            Self::Credential => "credential",
            Self::Media => "media",
        }
    }
}

/// The declaration of a format: all that can be said of it without bytes.
#[derive(Debug)]
pub struct Spec {
    /// Short name, lower case, as in the report.
    pub id: &'static str,
    /// Full name.
    pub name: &'static str,
    /// What kind of thing.
    pub kind: Kind,
    /// Where to look closer. Never empty.
    pub magics: &'static [Magic],
    /// Whether there is nothing inside to hand over.
    pub leaf: bool,
    /// Where the layout is written down.
    pub references: &'static [&'static str],
    /// What of it is not read. Empty means: all of it is.
    pub limitations: &'static [&'static str],
}

/// Bytes that stand at a fixed place of a format.
#[derive(Debug, Clone, Copy)]
pub struct Magic {
    /// The bytes.
    pub bytes: &'static [u8],
    /// Where they stand, from the start of the format.
    pub offset: u64,
    /// Where the format may start.
    pub anchor: Anchor,
}

/// Where in a blob a format may start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// At any byte.
    Anywhere,
    /// At the first byte only: the magic is too short, or the format is only ever a whole file.
    Start,
}

impl Magic {
    /// Bytes at the beginning of a format that may start anywhere.
    pub const fn anywhere(bytes: &'static [u8]) -> Self {
        Self { bytes, offset: 0, anchor: Anchor::Anywhere }
    }

    /// Bytes at the beginning of a format that is a whole blob.
    pub const fn start(bytes: &'static [u8]) -> Self {
        Self { bytes, offset: 0, anchor: Anchor::Start }
    }

    /// The same bytes `offset` bytes into the format.
    pub const fn at(self, offset: u64) -> Self {
        Self { offset, ..self }
    }
}
