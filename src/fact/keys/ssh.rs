//! Keys of SSH: those that Dropbear keeps, and public ones in lines of text.

use super::{Found, Search, hex};
use crate::blob::{Span, to_u64};
use crate::codec::{pem, private_key, public_key};
use sha2::{Digest, Sha256};

/// Files, or parts of them, that start with the type of the key and its length before it.
pub(super) fn dropbear_keys(search: &mut Search<'_>) {
    let types: [&'static [u8]; 2] = [b"ssh-", b"ecdsa-sha2-nistp"];
    for place in all_places(search, &types) {
        let Some(start) = place.checked_sub(4) else { continue };
        if let Some(key) = search.bytes.get(start..).and_then(private_key::dropbear) {
            search.private(Span::new(to_u64(start), key.length), key);
        }
    }
}

/// All places of all `marks`.
fn all_places<'a>(search: &Search<'a>, marks: &[&'static [u8]]) -> Vec<usize> {
    marks.iter().flat_map(|mark| search.places(mark)).collect()
}

/// Base64 that every public key of a type starts with: the type with its length, and what is certain of the length of the next number.
const STARTS: [&[u8]; 6] = [
    b"AAAAB3NzaC1yc2EAAAA",
    b"AAAAB3NzaC1kc3MAAA",
    b"AAAAC3NzaC1lZDI1NTE5AAAAI",
    b"AAAAE2VjZHNhLXNoYTItbmlzdHA",
    b"AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29t",
    b"AAAAInNrLWVjZHNhLXNoYTItbmlzdHAyNTZAb3BlbnNzaC5jb2",
];

/// No key is longer, in characters: RSA of 16384 bits.
const LONGEST: usize = 4096;
/// What may stand on a line before a key, and after it.
const LONGEST_BESIDE: usize = 1024;

pub(super) fn public_keys(search: &mut Search<'_>) {
    for start in all_places(search, &STARTS) {
        let text = search.window(start, LONGEST);
        let length = pem::base64_length(text, LONGEST, false);
        let is_start = start.checked_sub(1).and_then(|before| search.bytes.get(before)).is_none_or(|byte| !byte.is_ascii_alphanumeric());
        if !is_start || !search.pays(length) {
            continue;
        }
        let blob = pem::base64(text.get(..length).unwrap_or_default());
        let Some((algorithm, spki)) = private_key::ssh_public(&blob) else { continue };
        let before = line_before(search.bytes, start);
        let (kind, beside) = place_of(before);
        let after = comment(search.window(start.saturating_add(length), LONGEST_BESIDE));
        let span = Span::new(to_u64(start), to_u64(length));
        let name = match beside.filter(|_| kind == "ssh-known-host") {
            Some(host) => (
                text_of(host),
                Span::new(to_u64(start.saturating_sub(before.len()).saturating_add(offset(before, host))), to_u64(host.len())),
            ),
            None => (text_of(after), Span::new(to_u64(start.saturating_add(length).saturating_add(1)), to_u64(after.len()))),
        };
        if let Some(options) = beside.filter(|_| kind == "ssh-authorized") {
            let at = start.saturating_sub(before.len()).saturating_add(offset(before, options));
            search.say("public-key.options", options, Span::new(to_u64(at), to_u64(options.len())));
        }
        let id = hex(&Sha256::digest(&blob));
        search.found.push(Found { span, kind, is_private: false, algorithm, spki, id, name });
    }
}

/// Where `part` begins in `whole`, of which it is one.
fn offset(whole: &[u8], part: &[u8]) -> usize {
    memchr::memmem::find(whole, part).unwrap_or(0)
}

fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The bytes of the same line before `start`.
fn line_before(bytes: &[u8], start: usize) -> &[u8] {
    let window = bytes.get(start.saturating_sub(LONGEST_BESIDE)..start).unwrap_or_default();
    let begin = window.iter().rposition(|byte| matches!(byte, b'\n' | b'\r' | 0)).map_or(0, |at| at.saturating_add(1));
    window.get(begin..).unwrap_or_default()
}

/// Comment behind a key: what follows one blank, to the end of the line, or of the string that it stands in.
fn comment(after: &[u8]) -> &[u8] {
    let Some(rest) = after.strip_prefix(b" ") else { return &[] };
    let end = rest.iter().position(|byte| byte.is_ascii_control() || matches!(byte, b'"' | b'\'' | b'\\' | b'<')).unwrap_or(0);
    rest.get(..end).unwrap_or_default().trim_ascii()
}

/// Words by which the options of a line of authorized_keys begin.
const OPTIONS: [&[u8]; 14] = [
    b"agent-forwarding",
    b"cert-authority",
    b"command=",
    b"environment=",
    b"expiry-time=",
    b"from=",
    b"no-",
    b"permitlisten=",
    b"permitopen=",
    b"port-forwarding",
    b"principals=",
    b"pty",
    b"restrict",
    b"tunnel=",
];

/// What a line is, by what stands before the key: the type alone, options and the type, or hosts and the type.
fn place_of(before: &[u8]) -> (&'static str, Option<&[u8]>) {
    let plain = ("ssh-public", None);
    let before = before.trim_ascii();
    let word = before.iter().rposition(|byte| byte.is_ascii_whitespace()).map_or(0, |at| at.saturating_add(1));
    let (beside, kind) = before.split_at_checked(word).unwrap_or_default();
    let is_type = [b"ssh-".as_slice(), b"ecdsa-", b"sk-"].iter().any(|start| kind.starts_with(start));
    let beside = beside.trim_ascii();
    if !is_type || beside.is_empty() {
        return plain;
    }
    if OPTIONS.iter().any(|option| beside.starts_with(option)) {
        return ("ssh-authorized", Some(beside));
    }
    let host = beside.strip_prefix(b"@cert-authority ").or(beside.strip_prefix(b"@revoked ")).unwrap_or(beside);
    let is_host = |byte: &u8| byte.is_ascii_alphanumeric() || b".-_,:[]*?!|+/=".contains(byte);
    let is_host = host.iter().all(is_host) && host.iter().any(|byte| b".,:|*".contains(byte) || byte.is_ascii_alphanumeric());
    if is_host && !host.ends_with(b":") && !host.ends_with(b"=") || host.starts_with(b"|1|") {
        ("ssh-known-host", Some(host))
    } else {
        plain
    }
}

/// SubjectPublicKeyInfo and algorithm of a public key in the base64 of SSH that `text` starts with.
pub(super) fn wrapped(search: &mut Search<'_>, text: &[u8]) -> Option<(String, Option<Vec<u8>>)> {
    let length = pem::base64_length(text, LONGEST, true);
    search.pays(length).then(|| private_key::ssh_public(&pem::base64(text.get(..length).unwrap_or_default())))?
}

/// An Ed25519 key as a SubjectPublicKeyInfo.
pub(super) fn ed25519(key: &[u8]) -> Vec<u8> {
    public_key::write(public_key::ED25519, &[], key)
}
