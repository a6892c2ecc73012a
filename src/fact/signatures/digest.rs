//! The hash algorithms of signatures, by their object identifiers.

use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

/// A hash algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
    Md5,
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

/// Arc of NIST's hash algorithms, 2.16.840.1.101.3.4.2.
const NIST: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02];

impl Algorithm {
    /// The algorithm whose object identifier has this content.
    pub(super) fn by_oid(oid: &[u8]) -> Option<Self> {
        match (oid, oid.strip_prefix(NIST)) {
            (_, Some([1])) => Some(Self::Sha256),
            (_, Some([2])) => Some(Self::Sha384),
            (_, Some([3])) => Some(Self::Sha512),
            (_, Some([4])) => Some(Self::Sha224),
            ([0x2b, 0x0e, 0x03, 0x02, 0x1a], _) => Some(Self::Sha1),
            ([0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x05], _) => Some(Self::Md5),
            _ => None,
        }
    }

    /// As in `sha256`.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Md5 => "md5",
            Self::Sha1 => "sha1",
            Self::Sha224 => "sha224",
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }

    /// The digest of `parts` joined.
    pub(super) fn of(self, parts: &[&[u8]]) -> Vec<u8> {
        fn digest<D: Digest>(parts: &[&[u8]]) -> Vec<u8> {
            let mut digest = D::new();
            for part in parts {
                digest.update(part);
            }
            digest.finalize().to_vec()
        }
        match self {
            Self::Md5 => digest::<md5::Md5>(parts),
            Self::Sha1 => digest::<Sha1>(parts),
            Self::Sha224 => digest::<Sha224>(parts),
            Self::Sha256 => digest::<Sha256>(parts),
            Self::Sha384 => digest::<Sha384>(parts),
            Self::Sha512 => digest::<Sha512>(parts),
        }
    }
}
