//! SEAMA: Alpha Networks' container of the routers that it makes for D-Link and others: a chain of headers with settings and images.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image, over, sums};
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// SEAMA.
pub(super) static SEAMA: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "seama",
    name: "SEAMA (Alpha Networks)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(&BIG), Magic::anywhere(&LITTLE)],
    leaf: false,
    references: &["https://github.com/openwrt/firmware-utils/blob/master/src/seama.h"],
    limitations: &[],
};

const BIG: [u8; 4] = [0x5e, 0xa3, 0xa4, 0x17];
const LITTLE: [u8; 4] = [0x17, 0xa4, 0xa3, 0x5e];

/// More headers than any image has.
const MOST: usize = 16;

/// A chain of headers; numbers in the order of bytes that the magic is in, nearly always big endian:
///
/// ```text
///  0 magic 5ea3a417   4 0, u16   6 size of the settings, u16   8 size of the image, or 0 if there is none
///  c MD5 of the image, if there is one   then the settings, "key=value" each with a NUL, padded to four bytes   then the image
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let endian = if bytes.has(0, &BIG) { Endian::Big } else { Endian::Little };
    let mut entities = Vec::new();
    let mut end = 0;
    while entities.len() < MOST && (bytes.has(end, &BIG) || bytes.has(end, &LITTLE)) {
        let Ok(entity) = Entity::read(bytes, end, endian) else { break };
        end = entity.image.end();
        entities.push(entity);
    }
    if entities.iter().all(|entity| entity.image.length == 0) {
        return Err(Rejected("no image"));
    }
    let mut image = Image::new(end, entities.first().map_or(0, |entity| entity.image.start));
    for entity in &entities {
        if let Some(board) = entity.setting(bytes, b"signature=") {
            image.fact("header.board", board.start, board.length);
        }
    }
    for (index, entity) in entities.iter().enumerate().filter(|(_, entity)| entity.image.length > 0) {
        let digest = entity.header.saturating_add(12);
        image.sum("an image", digest, bytes.get(digest, 16)?, sums::md5, over(entity.image.start, entity.image.end()));
        image.part(if entities.len() > 2 { format!("image-{index}") } else { "image".to_owned() }, entity.image);
        // Headers between images are no gap.
        image.known(Span::between(entity.header, entity.image.start));
    }
    Ok(image)
}

struct Entity {
    header: u64,
    settings: Span,
    image: Span,
}

impl Entity {
    fn read(bytes: Bytes<'_>, header: u64, endian: Endian) -> Result<Self, Rejected> {
        let at = |offset: u64| header.saturating_add(offset);
        let size = u64::from(bytes.u32(at(8), endian)?);
        let settings = Span::new(at(if size == 0 { 12 } else { 28 }), bytes.u16(at(6), endian)?.into());
        let text = bytes.up_to(settings.start, settings.length);
        // The first one says at least what it is for.
        let is_text = (header > 0 || text.contains(&b'=')) && text.iter().all(|byte| matches!(byte, b' '..=b'~' | 0));
        if bytes.u16(at(4), endian)? != 0 || !is_text {
            return Err(Rejected("the settings"));
        }
        Ok(Self { header, settings, image: Span::new(settings.end(), size) })
    }

    /// Where the value of a setting stands.
    fn setting(&self, bytes: Bytes<'_>, key: &[u8]) -> Option<Span> {
        let text = bytes.up_to(self.settings.start, self.settings.length);
        let mut start = self.settings.start;
        for line in text.split(|byte| *byte == 0) {
            let length = crate::blob::to_u64(line.len());
            if line.starts_with(key) {
                let key = crate::blob::to_u64(key.len());
                return Some(Span::new(start.saturating_add(key), length.saturating_sub(key)));
            }
            start = start.saturating_add(length).saturating_add(1);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{KERNEL, ROOTFS, carve, holds, unpack, verifies};

    const IMAGE: &[u8] = include_bytes!("../../../fixtures/seama/router.bin");

    #[test]
    fn images_come_out() {
        holds(&SEAMA, IMAGE, &[("image-1", KERNEL), ("image-2", ROOTFS)]);
        assert_eq!(unpack(&SEAMA, IMAGE).fact("header.board").unwrap(), "wrgex01_example.2021_ex100");
        verifies(&SEAMA, IMAGE, &[IMAGE.len() - 1]);
    }

    #[test]
    fn settings_alone_are_none() {
        assert_eq!(carve(&SEAMA, &IMAGE[..52], 0), None);
    }
}
