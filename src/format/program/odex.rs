//! Programs for Android's virtual machine, as it optimized them on the device or its maker did beforehand.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image, over, sums};
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

static SPEC: Spec = Spec {
    id: "odex",
    name: "optimized Dalvik bytecode (ODEX)",
    kind: Kind::Program,
    magics: &[Magic::anywhere(b"dey\n035\0"), Magic::anywhere(b"dey\n036\0")],
    leaf: false,
    references: &["https://android.googlesource.com/platform/dalvik/+/kitkat-release/libdex/DexFile.h"],
    limitations: &[],
};

/// Optimized bytecode.
pub(super) static ODEX: Header = Header { spec: &SPEC, read };

/// The header, 40 bytes; all numbers little endian:
///
/// ```text
///  0 magic   8 place, c size of the bytecode   10 place, 14 size of the list of libraries   18 place, 1c size of the tables   20 flags
/// 24 Adler-32 from the list of libraries to the end of the tables
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let word = |at| bytes.u32(at, Endian::Little).map(u64::from);
    let part = |at: u64| Ok::<_, Rejected>(Span::new(word(at)?, word(at.saturating_add(4))?));
    let (code, libraries, tables) = (part(8)?, part(0x10)?, part(0x18)?);
    if code.start != 40 || code.length < 0x70 || libraries.start < code.end() || tables.start < libraries.end() {
        return Err(Rejected("places of the parts"));
    }
    let length = tables.end();
    let mut image = Image::new(length, 40);
    image.part("classes.dex", code).part("libraries", libraries).part("tables", tables);
    image.sum("the tables", 0x24, &bytes.u32(0x24, Endian::Little)?.to_be_bytes(), sums::adler32, over(libraries.start, length));
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, holds, unpack, verifies};

    #[test]
    fn bytecode_comes_out() {
        let image = include_bytes!("../../../fixtures/odex/classes.odex");
        let unpacked = unpack(&ODEX, image);
        assert_eq!(unpacked.names(), ["classes.dex", "libraries", "tables"]);
        assert_eq!(unpacked.file("classes.dex"), include_bytes!("../../../fixtures/dex/classes.dex"));
        let parts: Vec<(&str, &[u8])> = unpacked.files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
        holds(&ODEX, image, &parts);
        verifies(&ODEX, image, &[image.len() - 5]);
        let mut other = image.to_vec();
        other[8] = 48;
        assert_eq!(carve(&ODEX, &other, 0), None);
    }
}
