//! Classes of Java.

use crate::blob::{Bytes, Endian};
use crate::format::simple::Leaf;
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// Class file.
pub(super) static JAVA_CLASS: Leaf = Leaf {
    spec: &Spec {
        id: "java-class",
        name: "Java class",
        kind: Kind::Program,
        magics: &[Magic::anywhere(&[0xca, 0xfe, 0xba, 0xbe])],
        leaf: true,
        references: &["https://docs.oracle.com/javase/specs/jvms/se21/html/jvms-4.html"],
        limitations: &[],
    },
    reach,
};

/// Where a walk over the file is. Every step is checked, and costs.
struct Walk<'a> {
    input: Bytes<'a>,
    at: u64,
    steps: u32,
}

/// Fields, methods and attributes at most.
const MOST: u32 = 1 << 18;

impl Walk<'_> {
    fn half(&mut self) -> Result<u16, Rejected> {
        let value = self.input.u16(self.at, Endian::Big)?;
        self.skip(2)?;
        Ok(value)
    }

    fn skip(&mut self, length: u64) -> Result<(), Rejected> {
        self.at = self.at.saturating_add(length);
        self.steps = self.steps.saturating_add(1);
        if self.at > self.input.len() || self.steps > MOST { Err(Rejected("too short")) } else { Ok(()) }
    }

    /// u16 number; each u16 name, u32 length, bytes.
    fn attributes(&mut self) -> Result<(), Rejected> {
        for _ in 0..self.half()? {
            let length = self.input.u32(self.at.saturating_add(2), Endian::Big)?;
            self.skip(u64::from(length).saturating_add(6))?;
        }
        Ok(())
    }

    /// u16 number; each u16 flags, u16 name, u16 type, attributes.
    fn members(&mut self) -> Result<(), Rejected> {
        for _ in 0..self.half()? {
            self.skip(6)?;
            self.attributes()?;
        }
        Ok(())
    }

    /// u16 number, one more than there are; each u8 kind, and what belongs to it. Long numbers count twice. Returns the kinds.
    fn constants(&mut self) -> Result<Vec<u8>, Rejected> {
        let count = usize::from(self.half()?);
        let mut kinds = vec![0];
        while kinds.len() < count {
            let kind = self.input.u8(self.at)?;
            let length = match kind {
                1 => u64::from(self.input.u16(self.at.saturating_add(1), Endian::Big)?).saturating_add(3),
                7 | 8 | 16 | 19 | 20 => 3,
                15 => 4,
                3 | 4 | 9..=12 | 17 | 18 => 5,
                5 | 6 => 9,
                _ => return Err(Rejected("constants")),
            };
            self.skip(length)?;
            kinds.push(kind);
            if matches!(kind, 5 | 6) {
                kinds.push(0);
            }
        }
        Ok(kinds)
    }
}

/// Magic, u16 and u16 version, constants, u16 flags, u16 this class, u16 its parent, interfaces, fields, methods, attributes; big-endian.
fn reach(input: Bytes<'_>) -> Result<u64, Rejected> {
    if !(45..=90).contains(&input.u16(6, Endian::Big)?) {
        return Err(Rejected("version"));
    }
    let mut walk = Walk { input, at: 8, steps: 0 };
    let kinds = walk.constants()?;
    walk.skip(2)?;
    let (this, parent) = (walk.half()?, walk.half()?);
    let class = |index: u16| kinds.get(usize::from(index)) == Some(&7);
    if !class(this) || !(parent == 0 || class(parent)) {
        return Err(Rejected("class"));
    }
    for _ in 0..walk.half()? {
        walk.skip(2)?;
    }
    walk.members()?;
    walk.members()?;
    walk.attributes()?;
    Ok(walk.at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::simple::tests::whole_and_in_junk;
    use crate::format::testing::carve;

    #[test]
    fn they_reach_to_their_end() {
        whole_and_in_junk(&JAVA_CLASS, include_bytes!("../../../fixtures/java-class/Example.class"));
        assert_eq!(carve(&JAVA_CLASS, b"\xca\xfe\xba\xbe\0\0\0\x34 and this is a text", 0), None);
    }
}
