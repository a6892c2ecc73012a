//! Keys of OpenPGP, RFC 9580: with their fingerprints and users, and who made a signature.

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::{Found, Search, hex};
use crate::blob::{Bytes, Endian, Span, to_u64};
use crate::codec::der::{OID, bits, element};
use crate::codec::public_key::{self, EC, curve_by_oid};
use crate::format::credential::openpgp::packet::Packet;

/// Packets that are looked at, at most.
const MOST: u32 = 200_000;

/// Files of packets.
pub(super) fn packets(search: &mut Search<'_>) {
    if matches!(search.bytes.first(), Some(0x84..=0xff)) {
        let bytes = search.bytes;
        read(search, bytes, None);
    }
}

/// Packets from the first of `bytes` on. `armor` is where they were decoded from.
pub(super) fn read(search: &mut Search<'_>, bytes: &[u8], armor: Option<Span>) {
    let (reader, mut at, mut primary) = (Bytes(bytes), 0, None);
    for number in 0..MOST {
        let Ok(packet) = Packet::read(reader, at) else { return };
        let Ok(body) = reader.part(packet.body) else { return };
        let span = armor.unwrap_or(Span::between(at, packet.end));
        at = packet.end;
        match packet.tag.0 {
            5 | 6 | 7 | 14 => {
                let Some(found) = key(packet.tag.0, body, span) else {
                    // What is no key in the first packet is none at all.
                    if number == 0 { return } else { continue }
                };
                primary = matches!(packet.tag.0, 5 | 6).then_some(search.found.len());
                search.found.push(found);
            }
            13 => {
                // The key before it in the file is whose user it is; further users are further facts.
                let Ok(user) = std::str::from_utf8(body.0) else { continue };
                let place = armor.unwrap_or(packet.body);
                match primary.take().and_then(|index| search.found.get_mut(index)).filter(|found| !found.is_private) {
                    Some(found) => found.name = (user.to_owned(), place),
                    None if number > 0 => search.say("public-key.name", user, place),
                    None => return,
                }
            }
            2 if number == 0 => {
                let Some(issuer) = issuer(body.0) else { return };
                search.say("key.signer", issuer, span);
                return;
            }
            2 | 12 | 17 if number > 0 => (),
            _ => return,
        }
    }
}

/// A key: u8 version, u32 time, in version 3 u16 days, u8 algorithm, from version 5 on u32 length, numbers. Those of private keys follow.
fn key(tag: u8, body: Bytes<'_>, span: Span) -> Option<Found> {
    let version = body.u8(0).ok()?;
    let algorithm = match version {
        2 | 3 => 7_u64,
        4..=6 => 5,
        _ => return None,
    };
    let start: u64 = if version >= 5 { 10 } else { algorithm.saturating_add(1) };
    let mut numbers = Numbers { bytes: body.tail(start) };
    let (name, spki) = public(body.u8(algorithm).ok()?, &mut numbers)?;
    let whole = body.0;
    let public = whole.get(..whole.len().checked_sub(numbers.bytes.len())?)?;
    let secret = numbers.bytes;
    let is_key = matches!(tag, 6 | 14);
    if is_key && !secret.is_empty() {
        return None;
    }
    let id = fingerprint(version, public, spki.as_deref());
    let kind = match (is_key, tag, secret) {
        (true, 14, _) => "openpgp-subkey",
        (true, ..) => "openpgp",
        // The private half was left out, as GnuPG does: u8 use, u8 cipher, u8 kind of derivation, u8 hash, "GNU", 1 or 2.
        (_, _, [254 | 255, _, 101, _, b'G', b'N', b'U', ..]) => return None,
        (_, 7, [0, ..]) => "openpgp-subkey",
        (_, _, [0, ..]) => "openpgp",
        (_, _, [_, ..]) => "openpgp-encrypted",
        _ => return None,
    };
    Some(Found { span, kind, is_private: !is_key, algorithm: name, spki, id, name: Default::default() })
}

/// Section 5.5.4. Of version 3 it is the sum of the two numbers of RSA.
fn fingerprint(version: u8, public: &[u8], spki: Option<&[u8]>) -> String {
    let length = u32::try_from(public.len()).unwrap_or(u32::MAX).to_be_bytes();
    let [_, _, high, low] = length;
    match version {
        4 => hex(&Sha1::new().chain_update([0x99, high, low]).chain_update(public).finalize()),
        5 => hex(&Sha256::new().chain_update([0x9a]).chain_update(length).chain_update(public).finalize()),
        6 => hex(&Sha256::new().chain_update([0x9b]).chain_update(length).chain_update(public).finalize()),
        _ => {
            let Some((n, e)) = spki.and_then(public_key::rsa_numbers) else { return String::new() };
            hex(&Md5::new().chain_update(n).chain_update(e).finalize())
        }
    }
}

