//! NETGEAR's header in text of routers that Delta Networks (DNI) makes: device, version, region, then the image.

use crate::blob::{Bytes, Span, to_u64};
use crate::format::header::{Header, Image, over, sums};
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// NETGEAR DNI.
pub(super) static NETGEAR_DNI: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "netgear-dni",
    name: "NETGEAR firmware (DNI)",
    kind: Kind::Container,
    magics: &[Magic::start(b"device:")],
    leaf: false,
    references: &["https://github.com/openwrt/firmware-utils/blob/master/src/mkdniimg.c"],
    limitations: &[],
};

/// Bytes of the header.
const HEADER: u64 = 128;

/// The header is lines of text, then NULs up to 128 bytes; the last byte of the image makes all of them add up to ff:
///
/// ```text
/// device:R7800
/// version:V1.0.2.68
/// region:
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let header = bytes.get(0, HEADER)?;
    let text = bytes.text(0, HEADER)?;
    let padded = header.iter().skip(text.len()).all(|byte| *byte == 0);
    let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
    let has = |key: &[u8]| lines.iter().any(|line| line.starts_with(key));
    if !padded || !text.is_ascii() || !has(b"version:") || !has(b"region:") {
        return Err(Rejected("the lines"));
    }
    let mut image = Image::new(bytes.len(), HEADER);
    let mut at = 0_u64;
    for line in lines {
        let keys: [(&[u8], _); 2] = [(b"device:", "header.product"), (b"version:", "header.version")];
        if let Some((key, fact)) = keys.into_iter().find(|(key, _)| line.starts_with(key)) {
            let key = to_u64(key.len());
            image.fact(fact, at.saturating_add(key), to_u64(line.len()).saturating_sub(key));
        }
        at = at.saturating_add(to_u64(line.len())).saturating_add(1);
    }
    let last = bytes.len().saturating_sub(1);
    image.sum("the image", last, &[bytes.u8(last)?], sum, over(0, last));
    image.part("image", Span::between(HEADER, last)).known(Span::new(last, 1));
    Ok(image)
}

/// What is missing from the sum of all bytes to ff.
fn sum(pieces: &[&[u8]]) -> Vec<u8> {
    vec![!sums::bytes(pieces).fold(0_u8, u8::wrapping_add)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{KERNEL, holds, unpack, verifies};

    #[test]
    fn the_image_comes_out() {
        let image = include_bytes!("../../../fixtures/netgear-dni/router.img");
        holds(&NETGEAR_DNI, image, &[("image", KERNEL)]);
        assert_eq!(unpack(&NETGEAR_DNI, image).fact("header.product").unwrap(), "EX7800");
        verifies(&NETGEAR_DNI, image, &[0x90, image.len() - 1]);
    }
}
