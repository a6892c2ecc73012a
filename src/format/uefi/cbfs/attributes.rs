//! What the archive says of a file: how it is compressed, and its hash.

use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use crate::blob::{Bytes, Endian};
use crate::problem::Fault;

/// The attributes of a file. Each: tag u32, size of all of it u32, content; big endian. Compression: how u32 (0 not, 1 LZMA, 2 LZ4), size of
/// what comes out u32. Hash: algorithm u32, digest of the bytes as they stand there.
#[derive(Debug, Default)]
pub(super) struct Attributes {
    pub(super) packing: u32,
    hash: Option<(u32, Vec<u8>)>,
}

const COMPRESSION: [&[u8; 4]; 2] = [b"BCZL", b"LZCB"];
const HASH: &[u8; 4] = b"hsaH";

impl Attributes {
    pub(super) fn read(bytes: Bytes<'_>) -> Self {
        let (mut found, mut at) = (Self::default(), 0_u64);
        while let (Ok(tag), Ok(size)) = (bytes.array::<4>(at), bytes.u32(at.saturating_add(4), Endian::Big)) {
            let (first, rest) = (bytes.u32(at.saturating_add(8), Endian::Big).unwrap_or(0), at.saturating_add(12));
            if COMPRESSION.contains(&&tag) {
                found.packing = first;
            } else if tag == *HASH {
                found.hash = bytes.get(rest, u64::from(size).saturating_sub(12)).ok().map(|digest| (first, digest.to_vec()));
            }
            if size < 8 || tag == [0xff; 4] {
                break;
            }
            at = at.saturating_add(size.into());
        }
        found
    }

    /// What is wrong if `data` is not what was hashed.
    pub(super) fn mismatch(&self, data: &[u8], name: &str) -> Option<Fault> {
        let (algorithm, stored) = self.hash.as_ref()?;
        let digest = match algorithm {
            1 => Sha1::digest(data).to_vec(),
            2 => Sha256::digest(data).to_vec(),
            3 => Sha512::digest(data).to_vec(),
            4 => Sha224::digest(data).to_vec(),
            5 => Sha384::digest(data).to_vec(),
            _ => return None,
        };
        (digest != *stored).then(|| Fault::Checksum(format!("the hash of {name} does not fit")))
    }
}
