//! LG's second images of television sets (EPK2): partitions in segments, each signed and encrypted with a key that is public.

use crate::blob::{Bytes, Endian, Span};
use crate::codec::aes;
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec, part_text};
use crate::limits::Output;
use crate::problem::{Fault, Rejected};

mod keys;

/// LG EPK, second kind.
pub(super) static LG_EPK2: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "lg-epk2",
    name: "LG television firmware (EPK2)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"EPK2").at(0x8c)],
    leaf: false,
    references: &["https://github.com/openlgtv/epk2extract"],
    limitations: &[
        "images whose first header is encrypted too, and the third kind, cannot be told from noise and are not recognized",
        "the signatures are not verified",
    ],
};

/// Bytes of a signature, and of the header of a segment with its own.
const SIGNATURE: u64 = 0x80;
const SEGMENT: u64 = 0x100;

/// Where in that header stands "MPAK", which says that a key is the one.
const MARK: u64 = 0xe0;

/// More segments than any image has.
const MOST: usize = 4096;

/// All numbers little endian:
///
/// ```text
/// header:   0 signature   80 "epak"   84 size of all   88 number of partitions   8c "EPK2"   90 version   94 model, 32 bytes
///          b4 size of this header, from 80
/// segment:  0 signature   80 name   88 platform   c8 version   d4 number of segments   d8 size   dc which   e0 "MPAK"   100 data
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let word = |at| bytes.u32(at, Endian::Little).map(u64::from);
    let (total, first) = (word(0x84)?, word(0xb4)?.saturating_add(SIGNATURE));
    if !bytes.has(SIGNATURE, b"epak") || !(1..=64).contains(&word(0x88)?) || !(0xbc..=0x4000).contains(&first) {
        return Err(Rejected("the header"));
    }
    let mark = bytes.get(first.saturating_add(MARK), 16)?;
    let opens = |key: &[u8; 16]| aes::decrypt_ecb(key, mark).is_some_and(|plain| plain.starts_with(b"MPAK"));
    let Some(key) = keys::all().find(|key| opens(key)) else {
        let rest = Span::new(first, total);
        let mut image = Image::new(rest.end(), first);
        image.fact("header.product", 0x94, 32);
        image.faulty("partitions", rest, Fault::Encrypted("encrypted, container of LG".to_owned()));
        return Ok(image);
    };
    let (mut at, mut found, mut count) = (first, Vec::<(Vec<u8>, Span)>::new(), 0);
    while let Some((name, size)) = segment(bytes, at, &key).filter(|_| count < MOST) {
        let end = at.saturating_add(SEGMENT).saturating_add(size);
        match found.last_mut().filter(|(before, _)| *before == name) {
            Some((_, span)) => *span = Span::between(span.start, end),
            None => found.push((name, Span::between(at, end))),
        }
        at = end;
        count = count.saturating_add(1);
    }
    let mut image = Image::new(at, first);
    image.fact("header.product", 0x94, 32);
    for (name, span) in found {
        image.undone(part_text(&name), span, Box::new(move |there, output| decrypt(there, &key, output)));
    }
    Ok(image)
}

/// Name and size of the segment at `at`.
fn segment(bytes: Bytes<'_>, at: u64, key: &[u8; 16]) -> Option<(Vec<u8>, u64)> {
    let plain = aes::decrypt_ecb(key, bytes.get(at, SEGMENT).ok()?)?;
    let plain = Bytes(&plain);
    let (name, size) = (plain.text(SIGNATURE, 4).ok()?, plain.u32(0xd8, Endian::Little).ok()?);
    let fits = plain.has(MARK, b"MPAK") && !name.is_empty() && name.iter().all(u8::is_ascii_graphic) && size > 0;
    fits.then(|| (name.to_vec(), size.into()))
}

/// The data of one segment after the other. What is no whole block at the end of one is not encrypted.
fn decrypt(there: Bytes<'_>, key: &[u8; 16], output: &mut Output<'_>) -> Result<(), Fault> {
    let mut at = 0;
    while let Some((_, size)) = segment(there, at, key) {
        let start = at.saturating_add(SEGMENT);
        aes::aes_ecb(key, there.up_to(start, size), &mut |part| output.push(part))?;
        at = start.saturating_add(size);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{KERNEL, ROOTFS, holds, unpack};
    use crate::problem::Code;

    const IMAGE: &[u8] = include_bytes!("../../../fixtures/lg-epk2/television.epk");

    #[test]
    fn partitions_are_decrypted() {
        holds(&LG_EPK2, IMAGE, &[("kern", KERNEL), ("root", ROOTFS)]);
        assert_eq!(unpack(&LG_EPK2, IMAGE).fact("header.product").unwrap(), "HE_DTV_EXAMPLE");
    }

    #[test]
    fn without_a_key_it_stays_encrypted() {
        let mut image = IMAGE.to_vec();
        image[0x200 + 0xe0] ^= 1;
        let unpacked = unpack(&LG_EPK2, &image);
        assert_eq!((unpacked.names(), unpacked.problems[0].0), (vec!["partitions"], Code::Encrypted));
    }
}
