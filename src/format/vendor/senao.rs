//! Senao's images, which are EnGenius's and some of D-Link's too: a header, and the image changed bit by bit with the header's magic.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image, cipher, sums};
use crate::format::{Kind, Magic, Spec};
use crate::limits::Output;
use crate::problem::{Fault, Rejected};

/// Senao firmware.
pub(super) static SENAO: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "senao",
    name: "Senao firmware (EnGenius, D-Link)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"\x12\x34\x56\x78").at(0x5c)],
    leaf: false,
    references: &["https://github.com/openwrt/firmware-utils/blob/master/src/mksenaofw.c"],
    limitations: &["images with another magic than the usual one"],
};

/// Bytes of the header, and of what follows it where it is of type 0.
const HEADER: u64 = 0x60;
const CAPWAP: u64 = 0x28;

/// The header; all numbers big endian:
///
/// ```text
///  0 0   4 vendor   8 product   c version, 16 bytes   1c type   20 size   24 0   28 MD5 of the plain image   38 32 bytes
/// 58 all bytes of the header added up, these counted as 0   5c magic   type 0 has more: 60 "all"   64 0   68 version: three numbers
/// 74 date   78 version: three numbers   84 size of the model's name   88 model
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let word = |at| bytes.u32(at, Endian::Big).map(u64::from);
    let kind = word(0x1c)?;
    let model = if kind == 0 { word(0x84)? } else { 0 };
    let start = if kind == 0 { HEADER.saturating_add(CAPWAP).saturating_add(model) } else { HEADER };
    if kind > 0x10 || word(0x24)? != 0 || model > 64 {
        return Err(Rejected("the type"));
    }
    let pieces = [bytes.get(0, 0x58)?, bytes.get(0x5c, start.saturating_sub(0x5c))?];
    let stored = bytes.u32(0x58, Endian::Big)?;
    // The names of the model and the numbers behind the first header count only where they were there when the sum was made.
    let alone = [bytes.get(0, 0x58)?, bytes.get(0x5c, 4)?];
    if ![sums::bytes_added(&pieces), sums::bytes_added(&alone)].contains(&stored.to_be_bytes().to_vec()) {
        return Err(Rejected("the checksum of the header"));
    }
    let payload = Span::new(start, word(0x20)?);
    let mut image = Image::new(payload.end(), start);
    image.fact("header.version", 0xc, 16).fact("header.product", 0x88, model);
    let digest = bytes.get(0x28, 16)?.to_vec();
    let magic = bytes.u32(0x5c, Endian::Big)?;
    let key: Vec<u8> = (0_u32..8).map(|shift| (magic >> shift).to_be_bytes()).map(|[.., low]| low).collect();
    let undo = move |there: Bytes<'_>, output: &mut Output<'_>| {
        cipher::xor(&key, there.0, &mut |part| output.push(part))?;
        let fits = sums::md5(&[output.as_slice()]) == digest;
        if fits { Ok(()) } else { Err(Fault::Checksum("the hash of the image does not fit".to_owned())) }
    };
    image.undone("image", payload, Box::new(undo));
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{KERNEL, ROOTFS, holds, unpack, verifies};

    #[test]
    fn the_image_comes_out() {
        let image = include_bytes!("../../../fixtures/senao/access-point.bin");
        holds(&SENAO, image, &[("image", KERNEL)]);
        assert_eq!(unpack(&SENAO, image).fact("header.version").unwrap(), "3.1.2");
        verifies(&SENAO, image, &[0x80]);
        let combined = include_bytes!("../../../fixtures/senao/combined.bin");
        holds(&SENAO, combined, &[("image", ROOTFS)]);
        assert_eq!(unpack(&SENAO, combined).fact("header.product").unwrap(), "EXS620");
    }
}
