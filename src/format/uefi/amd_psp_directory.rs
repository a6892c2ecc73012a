//! Directories of AMD's security processor: which program, key or setting stands where in the flash.

use crate::blob::{Blob, Bytes, Endian, Span};
use crate::format::{Carved, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::Rejected;

/// AMD security processor directory.
#[derive(Debug)]
pub(super) struct PspDirectory;

static SPEC: Spec = Spec {
    id: "amd-psp-directory",
    name: "AMD security processor directory",
    kind: Kind::Partition,
    magics: &[
        Magic::anywhere(b"$PSP"),
        Magic::anywhere(b"$PL2"),
        Magic::anywhere(b"$BHD"),
        Magic::anywhere(b"$BL2"),
        Magic::anywhere(b"2PSP"),
        Magic::anywhere(b"2BHD"),
    ],
    leaf: true,
    references: &["https://github.com/coreboot/coreboot/tree/main/util/amdfwtool", "https://github.com/PSPReverse/PSPTool"],
    limitations: &["a directory outside of a whole flash is recognized only: its entries are addresses in that flash"],
};

/// More entries than any directory has.
const MOST_ENTRIES: u64 = 256;

impl Format for PspDirectory {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let bytes = Bytes(blob.bytes().tail(start));
        let table = Table::read(bytes, 0)?;
        let stored = bytes.array::<4>(4)?;
        let summed = bytes.get(8, table.span.length.saturating_sub(8))?;
        if checksum(&[summed]) != stored {
            return Err(Rejected("checksum"));
        }
        Ok(Carved::new(table.span.length, start, blob))
    }
}

/// What a directory leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    /// Programs and keys.
    Programs,
    /// What the processor's own firmware needs.
    Bios,
    /// Directories, one for each generation of processors.
    Directories,
}

/// A directory; numbers are little endian:
///
/// ```text
/// 0 cookie   4 checksum of all that follows u32   8 number of entries u32   c bits 29-30: how addresses count   20 entries of a "2..." one
/// 10 entries
/// ```
///
/// An entry: 0 type u8   1 subprogram u8   2 flags u16, bits 3-6 instance   4 size u32   8 address u62, the highest two bits are how it
/// counts. Of the BIOS: 1 region u8   2 flags u8, bit 3 if compressed, bits 4-7 instance   3 subprogram u8, then the same, and 10 where it is
/// copied to u64. Of directories: 0 what identifies a processor u32   4 its value u32   8 address u64.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) of: Of,
    /// Whether another directory leads here.
    pub(super) second: bool,
    pub(super) span: Span,
    /// How addresses count, where the entries do not say it.
    pub(super) mode: u32,
    pub(super) entries: Vec<Entry>,
}

/// One entry of a directory.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) kind: u8,
    pub(super) subprogram: u8,
    pub(super) instance: u8,
    pub(super) compressed: bool,
    pub(super) size: u32,
    pub(super) address: u32,
    pub(super) mode: u32,
}

impl Table {
    /// Reads the directory at `start`, without its checksum.
    pub(super) fn read(bytes: Bytes<'_>, start: u64) -> Result<Self, Rejected> {
        let (of, second) = match &bytes.array::<4>(start)? {
            b"$PSP" => (Of::Programs, false),
            b"$PL2" => (Of::Programs, true),
            b"$BHD" => (Of::Bios, false),
            b"$BL2" => (Of::Bios, true),
            b"2PSP" | b"2BHD" => (Of::Directories, false),
            _ => return Err(Rejected("cookie")),
        };
        let word = |at: u64| bytes.u32(start.saturating_add(at), Endian::Little);
        let (count, mode) = (u64::from(word(8)?), word(12)? >> 29 & 3);
        if !(1..=MOST_ENTRIES).contains(&count) {
            return Err(Rejected("number of entries"));
        }
        let (header, step) = match of {
            Of::Programs => (16_u64, 16_u64),
            Of::Bios => (16, 24),
            Of::Directories => (32, 16),
        };
        let length = header.saturating_add(step.saturating_mul(count));
        let table = Bytes(bytes.get(start, length)?);
        let entries = (0..count).map(|index| Entry::read(table, header.saturating_add(index.saturating_mul(step)), of));
        let entries = entries.collect::<Result<Vec<_>, _>>()?;
        Ok(Self { of, second, span: Span::new(start, length), mode, entries })
    }
}

impl Entry {
    fn read(table: Bytes<'_>, at: u64, of: Of) -> Result<Self, Rejected> {
        let [kind, first, second, third] = table.array::<4>(at)?;
        let word = |offset: u64| table.u32(at.saturating_add(offset), Endian::Little);
        let (subprogram, instance, compressed) = match of {
            Of::Bios => (third & 7, second >> 4, second & 8 != 0),
            _ => (first, second >> 3 & 15, false),
        };
        Ok(Self { kind, subprogram, instance, compressed, size: word(4)?, address: word(8)?, mode: word(12)? >> 30 })
    }
}

/// Fletcher's checksum of 32 bits over words of 16 bits, least significant byte first.
pub(super) fn checksum(pieces: &[&[u8]]) -> Vec<u8> {
    let (mut low, mut high) = (0_u32, 0_u32);
    for piece in pieces {
        for word in piece.chunks_exact(2) {
            let word = word.iter().rev().fold(0_u32, |all, byte| all << 8 | u32::from(*byte));
            low = low.saturating_add(word) % 0xffff;
            high = high.saturating_add(low) % 0xffff;
        }
    }
    let whole = |sum: u32| if sum == 0 { 0xffff } else { sum };
    (whole(high) << 16 | whole(low)).to_le_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage};

    const TABLE: &[u8] = include_bytes!("../../../fixtures/amd-psp-directory/level-2.bin");

    #[test]
    fn the_checksum_decides() {
        let flash = [&[0xff; 7], TABLE, b"next"].concat();
        assert_eq!(carve(&PspDirectory, &flash, 7), Some(TABLE.len() as u64));
        for at in 4..TABLE.len() {
            let mut changed = TABLE.to_vec();
            changed[at] ^= 1;
            assert_eq!(carve(&PspDirectory, &changed, 0), None, "{at}");
        }
        survives_damage(&PspDirectory, TABLE);
    }

    #[test]
    fn a_text_is_none() {
        for magic in SPEC.magics {
            let text = [magic.bytes, b" is how a directory begins; this is a text about it, and no directory at all"].concat();
            assert_eq!(carve(&PspDirectory, &text, 0), None);
        }
    }
}
