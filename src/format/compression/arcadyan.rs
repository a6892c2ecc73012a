//! LZMA as Arcadyan hides it: two blocks of 32 bytes change places, and the bytes of one are turned round.

use crate::blob::{Blob, Bytes};
use crate::codec::{Codec, Stream};
use crate::format::{Carved, Format, Kind, Magic, Payload, Spec};
use crate::limits::Budget;
use crate::problem::Rejected;

/// Obfuscated LZMA of Arcadyan.
#[derive(Debug)]
pub(super) struct Arcadyan;

static SPEC: Spec = Spec {
    id: "arcadyan",
    name: "Arcadyan obfuscated LZMA",
    kind: Kind::Compression,
    // The header of LZMA with a dictionary of 8 MiB, 5d 00 00 80 00, as it is hidden.
    magics: &[Magic::anywhere(&[0x00, 0xd5, 0x08, 0x00]).at(SECOND)],
    leaf: false,
    references: &["https://github.com/ReFirmLabs/binwalk/blob/master/src/extractors/arcadyan.rs"],
    limitations: &["other dictionaries than 8 MiB", "streams of more than 4 MiB"],
};

/// Where the LZMA stream begins, and the first block that was exchanged.
const FIRST: u64 = 4;

/// Where the second one is.
const SECOND: u64 = 0x68;

const BLOCK: u64 = 32;

/// The largest image of this kind: it fits in the flash of its time. It bounds what is copied for a look at it.
const MOST: u64 = 4 << 20;

/// What must come out to believe it.
const LEAST: u64 = 4096;

/// The piece of it that is tried first: more than that comes out of it, if anything does.
const TRIED: u64 = 4 * LEAST;

impl Format for Arcadyan {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, budget: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let input = Bytes(blob.bytes().tail(start));
        let header = turned(input.get(SECOND, BLOCK)?);
        // Behind properties and dictionary: the size, of which the upper half is never used, and the zero byte at the start of the data.
        let size = Bytes(&header).get(5, 8)?;
        let plausible = size.iter().all(|byte| *byte == 0xff) || size.get(4..).is_some_and(|upper| upper == [0; 4]);
        if Bytes(&header).u8(4)? != 0 || !plausible || Bytes(&header).u8(13)? != 0 {
            return Err(Rejected("no header of LZMA is hidden there"));
        }
        if input.get(FIRST, BLOCK)?.iter().all(|byte| input.u8(FIRST) == Ok(*byte)) {
            return Err(Rejected("compressed data is never all alike"));
        }
        let between = input.get(FIRST.saturating_add(BLOCK), SECOND.saturating_sub(FIRST).saturating_sub(BLOCK))?;
        let first = input.get(FIRST, BLOCK)?;
        let plain = |most: u64| [&header, between, first, input.up_to(SECOND.saturating_add(BLOCK), most)].concat();
        if Codec::Lzma.stream(&plain(TRIED), budget).output.len() < LEAST {
            return Err(Rejected("hardly anything comes out"));
        }
        let Stream { output, consumed, fault } = Codec::Lzma.stream(&plain(MOST), budget);
        Ok(Carved { length: consumed.saturating_add(FIRST), payload: Some(Payload { name: String::new(), output, fault }) })
    }
}

/// The two halves of each byte change places, and so do the two bytes of each pair.
fn turned(block: &[u8]) -> Vec<u8> {
    block.chunks(2).flat_map(|pair| pair.iter().rev().map(|byte| byte.rotate_left(4))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack_at};

    #[test]
    fn files_in_the_middle_of_other_bytes() {
        let packed = include_bytes!("../../../fixtures/arcadyan/kernel.bin");
        let image = [b"before".as_slice(), packed, b"after"].concat();
        let unpacked = unpack_at(&Arcadyan, &image, 6);
        assert!(
            unpacked.problems.is_empty() && crate::format::crc32(unpacked.file("")) == u32::from_le_bytes(packed[..4].try_into().unwrap())
        );
        assert_eq!(carve(&Arcadyan, &image, 6), Some(packed.len().try_into().unwrap()));
        assert_eq!(carve(&Arcadyan, &[&[b' '; 0x68], b"\0\xd5\x08\0".as_slice(), &[b'x'; 200]].concat(), 0), None);
        survives_damage(&Arcadyan, packed);
    }
}
