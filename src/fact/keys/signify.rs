//! Keys and signatures of signify, of OpenWrt's usign, and of minisign: a comment that nobody vouches for, and a line of base64.

use super::{Found, Search, ssh};
use crate::blob::{Span, to_u64};
use crate::codec::pem;
use crate::codec::private_key::Key;

const COMMENT: &[u8] = b"untrusted comment: ";

/// A line of base64 is never longer.
const LONGEST: usize = 256;

pub(super) fn files(search: &mut Search<'_>) {
    for start in search.places(COMMENT) {
        let behind = start.saturating_add(COMMENT.len());
        let line = search.window(behind, 1024);
        let Some(end) = memchr::memchr(b'\n', line) else { continue };
        let said = line.get(..end).unwrap_or_default().trim_ascii_end();
        let base = behind.saturating_add(end).saturating_add(1);
        let text = search.window(base, LONGEST);
        let length = pem::base64_length(text, LONGEST, false);
        if !search.pays(length) {
            return;
        }
        let bytes = pem::base64(text.get(..length).unwrap_or_default());
        let span = Span::between(to_u64(start), to_u64(base.saturating_add(length)));
        let after = search.window(base.saturating_add(length), 32).trim_ascii_start();
        let is_minisign =
            said.starts_with(b"minisign") || said.starts_with(b"signature from minisign") || after.starts_with(b"trusted comment:");
        let name = (String::from_utf8_lossy(said).into_owned(), Span::new(to_u64(behind), to_u64(said.len())));
        read(search, &bytes, span, is_minisign, name);
    }
}

/// What the base64 stands for: `Ed`, and an id of eight bytes before the key or the signature; private keys have the parameters of their
/// encryption between.
fn read(search: &mut Search<'_>, bytes: &[u8], span: Span, is_minisign: bool, name: (String, Span)) {
    let algorithm = || "ed25519".to_owned();
    match (bytes, bytes.len()) {
        ([b'E', b'd', rest @ ..], 42) => {
            let Some((id, key)) = rest.split_at_checked(8) else { return };
            let kind = if is_minisign { "minisign" } else { "signify" };
            let spki = Some(ssh::ed25519(key));
            search.found.push(Found { span, kind, is_private: false, algorithm: algorithm(), spki, id: id_of(id, is_minisign), name });
        }
        ([b'E', b'd' | b'D', rest @ ..], 74) => {
            let id = id_of(rest.get(..8).unwrap_or_default(), is_minisign);
            search.say("key.signer", id, span);
        }
        // Derivation `BK`, u32 rounds (0: not encrypted), salt[16], checksum[8], id[8], private and public half.
        ([b'E', b'd', b'B', b'K', rounds @ ..], 104) => {
            let is_plain = rounds.starts_with(&[0; 4]);
            let spki = bytes.get(72..).filter(|_| is_plain).map(ssh::ed25519);
            let kind = if is_plain { "signify" } else { "signify-encrypted" };
            search.private(span, Key { kind, algorithm: algorithm(), spki, length: span.length });
        }
        // Derivation `Sc` or none, checksum `B2`, salt[32], two u64, id[8], both halves, checksum[32].
        ([b'E', b'd', derivation @ ..], 158) => {
            let is_plain = derivation.starts_with(&[0; 2]);
            let spki = bytes.get(94..126).filter(|_| is_plain).map(ssh::ed25519);
            let kind = if is_plain { "minisign" } else { "minisign-encrypted" };
            search.private(span, Key { kind, algorithm: algorithm(), spki, length: span.length });
        }
        _ => (),
    }
}

/// As the programs show it: minisign as a number, the others byte by byte.
fn id_of(id: &[u8], is_minisign: bool) -> String {
    if is_minisign { id.iter().rev().map(|byte| format!("{byte:02x}")).collect() } else { super::hex(id) }
}
