//! QNAP's images of storage devices: an archive whose first part is encrypted with a key that is in every device, and a footer.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec};
use crate::limits::Output;
use crate::problem::{Fault, Rejected};

/// QNAP NAS firmware.
pub(super) static QNAP: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "qnap",
    name: "QNAP NAS firmware",
    kind: Kind::Container,
    magics: &[Magic::start(b"\xf5\x7b\x47\x03")],
    leaf: false,
    references: &[
        "https://gist.github.com/ulidtko/966277a465f1856109b2d2674dcee741",
        "https://github.com/onekey-sec/unblob/blob/main/python/unblob/handlers/archive/qnap/_qnap.py",
    ],
    limitations: &["QNAP's network devices, which have other keys"],
};

/// Bytes of the footer.
const FOOTER: u64 = 74;

/// The footer, at the end; numbers are little endian. What stands before it is a gzip stream that was a tar archive, so that every image
/// begins with the same four encrypted bytes:
///
/// ```text
///  0 magic "icpnas"   6 size of the part that is encrypted   a device, 16 bytes   1a version   2a date   3a revision
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let footer = bytes.len().checked_sub(FOOTER).ok_or(Rejected("too short"))?;
    let at = |offset: u64| footer.saturating_add(offset);
    let encrypted = u64::from(bytes.u32(at(6), Endian::Little)?);
    if !bytes.has(footer, b"icpnas") || encrypted > footer {
        return Err(Rejected("the footer"));
    }
    let mut image = Image::new(bytes.len(), 4);
    image.fact("header.product", at(10), 16).fact("header.version", at(0x1a), 16).fact("header.date", at(0x2a), 16);
    let undo = move |there: Bytes<'_>, output: &mut Output<'_>| {
        let mut cipher = Cipher::new();
        for step in there.up_to(0, encrypted).chunks(4096) {
            output.push(&step.iter().map(|byte| cipher.decrypt(*byte)).collect::<Vec<_>>())?;
        }
        Ok::<_, Fault>(output.push(there.tail(encrypted))?)
    };
    image.undone("image.tgz", Span::new(0, footer), Box::new(undo)).known(Span::new(footer, FOOTER));
    Ok(image)
}

/// The key; a number that differs between models follows it and is not used.
const KEY: &[u8; 14] = b"QNAPNASVERSION";

/// Seven pairs of letters of the key.
const PAIRS: usize = 7;

/// PC1, a cipher that feeds what was decrypted back into its key.
struct Cipher {
    /// For each value that is fed back, what each pair of the key does: a number to go on with, and one to mix in.
    tables: Vec<[(u16, u16); PAIRS]>,
    fed_back: u8,
    last: u16,
    sum: u16,
}

impl Cipher {
    fn new() -> Self {
        Self { tables: (0..=u8::MAX).map(table).collect(), fed_back: 0, last: 0, sum: 0 }
    }

    fn decrypt(&mut self, byte: u8) -> u8 {
        let mut mixed = 0_u16;
        let table = self.tables.get(usize::from(self.fed_back)).copied().unwrap_or_default();
        for (index, (next, mix)) in (0_u16..).zip(table) {
            let before = std::mem::replace(&mut self.last, next);
            let product = self.sum.wrapping_add(index).wrapping_mul(0x4e35);
            self.sum = next.wrapping_add(before).wrapping_add(product);
            mixed ^= mix ^ self.sum;
        }
        let [high, low] = mixed.to_be_bytes();
        let plain = byte ^ high ^ low;
        self.fed_back ^= plain;
        plain
    }
}

fn table(fed_back: u8) -> [(u16, u16); PAIRS] {
    let mut pairs = KEY.chunks_exact(2).map(|pair| Bytes(pair).array(0).unwrap_or([0; 2]));
    let mut state = 0_u16;
    std::array::from_fn(|_| {
        let [first, second] = pairs.next().unwrap_or([0; 2]).map(|letter| letter ^ fed_back);
        // A letter above 7f counts as a negative number, less one.
        let high = if first < 0x80 { u16::from(first) } else { u16::from(first).wrapping_sub(0x101) };
        let mixed = state ^ high.wrapping_shl(8).wrapping_add(second.into());
        state = mixed.wrapping_mul(0x4e35).wrapping_add(1);
        (mixed.wrapping_mul(0x15a), state)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack};

    #[test]
    fn the_archive_is_decrypted() {
        let image = include_bytes!("../../../fixtures/qnap/nas.img");
        assert!(image.starts_with(SPEC.magics[0].bytes), "every image begins so");
        let unpacked = unpack(&QNAP, image);
        assert_eq!(unpacked.problems, []);
        assert_eq!(unpacked.file("image.tgz")[..4], [0x1f, 0x8b, 8, 0]);
        assert_eq!(unpacked.file("image.tgz"), include_bytes!("../../../fixtures/gzip/story.gz"));
        assert_eq!(unpacked.fact("header.product").unwrap(), "QNAPEX100");
        assert_eq!(carve(&QNAP, &image[..image.len() - 1], 0), None);
        survives_damage(&QNAP, image);
    }
}
