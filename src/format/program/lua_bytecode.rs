//! Compiled scripts of Lua: whole files.

use crate::blob::Bytes;
use crate::format::simple::Leaf;
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// Lua bytecode.
pub(super) static LUA_BYTECODE: Leaf = Leaf {
    spec: &Spec {
        id: "lua-bytecode",
        name: "Lua bytecode",
        kind: Kind::Program,
        magics: &[Magic::start(b"\x1bLua"), Magic::start(b"\x1bLJ")],
        leaf: true,
        references: &["https://www.lua.org/source/5.1/lundump.c.html"],
        limitations: &["in the middle of other bytes, as nothing says where it ends"],
    },
    reach,
};

/// Magic, u8 version (51 to 54), u8 0; in 5.1 then byte order, sizes of numbers and so on. LuaJIT: magic, u8 version, flags.
fn reach(input: Bytes<'_>) -> Result<u64, Rejected> {
    let known = match input.array::<6>(0)? {
        [_, b'L', b'J', version, flags, _] => (1..=2).contains(&version) && flags < 16,
        [_, _, _, _, 0x51, 0] => matches!(input.array::<4>(6)?, [0 | 1, 4 | 8, 4 | 8, 4 | 8]),
        [_, _, _, _, version, format] => (0x52..=0x54).contains(&version) && format == 0,
    };
    if known { Ok(input.len()) } else { Err(Rejected("version")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::simple::tests::whole;
    use crate::format::testing::carve;

    #[test]
    fn they_reach_to_their_end() {
        whole(&LUA_BYTECODE, include_bytes!("../../../fixtures/lua-bytecode/status.luac"));
        assert_eq!(carve(&LUA_BYTECODE, b"\x1bLua is how they begin, and this is a text", 0), None);
    }
}
