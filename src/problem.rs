//! All that went less than perfectly: why bytes were refused, and what the report says about it.

use crate::blob::OutOfBounds;
use crate::limits::Exceeded;

/// These bytes are not of the format. Never reported: most of what looks like a magic is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not of this format: {0}")]
pub struct Rejected(pub &'static str);

impl From<OutOfBounds> for Rejected {
    fn from(_: OutOfBounds) -> Self {
        Self("too short")
    }
}

/// These bytes are of the format, but could not be read to the end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Broken: what could be read was kept.
    #[error("{0}")]
    Corrupt(String),
    /// Ends too early: what could be read was kept.
    #[error("{0}")]
    Truncated(String),
    /// A checksum does not fit the bytes.
    #[error("{0}")]
    Checksum(String),
    /// Intact as far as we can see, but of a kind that is not read.
    #[error("{0}")]
    Unsupported(String),
    /// Encrypted.
    #[error("{0}")]
    Encrypted(String),
    /// A limit was reached.
    #[error("limit reached: {0}")]
    Exceeded(#[from] Exceeded),
}

impl Fault {
    /// Broken, because of `why`.
    pub fn corrupt(why: impl Into<String>) -> Self {
        Self::Corrupt(why.into())
    }

    /// Not read, because of `why`.
    pub fn unsupported(why: impl Into<String>) -> Self {
        Self::Unsupported(why.into())
    }

    /// The problem that the report shows, at `offset` of the artifact.
    pub fn at(&self, offset: Option<u64>) -> Problem {
        Problem { code: Code::from(self), offset, message: self.to_string() }
    }

    /// Whether nothing more can be had from this artifact.
    pub fn is_limit(&self) -> bool {
        matches!(self, Self::Exceeded(_))
    }
}

impl From<OutOfBounds> for Fault {
    fn from(error: OutOfBounds) -> Self {
        Self::Truncated(error.to_string())
    }
}

/// What kind of problem. The names are part of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// Broken structure.
    Corrupt,
    /// The end is missing.
    Truncated,
    /// A checksum does not fit.
    Checksum,
    /// A kind of content that is not read.
    Unsupported,
    /// Encrypted content.
    Encrypted,
    /// A name inside that would leave its folder if it were followed.
    UnsafeName,
    /// A limit on depth, size, number, ratio, memory or time was reached.
    Limit,
    /// Not all places that look like a format's beginning were tried.
    ScanEffort,
    /// A file or folder of the host could not be read.
    Unreadable,
}

impl Code {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Corrupt,
        Self::Truncated,
        Self::Checksum,
        Self::Unsupported,
        Self::Encrypted,
        Self::UnsafeName,
        Self::Limit,
        Self::ScanEffort,
        Self::Unreadable,
    ];

    /// The name in the report.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Corrupt => "corrupt",
            Self::Truncated => "truncated",
            Self::Checksum => "checksum",
            Self::Unsupported => "unsupported",
            Self::Encrypted => "encrypted",
            Self::UnsafeName => "unsafe-name",
            Self::Limit => "limit",
            Self::ScanEffort => "scan-effort",
            Self::Unreadable => "unreadable",
        }
    }
}

impl From<&Fault> for Code {
    fn from(fault: &Fault) -> Self {
        match fault {
            Fault::Corrupt(_) => Self::Corrupt,
            Fault::Truncated(_) => Self::Truncated,
            Fault::Checksum(_) => Self::Checksum,
            Fault::Unsupported(_) => Self::Unsupported,
            Fault::Encrypted(_) => Self::Encrypted,
            Fault::Exceeded(_) => Self::Limit,
        }
    }
}

/// Something went less than perfectly with an artifact; inspection went on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What kind.
    pub code: Code,
    /// Where in the artifact, when known.
    pub offset: Option<u64>,
    /// In words, for a person.
    pub message: String,
}

impl Problem {
    /// A problem of kind `code`.
    pub fn new(code: Code, offset: Option<u64>, message: impl Into<String>) -> Self {
        Self { code, offset, message: message.into() }
    }
}

/// Runs a parser that is not ours. Should damaged input make it panic after all, that costs what it was reading and nothing more.
///
/// # Errors
/// If it panicked.
pub fn guarded<T>(parser: &str, read: impl FnOnce() -> T) -> Result<T, Fault> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(read)).map_err(|_| Fault::Corrupt(format!("{parser} gave up on it")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        let names: std::collections::BTreeSet<_> = Code::ALL.iter().map(|code| code.name()).collect();
        assert_eq!(names.len(), Code::ALL.len());
    }

    #[test]
    fn a_parser_that_panics_is_a_fault() {
        assert_eq!(guarded("a parser", || 1), Ok(1));
        assert_eq!(guarded("a parser", || -> u8 { panic!("out of range") }), Err(Fault::corrupt("a parser gave up on it")));
    }
}
