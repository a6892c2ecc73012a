//! rubin: arithmetic coding of single bits, each with a probability of its place in the byte.

/// Half of the range of the coder's numbers.
const HALF: u64 = 1 << 15;
/// Bits that decoding begins with, and that encoding ends with.
const REGISTER: u64 = 16;

/// Probabilities of "rubinmips", of ones for each bit of a byte from the lowest on, and what they are parts of.
const MIPS: ([u64; 8], u64) = ([277, 249, 290, 267, 229, 341, 212, 241], 1043);

/// Decompresses `input` to `size` bytes. There are two kinds: "rubinmips" has fixed probabilities, "dynrubin" has them in front. Their
/// numbers were exchanged when Linux got tables of compressors, so that only the data says which one it is: the right one takes all of
/// it. `fixed_first` says which one is tried first. Nothing if neither takes all.
pub(super) fn decompress(input: &[u8], size: usize, fixed_first: bool) -> Option<Vec<u8>> {
    let dynamic = || {
        let (head, data) = input.split_at_checked(8)?;
        let mut ones = [0; 8];
        ones.iter_mut().zip(head).for_each(|(to, from)| *to = u64::from(*from));
        whole(data, size, ones, 256)
    };
    let fixed = || whole(input, size, MIPS.0, MIPS.1);
    if fixed_first { fixed().or_else(dynamic) } else { dynamic().or_else(fixed) }
}

fn whole(input: &[u8], size: usize, ones: [u64; 8], parts: u64) -> Option<Vec<u8>> {
    let mut decoder = Decoder { input, pulled: 0, p: 2 * HALF, q: 0, read: 0 };
    for _ in 0..REGISTER {
        decoder.pull();
    }
    let mut output = Vec::with_capacity(size.min(1 << 16));
    let most = crate::format::length_of(input).saturating_mul(8);
    while output.len() < size {
        let bit = |byte: u8, ones: &u64| (byte >> 1) | if decoder.one(*ones, parts) { 0x80 } else { 0 };
        output.push(ones.iter().fold(0, bit));
        if decoder.pulled > most {
            return None;
        }
    }
    (decoder.pulled.div_ceil(8) == crate::format::length_of(input)).then_some(output)
}

/// The range from `q` on, `p` wide, and the place in it that was read.
struct Decoder<'i> {
    input: &'i [u8],
    pulled: u64,
    p: u64,
    q: u64,
    read: u64,
}

impl Decoder<'_> {
    /// Appends the next bit of the input; zeros behind its end.
    fn pull(&mut self) {
        let byte = usize::try_from(self.pulled / 8).ok().and_then(|at| self.input.get(at)).copied().unwrap_or(0);
        let shift = 7_u64.saturating_sub(self.pulled % 8);
        self.read = ((self.read & HALF.saturating_sub(1)) << 1) | ((u64::from(byte) >> shift) & 1);
        self.pulled = self.pulled.saturating_add(1);
    }

    fn one(&mut self, ones: u64, parts: u64) -> bool {
        while (self.q >= HALF || self.p.saturating_add(self.q) <= HALF) && self.p > 0 {
            self.q = (self.q & HALF.saturating_sub(1)) << 1;
            self.p = self.p.wrapping_shl(1) & 0xff_ffff;
            self.pull();
        }
        let zero = parts.saturating_sub(ones).saturating_mul(self.p).checked_div(parts).unwrap_or(0);
        let zero = zero.max(1).min(self.p.saturating_sub(1));
        let one = self.read >= self.q.saturating_add(zero);
        if one {
            self.q = self.q.saturating_add(zero);
            self.p = self.p.saturating_sub(zero);
        } else {
            self.p = zero;
        }
        one
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The other direction, as the coder is described.
    fn compress(data: &[u8], ones: [u64; 8], parts: u64) -> Vec<u8> {
        let (mut bits, mut p, mut q) = (Vec::new(), 2 * HALF, 0);
        for byte in data {
            for (place, ones) in ones.iter().enumerate() {
                while q >= HALF || p + q <= HALF {
                    bits.push(q & HALF != 0);
                    q = (q & (HALF - 1)) << 1;
                    p <<= 1;
                }
                let zero = ((parts - ones) * p / parts).max(1).min(p - 1);
                if byte >> place & 1 == 0 {
                    p = zero;
                } else {
                    (p, q) = (p - zero, q + zero);
                }
            }
        }
        for _ in 0..REGISTER {
            bits.push(q & HALF != 0);
            q = (q & (HALF - 1)) << 1;
        }
        bits.chunks(8).map(|eight| eight.iter().enumerate().fold(0, |byte, (at, bit)| byte | u8::from(*bit) << (7 - at))).collect()
    }

    #[test]
    fn both_kinds_are_told_apart() {
        let text = "the quick brown fox jumps over the lazy dog, again and again; ".repeat(40).into_bytes();
        let fixed = compress(&text, MIPS.0, MIPS.1);
        let ones = [120, 60, 130, 70, 90, 240, 200, 1];
        let dynamic = [ones.map(|one| u8::try_from(one).unwrap()).to_vec(), compress(&text, ones, 256)].concat();
        assert!(dynamic.len() < text.len());
        for packed in [fixed, dynamic] {
            for first in [true, false] {
                assert_eq!(decompress(&packed, text.len(), first).as_deref(), Some(text.as_slice()));
            }
            assert_eq!(decompress(&packed[..packed.len() / 2], text.len(), true), None);
        }
        assert_eq!(decompress(&[], 10, true), None);
        assert_eq!(decompress(&[0; 20], 4096, false), None);
    }
}
