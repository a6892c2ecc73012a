//! ACPI tables: what firmware tells the operating system about the machine.

use crate::blob::{Blob, Bytes, Endian, Span, to_u64};
use crate::format::{Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// ACPI table.
#[derive(Debug)]
pub(super) struct AcpiTable;

static SPEC: Spec = Spec {
    id: "acpi-table",
    name: "ACPI table",
    kind: Kind::Container,
    magics: &[
        Magic::anywhere(b"DSDT"),
        Magic::anywhere(b"SSDT"),
        Magic::anywhere(b"FACP"),
        Magic::anywhere(b"APIC"),
        Magic::anywhere(b"HPET"),
        Magic::anywhere(b"MCFG"),
        Magic::anywhere(b"BGRT"),
        Magic::anywhere(b"DMAR"),
        Magic::anywhere(b"IVRS"),
        Magic::anywhere(b"SLIC"),
        Magic::anywhere(b"MSDM"),
        Magic::anywhere(b"TPM2"),
        Magic::anywhere(b"DBG2"),
        Magic::anywhere(b"SPCR"),
        Magic::anywhere(b"GTDT"),
        Magic::anywhere(b"IORT"),
        Magic::anywhere(b"SRAT"),
        Magic::anywhere(b"WSMT"),
    ],
    leaf: true,
    references: &["https://uefi.org/specs/ACPI/6.5/05_ACPI_Software_Programming_Model.html"],
    limitations: &["the byte code is not read"],
};

/// Bytes of the header.
const HEADER: u64 = 36;

impl Format for AcpiTable {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    /// The header: 0 signature   4 size u32   8 revision   9 checksum: all bytes add up to 0; firmware that fills the table in later has 0
    /// there   a maker, 6 letters   10 the maker's name of the table, 8 letters   18 its revision u32   1c who compiled it   20 revision.
    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let bytes = Bytes(blob.bytes().tail(start));
        let (length, revision) = (u64::from(bytes.u32(4, Endian::Little)?), bytes.u8(8)?);
        let (maker, table, compiler) = (bytes.get(0xa, 6)?, bytes.get(0x10, 8)?, bytes.get(0x1c, 4)?);
        if length <= HEADER || length > 1 << 21 || !(1..=8).contains(&revision) || !is_text(maker) || !is_text(table) || !is_text(compiler)
        {
            return Err(Rejected("size, revision or names"));
        }
        Ok(Carved::new(length, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let sum = blob.as_slice().iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
        if sum != 0 && blob.bytes().u8(9)? != 0 && u64::from(blob.bytes().u32(4, Endian::Little)?) == blob.len() {
            children.problem(&Fault::Checksum("the bytes of the table do not add up to 0".to_owned()), Some(9));
        }
        for (key, start, length) in [("header.vendor", 0xa, 6), ("header.product", 0x10, 8)] {
            let text = blob.bytes().text(start, length)?.trim_ascii_end();
            children.fact(key, text, Span::new(start, to_u64(text.len())));
        }
        Ok(())
    }
}

/// Letters, then spaces or NULs.
fn is_text(field: &[u8]) -> bool {
    let length = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    let (text, rest) = field.split_at_checked(length).unwrap_or_default();
    !text.is_empty() && text.iter().all(|byte| matches!(byte, b' '..=b'~')) && rest.iter().all(|byte| *byte == 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack_at};

    const TABLE: &[u8] = include_bytes!("../../../fixtures/acpi-table/ssdt.aml");

    #[test]
    fn a_table_says_who_made_it() {
        let flash = [&[0xff; 5], TABLE, b"next"].concat();
        assert_eq!(carve(&AcpiTable, &flash, 5), Some(TABLE.len() as u64));
        let unpacked = unpack_at(&AcpiTable, &flash, 5);
        assert_eq!(unpacked.fact("header.vendor").as_deref(), Some("EXMPLE"));
        assert_eq!(unpacked.fact("header.product").as_deref(), Some("EXTABLE"));
        survives_damage(&AcpiTable, TABLE);
    }

    #[test]
    fn four_letters_are_no_table() {
        assert_eq!(carve(&AcpiTable, b"DSDT and SSDT are tables in which the firmware of a PC describes it", 0), None);
        let mut changed = TABLE.to_vec();
        changed[50] ^= 1;
        assert_eq!(unpack_at(&AcpiTable, &changed, 0).problems[0].0, crate::problem::Code::Checksum);
        changed[12] = 1;
        assert_eq!(carve(&AcpiTable, &changed, 0), None, "the maker is a word");
    }
}
