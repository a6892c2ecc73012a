//! LXL: Luxul's header before the image of another format, with certificate and signature.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// Luxul LXL.
pub(super) static LUXUL_LXL: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "luxul-lxl",
    name: "Luxul firmware (LXL)",
    kind: Kind::Container,
    magics: &[Magic::start(b"LXL#")],
    leaf: false,
    references: &["https://github.com/openwrt/firmware-utils/blob/master/src/lxlfw.c"],
    limitations: &["the signature is handed over, not verified"],
};

/// The header; all numbers little endian:
///
/// ```text
///  0 magic "LXL#"   4 version, 0 to 3   8 size of the header   from 1 on: c flags   10 board, 16 bytes   from 2 on: 20 release
/// from 3 on: 24 where the blobs are   28 size of them   each blob: "D#", type u16: 1 certificate, 2 signature; size; data
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let word = |at| bytes.u32(at, Endian::Little).map(u64::from);
    let (version, header) = (word(4)?, word(8)?);
    let least = [12, 32, 36, 44].get(usize::try_from(version).unwrap_or(usize::MAX)).copied();
    if !least.is_some_and(|least| (least..0x1_0000).contains(&header)) {
        return Err(Rejected("the version or the header"));
    }
    let mut image = Image::new(bytes.len(), header);
    if version >= 1 {
        image.fact("header.board", 0x10, 16);
    }
    if version >= 3 {
        let mut at = word(0x24)?;
        let end = at.saturating_add(word(0x28)?).min(header);
        while at < end && bytes.has(at, b"D#") {
            let data = Span::new(at.saturating_add(8), word(at.saturating_add(4))?);
            let name = match bytes.u16(at.saturating_add(2), Endian::Little)? {
                1 => "certificate".to_owned(),
                2 => "signature".to_owned(),
                other => format!("blob-{other}"),
            };
            image.part(name, data);
            at = data.end();
        }
    }
    image.part("image", Span::between(header, bytes.len()));
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{ROOTFS, holds, unpack};

    #[test]
    fn image_certificate_and_signature_come_out() {
        let image = include_bytes!("../../../fixtures/luxul-lxl/router.lxl");
        let certificate = include_bytes!("../../../fixtures/der/router.crt");
        holds(&LUXUL_LXL, image, &[("certificate", certificate), ("signature", &[0x5a; 64]), ("image", ROOTFS)]);
        assert_eq!(unpack(&LUXUL_LXL, image).fact("header.board").unwrap(), "ex-1200");
    }
}
