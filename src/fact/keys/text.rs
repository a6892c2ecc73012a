//! Keys in forms of text that say what their parts are: PuTTY's files, XML, JSON, and settings of WireGuard.

use memchr::memmem;

use super::{Search, ssh};
use crate::blob::{Span, to_u64};
use crate::codec::private_key::{Key, of_rsa_numbers};
use crate::codec::public_key::{self, CURVES, EC, ED25519};
use crate::codec::{der, pem};

/// Bytes of the longest form.
const WINDOW: usize = 16 << 10;

/// What stands in `text` between `before` and the next `after`.
fn between<'a>(text: &'a [u8], before: &[u8], after: &[u8]) -> Option<&'a [u8]> {
    let rest = text.get(memmem::find(text, before)?.checked_add(before.len())?..)?;
    rest.get(..memmem::find(rest, after)?)
}

/// PuTTY's files: lines of a name and a value; the public half, and the private one, in base64 behind the number of their lines.
pub(super) fn putty(search: &mut Search<'_>) {
    for start in search.places(b"PuTTY-User-Key-File-") {
        if !search.pays(4096) {
            return;
        }
        let text = search.window(start, WINDOW);
        let found = (|| {
            let encryption = between(text, b"\nEncryption: ", b"\n")?.trim_ascii();
            let lines = text.get(memmem::find(text, b"\nPublic-Lines: ")?.checked_add(1)?..)?;
            let (count, public) = lines.split_at_checked(memchr::memchr(b'\n', lines)?.checked_add(1)?)?;
            let count: usize = std::str::from_utf8(count).ok()?.split(' ').nth(1)?.trim().parse().ok().filter(|count| *count < 200)?;
            let end = memchr::memchr_iter(b'\n', public).nth(count.checked_sub(1)?)?;
            let public = public.get(..end)?;
            let end = memmem::find(text, b"\nPrivate-MAC: ")?.checked_add(14)?;
            let sum = text.get(end..)?.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
            memmem::find(text.get(..end)?, b"\nPrivate-Lines: ")?;
            let (algorithm, spki) = ssh::wrapped(search, public)?;
            let kind = if encryption == b"none" { "ppk" } else { "ppk-encrypted" };
            Some(Key { kind, algorithm, spki, length: to_u64(end.checked_add(sum)?) })
        })();
        found.into_iter().for_each(|key| search.private(Span::new(to_u64(start), key.length), key));
    }
}

/// Number without leading zeros that base64 stands for.
fn number(text: &[u8]) -> Vec<u8> {
    let bytes = pem::base64(text);
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.get(zeros..).unwrap_or_default().to_vec()
}

/// RSA as .NET and XML signatures write it.
pub(super) fn xml(search: &mut Search<'_>) {
    for place in search.places(b"<RSAKeyValue>") {
        if !search.pays(2048) {
            return;
        }
        let Some(text) = between(search.window(place, WINDOW), b"<RSAKeyValue>", b"</RSAKeyValue>") else { continue };
        let span = Span::new(to_u64(place), to_u64(text.len().saturating_add(27)));
        let part = |name: &str| between(text, format!("<{name}>").as_bytes(), format!("</{name}>").as_bytes()).map(number);
        rsa(search, span, ["rsa-xml", "rsa-xml-public"], ["Modulus", "Exponent", "D", "P", "Q"].map(part));
    }
}

/// A key of RSA by its numbers `n`, `e`, and if it is private `d`, `p` and `q`.
fn rsa(search: &mut Search<'_>, span: Span, [private, public]: [&'static str; 2], numbers: [Option<Vec<u8>>; 5]) {
    match numbers {
        [Some(n), Some(e), Some(d), Some(p), Some(q)] => {
            let key = of_rsa_numbers(private, [&n, &e, &d, &p, &q], span.length);
            key.into_iter().for_each(|key| search.private(span, key));
        }
        [Some(n), Some(e), ..] if (512..=16_384).contains(&der::bits(&n)) && (1..=der::bits(&n)).contains(&der::bits(&e)) => {
            search.public(span, public, public_key::write_rsa(&n, &e));
        }
        _ => (),
    }
}

