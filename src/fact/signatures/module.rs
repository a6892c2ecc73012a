//! Signatures appended to Linux kernel modules.
//!
//! ```text
//! signer's name, key identifier (both only before Linux 4.3), signature
//! u8 algorithm, u8 hash, u8 kind of identifier, u8 length of the name, u8 length of the identifier, 3 zeros, u32 BE length of the signature
//! "~Module signature appended~\n"
//! ```
//!
//! <https://www.kernel.org/doc/html/latest/admin-guide/module-signing.html>

use super::super::{DigestState, DigitalSignature, hex};
use super::{attribute_agrees, signature};
use crate::blob::{Bytes, Endian, Span, to_u64};
use crate::codec::cms;

const END: &[u8] = b"~Module signature appended~\n";
const KIND: &str = "linux-module";
/// The signature is PKCS#7, and says everything itself.
const PKCS7: u8 = 2;
/// `enum pkey_hash_algo` of old kernels.
const HASHES: [&str; 8] = ["md4", "md5", "sha1", "rmd160", "sha256", "sha384", "sha512", "sha224"];

/// The signature at the end of `bytes`.
pub(super) fn read(bytes: Bytes<'_>) -> Option<DigitalSignature> {
    if !bytes.0.ends_with(END) {
        return None;
    }
    let trailer = bytes.len().checked_sub(to_u64(END.len()))?.checked_sub(12)?;
    let [_, hash, kind, name_length, id_length, 0, 0, 0] = bytes.array::<8>(trailer).ok()? else { return None };
    let length = u64::from(bytes.u32(trailer.saturating_add(8), Endian::Big).ok()?);
    let start = trailer.checked_sub(length)?;
    if kind == PKCS7 {
        let data = cms::signed_data(bytes.part(Span::new(start, length)).ok()?.0)?;
        let signer = data.signers.first()?;
        let module = bytes.up_to(0, start);
        // A signature without attributes is over the module itself: only the key could tell.
        let state = DigestState::of(attribute_agrees(signer, module));
        return Some(signature(KIND, Span::new(start, length), &data, signer, state));
    }
    let id_at = start.checked_sub(id_length.into())?;
    let name_at = id_at.checked_sub(name_length.into())?;
    let signer = String::from_utf8_lossy(bytes.get(name_at, name_length.into()).ok()?).into_owned();
    Some(DigitalSignature {
        span: Span::between(name_at, trailer),
        kind: KIND,
        algorithm: HASHES.get(usize::from(hash)).copied().unwrap_or_default().to_owned(),
        signer,
        issuer: String::new(),
        key_id: hex(bytes.get(id_at, id_length.into()).ok()?),
        spki_sha256: String::new(),
        digest: DigestState::NotChecked,
    })
}
