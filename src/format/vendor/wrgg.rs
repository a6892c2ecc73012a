//! WRGG: Alpha Networks' header of routers and access points that it made for D-Link and others, whose image may be encrypted.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image, Over, cipher, sums};
use crate::format::{Kind, Magic, Spec};
use crate::problem::{Fault, Rejected};

/// WRGG.
pub(super) static WRGG: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "wrgg",
    name: "WRGG firmware (Alpha Networks)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"\x21\x03\x08\x20\x21\x03\x08\x20").at(0x20), Magic::anywhere(b"\x20\x02\x04\x20\x20\x02\x04\x20").at(0x20)],
    leaf: false,
    references: &[
        "https://github.com/openwrt/firmware-utils/blob/master/src/mkwrggimg.c",
        "https://github.com/openwrt/firmware-utils/blob/master/src/mkwrgimg.c",
        "https://github.com/onekey-sec/unblob/blob/main/python/unblob/handlers/archive/dlink/alpha_encimg.py",
    ],
    limitations: &[],
};

/// Which of the two headers it is: where its fields stand.
struct Layout {
    size: u64,
    offset: u64,
    digest: u64,
    header: u64,
}

/// WRGG03, with the magic 20080321.
const NEWER: Layout = Layout { size: 0x68, offset: 0x6c, digest: 0x90, header: 0xa0 };

/// WRG, with the magic 20040220.
const OLDER: Layout = Layout { size: 0x28, offset: 0x2c, digest: 0x50, header: 0x60 };

/// The newer header; numbers in the byte order of the device:
///
/// ```text
///  0 board, 32 bytes   20 magic, twice   28 version, 16 bytes   38 model, 16 bytes   48 flags   50 0   58 build, 16 bytes
/// 68 size of the image   6c where it goes   70 device that it goes to, 32 bytes   90 MD5 from 6c on, itself left out
/// ```
///
/// The older one has after the magics only size, place, device and hash.
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let newer = bytes.has(0x20, &[0x21]);
    let layout = if newer { NEWER } else { OLDER };
    let board = bytes.text(0, 32)?;
    if board.len() < 4 || !board.iter().all(u8::is_ascii_graphic) {
        return Err(Rejected("the board"));
    }
    // No image is 16 MiB times 256 long: the order that makes it smaller is that of the device.
    let size = bytes.u32(layout.size, Endian::Little)?.min(bytes.u32(layout.size, Endian::Big)?);
    let payload = Span::new(layout.header, size.into());
    let mut image = Image::new(payload.end(), layout.header);
    image.fact("header.board", 0, 32);
    if newer {
        image.fact("header.version", 0x28, 16).fact("header.product", 0x38, 16);
    }
    let covered = vec![Over::Span(Span::between(layout.offset, layout.digest)), Over::Span(payload)];
    image.sum("the image", layout.digest, bytes.get(layout.digest, 16)?, sums::md5, covered);
    let (key, iv) = key(board);
    if is_encrypted(bytes.up_to(layout.header, 16), &key, &iv) {
        let undo = move |there: Bytes<'_>, output: &mut crate::limits::Output<'_>| {
            cipher::aes_cbc(&key, &iv, there.0, &mut |part| output.push(part)).map_err(Fault::from)
        };
        image.undone("image", payload, Box::new(undo));
    } else {
        image.part("image", payload);
    }
    Ok(image)
}

/// The key and the first block of an image for `board`.
fn key(board: &[u8]) -> (Vec<u8>, Vec<u8>) {
    (super::alpha_encimg::mangled(board, b"oVhq0hvXHdfaGFLdubM4/QvuVHdKee7v"), super::alpha_encimg::mangled(board, b"0BO5nlYankuVBe4s"))
}

/// Beginnings of what such images hold: LZMA, device trees, U-Boot images, SEAMA, SquashFS.
const KNOWN: &[&[u8]] = &[b"\x5d\0\0", b"\xd0\x0d\xfe\xed", b"\x27\x05\x19\x56", b"\x5e\xa3\xa4\x17", b"hsqs", b"sqsh"];

/// Whether nothing known begins here, and something known does once it is decrypted.
fn is_encrypted(first: &[u8], key: &[u8], iv: &[u8]) -> bool {
    let known = |bytes: &[u8]| KNOWN.iter().any(|magic| bytes.starts_with(magic));
    let mut plain = Vec::new();
    // Nothing that is handed to a Vec can fail.
    let _ = cipher::aes_cbc(key, iv, first, &mut |part| {
        plain.extend_from_slice(part);
        Ok(())
    });
    !known(first) && known(&plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{KERNEL, holds, unpack, verifies};

    const IMAGE: &[u8] = include_bytes!("../../../fixtures/wrgg/router.bin");

    #[test]
    fn the_image_comes_out() {
        holds(&WRGG, IMAGE, &[("image", KERNEL)]);
        assert_eq!(unpack(&WRGG, IMAGE).fact("header.board").unwrap(), "wrgex02_example.2021_ex200");
        verifies(&WRGG, IMAGE, &[0x90, IMAGE.len() - 1]);
        holds(&WRGG, include_bytes!("../../../fixtures/wrgg/older.bin"), &[("image", KERNEL)]);
    }

    #[test]
    fn an_encrypted_image_is_decrypted() {
        let padded = [KERNEL, &vec![0; KERNEL.len().next_multiple_of(16) - KERNEL.len()]].concat();
        holds(&WRGG, include_bytes!("../../../fixtures/wrgg/encrypted.bin"), &[("image", &padded)]);
    }
}
