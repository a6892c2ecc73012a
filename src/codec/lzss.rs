//! LZSS as Okumura's program of 1989 and its many descendants write it: a flag for each of eight items, a ring of bytes.

use crate::blob::{to_u64, to_usize};

/// What the descendants differ in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lzss {
    /// What the ring is filled with at first, if not with what LArc's is.
    pub fill: Option<u8>,
    /// Where in the ring of 4096 bytes the first byte goes.
    pub first: u16,
    /// The length of the shortest copy.
    pub shortest: u8,
}

/// What LArc's ring holds at first: each byte 13 times, all bytes up and down, zeros, spaces.
fn larc() -> Vec<u8> {
    let runs = (0..=u8::MAX).flat_map(|byte| [byte; 13]);
    let mut ring: Vec<u8> = runs.chain(0..=u8::MAX).chain((0..=u8::MAX).rev()).chain([0; 128]).collect();
    ring.resize(4096, b' ');
    ring
}

impl Lzss {
    /// Okumura's own.
    pub const OKUMURA: Self = Self { fill: Some(b' '), first: 4096 - 18, shortest: 3 };
    /// That of COMPRESS.EXE of MS-DOS.
    pub const SZDD: Self = Self { fill: Some(b' '), first: 4096 - 16, shortest: 3 };

    /// lz5 of LArc.
    pub const LARC: Self = Self { fill: None, first: 4096 - 18, shortest: 3 };

    /// Decompresses until the input ends or `limit` bytes came out. Flags come first, lowest bit first: one for a byte as it is, zero for a
    /// copy: u8 lower bits of the place in the ring, u8 its upper four bits and the length less the shortest.
    pub fn block(self, input: &[u8], limit: u64) -> Vec<u8> {
        let mut ring = self.fill.map_or_else(larc, |fill| vec![fill; 4096]);
        let (mut at, mut output) = (usize::from(self.first), Vec::new());
        let mut bytes = input.iter().copied();
        let mut put = |byte: u8, output: &mut Vec<u8>, ring: &mut Vec<u8>| {
            if let Some(place) = ring.get_mut(at & 0xfff) {
                *place = byte;
            }
            at = at.wrapping_add(1);
            output.push(byte);
        };
        while let Some(flags) = bytes.next() {
            for bit in 0..8 {
                if to_u64(output.len()) >= limit {
                    return output;
                }
                let Some(low) = bytes.next() else { return output };
                if flags >> bit & 1 == 1 {
                    put(low, &mut output, &mut ring);
                    continue;
                }
                let Some(high) = bytes.next() else { return output };
                let from = usize::from(low) | (usize::from(high & 0xf0) << 4);
                let length = usize::from(high & 0x0f).saturating_add(self.shortest.into());
                let left = to_usize(limit.saturating_sub(to_u64(output.len())));
                for step in 0..length.min(left) {
                    let byte = ring.get(from.wrapping_add(step) & 0xfff).copied().unwrap_or(0);
                    put(byte, &mut output, &mut ring);
                }
            }
        }
        output
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_copies_and_the_ring_before_the_start() {
        // Three bytes, a copy of five from the first on, a copy of what was never written.
        let packed = [0b0000_0111, b'a', b'b', b'c', 0xf0, 0xf2, 0x00, 0x00];
        assert_eq!(Lzss::SZDD.block(&packed, 100), b"abcabcab   ");
        assert_eq!(Lzss::SZDD.block(&packed, 5), b"abcab");
        assert_eq!(Lzss::SZDD.block(&packed[..7], 100), b"abcabcab");
    }
}
