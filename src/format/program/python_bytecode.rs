//! Compiled modules of Python: whole files.

use crate::blob::{Bytes, Endian};
use crate::format::simple::Leaf;
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// Python bytecode.
pub(super) static PYTHON_BYTECODE: Leaf = Leaf {
    spec: &Spec {
        id: "python-bytecode",
        name: "Python bytecode",
        kind: Kind::Program,
        magics: &[Magic::start(b"\r\n").at(2)],
        leaf: true,
        references: &["https://docs.python.org/3/library/importlib.html#importlib.util.MAGIC_NUMBER", "https://peps.python.org/pep-0552/"],
        limitations: &["in the middle of other bytes, as nothing says where it ends"],
    },
    reach,
};

/// u16 number of the language's version, little-endian, `\r\n`; from 3.7 on u32 flags, then 8 bytes; before: u32 time, and from 3.3 on u32 size.
/// Then a code object: `c`, or e3.
fn reach(input: Bytes<'_>) -> Result<u64, Rejected> {
    let version = input.u16(0, Endian::Little)?;
    let object = match version {
        3390..=3999 if input.u32(4, Endian::Little)? <= 3 => 16,
        3220..=3379 => 12,
        3000..=3210 | 60_202..=62_211 => 8,
        _ => return Err(Rejected("version")),
    };
    if matches!(input.u8(object)?, b'c' | 0xe3) { Ok(input.len()) } else { Err(Rejected("no code")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::simple::tests::whole;
    use crate::format::testing::carve;

    #[test]
    fn they_reach_to_their_end() {
        whole(&PYTHON_BYTECODE, include_bytes!("../../../fixtures/python-bytecode/example.pyc"));
        assert_eq!(carve(&PYTHON_BYTECODE, b"ab\r\n is how they begin, and this is a text", 0), None);
    }
}
