//! Names of streams, which installer packages squeeze: two characters into one.

/// The characters that can be squeezed.
const SQUEEZED: &[u8; 64] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._";

/// Mark of the name of a table.
const TABLE: u16 = 0x4840;

/// The name as people know it. Control characters, which programs mark their own streams with, become numbers in brackets.
pub(super) fn readable(units: impl Iterator<Item = u16>) -> String {
    let mut name: Vec<u16> = Vec::new();
    for unit in units {
        let character = |index: u16| SQUEEZED.get(usize::from(index & 0x3f)).map_or(u16::from(b'?'), |byte| u16::from(*byte));
        match unit {
            0x3800..0x4800 => name.extend([character(unit), character(unit.wrapping_sub(0x3800) >> 6)]),
            0x4800..TABLE => name.push(character(unit)),
            TABLE => name.push(b'!'.into()),
            0..0x20 => name.extend(format!("[{unit}]").encode_utf16()),
            unit => name.push(unit),
        }
    }
    crate::format::utf16_part_text(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_readable() {
        assert_eq!(readable([5, u16::from(b'S')].into_iter()), "[5]S");
        assert_eq!(readable([0x4840, 0x3f3f, 0x4577, 0x446c, 0x3b6a, 0x45e4, 0x4824].into_iter()), "!_StringData");
        assert_eq!(readable([b'a'.into(), b'/'.into()].into_iter()), "a\\x2fb".replace('b', ""));
    }
}
