//! The ideographs that Chinese is mostly written with.

use std::sync::LazyLock;

/// The first level of GB 2312, rows 16 to 55: the 3755 ideographs in general use. One bit a code point.
static USUAL: LazyLock<Vec<u64>> = LazyLock::new(|| {
    let mut bits = vec![0_u64; 1024];
    for lead in 0xb0..=0xd7_u8 {
        for trail in 0xa1..=0xfe_u8 {
            let pair = [lead, trail];
            let text = encoding_rs::GB18030.decode_without_bom_handling_and_without_replacement(&pair);
            // A few places of the last row are empty.
            let Some(code) = text.and_then(|text| u16::try_from(u32::from(text.chars().next()?)).ok()) else { continue };
            if let Some(word) = bits.get_mut(usize::from(code / 64)) {
                *word |= 1_u64.wrapping_shl(u32::from(code % 64));
            }
        }
    }
    bits
});

/// Whether this code point is one of them.
pub(super) fn is_usual(unit: u16) -> bool {
    (0x4e00..=0x9fff).contains(&unit)
        && USUAL.get(usize::from(unit / 64)).is_some_and(|word| word.wrapping_shr(u32::from(unit % 64)) & 1 == 1)
}
