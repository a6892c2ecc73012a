//! Images whose bytes are the wrong way round in every 16 or 32 bits, as programmers read flash that hangs on a wide bus.

use crate::blob::{Blob, Bytes};
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec, by_id};
use crate::limits::{Budget, Exceeded};
use crate::problem::{Fault, Rejected};

/// An image with the bytes of each word in reverse.
#[derive(Debug)]
pub(super) struct Swapped {
    spec: Spec,
    /// Bytes of a word.
    word: usize,
}

const REFERENCES: &[&str] = &["https://github.com/u-boot/u-boot/blob/master/README", "https://flashrom.org/supported_hw/index.html"];
const LIMITATIONS: &[&str] = &["only told by what firmware is made of, at places where it usually starts"];

/// 16 bits: `ABCD` stands as `BADC`.
pub(super) static SIXTEEN: Swapped = Swapped {
    spec: Spec {
        id: "swapped-16",
        name: "Image with swapped bytes (16 bits)",
        kind: Kind::Encoding,
        magics: &[Magic::start(b"")],
        leaf: false,
        references: REFERENCES,
        limitations: LIMITATIONS,
    },
    word: 2,
};

/// 32 bits: `ABCD` stands as `DCBA`.
pub(super) static THIRTY_TWO: Swapped = Swapped {
    spec: Spec {
        id: "swapped-32",
        name: "Image with swapped bytes (32 bits)",
        kind: Kind::Encoding,
        magics: &[Magic::start(b"")],
        leaf: false,
        references: REFERENCES,
        limitations: LIMITATIONS,
    },
    word: 4,
};

/// What firmware is made of: the first bytes, and the format that says whether it is one; none if the bytes alone say enough.
static MARKS: &[(&[u8], Option<&str>)] = &[
    (&[0x27, 0x05, 0x19, 0x56], Some("uimage")),
    (b"hsqs", Some("squashfs")),
    (b"sqsh", Some("squashfs")),
    (b"shsq", Some("squashfs")),
    (b"HDR0", Some("trx")),
    (b"\x7fELF", Some("elf")),
    (&[0xd0, 0x0d, 0xfe, 0xed], Some("dtb")),
    (&[0x45, 0x3d, 0xcd, 0x28], Some("cramfs")),
    (&[0x28, 0xcd, 0x3d, 0x45], Some("cramfs")),
    (b"-rom1fs-", Some("romfs")),
    (&[0x85, 0x19, 0x01, 0xe0], Some("jffs2")),
    (&[0x85, 0x19, 0x03, 0x20], Some("jffs2")),
    (&[0x19, 0x85, 0xe0, 0x01], Some("jffs2")),
    (&[0x19, 0x85, 0x20, 0x03], Some("jffs2")),
    (b"UBI#\x01\0\0\0", None),
    (&[0x31, 0x18, 0x10, 0x06], Some("ubifs")),
];

/// Where firmware has its parts: at the start of erase blocks or of pages.
const GRID: u64 = 0x1000;
/// No further than this.
const REACH: u64 = 16 << 20;
/// Bytes put right to look at.
const WINDOW: u64 = 16 << 10;
/// Places that only look like something.
const MOST_ATTEMPTS: u32 = 64;
/// Bytes put right at a time.
const STEP: u64 = 64 << 10;

impl Swapped {
    /// `bytes` the right way round. What is left over at the end stays as it is.
    fn straight(&self, bytes: &[u8]) -> Vec<u8> {
        let mut words = bytes.chunks_exact(self.word);
        let mut straight: Vec<u8> = words.by_ref().flat_map(|word| word.iter().rev().copied()).collect();
        straight.extend(words.remainder());
        straight
    }

