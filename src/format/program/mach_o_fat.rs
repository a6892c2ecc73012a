//! Mach-O files for several processors: one program for each.

use crate::blob::{Blob, Bytes, Endian, Span};
use crate::format::program::mach_o;
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// Universal binary.
#[derive(Debug)]
pub(super) struct MachOFat;

static SPEC: Spec = Spec {
    id: "mach-o-fat",
    name: "Mach-O for several processors",
    kind: Kind::Program,
    magics: &[Magic::anywhere(&[0xca, 0xfe, 0xba, 0xbe, 0, 0, 0]), Magic::anywhere(&[0xca, 0xfe, 0xba, 0xbf, 0, 0, 0])],
    leaf: false,
    references: &["https://github.com/apple-oss-distributions/xnu/blob/main/EXTERNAL_HEADERS/mach-o/fat.h"],
    limitations: &[],
};

/// Processors by number.
const PROCESSORS: &[(u32, &str)] = &[
    (7, "i386"),
    (0x0100_0007, "x86_64"),
    (12, "arm"),
    (0x0100_000c, "arm64"),
    (0x0200_000c, "arm64_32"),
    (18, "ppc"),
    (0x0100_0012, "ppc64"),
];

/// u32 magic, u32 number; then for each u32 processor, u32 its kind, offset, size, u32 alignment; big-endian. Offset and size are u64 with
/// the second magic, with a u32 more behind.
fn slices(input: Bytes<'_>) -> Result<Vec<(u32, Span)>, Rejected> {
    let (wide, count) = (input.u8(3)? == 0xbf, u64::from(input.u32(4, Endian::Big)?));
    // Classes of Java have the same magic, and their version there, from 45 on.
    if !(1..=20).contains(&count) {
        return Err(Rejected("number"));
    }
    let step = if wide { 32 } else { 20 };
    let mut slices = Vec::new();
    for index in 0..count {
        let at = index.saturating_mul(step).saturating_add(8);
        let span = if wide {
            Span::new(input.u64(at.saturating_add(8), Endian::Big)?, input.u64(at.saturating_add(16), Endian::Big)?)
        } else {
            let word = |field: u64| input.u32(at.saturating_add(field), Endian::Big).map(u64::from);
            Span::new(word(8)?, word(12)?)
        };
        if span.start < 28 || span.length < 28 || span.end() > 1 << 40 {
            return Err(Rejected("places"));
        }
        slices.push((input.u32(at, Endian::Big)?, span));
    }
    Ok(slices)
}

impl Format for MachOFat {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let input = Bytes(blob.bytes().tail(start));
        let slices = slices(input)?;
        // A program, or a library of objects.
        let first = slices.first().map_or(0, |slice| slice.1.start);
        if !input.has(first, b"!<arch>\n") {
            mach_o::reach(Bytes(input.tail(first)))?;
        }
        Ok(Carved::new(slices.iter().map(|slice| slice.1.end()).max().unwrap_or(0), start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        for (processor, span) in slices(blob.bytes()).map_err(|Rejected(why)| Fault::corrupt(why))? {
            let known = PROCESSORS.iter().find(|row| row.0 == processor).map(|row| row.1.to_owned());
            children.span(known.unwrap_or_else(|| format!("processor-{processor:#x}")), span, Attributes::default())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::simple::tests::whole_and_in_junk;
    use crate::format::testing::{carve, unpack};

    #[test]
    fn each_program_comes_out() {
        let image = include_bytes!("../../../fixtures/mach-o-fat/example.macho");
        whole_and_in_junk(&MachOFat, image);
        let unpacked = unpack(&MachOFat, image);
        assert_eq!(unpacked.names(), ["x86_64", "arm64"]);
        assert_eq!(unpacked.file("arm64"), include_bytes!("../../../fixtures/mach-o/example.macho"));
        assert_eq!(carve(&MachOFat, include_bytes!("../../../fixtures/java-class/Example.class"), 0), None);
    }
}
