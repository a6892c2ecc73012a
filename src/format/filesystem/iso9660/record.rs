//! Records of folders: one for each file, or for each piece of a file.

use crate::blob::{Bytes, Endian, Span};
use crate::format::calendar::seconds_since_1970;

/// Bits of the flags.
pub(super) const FOLDER: u8 = 2;
/// What Apple's systems keep beside a file.
pub(super) const ASSOCIATED: u8 = 4;
/// More pieces of the same file follow.
pub(super) const CONTINUED: u8 = 0x80;

/// One record; numbers of several bytes are there in both byte orders, little first:
///
/// ```text
///  0 length u8   1 blocks of extended attributes u8   2 first block u32   10 bytes u32   18 date[7]: years since 1900, month, day,
///    hour, minute, second, quarters of an hour from Greenwich   25 flags u8   26 unit u8, 27 gap u8 (interleaved)   28 volume u16
/// 32 length of the name u8   33 name, filled up to an even place, then what the system wants
/// ```
#[derive(Debug, Clone, Copy)]
pub(super) struct Record<'a> {
    /// Where it stands.
    pub(super) at: u64,
    /// First block; extended attributes stand there, if there are some.
    pub(super) block: u64,
    /// Blocks of extended attributes.
    attributes: u64,
    /// Bytes of the file, or of this piece of it.
    pub(super) size: u64,
    /// Last change.
    pub(super) modified: Option<i64>,
    /// What it is.
    pub(super) flags: u8,
    /// Whether its blocks are among those of others.
    pub(super) interleaved: bool,
    /// Its name as it stands there.
    pub(super) name: &'a [u8],
    /// What the system wants, and where that stands.
    pub(super) system: Span,
}

impl<'a> Record<'a> {
    /// The record at `at`; none if there is none or it is broken.
    pub(super) fn read(image: Bytes<'a>, at: u64) -> Option<Self> {
        let length = u64::from(image.u8(at).ok()?);
        let bytes = Bytes(image.get(at, length).ok()?);
        let date: [u8; 7] = bytes.array(18).ok()?;
        let name_length = u64::from(bytes.u8(32).ok()?);
        let name = bytes.get(33, name_length).ok()?;
        // A name of even length is followed by one byte.
        let system = (34_u64).saturating_add(name_length & !1);
        Some(Self {
            at,
            block: bytes.u32(2, Endian::Little).ok()?.into(),
            attributes: bytes.u8(1).ok()?.into(),
            size: bytes.u32(10, Endian::Little).ok()?.into(),
            modified: short_date(date),
            flags: bytes.u8(25).ok()?,
            interleaved: bytes.u8(26).ok()? != 0,
            name,
            system: Span::between(at.saturating_add(system), at.saturating_add(length)),
        })
    }

    /// Where its bytes stand, in blocks of `block` bytes.
    pub(super) fn span(&self, block: u64) -> Span {
        Span::new(self.block.saturating_add(self.attributes).saturating_mul(block), self.size)
    }

    /// Whether it is that of the folder itself, or of the one above.
    pub(super) fn is_dot(&self) -> bool {
        matches!(self.name, [0 | 1])
    }
}

/// Seven bytes of a date as seconds since 1970.
pub(super) fn short_date(date: [u8; 7]) -> Option<i64> {
    let [year, month, day, hour, minute, second, zone] = date;
    let zone = i64::from(i8::from_le_bytes([zone])).saturating_mul(900);
    let local =
        seconds_since_1970([i64::from(year).saturating_add(1900), month.into(), day.into()], [hour.into(), minute.into(), second.into()])?;
    Some(local.saturating_sub(zone))
}
