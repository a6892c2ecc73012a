//! Stores of keys: PKCS#12 (RFC 7292), and those of Java. That they hold a key is told by their structure; what it is, is encrypted.

use memchr::memmem;

use super::Key;
use crate::blob::{Bytes, Endian, to_u64, to_usize};
use crate::codec::der::Reader;

/// `pkcs8ShroudedKeyBag`, 1.2.840.113549.1.12.10.1.2, with its tag and length.
const SHROUDED: &[u8] = &[0x06, 0x0b, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x0a, 0x01, 0x02];

/// No store of which the length is not told is read further.
const WINDOW: usize = 16 << 10;

/// A PFX that holds an encrypted key: `3`, a `ContentInfo` of PKCS#7, and the sum over it. One whose lengths are indefinite is not read to
/// its end.
pub fn pkcs12(bytes: &[u8]) -> Option<Key> {
    const PKCS7: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07];
    let store = match bytes {
        [0x30, 0x80, ..] => bytes.get(..WINDOW).unwrap_or(bytes),
        _ => Reader::new(bytes).element(0x30)?.whole,
    };
    let head = store.get(..24)?;
    memmem::find(head, PKCS7)?;
    let bag = memmem::find(store, SHROUDED)?;
    let length = if bytes.get(1) == Some(&0x80) { bag.saturating_add(SHROUDED.len()) } else { store.len() };
    Some(encrypted("pkcs12-encrypted", to_u64(length)))
}

fn encrypted(kind: &'static str, length: u64) -> Key {
    Key { kind, algorithm: String::new(), spki: None, length }
}

/// Entries of a store at most.
const MOST: u32 = 10_000;

/// A store of Java that holds a private key: magic, u32 version, u32 entries, each u32 kind (1 private, 2 certificate, 3 secret), alias,
/// u64 date, and its data; SHA-1 over all of it at the end.
pub fn jks(bytes: &[u8]) -> Option<Key> {
    let (reader, mut at) = (Bytes(bytes), 12_u64);
    let (version, count) = (reader.u32(4, Endian::Big).ok()?, reader.u32(8, Endian::Big).ok()?);
    if !matches!(bytes.first_chunk::<4>()?, [0xfe, 0xed, 0xfe, 0xed] | [0xce, 0xce, 0xce, 0xce])
        || !matches!(version, 1 | 2)
        || count == 0
        || count > MOST
    {
        return None;
    }
    let mut private = false;
    for _ in 0..count {
        let kind = reader.u32(at, Endian::Big).ok()?;
        at = text(reader, at.saturating_add(4))?.saturating_add(8);
        match kind {
            1 => {
                private = true;
                at = data(reader, at)?;
                let chain = reader.u32(at, Endian::Big).ok().filter(|chain| *chain <= 100)?;
                at = at.saturating_add(4);
                for _ in 0..chain {
                    at = certificate(reader, at, version)?;
                }
            }
            2 => at = certificate(reader, at, version)?,
            // A sealed object of Java, whose length is not told: as far as the store is read.
            _ => break,
        }
    }
    let end = at.saturating_add(20);
    (private && end <= reader.len()).then(|| encrypted("jks-encrypted", end))
}

fn certificate(reader: Bytes<'_>, at: u64, version: u32) -> Option<u64> {
    data(reader, if version == 2 { text(reader, at)? } else { at })
}

/// Behind bytes with their number before them, u32.
fn data(reader: Bytes<'_>, at: u64) -> Option<u64> {
    let end = at.saturating_add(4).saturating_add(reader.u32(at, Endian::Big).ok()?.into());
    (end <= reader.len()).then_some(end)
}

/// Behind text with its length before it, u16.
fn text(reader: Bytes<'_>, at: u64) -> Option<u64> {
    let end = at.saturating_add(2).saturating_add(reader.u16(at, Endian::Big).ok()?.into());
    let text = reader.0.get(to_usize(at.saturating_add(2))..to_usize(end))?;
    (!text.iter().any(u8::is_ascii_control)).then_some(end)
}

/// A store of Bouncy Castle that holds a key: u32 version, salt of 20 bytes with its length, u32 rounds, entries: u8 kind (1 certificate,
/// 2 key, 3 secret, 4 sealed), alias, u64 date, certificates with their number, data; a kind of 0 ends them, and SHA-1 follows.
pub fn bks(bytes: &[u8]) -> Option<Key> {
    let reader = Bytes(bytes);
    let (version, salt, rounds) = (reader.u32(0, Endian::Big).ok()?, reader.u32(4, Endian::Big).ok()?, reader.u32(28, Endian::Big).ok()?);
    if !matches!(version, 1 | 2) || salt != 20 || !(1..=100_000).contains(&rounds) {
        return None;
    }
    let (mut at, mut private) = (32_u64, false);
    for _ in 0..MOST {
        let kind = reader.u8(at).ok()?;
        if kind == 0 {
            let end = at.saturating_add(21);
            return (private && end <= reader.len()).then(|| encrypted("bks-encrypted", end));
        }
        at = text(reader, at.saturating_add(1))?.saturating_add(8);
        let chain = reader.u32(at, Endian::Big).ok().filter(|chain| *chain <= 100)?;
        at = at.saturating_add(4);
        for _ in 0..chain {
            at = certificate(reader, at, 2)?;
        }
        at = match kind {
            1 => certificate(reader, at, 2)?,
            2..=4 => {
                private = true;
                data(reader, at)?
            }
            _ => return None,
        };
    }
    None
}
