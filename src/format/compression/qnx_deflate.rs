//! Files that `deflate` of QNX made for its flash file systems: blocks of LZO or UCL.

use crate::blob::{Blob, Bytes, Endian};
use crate::codec::{Codec, Nrv, nrv_block};
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// Compressed file of QNX.
#[derive(Debug)]
pub(super) struct QnxDeflate;

static SPEC: Spec = Spec {
    id: "qnx-deflate",
    name: "QNX deflate",
    kind: Kind::Compression,
    magics: &[Magic::anywhere(b"iwlyfmbp")],
    leaf: false,
    references: &["https://github.com/onekey-sec/unblob/blob/main/python/unblob/handlers/compression/qnx_deflate.py"],
    limitations: &[],
};

/// Magic, u32 size of the content, u16 block size, u8 method (0 LZO, 1 UCL), u8 flags; little-endian.
const HEADER: u64 = 16;

/// Before each block: u16 size of the block before, u16 size of this one with these fields, 0 behind the last, u16 size of the content of
/// the block before, u16 of this one.
const BLOCK: u64 = 8;

/// Blocks that a header is followed over: as many as it promises, within reason.
const MOST: u64 = 1 << 20;

impl Format for QnxDeflate {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let input = Bytes(blob.bytes().tail(start));
        let size = u64::from(input.u32(8, Endian::Little)?);
        let step = u64::from(input.u16(12, Endian::Little)?);
        if size == 0 || !step.is_power_of_two() || !(1 << 12..=1 << 15).contains(&step) || input.u8(14)? > 1 {
            return Err(Rejected("header"));
        }
        let (mut at, mut previous) = (HEADER, 0);
        for _ in 0..size.div_ceil(step).min(MOST) {
            let (Ok(before), Ok(next)) = (input.u16(at, Endian::Little), input.u16(at.saturating_add(2), Endian::Little)) else { break };
            if before != previous || u64::from(next) <= BLOCK {
                return Err(Rejected("blocks"));
            }
            (at, previous) = (at.saturating_add(next.into()), next);
        }
        Ok(Carved::new(at.saturating_add(BLOCK), start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let mut output = children.output();
        let fault = blocks(blob.bytes(), &mut |bytes| Ok(output.push(bytes)?)).err();
        let size = u64::from(blob.bytes().u32(8, Endian::Little)?);
        let short = || Fault::Truncated(format!("{} of {size} bytes are there", output.len()));
        let fault = fault.or_else(|| (output.len() < size).then(short));
        children.made_with("", output, Attributes::default(), fault.as_ref())?;
        Ok(())
    }
}

fn blocks(input: Bytes<'_>, sink: &mut dyn FnMut(&[u8]) -> Result<(), Fault>) -> Result<(), Fault> {
    let ucl = input.u8(14)? == 1;
    let mut at = HEADER;
    loop {
        let next = u64::from(input.u16(at.saturating_add(2), Endian::Little)?);
        let size = u64::from(input.u16(at.saturating_add(6), Endian::Little)?);
        let Some(length) = next.checked_sub(BLOCK) else { return Ok(()) };
        let packed = input.get(at.saturating_add(BLOCK), length)?;
        let content = if ucl { nrv_block(Nrv::B, 1, packed, size)? } else { Codec::Lzo.block(packed, size)? };
        sink(&content)?;
        at = at.saturating_add(next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack, unpack_at};

    #[test]
    fn files_in_the_middle_of_other_bytes() {
        let story = include_bytes!("../../../fixtures/content/tree/story.txt");
        let lzo = include_bytes!("../../../fixtures/qnx-deflate/lzo.bin").as_slice();
        let ucl = include_bytes!("../../../fixtures/qnx-deflate/ucl.bin").as_slice();
        for packed in [lzo, ucl] {
            let image = [b"before".as_slice(), packed, b"after"].concat();
            let unpacked = unpack_at(&QnxDeflate, &image, 6);
            assert_eq!((unpacked.file("") == story, unpacked.problems), (true, vec![]));
            assert_eq!(carve(&QnxDeflate, &image, 6), Some(packed.len().try_into().unwrap()));
            let cut = unpack(&QnxDeflate, &packed[..packed.len() / 2]);
            assert!(story.starts_with(cut.file("")) && cut.problems.len() == 1);
            survives_damage(&QnxDeflate, packed);
        }
        assert_eq!(carve(&QnxDeflate, b"iwlyfmbp is the magic of QNX deflate, said the story", 0), None);
    }
}
