//! Time zones.

use crate::blob::{Bytes, Endian, to_u64};
use crate::format::simple::Leaf;
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// TZif.
pub(super) static TZIF: Leaf = Leaf {
    spec: &Spec {
        id: "tzif",
        name: "Time zone (TZif)",
        kind: Kind::Media,
        magics: &[Magic::anywhere(b"TZif\0"), Magic::anywhere(b"TZif2"), Magic::anywhere(b"TZif3"), Magic::anywhere(b"TZif4")],
        leaf: true,
        references: &["https://www.rfc-editor.org/rfc/rfc8536"],
        limitations: &[],
    },
    reach,
};

/// Twice, the second time with times of eight bytes from version 2 on: magic, u8 version, 15 zero bytes, six counts as u32, big-endian;
/// tables. Then a line of text.
fn reach(input: Bytes<'_>) -> Result<u64, Rejected> {
    let first = block(input, 0, 4)?;
    if input.u8(4)? == 0 {
        return Ok(first);
    }
    let second = block(input, first, 8)?;
    let line = input.up_to(second.saturating_add(1), 256).iter().position(|byte| *byte == b'\n').ok_or(Rejected("no line"))?;
    Ok(second.saturating_add(to_u64(line)).saturating_add(2))
}

fn block(input: Bytes<'_>, at: u64, time: u64) -> Result<u64, Rejected> {
    if !input.has(at, b"TZif") || input.get(at.saturating_add(5), 15)?.iter().any(|byte| *byte != 0) {
        return Err(Rejected("header"));
    }
    let count = |index: u64| input.u32(at.saturating_add(20).saturating_add(index.saturating_mul(4)), Endian::Big).map(u64::from);
    let (utc, standard, leaps, times, types, letters) = (count(0)?, count(1)?, count(2)?, count(3)?, count(4)?, count(5)?);
    if types == 0 || letters == 0 || times > 1 << 16 || types > 256 || letters > 1024 || leaps > 1024 || utc > 256 || standard > 256 {
        return Err(Rejected("counts"));
    }
    let entries = [(times, time.saturating_add(1)), (types, 6), (letters, 1), (leaps, time.saturating_add(4)), (standard, 1), (utc, 1)];
    let tables = entries.iter().fold(0_u64, |sum, (count, size)| sum.saturating_add(count.saturating_mul(*size)));
    Ok(at.saturating_add(44).saturating_add(tables))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::simple::tests::whole_and_in_junk;
    use crate::format::testing::carve;

    #[test]
    fn they_reach_to_their_end() {
        whole_and_in_junk(&TZIF, include_bytes!("../../../fixtures/tzif/Example"));
        assert_eq!(carve(&TZIF, b"TZif2 is how they begin, and this is a text, is it not? It is, and goes on.", 0), None);
    }
}
