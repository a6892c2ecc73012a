//! Bosch's firmware of cameras (CPP4, CPP6 and others): an outer header, and one before each image.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec};
use crate::problem::{Fault, Rejected};

/// Bosch camera firmware.
pub(super) static BOSCH_FW: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "bosch-fw",
    name: "Bosch camera firmware",
    kind: Kind::Container,
    magics: &[Magic::start(&MAGIC)],
    leaf: false,
    references: &[
        "https://www.anvilventures.com/blog/unpacking-bosch-surveillance-camera-firmware.html",
        "https://github.com/fkie-cad/fact_extractor/blob/master/fact_extractor/plugins/unpacking/boschtool/code/boschtool.py",
    ],
    limitations: &["images whose header has a key are encrypted, and not read", "checksums and signatures are not verified"],
};

const MAGIC: [u8; 4] = [0x10, 0x12, 0x20, 0x03];

/// Bytes of a header, and more images than any file has.
const HEADER: u64 = 0x400;
const MOST: usize = 64;

/// All numbers big endian:
///
/// ```text
///  0 magic   4 target   8 variant   c version   10 size of what follows   14 address   18 checksum   1c kind   4c signature, 256 bytes
/// 24c key, 256 bytes: encrypted
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let size = |at: u64| bytes.u32(at.saturating_add(16), Endian::Big).map(u64::from);
    let total = size(0)?.saturating_add(HEADER);
    if total <= HEADER || total > bytes.len() || bytes.len().saturating_sub(total) > 0x1_0000 || bytes.get(0, HEADER).is_err() {
        return Err(Rejected("the size"));
    }
    let mut image = Image::new(total, HEADER);
    let (mut at, mut count) = (if bytes.has(HEADER, &MAGIC) { HEADER } else { 0 }, 0);
    while bytes.has(at, &MAGIC) && at < total && count < MOST {
        let data = Span::new(at.saturating_add(HEADER), size(at)?);
        let key = bytes.get(at.saturating_add(0x24c), 256)?;
        let name = format!("image-{count}");
        image.known(Span::new(at, HEADER));
        if data.length == 0 || data.end() > total {
            return Err(Rejected("the size of an image"));
        }
        if key.iter().any(|byte| *byte != 0) {
            image.faulty(name, data, Fault::Encrypted("encrypted, container of Bosch".to_owned()));
        } else {
            image.part(name, data);
        }
        at = data.end();
        count = count.saturating_add(1);
    }
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{KERNEL, ROOTFS, carve, holds, unpack};
    use crate::problem::Code;

    #[test]
    fn images_come_out() {
        let image = include_bytes!("../../../fixtures/bosch-fw/open.fw");
        holds(&BOSCH_FW, image, &[("image-0", KERNEL), ("image-1", ROOTFS)]);
        let sealed = unpack(&BOSCH_FW, include_bytes!("../../../fixtures/bosch-fw/sealed.fw"));
        assert_eq!(sealed.problems[0].0, Code::Encrypted);
        assert_eq!(carve(&BOSCH_FW, &MAGIC.repeat(1000), 0), None);
    }
}
