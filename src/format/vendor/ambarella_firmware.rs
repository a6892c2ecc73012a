//! Ambarella's firmware of cameras (GoPro, Insta360, DJI, Yi and others): sections, each with a header.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image, over, sums};
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// Ambarella firmware.
pub(super) static AMBARELLA_FIRMWARE: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "ambarella-firmware",
    name: "Ambarella firmware",
    kind: Kind::Container,
    magics: &[Magic::anywhere(&ALL).at(0x20), Magic::anywhere(&SECTION).at(0x18)],
    leaf: false,
    references: &["https://github.com/o-gs/dji-firmware-tools/blob/master/amba_fwpak.py"],
    limitations: &["the header before the first section is read in the layout of newer chips; in older ones sections are found without it"],
};

/// At 20 of the header.
const ALL: [u8; 4] = 0x8732_dfe6_u32.to_le_bytes();

/// At 18 of the header of a section.
const SECTION: [u8; 4] = 0xa324_eb90_u32.to_le_bytes();

/// Bytes of the header, and of that of a section.
const HEADER: u64 = 0x230;
const SECTION_HEADER: u64 = 0x100;

/// More sections than any image has.
const MOST: usize = 32;

/// All numbers little endian:
///
/// ```text
/// header:  0 nothing, or a name   20 magic 8732dfe6   24 CRC-32 of all sections   30 size and CRC of each   b0 unknown   230 sections
/// section: 0 CRC-32 of its data   4 version   8 date   c size   10 address   14 flags   18 magic a324eb90   1c flags   20 nothing
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let headed = bytes.has(0x20, &ALL);
    let first = if headed { HEADER } else { 0 };
    let (mut at, mut sections) = (first, Vec::new());
    while let Some(data) = section(bytes, at).filter(|_| sections.len() < MOST) {
        sections.push((at, data));
        at = data.end();
    }
    if sections.is_empty() {
        return Err(Rejected("no section"));
    }
    let mut image = Image::new(at, if headed { HEADER } else { SECTION_HEADER });
    let big = |at| bytes.u32(at, Endian::Little).map(u32::to_be_bytes);
    if headed {
        image.sum("all sections", 0x24, &big(0x24)?, sums::crc32, over(HEADER, at));
    }
    for (index, (header, data)) in sections.into_iter().enumerate() {
        image.sum("a section", header, &big(header)?, sums::crc32, over(data.start, data.end()));
        image.known(Span::new(header, SECTION_HEADER)).part(format!("section-{index}"), data);
    }
    Ok(image)
}

/// The data of the section whose header stands at `at`.
fn section(bytes: Bytes<'_>, at: u64) -> Option<Span> {
    let quiet = bytes.get(at.saturating_add(0x20), 0xe0).ok()?.iter().all(|byte| *byte == 0);
    let size = bytes.u32(at.saturating_add(0xc), Endian::Little).ok()?;
    let found = bytes.has(at.saturating_add(0x18), &SECTION) && quiet && size > 0;
    found.then(|| Span::new(at.saturating_add(SECTION_HEADER), size.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{KERNEL, ROOTFS, holds, verifies};

    const CAMERA: &[u8] = include_bytes!("../../../fixtures/ambarella-firmware/camera.bin");

    #[test]
    fn sections_come_out() {
        holds(&AMBARELLA_FIRMWARE, CAMERA, &[("section-0", KERNEL), ("section-1", ROOTFS)]);
        holds(&AMBARELLA_FIRMWARE, &CAMERA[0x230..], &[("section-0", KERNEL), ("section-1", ROOTFS)]);
        verifies(&AMBARELLA_FIRMWARE, CAMERA, &[0x24, 0x230, 0x340]);
    }
}
