//! Buffalo's encrypted images of routers: a cipher like RC4 with a key that is in every device.

use crate::blob::{Bytes, Endian, Span, to_u64, to_usize};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec};
use crate::limits::Output;
use crate::problem::{Fault, Rejected};

/// Buffalo encrypted firmware.
pub(super) static BUFFALO_ENC: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "buffalo-enc",
    name: "Buffalo encrypted firmware",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"start\0"), Magic::anywhere(b"asar1\0")],
    leaf: false,
    references: &["https://github.com/openwrt/firmware-utils/blob/master/src/buffalo-lib.c"],
    limitations: &["images with another key than the usual one"],
};

/// The usual key.
const KEY: &[u8] = b"Buffalo";

/// The longest name of a product or version.
const LONGEST: u64 = 32;

/// The image; all numbers big endian:
///
/// ```text
///  0 magic   6 seed   7 size of the product   b product, encrypted with the seed   size of the version   version, encrypted with the
/// first byte of the encrypted product   size of the data   data, encrypted with the first byte of the encrypted version   checksum
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let number = |at| bytes.u32(at, Endian::Big).map(u64::from);
    let product = Span::new(11, number(7)?);
    let version = Span::new(product.end().saturating_add(4), number(product.end())?);
    let data = Span::new(version.end().saturating_add(4), number(version.end())?);
    if !(2..=LONGEST).contains(&product.length) || !(2..=LONGEST).contains(&version.length) || data.length == 0 {
        return Err(Rejected("the sizes"));
    }
    let name = bytes.get(product.start, product.length)?;
    let long = [false, true].into_iter().find(|long| is_name(&decrypted(bytes.u8(6).unwrap_or(0), *long, name)));
    let long = long.ok_or(Rejected("the product does not decrypt"))?;
    if !is_name(&decrypted(bytes.u8(product.start)?, long, bytes.get(version.start, version.length)?)) {
        return Err(Rejected("the version does not decrypt"));
    }
    let (seed, sum) = (bytes.u8(version.start)?, bytes.u32(data.end(), Endian::Big).ok());
    let mut image = Image::new(data.end().saturating_add(4), data.start);
    let undo = move |there: Bytes<'_>, output: &mut Output<'_>| {
        if long && there.len() < data.length {
            return Err(Fault::Truncated("it cannot be decrypted unless it is whole".to_owned()));
        }
        let mut cipher = Cipher::new(seed, if long { there.0.len() } else { 256 });
        for step in there.0.chunks(4096) {
            output.push(&step.iter().map(|byte| byte ^ cipher.next()).collect::<Vec<_>>())?;
        }
        let fits = sum.is_none_or(|sum| sum == checksum(output.as_slice()));
        if fits { Ok(()) } else { Err(Fault::Checksum("the checksum of the image does not fit".to_owned())) }
    };
    image.undone("image", data, Box::new(undo)).known(Span::new(data.end(), 4));
    Ok(image)
}

/// Whether this is a name with a NUL at its end.
fn is_name(text: &[u8]) -> bool {
    text.split_last().is_some_and(|(last, text)| *last == 0 && text.iter().all(u8::is_ascii_graphic))
}

fn decrypted(seed: u8, long: bool, text: &[u8]) -> Vec<u8> {
    let mut cipher = Cipher::new(seed, if long { text.len() } else { 256 });
    text.iter().map(|byte| byte ^ cipher.next()).collect()
}

/// RC4, but for a state that may be as long as what is encrypted.
struct Cipher {
    state: Vec<u8>,
    first: u8,
    second: u8,
}

impl Cipher {
    fn new(seed: u8, length: usize) -> Self {
        let mut state: Vec<u8> = (0..=u8::MAX).cycle().take(length).collect();
        let mut other = 0_usize;
        for (index, key) in (0..length).zip([seed].iter().chain(KEY).cycle()) {
            let sum = other.saturating_add(usize::from(*key)).saturating_add(usize::from(state.get(index).copied().unwrap_or(0)));
            other = sum.checked_rem(length).unwrap_or(0);
            state.swap(index, other);
        }
        Self { state, first: 0, second: 0 }
    }

    fn next(&mut self) -> u8 {
        let length = self.state.len();
        let place = |number: u16| usize::from(number).checked_rem(length).unwrap_or(0);
        let low = |number: usize| u8::try_from(number).unwrap_or(u8::MAX);
        let at = |state: &[u8], index: u8| Bytes(state).u8(index.into()).unwrap_or(0);
        self.first = low(place(u16::from(self.first).saturating_add(1)) % 256);
        self.second = low(place(u16::from(self.second).saturating_add(at(&self.state, self.first).into())) % 256);
        self.state.swap(self.first.into(), self.second.into());
        let (one, two) = (at(&self.state, self.first), at(&self.state, self.second));
        let sum = place(u16::from(one).saturating_add(two.into()));
        self.state.get(sum).copied().unwrap_or(0)
    }
}

/// A CRC-32 that starts with the number of bytes, and into which each byte goes as a signed number.
fn checksum(bytes: &[u8]) -> u32 {
    let start = u32::try_from(to_usize(to_u64(bytes.len()))).unwrap_or(u32::MAX);
    bytes.iter().fold(start, |sum, byte| {
        let signed = i32::from(i8::from_ne_bytes([*byte]));
        (0..8).fold(sum ^ u32::from_ne_bytes(signed.to_ne_bytes()), |sum, _| (sum >> 1) ^ if sum & 1 == 1 { 0xedb8_8320 } else { 0 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{KERNEL, holds, verifies};

    #[test]
    fn the_image_is_decrypted() {
        let image = include_bytes!("../../../fixtures/buffalo-enc/router.bin");
        holds(&BUFFALO_ENC, image, &[("image", KERNEL)]);
        verifies(&BUFFALO_ENC, image, &[0x100, image.len() - 1]);
        holds(&BUFFALO_ENC, include_bytes!("../../../fixtures/buffalo-enc/long.bin"), &[("image", KERNEL)]);
    }
}
