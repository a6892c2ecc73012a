//! Folders: sets of entries of 32 bytes, one set for each file.

use crate::blob::{Bytes, Endian, to_u64};
use crate::format::calendar::seconds_since_1970;
use crate::format::utf16_part_text;

/// A file or folder:
///
/// ```text
/// 85: 1 further entries u8   2 checksum of all of them u16   4 attributes u16 (10: folder)   8, 12, 16 times of creation, change, access u32
///     20, 21 hundredths of creation and change   22, 23, 24 zones of the three
/// c0: 1 flags u8 (2: clusters in a row, no chain)   3 length of the name u8   4 hash u16   8 bytes that were written u64   20 cluster u32
///     24 bytes u64
/// c1: 2 name[15] u16, as often as needed
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    /// Its name.
    pub(super) name: String,
    /// Whether it is a folder.
    pub(super) folder: bool,
    /// First cluster.
    pub(super) cluster: u32,
    /// Whether its clusters are in a row, so that no table says so.
    pub(super) in_a_row: bool,
    /// Bytes, if that is known.
    pub(super) size: Option<u64>,
    /// Bytes that were ever written.
    pub(super) written: u64,
    /// Last change.
    pub(super) modified: Option<i64>,
}

impl Named {
    /// The root folder, of which only the first cluster is known.
    pub(super) fn root(cluster: u32) -> Self {
        Self { name: String::new(), folder: true, cluster, in_a_row: false, size: None, written: 0, modified: None }
    }
}

/// What stands in a folder.
#[derive(Debug, Default)]
pub(super) struct Listed {
    /// Files and folders.
    pub(super) named: Vec<Named>,
    /// Sets that are none.
    pub(super) broken: u64,
    /// Whether the entry that ends it is there.
    pub(super) ended: bool,
}

/// Reads all entries of a folder.
pub(super) fn list(folder: Bytes<'_>) -> Listed {
    let mut listed = Listed::default();
    let mut at = 0_u64;
    while let Ok(kind) = folder.u8(at) {
        let more = u64::from(folder.u8(at.saturating_add(1)).unwrap_or(0));
        let mut step = 32_u64;
        match kind {
            0 => {
                listed.ended = true;
                break;
            }
            0x85 => match folder.get(at, more.saturating_add(1).saturating_mul(32)).ok().and_then(|set| named(Bytes(set))) {
                Some(named) => {
                    listed.named.push(named);
                    step = more.saturating_add(1).saturating_mul(32);
                }
                None => listed.broken = listed.broken.saturating_add(1),
            },
            _ => {}
        }
        at = at.saturating_add(step);
    }
    listed
}

fn named(set: Bytes<'_>) -> Option<Named> {
    let bytes = set.0.iter().enumerate().filter(|(at, _)| !matches!(at, 2 | 3)).map(|(_, byte)| *byte);
    let sum = bytes.fold(0_u16, |sum, byte| sum.rotate_right(1).wrapping_add(byte.into()));
    let stream = Bytes(set.get(32, 32).ok()?);
    if sum != set.u16(2, Endian::Little).ok()? || !stream.has(0, &[0xc0]) {
        return None;
    }
    let length = usize::from(stream.u8(3).ok()?);
    let parts = (64..set.len()).step_by(32).filter(|at| set.has(*at, &[0xc1])).flat_map(|at| set.up_to(at.saturating_add(2), 30).to_vec());
    let text: Vec<u8> = parts.take(length.saturating_mul(2)).collect();
    if length == 0 || to_u64(text.len()) != to_u64(length).saturating_mul(2) {
        return None;
    }
    let zone = set.u8(23).ok()?;
    Some(Named {
        name: utf16_part_text(text.chunks_exact(2).map(|unit| Bytes(unit).u16(0, Endian::Little).unwrap_or(0))),
        folder: set.u16(4, Endian::Little).ok()? & 0x10 != 0,
        cluster: stream.u32(20, Endian::Little).ok()?,
        in_a_row: stream.u8(1).ok()? & 2 != 0,
        size: Some(stream.u64(24, Endian::Little).ok()?),
        written: stream.u64(8, Endian::Little).ok()?,
        modified: seconds(set.u32(12, Endian::Little).ok()?, zone),
    })
}

/// A moment as MS-DOS writes it: year since 1980 in 7 bits, month 4, day 5, hour 5, minute 6, two seconds 5. The zone, if its highest bit is
/// set, is quarters of an hour from Greenwich.
fn seconds(stamp: u32, zone: u8) -> Option<i64> {
    let field = |shift: u32, mask: u32| i64::from(stamp >> shift & mask);
    let date = [field(25, 0x7f).saturating_add(1980), field(21, 0xf), field(16, 0x1f)];
    let local = seconds_since_1970(date, [field(11, 0x1f), field(5, 0x3f), field(0, 0x1f).saturating_mul(2)])?;
    let quarters = i64::from(i8::from_le_bytes([zone << 1])) >> 1;
    Some(if zone & 0x80 == 0 { local } else { local.saturating_sub(quarters.saturating_mul(900)) })
}
