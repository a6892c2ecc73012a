//! Sunplus and iCatch, in dash cameras: a burn file of a boot loader and up to six parts.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// A burn file.
pub(super) static SUNPLUS: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "sunplus",
    name: "Sunplus burn file",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"SUNP BURN FILE\0\0")],
    leaf: false,
    references: &["https://github.com/armijnhemel/binaryanalysis-ng/tree/master/src/bang/parsers/firmware/sunplus"],
    limitations: &[],
};

const HEADER: u64 = 1024;

const NAMES: [&str; 6] = ["a.img", "b.img", "c.img", "bin", "bad-pixels", "dram"];

/// All numbers little endian; an offset of 0 is a part that is not there:
///
/// ```text
/// 0 magic   10 size of all   14 offset of a.img   18 of b.img   1c of c.img   20 of bin   24 of the bad pixels   28 of dram
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let word = |at| bytes.u32(at, Endian::Little).map(u64::from);
    let length = word(0x10)?;
    let mut starts = vec![(HEADER, "boot")];
    for (at, name) in (0x14..).step_by(4).zip(NAMES) {
        starts.extend(Some((word(at)?, name)).filter(|(start, _)| *start != 0));
    }
    if length <= HEADER || starts.len() < 2 || !starts.is_sorted() || starts.last().is_none_or(|(start, _)| *start > length) {
        return Err(Rejected("offsets"));
    }
    let mut found = Image::of(length);
    let ends = starts.iter().skip(1).map(|(start, _)| *start).chain([length]);
    for ((start, name), end) in starts.iter().zip(ends).filter(|((start, _), end)| start < end) {
        found.part(*name, Span::between(*start, end));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::parted;

    #[test]
    fn parts_come_out() {
        parted(&SUNPLUS, include_bytes!("../../../fixtures/sunplus/camera.brn"), &["boot", "a.img", "b.img", "bin", "bad-pixels", "dram"]);
    }
}
