//! What must hold of every format that is nothing but its layout.

use super::Header;
use crate::format::testing::{Unpacked, carve, survives_damage, try_unpack_at, unpack_at};
use crate::problem::Code;

/// Finds `image` at an odd place of a flash, unpacks it without a problem into `parts`, and damages it in all sorts of ways.
pub(crate) fn opens(format: &Header, image: &[u8], parts: &[&str]) -> Unpacked {
    let flash = [vec![0xff; 9], image.to_vec(), vec![0xff; 40]].concat();
    assert_eq!(carve(format, &flash, 9), Some(image.len() as u64), "{}: length", format.spec.id);
    let unpacked = unpack_at(format, &flash, 9);
    assert_eq!(unpacked.names(), parts, "{}", format.spec.id);
    assert_eq!(unpacked.problems, [], "{}", format.spec.id);
    survives_damage(format, image);
    let magic = format.spec.magics[0];
    let mut text = b"this is a text about the magic of a format, and nothing else, whatever it may look like. ".repeat(60);
    let at = usize::try_from(magic.offset).unwrap();
    text[at..at + magic.bytes.len()].copy_from_slice(magic.bytes);
    assert_eq!(carve(format, &text, 0), None, "{}: text", format.spec.id);
    unpacked
}

/// The codes of the problems of `image` with the byte at `at` changed.
pub(crate) fn damaged(format: &Header, image: &[u8], at: usize) -> Vec<Code> {
    let mut image = image.to_vec();
    image[at] ^= 0x10;
    try_unpack_at(format, &image, 0).unwrap().problems.into_iter().map(|(code, _)| code).collect()
}
