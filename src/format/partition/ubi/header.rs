//! The two headers at the front of every physical erase block (PEB), all numbers big endian.

use flate2::Crc;

use crate::blob::{Bytes, Endian, to_u64};
use crate::problem::Rejected;

const BIG: Endian = Endian::Big;

/// The kernel's crc32 from all ones, without final inversion.
pub(super) fn crc(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    !crc.sum()
}

/// `struct ubi_ec_hdr`, 64 bytes: `magic` "UBI#", `version` (1), padding (3), `ec` (8), `vid_hdr_offset`, `data_offset`, `image_seq`
/// (4 each), padding (32), `hdr_crc` over the first 60 bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct EraseCounter {
    /// Where the other header is, from the start of the PEB.
    pub(super) vid_hdr_offset: u64,
    /// Where the data is.
    pub(super) data_offset: u64,
    image_seq: u32,
}

impl EraseCounter {
    pub(super) fn read(bytes: Bytes<'_>, peb: u64) -> Result<Self, Rejected> {
        let header = Bytes(bytes.get(peb, 64)?);
        if !header.has(0, b"UBI#\x01\0\0\0") {
            return Err(Rejected("magic or version"));
        }
        if header.u64(8, BIG)? > 0x7fff_ffff {
            return Err(Rejected("ec"));
        }
        let (vid_hdr_offset, data_offset) = (u64::from(header.u32(16, BIG)?), u64::from(header.u32(20, BIG)?));
        if vid_hdr_offset < 64 || data_offset < vid_hdr_offset.saturating_add(64) || data_offset > 1 << 20 {
            return Err(Rejected("vid_hdr_offset or data_offset"));
        }
        if crc(header.up_to(0, 60)) != header.u32(60, BIG)? {
            return Err(Rejected("hdr_crc"));
        }
        Ok(Self { vid_hdr_offset, data_offset, image_seq: header.u32(24, BIG)? })
    }

    /// Whether both are of one image. Old writers leave `image_seq` 0.
    pub(super) fn is_same_image(&self, other: &Self) -> bool {
        let same_seq = self.image_seq == other.image_seq || self.image_seq == 0 || other.image_seq == 0;
        same_seq && self.vid_hdr_offset == other.vid_hdr_offset && self.data_offset == other.data_offset
    }
}

/// Size of a PEB. It is written nowhere: it is the distance from one erase counter header to the next.
#[derive(Debug, Clone, Copy)]
pub(super) struct PebSize(pub(super) u64);

impl PebSize {
    /// What all distances to the next headers have in common. Where there are few: the smallest power of two of which an odd multiple
    /// leads to a like header; smaller ones lead there by even multiples only, so that an empty PEB right behind the first does no harm.
    pub(super) fn find(bytes: Bytes<'_>, first: &EraseCounter) -> Result<Self, Rejected> {
        let leads = |distance: u64| EraseCounter::read(bytes, distance).is_ok_and(|next| next.is_same_image(first));
        let sizes = (11..=24).map(|bits| 1_u64 << bits).filter(|size| *size > first.data_offset);
        let mut sizes = sizes.filter(|size| [1, 3, 5, 7].iter().any(|times| leads(size.saturating_mul(*times))));
        Self::common(bytes, first).or_else(|| sizes.next()).map(Self).ok_or(Rejected("no second erase block"))
    }

    /// It need be no power of two: there are chips whose blocks have, say, 192 pages. In dumps with spare areas headers stand at odd
    /// distances, too, but their other headers are not where the first ones say.
    fn common(bytes: Bytes<'_>, first: &EraseCounter) -> Option<u64> {
        let named = |peb: u64| bytes.has(peb.saturating_add(first.vid_hdr_offset), b"UBI!\x01");
        let (mut size, mut at, mut found, mut known) = (0_u64, 0_u64, 0_u32, u32::from(named(0)));
        while found < HEADERS {
            let rest = bytes.up_to(at.saturating_add(first.data_offset), LARGEST_PEB);
            let Some(skip) = memchr::memmem::find(rest, b"UBI#\x01") else { break };
            let next = at.saturating_add(first.data_offset).saturating_add(to_u64(skip));
            if EraseCounter::read(bytes, next).is_ok_and(|header| header.is_same_image(first)) {
                size = common(size, next.saturating_sub(at));
                found = found.saturating_add(1);
                known = known.saturating_add(u32::from(named(next)));
            }
            at = next;
        }
        (known > 0 && found >= LEAST_HEADERS && size.is_multiple_of(512) && size > first.data_offset && size <= LARGEST_PEB).then_some(size)
    }
}

