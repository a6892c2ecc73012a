//! Alpha Networks' encrypted images for D-Link routers: a SEAMA image, encrypted whole with a key of the model.

use crate::blob::{Bytes, Endian, Span, to_u64};
use crate::format::header::{Header, Image, cipher};
use crate::format::{Kind, Magic, Spec};
use crate::limits::Output;
use crate::problem::{Fault, Rejected};

/// Alpha Networks' encrypted SEAMA image.
pub(super) static ALPHA_ENCIMG: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "alpha-encimg",
    name: "encrypted firmware (Alpha Networks encimg)",
    kind: Kind::Container,
    magics: &[
        Magic::anywhere(DAP_1665_B),
        Magic::anywhere(DAP_1720_A),
        Magic::anywhere(DIR_822_C1),
        Magic::anywhere(DIR_842_C1),
        Magic::anywhere(DIR_842_C3),
        Magic::anywhere(DIR_850L_A1),
        Magic::anywhere(DIR_850L_B1),
        Magic::anywhere(DIR_859_A),
    ],
    leaf: false,
    references: &[
        "https://github.com/devttys0/delink/blob/main/src/encimg.rs",
        "https://github.com/onekey-sec/unblob/blob/main/python/unblob/handlers/archive/dlink/alpha_encimg.py",
    ],
    limitations: &["models whose keys are not published"],
};

/// The first bytes of every image of a model: the magic and the first settings, encrypted.
const DAP_1665_B: &[u8] = b"\x35\x66\x6f\x68\xef\x1a\xfe\x1f\x34\xef\x4f\x11\x21\x05\x4e\xbe";
const DAP_1720_A: &[u8] = b"\x68\x01\xcc\xfb\xad\x6b\xa0\xba\x33\x04\xb0\x9c\xbb\x48\xb0\x27";
const DIR_822_C1: &[u8] = b"\xdf\x8c\x39\x0d\x22\xb4\xdc\x29\xfb\x4e\xbf\xdb\xe8\xe1\x8b\xfb";
const DIR_842_C1: &[u8] = b"\xf5\x2a\xa0\xb4\x92\x53\xbf\xef\xf8\x21\xa6\x2e\x28\xa7\x39\x8b";
const DIR_842_C3: &[u8] = b"\x21\xdd\xda\x00\x99\xd8\x87\xa9\xd5\x2d\x7e\xff\x3b\x58\x70\xa6";
const DIR_850L_A1: &[u8] = b"\xe3\x13\x00\x5b\x76\xdf\x0b\xe8\x83\x24\x5a\x42\xff\x91\x2d\x3d";
const DIR_850L_B1: &[u8] = b"\x0a\x14\xe4\x24\xff\x0f\xb4\xd7\x53\x66\xa0\xb0\x72\xfe\xab\xdf";
const DIR_859_A: &[u8] = b"\x4c\x1b\x95\xaf\x93\x72\x5f\x81\x03\x03\x96\x4d\xdd\x76\x01\x74";

/// How the images of a model are encrypted.
struct Model {
    /// The first bytes of every image.
    first: &'static [u8],
    board: &'static [u8],
    key: &'static [u8; 32],
    iv: &'static [u8; 16],
}

/// The models whose keys are published.
static MODELS: &[Model] = &[
    Model { first: DAP_1665_B, board: b"wapac25_dlink.2015_dap1665", key: b"EfCHXytwsC6F0zsedwZc+9vDbCjE3ge4", iv: b"ggPy917jwESpnfXm" },
    Model { first: DAP_1720_A, board: b"wapac28_dlink.2015_dap1720", key: b"qBiz6o/1RVQTtJBd3FS7FDbqogE8yoBm", iv: b"EfDMqWWxHCOhEqgY" },
    Model { first: DIR_822_C1, board: b"wrgac43s_dlink.2015_dir822c1", key: b"KNpsEntCcsep1jdFIs3wnXySKRGNCGmf", iv: b"uph587JdKHrtAUlr" },
    Model { first: DIR_842_C1, board: b"wrgac65_dlink.2015_dir842", key: b"xQYoRZeD726UAbRb846kO7TeNw8eZa6u", iv: b"zufEbNF3kUafxFiE" },
    Model { first: DIR_842_C3, board: b"wrgac65_dlink.2015_dir842EU", key: b"xQYoRZeD726UAbRb846kO7TeNw8eZa6u", iv: b"zufEbNF3kUafxFiE" },
    Model { first: DIR_850L_A1, board: b"wrgac05_dlob.hans_dir850l", key: b"BIuS1CVMEQG+0pUeE99jnR+vLlLd9unr", iv: b"f3+odwHhmJL1ceW1" },
    Model {
        first: DIR_850L_B1,
        board: b"wrgac25_dlink.2013gui_dir850l",
        key: b"qQehHMEmEPQ5izL+cabn8bNHZXHjkp6W",
        iv: b"Mmb+IKQgnO8OuF4b",
    },
    Model { first: DIR_859_A, board: b"wrgac37_dlink.2013gui_dir859", key: b"KY0H9R2PDL3eu1J4uCVd1CK7BJ7vF1kc", iv: b"qbStAzIRvWeQHz5U" },
];

