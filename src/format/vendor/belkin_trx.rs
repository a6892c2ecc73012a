//! TRX as Belkin has it: the container of Broadcom's routers, with a magic for each model.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image, over, sums};
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// Belkin TRX.
pub(super) static BELKIN_TRX: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "belkin-trx",
    name: "Belkin firmware (TRX)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"\x22\x03\x10\x20"), Magic::anywhere(b"\x28\x09\x09\x20"), Magic::anywhere(b"\x06\x10\x09\x20")],
    leaf: false,
    references: &["https://github.com/Jackysi/advancedtomato/blob/master/release/src-rt/include/trxhdr.h"],
    limitations: &["models other than F7D3301, F7D3302 and F7D4302"],
};

/// Bytes of the header.
const HEADER: u64 = 28;

/// The header; all numbers little endian:
///
/// ```text
///  0 magic of the model   4 size, header included   8 CRC from c to the end, without its last inversion   c flags u16, version u16: 1
/// 10 three offsets of parts, unused ones 0
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let word = |at| bytes.u32(at, Endian::Little).map(u64::from);
    let end = word(4)?;
    let mut starts = [word(16)?, word(20)?, word(24)?];
    let outside = |start: &u64| *start != 0 && !(HEADER..end).contains(start);
    if bytes.u16(14, Endian::Little)? != 1 || bytes.u16(12, Endian::Little)? > 0xff || starts.iter().any(outside) || starts == [0; 3] {
        return Err(Rejected("the version or the offsets"));
    }
    let mut image = Image::new(end, HEADER);
    image.sum("the image", 8, &bytes.u32(8, Endian::Little)?.to_be_bytes(), sums::crc32_register, over(12, end));
    starts.sort_unstable();
    let starts: Vec<u64> = starts.into_iter().filter(|start| *start != 0).collect();
    let ends = starts.iter().skip(1).copied().chain([end]);
    for (index, (start, end)) in starts.iter().zip(ends).enumerate() {
        image.part(format!("part-{index}"), Span::between(*start, end));
    }
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{KERNEL, ROOTFS, holds, verifies};

    #[test]
    fn parts_come_out() {
        let image = include_bytes!("../../../fixtures/belkin-trx/router.bin");
        holds(&BELKIN_TRX, image, &[("part-0", KERNEL), ("part-1", ROOTFS)]);
        verifies(&BELKIN_TRX, image, &[8, 0x40, image.len() - 1]);
    }
}
