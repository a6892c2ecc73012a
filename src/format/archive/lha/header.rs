//! The header of one file, in four levels.

use crate::blob::{Bytes, Endian, Span, to_u64};
use crate::format::{Attributes, dos_time, entry_path};
use crate::problem::Rejected;

/// A header; all numbers little endian:
///
/// ```text
///  0 size of the header u8, sum of its bytes from 2 on u8; in level 2 size u16; in level 3 u16: 4
///  2 method[5]   7 packed size u32   11 size u32
/// 15 time u32: of MS-DOS, from level 2 on seconds since 1970   19 attribute u8   20 level u8
/// 21 level 0 and 1: name with its length before it u8; crc u16; level 1: system u8, size of the first further header u16
///    level 2: crc u16, system u8, size of the first further header u16; level 3: the same, but size of all headers u32, of the first u32
/// further headers: type u8, data; the last two (level 3: four) bytes are the size of the next one, 0 if there is none
/// ```
pub(super) struct Header<'a> {
    pub(super) method: [u8; 5],
    pub(super) size: u64,
    pub(super) data: Span,
    pub(super) crc: u16,
    level: u8,
    time: u32,
    further: Further<'a>,
}

/// What further headers say.
#[derive(Default)]
struct Further<'a> {
    name: &'a [u8],
    folder: &'a [u8],
    mode: Option<u16>,
    owner: Option<(u16, u16)>,
    modified: Option<u32>,
}

/// Further headers that are believed.
const MOST_FURTHER: usize = 64;

impl<'a> Header<'a> {
    pub(super) fn read(bytes: Bytes<'a>, start: u64) -> Result<Self, Rejected> {
        let header = Bytes(bytes.tail(start));
        let (short, word) = (|at| header.u16(at, Endian::Little), |at| header.u32(at, Endian::Little));
        let (method, level): ([u8; 5], u8) = (header.array(2)?, header.u8(20)?);
        if !matches!(method, [b'-', b'l', b'h' | b'z', b'0'..=b'7' | b'd' | b'x' | b's', b'-']) || level > 3 {
            return Err(Rejected("method or level"));
        }
        let (packed, mut further) = (u64::from(word(7)?), Further::default());
        let (crc, end, skipped) = match level {
            0 | 1 => {
                let (size, sum) = (u64::from(header.u8(0)?), header.u8(1)?);
                if size < 22 || header.get(2, size)?.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte)) != sum {
                    return Err(Rejected("checksum of the header"));
                }
                let name = u64::from(header.u8(21)?);
                further.name = header.get(22, name)?;
                let (crc, end) = (short(name.saturating_add(22))?, size.saturating_add(2));
                let past = if level == 1 { further.read(header, end.saturating_sub(2), end, 2)? } else { end };
                // In level 1 the further headers count as data.
                (crc, past, past.saturating_sub(end))
            }
            2 => {
                further.read(header, 24, 26, 2)?;
                (short(21)?, u64::from(short(0)?), 0)
            }
            _ => {
                if short(0)? != 4 {
                    return Err(Rejected("size of words"));
                }
                further.read(header, 28, 32, 4)?;
                (short(21)?, u64::from(word(24)?), 0)
            }
        };
        if packed < skipped || end < 22 {
            return Err(Rejected("size of the data"));
        }
        let data = Span::new(start.saturating_add(end), packed.saturating_sub(skipped));
        Ok(Self { method, size: word(11)?.into(), data, crc, level, time: word(15)?, further })
    }

    /// The path: folders end with a byte 0xff in further headers, and with what the system has for it in names.
    pub(super) fn path(&self) -> String {
        let slashes = |bytes: &[u8]| bytes.iter().map(|byte| if matches!(byte, 0xff | b'\\') { b'/' } else { *byte }).collect::<Vec<u8>>();
        let name = self.further.name.split(|byte| *byte == 0).next().unwrap_or_default();
        entry_path(&[slashes(self.further.folder), slashes(name)].concat())
    }

    pub(super) fn attributes(&self) -> Attributes {
        let dos = || dos_time(u16::try_from(self.time >> 16).ok()?, u16::try_from(self.time & 0xffff).ok()?);
        let modified = if self.level < 2 { dos() } else { Some(self.time.into()) };
        Attributes {
            mode: self.further.mode.map(u32::from),
            uid: self.further.owner.map(|(_, user)| user.into()),
            gid: self.further.owner.map(|(group, _)| group.into()),
            modified: self.further.modified.map(i64::from).or(modified),
        }
    }
}

impl<'a> Further<'a> {
    /// Reads the headers from `at` on; the size of the first one stands at `size_at`, in `width` bytes. Returns where they end.
    fn read(&mut self, bytes: Bytes<'a>, size_at: u64, at: u64, width: u64) -> Result<u64, Rejected> {
        let size =
            |at| if width == 2 { bytes.u16(at, Endian::Little).map(u64::from) } else { bytes.u32(at, Endian::Little).map(u64::from) };
        let (mut at, mut next) = (at, size(size_at)?);
        for _ in 0..MOST_FURTHER {
            if next == 0 {
                return Ok(at);
            }
            if next < width.saturating_add(1) {
                return Err(Rejected("a further header"));
            }
            let data = bytes.get(at.saturating_add(1), next.saturating_sub(width).saturating_sub(1))?;
            self.take(bytes.u8(at)?, data);
            let end = at.saturating_add(next);
            next = size(end.saturating_sub(width))?;
            at = end;
        }
        Err(Rejected("too many further headers"))
    }

    fn take(&mut self, kind: u8, data: &'a [u8]) {
        let field = Bytes(data);
        match kind {
            1 => self.name = data,
            2 => self.folder = data,
            0x50 => self.mode = field.u16(0, Endian::Little).ok(),
            0x51 => self.owner = field.u16(0, Endian::Little).ok().zip(field.u16(2, Endian::Little).ok()),
            0x54 if to_u64(data.len()) >= 4 => self.modified = field.u32(0, Endian::Little).ok(),
            _ => (),
        }
    }
}
