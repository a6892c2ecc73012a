//! One packet: its tag, its length, and whether its content is what it must be.

use super::behind_number;
use crate::blob::{Bytes, Endian, Span};
use crate::problem::Rejected;

/// What a packet is, RFC 9580 section 5.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tag(pub(crate) u8);

impl Tag {
    pub(super) const SESSION_KEY: Self = Self(1);
    pub(super) const SIGNATURE: Self = Self(2);
    pub(super) const PASSWORD_KEY: Self = Self(3);

    /// Encrypted data: without and with a check, and of the new kind.
    pub(super) fn is_encrypted(self) -> bool {
        matches!(self.0, 9 | 18 | 20)
    }

    /// Signatures, keys and keys under them, users, and what programs trust.
    pub(super) fn is_of_key(self) -> bool {
        matches!(self.0, 2 | 5..=7 | 12..=14 | 17)
    }
}

/// A packet.
pub(crate) struct Packet {
    pub(crate) tag: Tag,
    pub(crate) body: Span,
    /// Where the next one begins.
    pub(crate) end: u64,
}

impl Packet {
    /// Section 4.2. Of data in pieces, whose length is told piece by piece, the body is all pieces.
    pub(crate) fn read(bytes: Bytes<'_>, at: u64) -> Result<Self, Rejected> {
        let first = bytes.u8(at)?;
        let length = at.saturating_add(1);
        if first & 0xc0 == 0xc0 {
            let (start, mut end, mut more) = length_of(bytes, length)?;
            while more {
                let (next, piece_end, next_more) = length_of(bytes, end)?;
                (end, more) = (piece_end.max(next), next_more);
            }
            return Ok(Self { tag: Tag(first & 0x3f), body: Span::between(start, end), end });
        }
        let (size, width) = match first & 3 {
            0 => (u64::from(bytes.u8(length)?), 1),
            1 => (u64::from(bytes.u16(length, Endian::Big)?), 2),
            2 => (u64::from(bytes.u32(length, Endian::Big)?), 4),
            _ => (bytes.len().saturating_sub(length), 0),
        };
        let body = Span::new(length.saturating_add(width), size);
        if first & 0x80 == 0 || size == 0 {
            Err(Rejected("no packet"))
        } else {
            Ok(Self { tag: Tag(first >> 2 & 0xf), body, end: body.end() })
        }
    }

    /// Checks a packet that stands first: its versions, algorithms and numbers have to come to its length.
    pub(super) fn prove(&self, bytes: Bytes<'_>) -> Result<(), Rejected> {
        let body = bytes.part(self.body)?;
        let end = match (self.tag.0, body.u8(0)?) {
            // u64 key, u8 algorithm
            (1, 3) => match body.u8(9)? {
                1 | 2 => behind_numbers(body, 10, 1)?,
                16 => behind_numbers(body, 10, 2)?,
                18 => behind_bytes(body, behind_numbers(body, 10, 1)?)?,
                _ => return Err(Rejected("the algorithm of a session key")),
            },
            // u8 type, u8 algorithm, u8 hash, hashed and other subpackets with their lengths as u16, two bytes of the hash
            (2, 4) => {
                let other = body.u16(4, Endian::Big).map(u64::from)?.saturating_add(6);
                let numbers = other.saturating_add(body.u16(other, Endian::Big)?.into()).saturating_add(4);
                let count = match body.u8(2)? {
                    1 | 3 => 1,
                    17 | 19 | 22 => 2,
                    _ => return Err(Rejected("the algorithm of a signature")),
                };
                behind_numbers(body, numbers, count)?
            }
            // u8 cipher, u8 kind of derivation, u8 hash, salt[8], u8 rounds
            (3, 4) if (1..=13).contains(&body.u8(1)?) && body.u8(2)? == 3 && (1..=14).contains(&body.u8(3)?) => 13.max(self.body.length),
            (5 | 6, 4) => {
                let end = behind_key(body)?;
                if self.tag.0 == 5 { end.max(self.body.length) } else { end }
            }
            _ => return Err(Rejected("no packet to begin with")),
        };
        if end == self.body.length { Ok(()) } else { Err(Rejected("the numbers of a packet")) }
    }
}

/// Where the content begins and ends whose length stands at `at`, and whether another piece follows.
fn length_of(bytes: Bytes<'_>, at: u64) -> Result<(u64, u64, bool), Rejected> {
    let first = u64::from(bytes.u8(at)?);
    let (width, length, more) = match first {
        0..=191 => (1, first, false),
        192..=223 => {
            (2, (first.saturating_sub(192) << 8).saturating_add(bytes.u8(at.saturating_add(1))?.into()).saturating_add(192), false)
        }
        // Programs write pieces of a buffer, and none may begin with one of less than 512 bytes.
        224..=232 => return Err(Rejected("a short piece")),
        233..=254 => (1, 1 << (first & 31), true),
        _ => (5, bytes.u32(at.saturating_add(1), Endian::Big)?.into(), false),
    };
    let start = at.saturating_add(width);
    Ok((start, start.saturating_add(length), more))
}

/// Behind a public key of version 4: u32 time, u8 algorithm, numbers, of curves behind their name.
fn behind_key(body: Bytes<'_>) -> Result<u64, Rejected> {
    match body.u8(5)? {
        1..=3 => behind_numbers(body, 6, 2),
        17 => behind_numbers(body, 6, 4),
        16 => behind_numbers(body, 6, 3),
        19 | 22 => behind_numbers(body, behind_bytes(body, 6)?, 1),
        _ => Err(Rejected("the algorithm of a key")),
    }
}

fn behind_numbers(body: Bytes<'_>, at: u64, count: u32) -> Result<u64, Rejected> {
    (0..count).try_fold(at, |at, _| behind_number(body, at))
}

/// Bytes behind their number as u8.
fn behind_bytes(body: Bytes<'_>, at: u64) -> Result<u64, Rejected> {
    Ok(at.saturating_add(1).saturating_add(body.u8(at)?.into()))
}
