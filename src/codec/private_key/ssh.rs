//! Keys as OpenSSH and Dropbear write them: fields of RFC 4251 section 5, each with its length before it.

use super::{Key, is_dsa, is_rsa, rsa};
use crate::blob::{Bytes, Endian, to_u64};
use crate::codec::der::{OID, bits, element};
use crate::codec::public_key::{self, CURVES, Curve, EC, ED25519, is_point};

/// The key in the OpenSSH format (PROTOCOL.key): the magic, `ciphername`, `kdfname`, `kdfoptions`, `number of keys`, the public key, and
/// the private part, of which only the check numbers and the type are looked at.
pub fn openssh(bytes: &[u8]) -> Option<Key> {
    const MAGIC: &[u8] = b"openssh-key-v1\0";
    let mut fields = Fields(bytes.strip_prefix(MAGIC)?);
    let (cipher, _derivation, _options) = (fields.string()?, fields.string()?, fields.string()?);
    if fields.number()? != 1 {
        return None;
    }
    let (public, private) = (fields.string()?, fields.string()?);
    let length = to_u64(bytes.len()).saturating_sub(to_u64(fields.0.len()));
    let mut public = Fields(public);
    let kind = public.string()?;
    let (algorithm, spki) = public_half(kind, &mut public)?;
    if cipher != b"none" {
        return (private.len() >= 16).then_some(Key { kind: "openssh-encrypted", algorithm, spki, length });
    }
    let mut private = Fields(private);
    let is_whole = private.number()? == private.number()? && private.string()? == kind;
    is_whole.then_some(Key { kind: "openssh", algorithm, spki, length })
}

/// Algorithm and SubjectPublicKeyInfo of a public key, RFC 4253 section 6.6: exactly `bytes`. Keys in tokens have their type for an algorithm.
pub fn ssh_public(bytes: &[u8]) -> Option<(String, Option<Vec<u8>>)> {
    let mut fields = Fields(bytes);
    let kind = fields.string()?;
    match kind {
        b"ssh-rsa" => {
            let mut numbers = Fields(fields.0);
            let (e, n) = (numbers.unsigned()?, numbers.unsigned()?);
            if !(512..=16_384).contains(&bits(n)) || bits(e) > bits(n) {
                return None;
            }
        }
        b"sk-ssh-ed25519@openssh.com" | b"sk-ecdsa-sha2-nistp256@openssh.com" => {
            let is_key = (|| {
                (kind.starts_with(b"sk-ecdsa")).then(|| fields.string()).map_or(Some(()), |curve| curve.map(drop))?;
                let point = fields.string()?.len();
                fields.string()?;
                matches!(point, 32 | 65).then_some(())
            })();
            return is_key.filter(|()| fields.0.is_empty()).and_then(|()| Some((std::str::from_utf8(kind).ok()?.to_owned(), None)));
        }
        b"ssh-dss" | b"ssh-ed25519" => (),
        _ if kind.starts_with(b"ecdsa-sha2-nistp") => (),
        _ => return None,
    }
    public_half(kind, &mut fields).filter(|_| fields.0.is_empty())
}

/// Algorithm and SubjectPublicKeyInfo of what follows the type in a public key. Types that are not known keep their name.
fn public_half(kind: &[u8], fields: &mut Fields<'_>) -> Option<super::Public> {
    Some(match kind {
        b"ssh-rsa" => {
            let (e, n) = (fields.unsigned()?, fields.unsigned()?);
            rsa(n, e)
        }
        b"ssh-dss" => {
            let (p, q, g, y) = (fields.unsigned()?, fields.unsigned()?, fields.unsigned()?, fields.unsigned()?);
            (format!("dsa-{}", bits(p)), Some(public_key::write_dsa(p, q, g, y)))
        }
        b"ssh-ed25519" => {
            let public = fields.string().filter(|public| public.len() == 32)?;
            ("ed25519".to_owned(), Some(public_key::write(ED25519, &[], public)))
        }
        _ => match kind.strip_prefix(b"ecdsa-sha2-") {
            Some(curve) => ec(curve, fields)?,
            None => (std::str::from_utf8(kind).ok()?.to_owned(), None),
        },
    })
}

/// The name of the curve again, and the point.
fn ec(name: &[u8], fields: &mut Fields<'_>) -> Option<super::Public> {
    let curve = curve(name)?;
    if fields.string()? != name {
        return None;
    }
    let point = fields.string().filter(|point| is_point(point, curve.size))?;
    let spki = public_key::write(EC, &element(OID, &[curve.oid]), point);
    Some((format!("ec-{}", curve.name), Some(spki)))
}

/// `nistp256` is `p256`.
fn curve(name: &[u8]) -> Option<Curve> {
    let name = name.strip_prefix(b"nist")?;
    CURVES.iter().copied().find(|curve| curve.name.as_bytes() == name)
}

/// A host key as Dropbear stores it: the public key, and the private numbers right after it. `ssh-rsa`: `e`, `n`, `d`, `p`, `q`; `ssh-dss`:
/// `p`, `q`, `g`, `y`, `x`; `ecdsa-sha2-*`: the curve, the point, the number; `ssh-ed25519`: both halves as one string.
pub fn dropbear(bytes: &[u8]) -> Option<Key> {
    let mut fields = Fields(bytes);
    let kind = fields.string()?;
    let (algorithm, spki) = match kind {
        b"ssh-rsa" => {
            let (e, n, d) = (fields.unsigned()?, fields.unsigned()?, fields.unsigned()?);
            let (p, q) = (fields.unsigned()?, fields.unsigned()?);
            is_rsa(n, e, d, p, q).then(|| rsa(n, e))?
        }
        b"ssh-dss" => {
            let (p, q, g) = (fields.unsigned()?, fields.unsigned()?, fields.unsigned()?);
            let (y, x) = (fields.unsigned()?, fields.unsigned()?);
            let is_key = is_dsa(p, q, g, x) && bits(y) > 1 && bits(y) <= bits(p);
            is_key.then(|| (format!("dsa-{}", bits(p)), Some(public_key::write_dsa(p, q, g, y))))?
        }
        b"ssh-ed25519" => {
            let (_, public) = fields.string().filter(|both| both.len() == 64)?.split_at_checked(32)?;
            ("ed25519".to_owned(), Some(public_key::write(ED25519, &[], public)))
        }
        _ => {
            let name = kind.strip_prefix(b"ecdsa-sha2-")?;
            let (public, secret) = (ec(name, &mut fields)?, fields.unsigned()?);
            let size = curve(name)?.size;
            (secret.len() <= size && secret.len().saturating_add(4) >= size).then_some(public)?
        }
    };
    let length = to_u64(bytes.len()).saturating_sub(to_u64(fields.0.len()));
    Some(Key { kind: "dropbear", algorithm, spki, length })
}

/// Reads one field after another.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn number(&mut self) -> Option<u32> {
        let number = Bytes(self.0).u32(0, Endian::Big).ok()?;
        self.0 = self.0.get(4..)?;
        Some(number)
    }

    fn string(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        let (string, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(string)
    }

    /// An `mpint` that is not negative, as a magnitude without leading zeros.
    fn unsigned(&mut self) -> Option<&'a [u8]> {
        match self.string()? {
            [0, rest @ ..] if rest.first().is_some_and(|top| *top >= 0x80) => Some(rest),
            magnitude @ [1..=0x7f, ..] => Some(magnitude),
            _ => None,
        }
    }
}
