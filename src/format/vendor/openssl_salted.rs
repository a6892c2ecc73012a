//! Files of `openssl enc`, as makers hide firmware in: decrypted if the passphrase is one that is public.

use crate::blob::{Bytes, Span};
use crate::format::header::openssl::{HEADER, MAGIC, Passphrase, Secret};
use crate::format::header::{Header, Image, sums};
use crate::format::{Kind, Magic, Spec};
use crate::limits::Output;
use crate::problem::{Fault, Rejected};

/// A file that OpenSSL encrypted.
pub(super) static OPENSSL_SALTED: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "openssl-salted",
    name: "OpenSSL encrypted file (Salted__)",
    kind: Kind::Container,
    magics: &[Magic::start(MAGIC), Magic::start(MAGIC).at(SIGNATURE)],
    leaf: false,
    references: &[
        "https://docs.openssl.org/master/man1/openssl-enc/",
        "https://github.com/devttys0/delink",
        "https://github.com/e-m-b-a/emba",
    ],
    limitations: &["nothing but AES in CBC mode", "passphrases that are not public: those of D-Link and Foscam are"],
};

/// Bytes of the signature that D-Link puts before it.
const SIGNATURE: u64 = 512;

/// Bytes that say whether a passphrase is the one.
const HEAD: u64 = 512;

/// ```text
/// 0 magic "Salted__"   8 salt   10 encrypted data, in blocks of 16 bytes
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let start = if bytes.has(0, MAGIC) { 0 } else { SIGNATURE };
    let data = Span::between(start.saturating_add(HEADER), bytes.len());
    if !bytes.has(start, MAGIC) || data.length == 0 || !data.length.is_multiple_of(16) {
        return Err(Rejected("no whole blocks"));
    }
    if bytes.up_to(data.start, 64).iter().all(|byte| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~')) {
        return Err(Rejected("text"));
    }
    let salt: [u8; 8] = bytes.array(start.saturating_add(8))?;
    let mut image = Image::new(bytes.len(), data.start);
    image.part("signature", Span::new(0, start));
    image.undone("content", data, Box::new(move |there, output| decrypt(there, &salt, output)));
    Ok(image)
}

fn decrypt(there: Bytes<'_>, salt: &[u8], output: &mut Output<'_>) -> Result<(), Fault> {
    match passphrases().map(|known| known.secret(salt)).find(|secret| opens(secret, there)) {
        Some(secret) => secret.decrypt(there.0, output),
        None => {
            output.push(there.0)?;
            Err(Fault::Encrypted("encrypted by OpenSSL with a passphrase that is not public".to_owned()))
        }
    }
}

/// Whether something comes out that is known.
fn opens(secret: &Secret, there: Bytes<'_>) -> bool {
    let head = secret.head(there.up_to(0, HEAD));
    let head = Bytes(&head);
    KNOWN.iter().any(|(at, magic)| head.has(*at, magic))
}

/// How archives and images begin that are found inside: gzip, tar, device tree, zip, UBI, U-Boot, SquashFS.
const KNOWN: [(u64, &[u8]); 7] = [
    (0, b"\x1f\x8b\x08\0"),
    (0x101, b"ustar"),
    (0, b"\xd0\x0d\xfe\xed\0"),
    (0, b"PK\x03\x04"),
    (0, b"UBI#"),
    (0, b"\x27\x05\x19\x56"),
    (0, b"hsqs"),
];

/// Of D-Link: DAP-1610, and R36, M36, R95, M95.
const D_LINK: [&str; 5] = [
    "2c3b6fa78bd60b41bb0796fef4b058b0",
    "CAD1C42B11F1982FFA94B6A24C260A43",
    "A11E331C15CE73ABA8E06171A11D2FB6",
    "BE81AE1B6F523AC7164C4FD67B6BD8FD",
    "91A9A3AF2218F4EA60AC37D5835EB318",
];

/// Of Foscam: each also with its first letter twice, with "v2" behind it, and with both.
#[rustfmt::skip]
const FOSCAM: [&str; 36] = [
    "Wxift*", "Wxift*v2", "WWxift*", "WWxift*v2", "Wyift*", "Wyift*v2", "WWyift*", "WWyift*v2", "Wzift*", "Wzift*v2", "WWzift*",
    "WWzift*v2", "Weift*", "Weift*v2", "WWeift*", "WWeift*v2", "Pxift*", "Pxift*v2", "PPxift*", "PPxift*v2", "Xti1f*", "Xti1f*v2",
    "XXti1f*", "XXti1f*v2", "Ktf1g*", "Ktf1g*v2", "KKtf1g*", "KKtf1g*v2", "WT8Nk*", "WT8Nk*v2", "WWT8Nk*", "WWT8Nk*v2", "XT8Nk*",
    "XT8Nk*v2", "XXT8Nk*", "XXT8Nk*v2",
];

/// Of settings of Foscam.
const FOSCAM_SETTINGS: [&str; 3] = ["U0i*P2jK_", "M0i*P2jK_", "BpP+2R9*Q"];

fn passphrases() -> impl Iterator<Item = Passphrase> {
    let d_link = D_LINK.into_iter().map(|text| Passphrase { text, digest: sums::sha256, size: 32 });
    let foscam = || FOSCAM.into_iter().chain(FOSCAM_SETTINGS);
    // Newer versions of OpenSSL have another digest where none is named.
    let old = foscam().map(|text| Passphrase { text, digest: sums::md5, size: 16 });
    let new = foscam().map(|text| Passphrase { text, digest: sums::sha256, size: 16 });
    d_link.chain(old).chain(new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, holds, unpack};
    use crate::problem::Code;

    const CAMERA: &[u8] = include_bytes!("../../../fixtures/openssl-salted/camera.bin");
    const ROUTER: &[u8] = include_bytes!("../../../fixtures/openssl-salted/router.bin");
    const STORY: &[u8] = include_bytes!("../../../fixtures/gzip/story.gz");

    #[test]
    fn public_passphrases_open_it() {
        holds(&OPENSSL_SALTED, CAMERA, &[("content", STORY)]);
        let board = include_bytes!("../../../fixtures/dtb/board.dtb");
        holds(&OPENSSL_SALTED, ROUTER, &[("signature", &[0x5a; 512]), ("content", board)]);
    }

    #[test]
    fn without_the_passphrase_it_stays_encrypted() {
        let mut image = CAMERA.to_vec();
        image[8] ^= 1;
        let unpacked = unpack(&OPENSSL_SALTED, &image);
        assert_eq!(unpacked.file("content"), &image[16..]);
        assert_eq!(unpacked.problems.iter().map(|(code, _)| *code).collect::<Vec<_>>(), [Code::Encrypted]);
        assert_eq!(carve(&OPENSSL_SALTED, &image[..image.len() - 1], 0), None);
    }
}
