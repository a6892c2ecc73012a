//! Addresses in x86 code, which LZMS makes absolute before it compresses, made relative again.

use super::model::word;

/// How far behind an instruction that was told to be one others are believed to be.
const NEAR: i64 = 1023;

/// How far apart two instructions that use the same address make each other believed.
const WINDOW: i64 = 65_535;

/// Bytes at the end that are left alone.
const TAIL: usize = 16;

/// The length of an instruction before its address, and how near another one must be; or how many bytes to skip.
fn instruction(bytes: &[u8]) -> Result<(usize, i64), usize> {
    match bytes {
        [0xff, 0x15, ..] => Ok((2, NEAR)),
        [0xf0, 0x83, 0x05, ..] => Ok((3, NEAR)),
        [0x48 | 0x4c, 0x8d, place, ..] if place & 7 == 5 => Ok((3, NEAR)),
        [0x48, 0x8b, place, ..] if place & 0xf7 == 5 => Ok((3, NEAR)),
        [0xe8, ..] => Ok((1, NEAR >> 1)),
        [0xe9, ..] => Err(5),
        _ => Err(1),
    }
}

/// Changes all of `data`.
pub(super) fn undo(data: &mut [u8]) {
    let Some(end) = data.len().checked_sub(TAIL).filter(|end| *end > 1) else { return };
    let mut used = vec![WINDOW.saturating_add(1).saturating_neg(); 1 << 16];
    let mut code = NEAR.saturating_add(1).saturating_neg();
    let mut at = 1;
    while at < end {
        let (before, near) = match instruction(data.get(at..).unwrap_or_default()) {
            Ok(found) => found,
            Err(skip) => {
                at = at.saturating_add(skip);
                continue;
            }
        };
        let place = i64::try_from(at).unwrap_or(i64::MAX);
        let address = at.saturating_add(before);
        if place.saturating_sub(code) <= near {
            let relative = word(data, address).wrapping_sub(u32::try_from(at).unwrap_or(0));
            let target = data.get_mut(address..address.saturating_add(4));
            target.into_iter().for_each(|target| target.copy_from_slice(&relative.to_le_bytes()));
        }
        let target = (at & 0xffff).wrapping_add(usize::try_from(word(data, address) & 0xffff).unwrap_or(0)) & 0xffff;
        let last = address.saturating_add(3);
        let here = i64::try_from(last).unwrap_or(i64::MAX);
        if let Some(used) = used.get_mut(target) {
            if here.saturating_sub(*used) <= WINDOW {
                code = here;
            }
            *used = here;
        }
        at = address.saturating_add(4);
    }
}
