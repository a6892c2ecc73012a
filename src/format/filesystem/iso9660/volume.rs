//! Volume descriptors: how large the disc is and where its folders begin.

use crate::blob::{Bytes, Endian, Span, to_u64};
use crate::format::Children;
use crate::problem::Rejected;

/// Where the first descriptor stands.
pub(super) const FIRST: u64 = 16 * SECTOR;

/// Bytes of a sector of a disc.
pub(super) const SECTOR: u64 = 2048;

/// More descriptors than any disc has.
const MOST: u64 = 64;

/// A primary volume descriptor, or a supplementary one, whose names are those of Joliet:
///
/// ```text
///   0 type u8 (0 boot record, 1 primary, 2 supplementary, 255 end)   1 "CD001"   6 version u8   8 system[32]   40 volume[32]
///  80 blocks u32, little then big endian   88 escape sequences[32] (%/@, %/C or %/E: UCS-2)   128 bytes of a block u16, both
/// 156 record of the root folder[34]   190 volume set[128]   318 publisher[128]   446 preparer[128]   574 application[128]
/// 813 creation: YYYYMMDDhhmmsscc and the zone
/// ```
#[derive(Debug, Clone, Copy)]
pub(super) struct Volume {
    /// Where the descriptor stands.
    at: u64,
    /// Bytes of a block.
    pub(super) block: u64,
    /// Bytes of the whole file system.
    pub(super) length: u64,
    /// Where the record of the root folder stands.
    pub(super) root: u64,
    /// Whether names are UCS-2.
    pub(super) joliet: bool,
}

impl Volume {
    /// The volume that the first descriptor describes.
    pub(super) fn primary(image: Bytes<'_>) -> Result<Self, Rejected> {
        let volume = Self::read(image, FIRST)?;
        if image.u8(FIRST)? != 1 {
            return Err(Rejected("the first descriptor is not that of the volume"));
        }
        Ok(volume)
    }

    fn read(image: Bytes<'_>, at: u64) -> Result<Self, Rejected> {
        let bytes = Bytes(image.get(at, SECTOR)?);
        if !bytes.has(1, b"CD001\x01") {
            return Err(Rejected("no descriptor"));
        }
        let (blocks, block) = (bytes.u32(80, Endian::Little)?, bytes.u16(128, Endian::Little)?);
        if blocks != bytes.u32(84, Endian::Big)? || block != bytes.u16(130, Endian::Big)? || !matches!(block, 512 | 1024 | 2048) {
            return Err(Rejected("number or size of blocks"));
        }
        if bytes.u8(156)? < 34 || bytes.u8(156 + 25)? & 2 == 0 || bytes.u8(156 + 32)? != 1 {
            return Err(Rejected("the root folder"));
        }
        let length = u64::from(blocks).saturating_mul(block.into());
        if length <= at.saturating_add(SECTOR) {
            return Err(Rejected("it ends before it begins"));
        }
        let escape = bytes.get(88, 3)?;
        let joliet = bytes.u8(0)? == 2 && matches!(escape, b"%/@" | b"%/C" | b"%/E");
        Ok(Self { at, block: block.into(), length, root: at.saturating_add(156), joliet })
    }

    /// The volume with the names of Joliet, if there is one beside.
    pub(super) fn joliet(image: Bytes<'_>) -> Option<Self> {
        descriptors(image).filter(|(kind, _)| *kind == 2).filter_map(|(_, at)| Self::read(image, at).ok()).find(|volume| volume.joliet)
    }

    /// What the descriptor says of the disc.
    pub(super) fn facts(&self, image: Bytes<'_>, children: &mut Children<'_>) {
        for (key, at, length) in
            [("header.name", 40, 32), ("header.vendor", 318, 128), ("header.product", 574, 128), ("header.date", 813, 16)]
        {
            let start = self.at.saturating_add(at);
            let field = image.up_to(start, length);
            let text = field.split(|byte| *byte == 0).next().unwrap_or_default().trim_ascii_end();
            // A name that begins with an underscore is that of a file with the text.
            let said = text.iter().any(|byte| !matches!(byte, b' ' | b'0')) && text.first() != Some(&b'_');
            if said {
                children.fact(key, text, Span::new(start, to_u64(text.len())));
            }
        }
    }
}

/// Types and places of the descriptors, up to the one that ends them.
pub(super) fn descriptors(image: Bytes<'_>) -> impl Iterator<Item = (u8, u64)> {
    let places = (0..MOST).map(|index| FIRST.saturating_add(index.saturating_mul(SECTOR)));
    let kinds = places.map(move |at| (image.u8(at).unwrap_or(255), at, image.has(at.saturating_add(1), b"CD001")));
    kinds.take_while(|(kind, _, there)| *there && *kind != 255).map(|(kind, at, _)| (kind, at))
}
