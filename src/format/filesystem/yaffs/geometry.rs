//! Sizes of pages and spare areas, and where in those the tags are. Written nowhere: found by trying what makes sense of the first pages.

use super::page::{Pages, read};
use crate::blob::{Bytes, Endian, to_u64};
use crate::problem::Rejected;

/// How an image is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Geometry {
    /// Bytes of a page.
    pub(super) page: u64,
    /// Bytes behind each page.
    pub(super) spare: u64,
    pub(super) place: Place,
    pub(super) endian: Endian,
}

/// Where tags are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Version 1: between the other bytes of a spare area of 16.
    Scattered,
    /// Version 2: this many bytes into the spare area.
    Spare(u64),
    /// Version 2 on flash whose spare area is all taken: at the end of the page itself.
    Inband,
}

/// Bytes of pages and spare areas, the smallest first: pairs of small pages look like a page of twice the size, but not the other way
/// round.
const SIZES: [(u64, u64); 15] = [
    (512, 16),
    (1024, 28),
    (1024, 32),
    (2048, 64),
    (2048, 128),
    (4096, 112),
    (4096, 128),
    (4096, 218),
    (4096, 224),
    (4096, 256),
    (8192, 256),
    (8192, 448),
    (8192, 512),
    (16384, 512),
    (16384, 1024),
];

/// Sizes of pages that hold their tags themselves.
const INBAND: [u64; 4] = [512, 1024, 2048, 4096];

/// Pages whose tags must make sense.
const TRIED: usize = 8;

impl Geometry {
    /// Bytes of tags.
    pub(super) const TAGS: u64 = 16;

    /// Bytes of a file in one page.
    pub(super) fn data(&self) -> u64 {
        self.page.saturating_sub(if self.place == Place::Inband { Self::TAGS } else { 0 })
    }

    /// The first one in which the page at the start of `bytes` begins an object, and those behind it have tags, too.
    pub(super) fn find(bytes: Bytes<'_>) -> Result<Self, Rejected> {
        let endian = match (bytes.u32(0, Endian::Little)?, bytes.u32(0, Endian::Big)?) {
            (1..=5, _) => Endian::Little,
            (_, 1..=5) => Endian::Big,
            _ => return Err(Rejected("type of object")),
        };
        check(bytes, endian)?;
        let spare = SIZES.into_iter().flat_map(|(page, spare)| {
            let scattered = (page == 512).then_some((page, spare, Place::Scattered));
            let places = (0..=spare.saturating_sub(Self::TAGS)).map(move |offset| (page, spare, Place::Spare(offset)));
            scattered.into_iter().chain(places)
        });
        let all = spare.chain(INBAND.map(|page| (page, 0, Place::Inband)));
        let mut all = all.map(|(page, spare, place)| Self { page, spare, place, endian });
        all.find(|geometry| geometry.fits(bytes)).ok_or(Rejected("no tags that make sense"))
    }

    fn fits(&self, bytes: Bytes<'_>) -> bool {
        // The first page begins an object; that alone rules nearly everything out.
        if read(bytes, 0, self).is_none_or(|tags| tags.page != 0) {
            return false;
        }
        let mut written = Pages::new(bytes, *self).take(TRIED).filter(|page| !page.blank);
        let (mut good, mut all) = (0_u32, 0_u32);
        for page in written.by_ref() {
            all = all.saturating_add(1);
            good = good.saturating_add(u32::from(page.tags.is_some()));
        }
        good >= 2 && good == all
    }
}

/// What the page that begins an object has beside its tags. Trying all geometries is work, so all that is cheap comes before it.
fn check(bytes: Bytes<'_>, endian: Endian) -> Result<(), Rejected> {
    // A name without control characters, and zeros or erased flash behind it.
    let name = bytes.text(10, 255)?;
    if name.iter().any(u8::is_ascii_control) {
        return Err(Rejected("name"));
    }
    let behind = 10_u64.saturating_add(to_u64(name.len()));
    let behind = bytes.get(behind, 265_u64.saturating_sub(behind))?;
    if !behind.iter().skip(1).all(|byte| *byte == 0) && !behind.iter().skip(1).all(|byte| *byte == 0xff) {
        return Err(Rejected("what is behind the name"));
    }
    let expected = match bytes.u32(0, endian)? {
        1 => 0x8000,
        2 => 0xa000,
        3 => 0x4000,
        _ => return Ok(()),
    };
    if bytes.u32(268, endian)? & 0xffff_f000 != expected {
        return Err(Rejected("mode"));
    }
    Ok(())
}
