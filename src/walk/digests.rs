//! Hashes of whole artifacts that are made only when they are asked for.

use md5::Md5;
use sha1::{Digest as _, Sha1};

use crate::fact::hex;

/// A hash beside SHA-256, which is always made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Digest {
    /// SHA-1.
    Sha1,
    /// MD5.
    Md5,
    /// TLSH: similar bytes have similar ones. Needs 50 bytes that differ enough.
    Tlsh,
}

impl Digest {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Sha1, Self::Md5, Self::Tlsh];

    /// The key of its facts.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Sha1 => "hash.sha1",
            Self::Md5 => "hash.md5",
            Self::Tlsh => "hash.tlsh",
        }
    }

    /// The name in the report and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Md5 => "md5",
            Self::Tlsh => "tlsh",
        }
    }

    /// The hash of `bytes` as text, if they have one.
    pub(super) fn of(self, bytes: &[u8]) -> Option<String> {
        match self {
            Self::Sha1 => Some(hex(&Sha1::digest(bytes))),
            Self::Md5 => Some(hex(&Md5::digest(bytes))),
            Self::Tlsh => {
                let hash = tlsh2::TlshDefaultBuilder::build_from(bytes)?.hash();
                Some(String::from_utf8_lossy(&hash).into_owned())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_bytes_have_known_hashes() {
        assert_eq!(Digest::Sha1.of(b"abc").unwrap(), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(Digest::Md5.of(b"abc").unwrap(), "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(Digest::Tlsh.of(b"abc"), None);
        let text: Vec<u8> = (0..4096_u32).map(|index| (index.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        assert!(Digest::Tlsh.of(&text).is_some_and(|hash| hash.len() == 72 && hash.starts_with("T1")));
    }
}
