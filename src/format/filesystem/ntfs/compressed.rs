//! LZNT1: how NTFS compresses, 4096 bytes at a time.

use crate::blob::{Bytes, Endian, to_u64, to_usize};
use crate::problem::Fault;

/// Bytes that are compressed together.
const CHUNK: usize = 4096;

/// Decompresses chunks until `limit` bytes came out or none follows.
pub(super) fn lznt1(input: Bytes<'_>, limit: u64) -> Result<Vec<u8>, Fault> {
    let (mut output, mut at) = (Vec::new(), 0_u64);
    while to_u64(output.len()) < limit {
        // Length of the chunk less 3 in 12 bits, 3 bits that are always 011, and whether it is compressed.
        let Ok(header @ 1..) = input.u16(at, Endian::Little) else { break };
        let chunk = input.up_to(at.saturating_add(2), u64::from(header & 0xfff).saturating_add(1));
        if header & 0x8000 == 0 {
            output.extend_from_slice(chunk);
        } else {
            one(Bytes(chunk), &mut output)?;
        }
        at = at.saturating_add(u64::from(header & 0xfff)).saturating_add(3);
    }
    output.truncate(to_usize(limit));
    Ok(output)
}

/// One chunk: a byte of flags, then for each of its bits a byte as it is (0) or a distance and a length in 16 bits (1). The further on in the
/// chunk, the more of these bits the distance has.
fn one(chunk: Bytes<'_>, output: &mut Vec<u8>) -> Result<(), Fault> {
    let begin = output.len();
    let mut at = 0_u64;
    while let Ok(flags) = chunk.u8(at) {
        at = at.saturating_add(1);
        for bit in 0..8 {
            let written = output.len().saturating_sub(begin);
            if at >= chunk.len() || written >= CHUNK {
                break;
            }
            if flags >> bit & 1 == 0 {
                output.extend(chunk.u8(at));
                at = at.saturating_add(1);
                continue;
            }
            let token = chunk.u16(at, Endian::Little)?;
            at = at.saturating_add(2);
            let last = u32::try_from(written.saturating_sub(1)).unwrap_or(0);
            let shift = last.leading_zeros().saturating_sub(16).min(12);
            let length = usize::from(token & ((1_u16 << shift).wrapping_sub(1))).saturating_add(3);
            let distance = usize::from(token >> shift).saturating_add(1);
            if distance > written {
                return Err(Fault::corrupt("a compressed part repeats what is not there"));
            }
            for _ in 0..length.min(CHUNK.saturating_sub(written)) {
                let byte = output.get(output.len().saturating_sub(distance)).copied().unwrap_or(0);
                output.push(byte);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_protocol() {
        // From the specification of Microsoft ([MS-XCA] 3.3).
        let packed = [
            0x38, 0xb0, 0x88, 0x46, 0x23, 0x20, 0x00, 0x20, 0x47, 0x20, 0x41, 0x00, 0x10, 0xa2, 0x47, 0x01, 0xa0, 0x45, 0x20, 0x44, 0x00,
            0x08, 0x45, 0x01, 0x50, 0x79, 0x00, 0xc0, 0x45, 0x20, 0x05, 0x24, 0x13, 0x88, 0x05, 0xb4, 0x02, 0x4a, 0x44, 0xef, 0x03, 0x58,
            0x02, 0x8c, 0x09, 0x16, 0x01, 0x48, 0x45, 0x00, 0xbe, 0x00, 0x9e, 0x00, 0x04, 0x01, 0x18, 0x90, 0x00,
        ];
        let text = "F# F# G A A G F# E D D E F# F# E E F# F# G A A G F# E D D E F# E D D E E F# D E F# G F# D E F# G F# E D E A F# F# G A A G F# \
                    E D D E F# E D D\0";
        assert_eq!(String::from_utf8(lznt1(Bytes(&packed), 4096).unwrap()).unwrap(), text);
    }
}
