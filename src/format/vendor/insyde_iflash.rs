//! iFlash: parts of the firmware updates of machines with Insyde's firmware.

use crate::blob::{Blob, Bytes, Endian, Span};
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec, path_text};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// Part of an Insyde iFlash update.
#[derive(Debug)]
pub(super) struct InsydeIflash;

static SPEC: Spec = Spec {
    id: "insyde-iflash",
    name: "Insyde iFlash part",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"$_IFLASH")],
    leaf: false,
    references: &["https://github.com/platomav/BIOSUtilities"],
    limitations: &[],
};

/// Bytes of the header.
const HEADER: u64 = 24;

impl Format for InsydeIflash {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    /// 0 "$_IFLASH"   8 what it is, eight letters, with underscores at the end   10 size u32   14 size of the content u32; neither counts
    /// the header.
    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let bytes = Bytes(blob.bytes().tail(start));
        let (size, content) = (u64::from(bytes.u32(0x10, Endian::Little)?), bytes.u32(0x14, Endian::Little)?);
        let is_tag = bytes.get(8, 8)?.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_');
        if !is_tag || content == 0 || size < content.into() || size > 1 << 28 {
            return Err(Rejected("name or sizes"));
        }
        Ok(Carved::new(HEADER.saturating_add(size), start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        let name = path_text(bytes.get(8, 8)?);
        let content = Span::new(HEADER, bytes.u32(0x14, Endian::Little)?.into());
        Ok(children.span(name.trim_end_matches('_'), content, Attributes::default())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack_at};

    const UPDATE: &[u8] = include_bytes!("../../../fixtures/insyde-iflash/update.bin");

    #[test]
    fn parts_come_out() {
        let flash = [&[0xff; 5], UPDATE].concat();
        let length = carve(&InsydeIflash, &flash, 5).unwrap();
        assert!(unpack_at(&InsydeIflash, &flash, 5).file("DRV_IMG").starts_with(b"MZ"));
        let story = include_bytes!("../../../fixtures/content/tree/story.txt");
        assert!(unpack_at(&InsydeIflash, &flash, 5 + length).file("INI_IMG") == story);
        survives_damage(&InsydeIflash, UPDATE);
        assert_eq!(carve(&InsydeIflash, b"$_IFLASH is what parts of an update begin with", 0), None);
    }
}
