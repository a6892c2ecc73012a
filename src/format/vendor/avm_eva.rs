//! The record in which AVM's boot loader EVA gets the LZMA-compressed kernel of a FRITZ!Box.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image, Over, over, sums};
use crate::format::{Kind, Magic, Spec};
use crate::limits::Output;
use crate::problem::Rejected;

/// AVM EVA kernel.
pub(super) static AVM_EVA: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "avm-eva",
    name: "AVM kernel image (EVA)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"\x81\x12\xed\xfe")],
    leaf: false,
    references: &["https://github.com/openwrt/openwrt/blob/main/tools/firmware-utils/src/lzma2eva.c"],
    limitations: &["records that do not hold LZMA"],
};

/// Where the compressed data begins.
const DATA: u64 = 0x24;

/// The record; all numbers little endian:
///
/// ```text
///  0 magic feed1281   4 size from c on   8 address   c type 75a0201   10 size of the data   14 size when unpacked   18 CRC of the data
/// 1c properties of LZMA, 1 byte   1d size of its dictionary   21 0   24 data   then the checksum of all but the magic, 0, the entry point
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let word = |at| bytes.u32(at, Endian::Little).map(u64::from);
    let (record, data) = (Span::new(12, word(4)?), Span::new(DATA, word(0x10)?));
    if word(12)? != 0x075a_0201 || data.end() != record.end() || bytes.u8(0x1c)? > 224 {
        return Err(Rejected("the record"));
    }
    let mut image = Image::new(record.end().saturating_add(12), DATA);
    image.sum("the data", 0x18, &bytes.u32(0x18, Endian::Little)?.to_be_bytes(), sums::crc32, over(data.start, data.end()));
    if let Ok(stored) = bytes.u32(record.end(), Endian::Little) {
        let covered = vec![Over::Span(Span::new(4, 8)), Over::Span(record)];
        image.sum("the record", record.end(), &stored.to_be_bytes(), checksum, covered);
    }
    // As other tools write such a stream: properties and dictionary, the size in eight bytes, the data.
    let header = [bytes.get(0x1c, 5)?, &word(0x14)?.to_le_bytes()].concat();
    let undo = move |there: Bytes<'_>, output: &mut Output<'_>| {
        output.push(&header)?;
        Ok(output.push(there.0)?)
    };
    image.undone("kernel.lzma", data, Box::new(undo)).known(Span::new(record.end(), 12));
    Ok(image)
}

/// The number that makes size, address and all bytes of the record come to 0.
fn checksum(pieces: &[&[u8]]) -> Vec<u8> {
    let Some((numbers, record)) = pieces.split_first() else { return Vec::new() };
    let number = |at| Bytes(numbers).u32(at, Endian::Little).unwrap_or(0);
    let sum = sums::bytes(record).fold(number(0).wrapping_add(number(4)), |sum, byte| sum.wrapping_add(byte.into()));
    sum.wrapping_neg().to_be_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{KERNEL, holds, verifies};

    #[test]
    fn the_kernel_comes_out_as_a_stream_of_its_own() {
        let image = include_bytes!("../../../fixtures/avm-eva/kernel.image");
        let mut stream = KERNEL.to_vec();
        stream[5..13].copy_from_slice(&4296_u64.to_le_bytes());
        holds(&AVM_EVA, image, &[("kernel.lzma", &stream)]);
        verifies(&AVM_EVA, image, &[8, 0x40]);
    }
}