/// No PEB is larger.
const LARGEST_PEB: u64 = 16 << 20;
/// Headers that are looked at.
const HEADERS: u32 = 8;
/// Fewer say too little.
const LEAST_HEADERS: u32 = 3;

/// The greatest common divisor.
fn common(mut a: u64, mut b: u64) -> u64 {
    while let Some(rest) = a.checked_rem(b) {
        (a, b) = (b, rest);
    }
    a
}

/// `struct ubi_vid_hdr`, 64 bytes: `magic` "UBI!", `version`, `vol_type`, `copy_flag`, `compat` (1 each), `vol_id`, `lnum`, padding,
/// `data_size`, `used_ebs`, `data_pad`, `data_crc`, padding (4 each), `sqnum` (8), padding (12), `hdr_crc` over the first 60 bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct VolumeId {
    /// Whether the data has a size and a checksum: `vol_type` 2, against 1 of dynamic volumes.
    pub(super) is_static: bool,
    /// Whether this was moved here from another PEB, which may still be there.
    pub(super) copy_flag: bool,
    pub(super) vol_id: u32,
    /// Number of the logical erase block (LEB).
    pub(super) lnum: u32,
    pub(super) data_size: u64,
    pub(super) used_ebs: u32,
    /// Bytes at the end of the PEB that the volume does not use.
    pub(super) data_pad: u64,
    pub(super) data_crc: u32,
    /// Of two PEBs for one LEB, the higher is the newer.
    pub(super) sqnum: u64,
}

impl VolumeId {
    pub(super) fn read(bytes: Bytes<'_>, start: u64) -> Result<Self, Rejected> {
        let header = Bytes(bytes.get(start, 64)?);
        if !header.has(0, b"UBI!\x01") {
            return Err(Rejected("magic or version"));
        }
        if crc(header.up_to(0, 60)) != header.u32(60, BIG)? {
            return Err(Rejected("hdr_crc"));
        }
        Ok(Self {
            is_static: header.u8(5)? == 2,
            copy_flag: header.u8(6)? != 0,
            vol_id: header.u32(8, BIG)?,
            lnum: header.u32(12, BIG)?,
            data_size: header.u32(20, BIG)?.into(),
            used_ebs: header.u32(24, BIG)?,
            data_pad: header.u32(28, BIG)?.into(),
            data_crc: header.u32(32, BIG)?,
            sqnum: header.u64(40, BIG)?,
        })
    }
}

/// `struct ubi_vtbl_record`, 172 bytes: `reserved_pebs`, `alignment`, `data_pad` (4 each), `vol_type`, `upd_marker` (1 each), `name_len`
/// (2), `name` (128), `flags` (1), padding (23), `crc` over the first 168 bytes. The record's place in the table is the volume's number.
#[derive(Debug, Clone)]
pub(super) struct Record {
    /// LEBs that the volume may have.
    pub(super) reserved_pebs: u32,
    /// Whether an update of the volume was begun and not finished.
    pub(super) upd_marker: bool,
    pub(super) name: Vec<u8>,
}

impl Record {
    pub(super) const SIZE: u64 = 172;

    pub(super) fn read(bytes: Bytes<'_>, start: u64) -> Result<Self, Rejected> {
        let record = Bytes(bytes.get(start, Self::SIZE)?);
        if crc(record.up_to(0, 168)) != record.u32(168, BIG)? {
            return Err(Rejected("crc"));
        }
        let name_len = u64::from(record.u16(14, BIG)?).min(128);
        Ok(Self { reserved_pebs: record.u32(0, BIG)?, upd_marker: record.u8(13)? != 0, name: record.get(16, name_len)?.to_vec() })
    }
}
