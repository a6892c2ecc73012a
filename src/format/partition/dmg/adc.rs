//! ADC: Apple's own compression of the 1990s, by repetition of what came before.

use crate::blob::{Bytes, Endian, to_u64};
use crate::problem::Fault;

/// Decompresses `input` into at most `limit` bytes. A byte with bit 7: so many bytes more, plus one, follow as they are. With bit 6: 4 bytes and
/// more from as far back as the next two bytes say. Else: 3 bytes and more in bits 2 to 5, and the distance in bits 0 and 1 and the next byte.
pub(super) fn block(input: &[u8], limit: u64) -> Result<Vec<u8>, Fault> {
    let (bytes, mut output, mut at) = (Bytes(input), Vec::new(), 0_u64);
    while let Ok(code) = bytes.u8(at) {
        if to_u64(output.len()) >= limit {
            break;
        }
        let low = u64::from(code & 0x3f);
        if code & 0x80 != 0 {
            let length = u64::from(code & 0x7f).saturating_add(1);
            output.extend_from_slice(bytes.get(at.saturating_add(1), length)?);
            at = at.saturating_add(1).saturating_add(length);
            continue;
        }
        let (length, distance, taken) = if code & 0x40 != 0 {
            (low.saturating_add(4), u64::from(bytes.u16(at.saturating_add(1), Endian::Big)?), 3)
        } else {
            ((low >> 2).saturating_add(3), (low & 3) << 8 | u64::from(bytes.u8(at.saturating_add(1))?), 2)
        };
        for _ in 0..length {
            let back = to_u64(output.len()).checked_sub(distance.saturating_add(1));
            let byte = back.and_then(|back| output.get(crate::blob::to_usize(back)).copied());
            output.push(byte.ok_or_else(|| Fault::corrupt("ADC: it repeats what is not there"))?);
        }
        at = at.saturating_add(taken);
    }
    Ok(output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_codes() {
        let packed = [0x83, b'a', b'b', b'c', b'd', 0x04, 0x03, 0x41, 0x00, 0x07];
        assert_eq!(block(&packed, 100).unwrap(), b"abcdabcdabcda");
        assert!(block(&[0x00, 0x05], 100).is_err());
    }
}