/// Algorithm and SubjectPublicKeyInfo, section 9.1.
fn public(algorithm: u8, numbers: &mut Numbers<'_>) -> Option<(String, Option<Vec<u8>>)> {
    const LEGACY_ED25519: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x0f, 0x01];
    const LEGACY_X25519: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x97, 0x55, 0x01, 0x05, 0x01];
    let fixed = |oid: &'static [u8], key: &[u8]| {
        let spki = public_key::write(oid, &[], key);
        Some((public_key::name(&spki), Some(spki)))
    };
    match algorithm {
        1..=3 => {
            let (n, e) = (numbers.next()?, numbers.next()?);
            let is_key = (512..=16_384).contains(&bits(n)) && bits(e) <= bits(n);
            is_key.then(|| (format!("rsa-{}", bits(n)), Some(public_key::write_rsa(n, e))))
        }
        16 | 20 => {
            let (p, _, _) = (numbers.next()?, numbers.next()?, numbers.next()?);
            Some((format!("elgamal-{}", bits(p)), None))
        }
        17 => {
            let (p, q, g, y) = (numbers.next()?, numbers.next()?, numbers.next()?, numbers.next()?);
            Some((format!("dsa-{}", bits(p)), Some(public_key::write_dsa(p, q, g, y))))
        }
        18 | 19 | 22 => {
            let oid = numbers.counted()?;
            let point = numbers.next()?;
            if algorithm == 18 {
                numbers.counted()?;
            }
            match (oid, point) {
                (LEGACY_ED25519, [0x40, key @ ..]) => fixed(public_key::ED25519, key),
                (LEGACY_X25519, [0x40, key @ ..]) => fixed(&[0x2b, 0x65, 0x6e], key),
                _ => {
                    let curve = curve_by_oid(oid)?;
                    public_key::is_point(point, curve.size)
                        .then(|| (format!("ec-{}", curve.name), Some(public_key::write(EC, &element(OID, &[oid]), point))))
                }
            }
        }
        25 => fixed(&[0x2b, 0x65, 0x6e], numbers.take(32)?),
        26 => fixed(&[0x2b, 0x65, 0x6f], numbers.take(56)?),
        27 => fixed(public_key::ED25519, numbers.take(32)?),
        28 => fixed(&[0x2b, 0x65, 0x71], numbers.take(57)?),
        _ => None,
    }
}

/// Numbers one behind the other: u16 bits, bytes.
struct Numbers<'a> {
    bytes: &'a [u8],
}

impl<'a> Numbers<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(length)?;
        self.bytes = rest;
        Some(taken)
    }

    fn next(&mut self) -> Option<&'a [u8]> {
        let size = usize::from(Bytes(self.take(2)?).u16(0, Endian::Big).ok()?);
        let number = self.take(size.div_ceil(8))?;
        (bits(number) == size && size > 0).then_some(number)
    }

    /// Bytes with their number before them, u8.
    fn counted(&mut self) -> Option<&'a [u8]> {
        let length = usize::from(*self.take(1)?.first()?);
        self.take(length)
    }
}

/// Who made a signature: in version 3 the id of the key, from 4 on the subpacket with its fingerprint (33), or with its id (16).
fn issuer(body: &[u8]) -> Option<String> {
    let reader = Bytes(body);
    let (start, wide) = match body.first()? {
        3 => return Some(hex(body.get(7..15)?)),
        4 | 5 => (4_u64, false),
        6 => (4, true),
        _ => return None,
    };
    let width = if wide { 4 } else { 2 };
    let length =
        |at: u64| if wide { reader.u32(at, Endian::Big).ok().map(u64::from) } else { reader.u16(at, Endian::Big).ok().map(u64::from) };
    let (mut at, mut id) = (start, None::<String>);
    for _ in 0..2 {
        let part = reader.up_to(at.checked_add(width)?, length(at)?);
        at = at.checked_add(width)?.checked_add(to_u64(part.len()))?;
        let mut rest = Numbers { bytes: part };
        while let Some(subpacket) = subpacket(&mut rest) {
            match subpacket {
                [33 | 0xa1, _version, fingerprint @ ..] => return Some(hex(fingerprint)),
                [16 | 0x90, key @ ..] => id = Some(hex(key)),
                _ => (),
            }
        }
    }
    id
}

/// Type and content of the next subpacket.
fn subpacket<'a>(rest: &mut Numbers<'a>) -> Option<&'a [u8]> {
    let first = *rest.take(1)?.first()?;
    let length = match first {
        0..=191 => usize::from(first),
        192..=254 => {
            let low = usize::from(*rest.take(1)?.first()?);
            (usize::from(first).checked_sub(192)? << 8).checked_add(low)?.checked_add(192)?
        }
        255 => usize::try_from(Bytes(rest.take(4)?).u32(0, Endian::Big).ok()?).ok()?,
    };
    rest.take(length)
}
