//! Undoes what UPX does to branches before it compresses: targets are counted from the start of the block, so that calls of one function
//! look alike.

use crate::problem::Fault;

/// The x86 filters: number, whether calls (e8), jumps (e9) and conditional jumps (0f 80 to 0f 8f) are meant.
const X86: &[(u8, bool, bool, bool)] = &[
    (0x24, true, false, false),
    (0x25, false, true, false),
    (0x26, true, true, false),
    (0x36, true, true, false),
    (0x46, true, true, false),
    (0x49, true, true, true),
];

/// Undoes the filter `id` with its parameter.
pub(super) fn undo(id: u8, parameter: u8, block: &mut [u8]) -> Result<(), Fault> {
    if let Some((_, call, jump, conditional)) = X86.iter().find(|row| row.0 == id) {
        x86(block, parameter, (*call, *jump, *conditional));
        return Ok(());
    }
    match id {
        0 => {}
        0x50 => words(block, |place, word| branch(word, word >> 24 & 0x0f == 0x0b, 24, place), u32::from_le_bytes, u32::to_le_bytes),
        0x51 => words(block, |place, word| branch(word, word >> 24 & 0x0f == 0x0b, 24, place), u32::from_be_bytes, u32::to_be_bytes),
        0x52 => words(block, |place, word| branch(word, word >> 24 & 0x7c == 0x14, 26, place), u32::from_le_bytes, u32::to_le_bytes),
        0xd0 => words(block, |place, word| powerpc(word, place, parameter), u32::from_be_bytes, u32::to_be_bytes),
        _ => return Err(Fault::unsupported(format!("the filter {id:#x}"))),
    }
    Ok(())
}

/// `change` gets the number of each word, and the word. The last one was never filtered.
fn words(block: &mut [u8], change: impl Fn(u32, u32) -> u32, from: fn([u8; 4]) -> u32, to: fn(u32) -> [u8; 4]) {
    let whole = block.len().saturating_sub(1) & !3;
    let (words, _) = block.get_mut(..whole).unwrap_or_default().as_chunks_mut::<4>();
    for (place, word) in (0..).zip(words) {
        *word = to(change(place, from(*word)));
    }
}

/// A branch whose lowest `width` bits count words.
fn branch(word: u32, is_one: bool, width: u32, place: u32) -> u32 {
    let mask = (1_u32 << width).wrapping_sub(1);
    if is_one { word & !mask | word.wrapping_sub(place) & mask } else { word }
}

/// Branches (opcode 18) that stayed within the block have `parameter` in the upper four bits of their target.
fn powerpc(word: u32, place: u32, parameter: u8) -> u32 {
    if word >> 26 != 18 || (word >> 22) & 0xf != u32::from(parameter) || place > 1 << 20 {
        return word;
    }
    let target = (word & 0x003f_fffc).wrapping_sub(place.wrapping_mul(4));
    word & 0xfc00_0003 | target & 0x03ff_fffc
}

/// Branches that stayed within the block have `mark` as the first byte of their target, which is big-endian then.
fn x86(block: &mut [u8], mark: u8, (call, jump, conditional): (bool, bool, bool)) {
    let (mut at, mut last) = (0_usize, 0_usize);
    while at < block.len().saturating_sub(5) {
        let opcode = block.get(at).copied().unwrap_or(0);
        let before = at.checked_sub(1).filter(|_| at != last).and_then(|before| block.get(before));
        let meant = (call && opcode == 0xe8)
            || (jump && opcode == 0xe9)
            || (conditional && before == Some(&0x0f) && (0x80..=0x8f).contains(&opcode));
        let field = at.saturating_add(1);
        at = field;
        if !meant || block.get(field) != Some(&mark) {
            continue;
        }
        if let Some(place) = block.get_mut(field..).and_then(|rest| rest.first_chunk_mut::<4>()) {
            let target = u32::from_be_bytes(*place).wrapping_sub(u32::from(mark) << 24);
            *place = target.wrapping_sub(u32::try_from(field).unwrap_or(0)).to_le_bytes();
        }
        at = field.saturating_add(4);
        last = at;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn undone(id: u8, parameter: u8, block: &[u8]) -> Vec<u8> {
        let mut block = block.to_vec();
        undo(id, parameter, &mut block).unwrap();
        block
    }

    #[test]
    fn branches_count_from_where_they_are_again() {
        // bl at word 1 that counted from the start: 0x10 - 1; the last word is left alone.
        assert_eq!(undone(0x50, 0, &[0, 0, 0, 0, 0x10, 0, 0, 0xeb, 1, 0, 0, 0xeb]), [0, 0, 0, 0, 0x0f, 0, 0, 0xeb, 1, 0, 0, 0xeb]);
        assert_eq!(undone(0x51, 0, &[0, 0, 0, 0, 0xeb, 0, 0, 0x10, 0, 0, 0, 0]), [0, 0, 0, 0, 0xeb, 0, 0, 0x0f, 0, 0, 0, 0]);
        // b at word 1, backwards over the start.
        assert_eq!(undone(0x52, 0, &[0, 0, 0, 0, 0, 0, 0, 0x14, 0, 0, 0, 0]), [0, 0, 0, 0, 0xff, 0xff, 0xff, 0x17, 0, 0, 0, 0]);
        // bl at word 1 to byte 0x20, marked 5.
        assert_eq!(undone(0xd0, 5, &[0, 0, 0, 0, 0x49, 0x40, 0, 0x21, 0, 0, 0, 0])[4..8], [0x48, 0, 0, 0x1d]);
        assert_eq!(undone(0xd0, 6, &[0, 0, 0, 0, 0x49, 0x40, 0, 0x21, 0, 0, 0, 0])[4..8], [0x49, 0x40, 0, 0x21]);
        // call at 1 to byte 0x12, marked 7; jz behind it only counts with filter 49.
        let filtered = [0x90, 0xe8, 7, 0, 0, 0x12, 0x0f, 0x84, 7, 0, 0, 0x18, 0, 0, 0, 0, 0];
        assert_eq!(undone(0x26, 7, &filtered), [0x90, 0xe8, 0x10, 0, 0, 0, 0x0f, 0x84, 7, 0, 0, 0x18, 0, 0, 0, 0, 0]);
        assert_eq!(undone(0x49, 7, &filtered), [0x90, 0xe8, 0x10, 0, 0, 0, 0x0f, 0x84, 0x10, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert!(undo(0x99, 0, &mut []).is_err());
        for id in 0..=u8::MAX {
            for length in 0..6 {
                let _ = undo(id, 0, &mut vec![0xe8; length]);
            }
        }
    }
}
