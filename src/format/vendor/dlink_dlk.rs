//! DLK: D-Link's newer images of the AI series: a signature, and the image encrypted block by block. Those that are not encrypted are of
//! the kind that JBOOT reads.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::openssl::{Secret, unpadded};
use crate::format::header::{Header, Image};
use crate::format::vendor::dlink_mh01::KEYS;
use crate::format::{Kind, Magic, Spec};
use crate::limits::Output;
use crate::problem::{Fault, Rejected};

/// D-Link DLK.
pub(super) static DLINK_DLK: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "dlink-dlk",
    name: "D-Link encrypted firmware (DLK)",
    kind: Kind::Container,
    magics: &[Magic::start(b"DLK")],
    leaf: false,
    references: &[
        "https://github.com/devttys0/delink",
        "https://github.com/openwrt/firmware-utils/blob/master/src/dlink-ai-firmware-tool.c",
    ],
    limitations: &["models whose keys are not public"],
};

/// Bytes of a header.
const HEADER: u64 = 0x50;

/// More partitions than any image has, and bytes than any block.
const MOST: usize = 32;
const LARGEST: u64 = 16 << 20;

/// Bytes before a block, which are its vector, and after it, which are padding.
const VECTOR: usize = 16;

/// A header before the signature and one before the image; all numbers little endian:
///
/// ```text
/// 0 magic "DLK" and nine letters or digits   10 size of a block if it is encrypted   2c size   50 data: blocks, each with its vector before
/// and its padding behind
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let (mut at, mut found) = (0_u64, Vec::new());
    while found.len() < MOST && bytes.has(at, b"DLK") {
        let name = bytes.get(at, 12)?;
        let data = Span::new(at.saturating_add(HEADER), bytes.u32(at.saturating_add(0x2c), Endian::Little)?.into());
        if !name.iter().all(u8::is_ascii_alphanumeric) || data.length == 0 || bytes.get(at, HEADER).is_err() {
            break;
        }
        found.push((at, data));
        at = data.end();
    }
    let block = |header: u64| bytes.u32(header.saturating_add(0x10), Endian::Little).map_or(0, u64::from);
    let sealed = |header: u64| (1..=LARGEST).contains(&block(header)) && block(header).is_multiple_of(16);
    if !found.iter().any(|(header, _)| *header > 0 && sealed(*header)) {
        return Err(Rejected("nothing is encrypted"));
    }
    let (first, last) = (found.first().ok_or(Rejected("no header"))?.1, at);
    let mut image = Image::new(last, first.start);
    image.fact("header.product", 0, 12);
    for (index, (header, data)) in found.into_iter().enumerate() {
        image.known(Span::new(header, HEADER));
        let (name, block) = (if index == 0 { "signature".to_owned() } else { format!("image-{index}") }, block(header));
        if index > 0 && sealed(header) {
            image.undone(name, data, Box::new(move |there, output| decrypt(there, block, output)));
        } else {
            image.part(name, data);
        }
    }
    Ok(image)
}

/// Tries all keys on the first block: its padding says which one it is.
fn decrypt(there: Bytes<'_>, block: u64, output: &mut Output<'_>) -> Result<(), Fault> {
    let size = crate::blob::to_usize(block.saturating_add(32));
    let first = there.up_to(0, block.saturating_add(32));
    let (vector, data) = first.last_chunk::<32>().and_then(|last| last.split_first_chunk::<VECTOR>()).unwrap_or((&[0; 16], &[]));
    let opens = |key: &&str| {
        let last = Secret::new(key.as_bytes(), *vector).head(data);
        if there.0.len() < size { unpadded(&last).len() < last.len() } else { last == [16; 16] }
    };
    let Some(key) = KEYS.into_iter().find(opens) else {
        output.push(there.0)?;
        return Err(Fault::Encrypted("encrypted by D-Link with a key that is not public".to_owned()));
    };
    for block in there.0.chunks(size) {
        let Some((vector, data)) = block.split_first_chunk::<VECTOR>() else { break };
        Secret::new(key.as_bytes(), *vector).decrypt(data, output)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{ROOTFS, holds, unpack};
    use crate::problem::Code;

    const ENCRYPTED: &[u8] = include_bytes!("../../../fixtures/dlink-dlk/encrypted.bin");

    #[test]
    fn blocks_are_decrypted() {
        holds(&DLINK_DLK, ENCRYPTED, &[("signature", &[0x5a; 256]), ("image-1", ROOTFS)]);
        let mut image = ENCRYPTED.to_vec();
        image[0x50 + 256 + 0x50 + 0x400 + 17] ^= 1;
        assert_eq!(unpack(&DLINK_DLK, &image).problems[0].0, Code::Encrypted);
    }
}
