//! Microcode updates of Intel's processors.

use crate::blob::{Blob, Bytes, Endian, Span};
use crate::format::{Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// Intel microcode update.
#[derive(Debug)]
pub(super) struct IntelMicrocode;

static SPEC: Spec = Spec {
    id: "intel-microcode",
    name: "Intel microcode update",
    kind: Kind::Container,
    // The version of the header.
    magics: &[Magic::anywhere(&[1, 0, 0, 0])],
    leaf: true,
    references: &[
        "https://www.intel.com/content/www/us/en/developer/articles/technical/intel-sdm.html",
        "https://gitlab.com/iucode-tool/iucode-tool",
    ],
    limitations: &["the update itself is encrypted"],
};

impl Format for IntelMicrocode {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let header = Header::read(Bytes(blob.bytes().tail(start)))?;
        Ok(Carved::new(header.size, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        let header = Header::read(bytes).map_err(|rejected| Fault::corrupt(rejected.0))?;
        let update = bytes.get(0, header.size)?;
        let sum = update.as_chunks::<4>().0.iter().fold(0_u32, |sum, word| sum.wrapping_add(u32::from_le_bytes(*word)));
        if sum != 0 {
            children.problem(&Fault::Checksum("the words of the update do not add up to 0".to_owned()), Some(0x10));
        }
        children.fact("header.version", format!("{:#x}", header.revision).as_bytes(), Span::new(4, 4));
        children.fact("header.date", header.date.as_bytes(), Span::new(8, 4));
        children.fact("header.board", format!("CPUID {:05X}", header.processor).as_bytes(), Span::new(12, 4));
        Ok(())
    }
}

/// The header; little endian:
///
/// ```text
///  0 version of the header u32, 1   4 revision u32   8 date, decimal digits mmddyyyy   c processor: what CPUID says
/// 10 checksum u32: all words add up to 0   14 version of the loader u32, 1   18 platforms, a bit each   1c size of the data u32, or 0: 2000
/// 20 size of it all u32   24 reserved, 12 bytes
/// ```
struct Header {
    revision: u32,
    date: String,
    processor: u32,
    size: u64,
}

impl Header {
    fn read(bytes: Bytes<'_>) -> Result<Self, Rejected> {
        let word = |at| bytes.u32(at, Endian::Little);
        if word(0)? != 1 || word(0x14)? != 1 {
            return Err(Rejected("versions"));
        }
        let date = date(word(8)?).ok_or(Rejected("date"))?;
        let (revision, processor, data, whole) = (word(4)?, word(12)?, u64::from(word(0x1c)?), u64::from(word(0x20)?));
        let size = if data == 0 { 2048 } else { whole };
        if processor == 0 || processor >> 28 != 0 || word(0x18)? > 0xff {
            return Err(Rejected("processor"));
        }
        let fits = size.is_multiple_of(4) && data.saturating_add(48) <= size && size <= 1 << 22;
        // The last word of these 12 bytes says on some what revision must be there before.
        if !fits || word(0x24)? != 0 && word(0x24)? > 0xffff || word(0x2c)? != 0 {
            return Err(Rejected("sizes"));
        }
        Ok(Self { revision, date, processor, size })
    }
}

/// Month, day and year in decimal digits, four bits each.
fn date(digits: u32) -> Option<String> {
    let (month, day, year) = (digits >> 24, digits >> 16 & 0xff, digits & 0xffff);
    let is_decimal = |number: u32| (0..8).all(|digit| number >> (4_u32.saturating_mul(digit)) & 15 <= 9);
    let is_date = (1..=0x12).contains(&month) && (1..=0x31).contains(&day) && (0x1993..=0x2099).contains(&year);
    (is_date && is_decimal(digits)).then(|| format!("{year:04x}-{month:02x}-{day:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack, unpack_at};
    use crate::problem::Code;

    const UPDATE: &[u8] = include_bytes!("../../../fixtures/intel-microcode/update.bin");

    #[test]
    fn an_update_says_what_it_is_for() {
        let flash = [&[0xff; 16], UPDATE, &[0xff; 16]].concat();
        assert_eq!(carve(&IntelMicrocode, &flash, 16), Some(UPDATE.len() as u64));
        let unpacked = unpack_at(&IntelMicrocode, &flash, 16);
        assert_eq!(unpacked.fact("header.date").as_deref(), Some("2021-07-04"));
        assert_eq!(unpacked.fact("header.version").as_deref(), Some("0x2a"));
        assert_eq!(unpacked.fact("header.board").as_deref(), Some("CPUID 306A9"));
        assert_eq!(unpacked.problems, []);
        survives_damage(&IntelMicrocode, UPDATE);
    }

    #[test]
    fn changed_and_other_bytes() {
        let mut changed = UPDATE.to_vec();
        changed[100] ^= 1;
        assert_eq!(unpack(&IntelMicrocode, &changed).problems[0].0, Code::Checksum);
        assert_eq!(carve(&IntelMicrocode, &[1, 0, 0, 0].repeat(100), 0), None);
        changed[8] = 0x4a;
        assert_eq!(carve(&IntelMicrocode, &changed, 0), None, "a digit that is none");
    }
}