/// A key as it is used: each byte changed by its number, counted from 1 in rounds of 252, and by the name of the board.
pub(super) fn mangled(board: &[u8], secret: &[u8]) -> Vec<u8> {
    let numbers = (0_u8..252).map(|index| index.wrapping_add(1)).cycle();
    secret.iter().zip(numbers).zip(board.iter().cycle()).map(|((byte, number), letter)| byte ^ (number % 252) ^ letter).collect()
}

/// Bytes of the beginning that hold both headers and their settings.
const BEGINNING: u64 = 0x200;

/// Everything is encrypted; see SEAMA for what comes out: a header with the name of the board, and a second one with the size of the image.
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let model = MODELS.iter().find(|model| bytes.has(0, model.first)).ok_or(Rejected("the model"))?;
    let (key, iv) = (mangled(model.board, model.key), mangled(model.board, model.iv));
    let mut plain = Vec::new();
    // Nothing that is handed to a Vec can fail.
    let _ = cipher::aes_cbc(&key, &iv, bytes.up_to(0, BEGINNING), &mut |part| {
        plain.extend_from_slice(part);
        Ok(())
    });
    let plain = Bytes(&plain);
    let second = 12_u64.saturating_add(plain.u16(6, Endian::Big)?.into());
    let magic = [0x5e, 0xa3, 0xa4, 0x17];
    if !plain.has(0, &magic) || !plain.has(22, model.board) || !plain.has(second, &magic) {
        return Err(Rejected("what comes out is not SEAMA"));
    }
    let settings = u64::from(plain.u16(second.saturating_add(6), Endian::Big)?);
    let size = u64::from(plain.u32(second.saturating_add(8), Endian::Big)?);
    let length = second.saturating_add(28).saturating_add(settings).saturating_add(size).next_multiple_of(16);
    let mut image = Image::new(length, to_u64(model.first.len()));
    let undo = move |there: Bytes<'_>, output: &mut Output<'_>| {
        cipher::aes_cbc(&key, &iv, there.0, &mut |part| output.push(part)).map_err(Fault::from)
    };
    image.undone("image", Span::new(0, length), Box::new(undo));
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{KERNEL, carve, survives_damage, unpack};

    const IMAGE: &[u8] = include_bytes!("../../../fixtures/alpha-encimg/router.bin");

    #[test]
    fn the_image_is_decrypted() {
        let flash = [&[0x5a; 9], IMAGE].concat();
        assert_eq!(carve(&ALPHA_ENCIMG, &flash, 9), Some(IMAGE.len() as u64));
        let unpacked = unpack(&ALPHA_ENCIMG, IMAGE);
        assert_eq!(unpacked.problems, []);
        assert!(unpacked.file("image").windows(KERNEL.len()).any(|window| window == KERNEL));
        survives_damage(&ALPHA_ENCIMG, IMAGE);
    }

    #[test]
    fn every_known_beginning_decrypts_to_the_same() {
        for model in MODELS {
            let mut plain = Vec::new();
            let (key, iv) = (mangled(model.board, model.key), mangled(model.board, model.iv));
            cipher::aes_cbc(&key, &iv, model.first, &mut |part| {
                plain.extend_from_slice(part);
                Ok(())
            })
            .unwrap();
            assert_eq!(plain[..4], [0x5e, 0xa3, 0xa4, 0x17], "{}", String::from_utf8_lossy(model.board));
        }
    }
}