    /// Whether there is something that only makes sense the other way round, and nothing that makes sense as it is.
    fn is_swapped(&self, blob: &Blob, budget: &Budget) -> bool {
        let bytes = blob.bytes();
        let (mut found, mut attempts) = (false, 0_u32);
        let places = (0..bytes.len().min(REACH)).step_by(crate::blob::to_usize(GRID));
        for at in places {
            let head = bytes.up_to(at, 8);
            let turned = self.straight(head);
            if let Some((_, format)) = mark_of(head)
                && is(*format, blob, at, budget)
            {
                return false;
            }
            if let Some((_, format)) = mark_of(&turned).filter(|_| !found) {
                attempts = attempts.saturating_add(1);
                found = is(*format, &Blob::new(self.straight(bytes.up_to(at, WINDOW))), 0, budget);
            }
            if attempts > MOST_ATTEMPTS {
                return false;
            }
        }
        found
    }
}

fn mark_of(head: &[u8]) -> Option<&'static (&'static [u8], Option<&'static str>)> {
    MARKS.iter().find(|(mark, _)| head.starts_with(mark))
}

fn is(format: Option<&str>, blob: &Blob, at: u64, budget: &Budget) -> bool {
    format.is_none_or(|id| by_id(id).is_some_and(|format| format.carve(blob, at, budget).is_ok()))
}

impl Format for Swapped {
    fn spec(&self) -> &'static Spec {
        if self.word == 2 { &SIXTEEN.spec } else { &THIRTY_TWO.spec }
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, budget: &'b Budget) -> Result<Carved<'b>, Rejected> {
        if start != 0 || !self.is_swapped(blob, budget) {
            return Err(Rejected("nothing in it is swapped"));
        }
        Ok(Carved::new(blob.len(), 0, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let (bytes, mut output): (Bytes<'_>, _) = (blob.bytes(), children.output());
        let mut at = 0;
        while at < bytes.len() {
            output.push(&self.straight(bytes.up_to(at, STEP)))?;
            at = at.saturating_add(STEP);
        }
        children.made("straight", output, Attributes::default()).map_err(|limit: Exceeded| limit.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::tree::{code, noise};
    use crate::format::testing::{carve, survives_damage, unpack};

    const KERNEL: &[u8] = include_bytes!("../../../fixtures/uimage/kernel.uimage");
    const ROOT: &[u8] = include_bytes!("../../../fixtures/squashfs/xz.squashfs");

    fn flash() -> Vec<u8> {
        let mut flash = code(0x2000);
        flash.extend(KERNEL);
        flash.resize(flash.len().next_multiple_of(0x1000), 0xff);
        flash.extend(ROOT);
        flash.push(0x5a);
        flash
    }

    #[test]
    fn words_are_put_right_and_only_once() {
        for format in [&SIXTEEN, &THIRTY_TWO] {
            let straight = flash();
            let swapped = format.straight(&straight);
            assert_eq!(carve(format, &swapped, 0), Some(swapped.len() as u64));
            let unpacked = unpack(format, &swapped);
            assert_eq!(unpacked.file("straight"), straight);
            assert_eq!(carve(format, &straight, 0), None, "what is straight stays as it is");
            survives_damage(format, &swapped[..0x8000.min(swapped.len())]);
        }
        assert_eq!(carve(&THIRTY_TWO, &SIXTEEN.straight(&flash()), 0), None);
        assert_eq!(carve(&SIXTEEN, &THIRTY_TWO.straight(&flash()), 0), None);
    }

    #[test]
    fn a_letter_in_a_word_is_none() {
        for text in [b"qshs is what a swapped squashfs begins with".as_slice(), b"0RDH", b"", &noise(100_000)] {
            assert_eq!(carve(&SIXTEEN, text, 0), None);
            assert_eq!(carve(&THIRTY_TWO, text, 0), None);
        }
        // Both ways at once: somebody put a swapped part into an image that is straight.
        let both = [ROOT.to_vec(), vec![0; 0x1000 - ROOT.len() % 0x1000], SIXTEEN.straight(KERNEL)].concat();
        assert_eq!(carve(&SIXTEEN, &both, 0), None);
    }
}
