//! MH01: D-Link's signed and encrypted images of the AI series (M32, M30, R12, E15 …) and of routers such as DIR-3040.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::openssl::{self, Passphrase};
use crate::format::header::{Header, Image, over, sums};
use crate::format::{Kind, Magic, Spec};
use crate::limits::Output;
use crate::problem::{Fault, Rejected};

/// D-Link MH01.
pub(super) static DLINK_MH01: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "dlink-mh01",
    name: "D-Link signed firmware (MH01)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"MH01")],
    leaf: false,
    references: &[
        "https://github.com/openwrt/firmware-utils/blob/master/src/dlink-ai-firmware-tool.c",
        "https://github.com/devttys0/delink",
    ],
    limitations: &["the signature is handed over, not verified", "models whose keys are not public"],
};

/// Keys that are public, of models and versions of each.
pub(super) const KEYS: [&str; 16] = [
    "044b4e59846ecee953662ff2238fcc23",
    "927fc5786df1a9557524a0289e1e3f3b",
    "4d5ee2c8b5d0fdd9a9a2d351ba897752",
    "238a29b9432f688e30b701548c753146",
    "a4f7c17c3e0aa4532c2024ce6ac5f17c",
    "6b5a65dbc1ebc492ac6d8efbbb59ae09",
    "70070e579f97548a96a7794d4d779376",
    "7b4df82f7f042b9d0b40971be0ff53c4",
    "6276ccf4c1d8d6f54b481095e78ff97f",
    "1ae6c79be7d069ca74df7670bdfc4952",
    "b4517d9b98e04d9f075f5e78c743e097",
    "05c79b73cf88619d7b9725505cfd718f",
    "6b29f1d663a21b35fb45b69a42649f5e",
    "1bfb1004e29f9eb76dbe26eb0dd87cd1",
    "c5f8a1e22f808abc84f2e4a6fa5f10bb",
    "6420da70a975455e4ddd6b8fa5b652e7",
];

/// A header, and another one if the image is encrypted; all numbers little endian:
///
/// ```text
///  0 magic "MH01"   4 size of what is signed   8 size of the signature behind it   c unknown   e bytes 0 to d added up   f mixed up
/// 10 magic "MH01"   14 size of the vector   18 size of the encrypted image   1c unknown   1e sum   1f mix
/// 20 vector, as text   then the image as OpenSSL encrypts it; decrypted, it is an MH01 that is not encrypted
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let word = |at| bytes.u32(at, Endian::Little).map(u64::from);
    let (covered, signed) = (word(4)?, word(8)?);
    if covered == 0 || signed > 0x1000 {
        return Err(Rejected("the sizes"));
    }
    if bytes.has(0x10, b"DLK") {
        let data = Span::new(0x10, covered);
        let mut image = image(bytes, data, signed, 0)?;
        image.part("image", data);
        return Ok(finished(image, data, signed));
    }
    let vector = word(0x14)?;
    if !bytes.has(0x10, b"MH01") || !(16..=256).contains(&vector) || !bytes.get(0x20, vector)?.is_ascii() {
        return Err(Rejected("the second header"));
    }
    let data = Span::new(vector.saturating_add(0x20), word(0x18)?);
    if data.length == 0 || covered < data.length {
        return Err(Rejected("the sizes"));
    }
    let (text, length) = (bytes.array(0x20)?, data.length);
    let mut image = image(bytes, data, signed, 0x10)?;
    image.undone("image", data, Box::new(move |there, output| decrypt(there, length, &text, output)));
    Ok(finished(image, data, signed))
}

/// An image with the checksums of its header, and of its second one.
fn image(bytes: Bytes<'_>, data: Span, signed: u64, last: u64) -> Result<Image, Rejected> {
    let mut image = Image::new(data.end().saturating_add(signed), data.start);
    for header in [0, last].into_iter().take(if last == 0 { 1 } else { 2 }) {
        let (sum, mix) = (header.saturating_add(14), header.saturating_add(15));
        image.sum("a header", sum, bytes.get(sum, 1)?, sums::low_byte_added, over(header, sum));
        image.sum("a header", mix, bytes.get(mix, 1)?, sums::bytes_mixed, over(header, sum));
    }
    Ok(image)
}

fn finished(mut image: Image, data: Span, signed: u64) -> Image {
    image.part("signature", Span::new(data.end(), signed));
    image
}

/// Tries all keys: what comes out begins as what went in.
fn decrypt(there: Bytes<'_>, length: u64, vector: &[u8; 32], output: &mut Output<'_>) -> Result<(), Fault> {
    let (salt, data) = (there.up_to(8, 8), there.tail(openssl::HEADER));
    let data = Bytes(data).up_to(0, length);
    let secrets = KEYS.iter().filter_map(|text| {
        let passphrase = Passphrase { text, digest: sums::sha256, size: 16 };
        Some(passphrase.secret(salt).with_vector(from_hex(vector)?))
    });
    let first = Bytes(data).up_to(0, 16);
    match secrets.into_iter().find(|secret| there.has(0, openssl::MAGIC) && secret.head(first).starts_with(b"MH01")) {
        Some(secret) => secret.decrypt(data, output),
        None => {
            output.push(there.0)?;
            Err(Fault::Encrypted("encrypted by D-Link with a key that is not public".to_owned()))
        }
    }
}

/// Sixteen bytes of their digits.
fn from_hex(text: &[u8; 32]) -> Option<[u8; 16]> {
    let digits = std::str::from_utf8(text).ok()?;
    Some(u128::from_str_radix(digits, 16).ok()?.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{holds, unpack, verifies};
    use crate::problem::Code;

    const IMAGE: &[u8] = include_bytes!("../../../fixtures/dlink-mh01/router.bin");
    const PLAIN: &[u8] = include_bytes!("../../../fixtures/dlink-mh01/plain.bin");

    #[test]
    fn the_image_is_decrypted() {
        holds(&DLINK_MH01, IMAGE, &[("image", PLAIN), ("signature", &[0x5a; 256])]);
        holds(&DLINK_MH01, PLAIN, &[("image", &PLAIN[16..PLAIN.len() - 256]), ("signature", &[0x5a; 256])]);
        verifies(&DLINK_MH01, IMAGE, &[0xc, 0x1c]);
    }

    #[test]
    fn without_a_key_it_stays_encrypted() {
        let mut image = IMAGE.to_vec();
        image[0x49] ^= 1;
        let unpacked = unpack(&DLINK_MH01, &image);
        assert_eq!(unpacked.file("image")[..8], *b"Salted__");
        assert_eq!(unpacked.problems.iter().map(|(code, _)| *code).collect::<Vec<_>>(), [Code::Encrypted]);
    }
}