/// JSON Web Keys, RFC 7517: an object without others in it.
pub(super) fn json(search: &mut Search<'_>) {
    for place in search.places(b"\"kty\"") {
        if !search.pays(4096) {
            return;
        }
        let before = search.bytes.get(place.saturating_sub(4096)..place).unwrap_or_default();
        let Some(back) = before.iter().rev().position(|byte| matches!(byte, b'{' | b'}')) else { continue };
        let start = place.saturating_sub(back).saturating_sub(1);
        let text = search.window(start, WINDOW);
        let Some(end) = memchr::memchr(b'}', text).filter(|_| text.first() == Some(&b'{')) else { continue };
        let text = text.get(..end).unwrap_or_default();
        let span = Span::new(to_u64(start), to_u64(end.saturating_add(1)));
        let plain = |name: &str| {
            let at = memmem::find(text, format!("\"{name}\"").as_bytes())?.checked_add(name.len())?.checked_add(2)?;
            let value = text.get(at..)?.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start().strip_prefix(b"\"")?;
            value.get(..memchr::memchr(b'"', value)?)
        };
        match plain("kty") {
            Some(b"RSA") => {
                let part = |name: &str| plain(name).map(number).filter(|number| !number.is_empty());
                rsa(search, span, ["jwk", "jwk-public"], ["n", "e", "d", "p", "q"].map(part));
            }
            Some(b"EC" | b"OKP") => {
                let point = |name: &str| plain(name).map(pem::base64);
                let Some((algorithm, spki)) = curve(plain("crv"), point("x"), point("y")) else { continue };
                match plain("d") {
                    Some(_) => search.private(span, Key { kind: "jwk", algorithm, spki: Some(spki), length: span.length }),
                    None => search.public(span, "jwk-public", spki),
                }
            }
            _ => (),
        }
    }
}

/// Algorithm and SubjectPublicKeyInfo of a point.
fn curve(name: Option<&[u8]>, x: Option<Vec<u8>>, y: Option<Vec<u8>>) -> Option<(String, Vec<u8>)> {
    let (name, x) = (name?, x?);
    let spki = match (name, y) {
        (b"Ed25519", None) if x.len() == 32 => public_key::write(ED25519, &[], &x),
        (b"X25519", None) if x.len() == 32 => public_key::write(&[0x2b, 0x65, 0x6e], &[], &x),
        (name, Some(y)) => {
            let wanted = name.strip_prefix(b"P-").map_or(name.to_vec(), |size| [b"p", size].concat());
            let curve = CURVES.iter().find(|curve| curve.name.as_bytes() == wanted)?;
            let is_point = x.len() == curve.size && y.len() == curve.size;
            let point = is_point.then(|| [&[4], x.as_slice(), y.as_slice()].concat())?;
            public_key::write(EC, &der::element(der::OID, &[curve.oid]), &point)
        }
        _ => return None,
    };
    Some((public_key::name(&spki), spki))
}

/// Settings of WireGuard: `PrivateKey = …` under `[Interface]`, `PublicKey = …` under `[Peer]`, and OpenWrt's `option private_key '…'`.
pub(super) fn wireguard(search: &mut Search<'_>) {
    let is_uci = memmem::find(search.bytes, b"wireguard").is_some();
    for (mark, section) in
        [(b"PrivateKey".as_slice(), b"[Interface]".as_slice()), (b"PublicKey", b"[Peer]"), (b"option private_key '", b"")]
    {
        for place in search.places(mark) {
            if !search.pays(1024) {
                return;
            }
            let before = search.bytes.get(place.saturating_sub(1024)..place).unwrap_or_default();
            let rest = search.window(place.saturating_add(mark.len()), 64);
            let is_uci = section.is_empty() && is_uci;
            let is_ini = !section.is_empty()
                && memmem::rfind(before, b"[").is_some_and(|at| before.get(at..).unwrap_or_default().starts_with(section));
            let value = if is_uci { Some(rest) } else { rest.trim_ascii_start().strip_prefix(b"=").map(<[u8]>::trim_ascii_start) };
            let Some(value) = value.filter(|_| is_uci || is_ini) else { continue };
            let (length, key) = (pem::base64_length(value, 64, false), pem::base64(value.get(..44).unwrap_or_default()));
            if length != 44 || key.len() != 32 {
                continue;
            }
            let start = place.saturating_add(mark.len()).saturating_add(rest.len().saturating_sub(value.len()));
            let span = Span::new(to_u64(start), 44);
            match mark {
                b"PublicKey" => search.public(span, "wireguard-peer", public_key::write(&[0x2b, 0x65, 0x6e], &[], &key)),
                _ => search.private(span, Key { kind: "wireguard", algorithm: "x25519".to_owned(), spki: None, length: 44 }),
            }
        }
    }
}
