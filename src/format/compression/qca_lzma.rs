//! LZMA as the firmware of Qualcomm Atheros' powerline chips holds it.

use crate::blob::{Blob, Bytes, Endian, to_u64};
use crate::codec::{LzmaProperties, lzma_raw_block, lzma_raw_stream};
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// LZMA of Qualcomm Atheros.
#[derive(Debug)]
pub(super) struct QcaLzma;

static SPEC: Spec = Spec {
    id: "qca-lzma",
    name: "Qualcomm Atheros LZMA",
    kind: Kind::Compression,
    magics: &[Magic::anywhere(&[3, 0, 2, 0, 0, 0x10, 0, 0])],
    leaf: false,
    references: &["https://github.com/onekey-sec/unblob/blob/main/python/unblob/handlers/compression/qca_lzma.py"],
    limitations: &["other properties than those of all files seen: lc 3, pb 2, a dictionary of 4 KiB"],
};

/// u16 literal context bits, u16 position bits, u32 dictionary size, u32 size of the data, u32 size of the content; little-endian.
const HEADER: u64 = 16;

/// Bytes that are decompressed, at most, to see whether it is LZMA.
const TRIAL: u64 = 4096;

const PROPERTIES: LzmaProperties = LzmaProperties { lc: 3, lp: 0, pb: 2, dictionary: 4096 };

impl Format for QcaLzma {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let input = Bytes(blob.bytes().tail(start));
        let (packed, size) = sizes(input)?;
        // LZMA data begins with a zero byte.
        if packed < 8 || size < packed || size > 1 << 30 || input.u8(HEADER)? != 0 {
            return Err(Rejected("sizes"));
        }
        if lzma_raw_block(input.up_to(HEADER, packed.min(TRIAL)), PROPERTIES, size.min(TRIAL))
            .is_err_and(|fault| matches!(fault, Fault::Corrupt(_)))
        {
            return Err(Rejected("no LZMA data"));
        }
        Ok(Carved::new(packed.saturating_add(HEADER), start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let (packed, size) = sizes(blob.bytes())?;
        let data = blob.bytes().up_to(HEADER, packed);
        let stream = lzma_raw_stream(data, PROPERTIES, Some(size), children.budget());
        let cut = (to_u64(data.len()) < packed).then(|| Fault::Truncated("the LZMA data is cut".to_owned()));
        children.made_with("", stream.output, Attributes::default(), cut.or(stream.fault).as_ref())?;
        Ok(())
    }
}

fn sizes(input: Bytes<'_>) -> Result<(u64, u64), crate::blob::OutOfBounds> {
    Ok((input.u32(8, Endian::Little)?.into(), input.u32(12, Endian::Little)?.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack, unpack_at};
    use crate::problem::Code;

    #[test]
    fn files_in_the_middle_of_other_bytes() {
        let packed = include_bytes!("../../../fixtures/qca-lzma/story.bin");
        let story = include_bytes!("../../../fixtures/content/tree/story.txt");
        let image = [b"before".as_slice(), packed, b"after"].concat();
        let unpacked = unpack_at(&QcaLzma, &image, 6);
        assert_eq!((unpacked.file("") == story, unpacked.problems), (true, vec![]));
        assert_eq!(carve(&QcaLzma, &image, 6), Some(packed.len().try_into().unwrap()));
        let cut = unpack(&QcaLzma, &packed[..packed.len() / 2]);
        assert!(story.starts_with(cut.file("")) && !cut.file("").is_empty());
        assert_eq!(cut.problems[0].0, Code::Truncated);
        let junk = [&packed[..17], &[0xaa; 700]].concat();
        assert_eq!(carve(&QcaLzma, &junk, 0), None);
        assert_eq!(carve(&QcaLzma, b"\x03\0\x02\0\0\x10\0\0 and then something else", 0), None);
        survives_damage(&QcaLzma, packed);
    }
}
