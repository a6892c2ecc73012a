//! XXH32, the checksum of LZ4 frames.

const PRIMES: [u32; 5] = [0x9e37_79b1, 0x85eb_ca77, 0xc2b2_ae3d, 0x27d4_eb2f, 0x1656_67b1];

/// XXH32 with seed 0 of bytes that come piece by piece. <https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md>
pub(super) struct Xxh32 {
    lanes: [u32; 4],
    length: u32,
    rest: Vec<u8>,
}

impl Xxh32 {
    pub(super) fn new() -> Self {
        let [first, second, ..] = PRIMES;
        Self { lanes: [first.wrapping_add(second), second, 0, first.wrapping_neg()], length: 0, rest: Vec::new() }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        // The length counts modulo 2^32, as the specification has it.
        self.length = self.length.wrapping_add(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        let missing = 16_usize.saturating_sub(self.rest.len()) % 16;
        let (first, bytes) = bytes.split_at(missing.min(bytes.len()));
        self.rest.extend_from_slice(first);
        if self.rest.len() == 16 {
            let stripe = std::mem::take(&mut self.rest);
            self.stripe(&stripe);
        }
        if self.rest.is_empty() {
            let stripes = bytes.chunks_exact(16);
            self.rest.extend_from_slice(stripes.remainder());
            stripes.for_each(|stripe| self.stripe(stripe));
        }
    }

    fn stripe(&mut self, stripe: &[u8]) {
        let [first, second, ..] = PRIMES;
        let (words, _) = stripe.as_chunks::<4>();
        for (lane, word) in self.lanes.iter_mut().zip(words) {
            *lane = lane.wrapping_add(u32::from_le_bytes(*word).wrapping_mul(second)).rotate_left(13).wrapping_mul(first);
        }
    }

    pub(super) fn finish(&self) -> u32 {
        let [first, second, third, fourth, fifth] = PRIMES;
        let [one, two, three, four] = self.lanes;
        let long = one.rotate_left(1).wrapping_add(two.rotate_left(7)).wrapping_add(three.rotate_left(12));
        let mut sum = if self.length >= 16 { long.wrapping_add(four.rotate_left(18)) } else { fifth };
        sum = sum.wrapping_add(self.length);
        let (words, bytes) = self.rest.as_chunks::<4>();
        for word in words {
            sum = sum.wrapping_add(u32::from_le_bytes(*word).wrapping_mul(third)).rotate_left(17).wrapping_mul(fourth);
        }
        for byte in bytes {
            sum = sum.wrapping_add(u32::from(*byte).wrapping_mul(fifth)).rotate_left(11).wrapping_mul(first);
        }
        sum = (sum ^ (sum >> 15)).wrapping_mul(second);
        sum = (sum ^ (sum >> 13)).wrapping_mul(third);
        sum ^ (sum >> 16)
    }

    pub(super) fn of(bytes: &[u8]) -> u32 {
        let mut sum = Self::new();
        sum.update(bytes);
        sum.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_sums() {
        assert_eq!(Xxh32::of(b""), 0x02cc_5d05);
        assert_eq!(Xxh32::of(b"a"), 0x550d_7456);
        assert_eq!(Xxh32::of(b"abc"), 0x32d1_53ff);
        assert_eq!(Xxh32::of(b"Nobody inspects the spammish repetition"), 0xe229_3b2f);
    }

    #[test]
    fn pieces_are_the_whole() {
        let bytes: Vec<u8> = (0..=255).collect();
        for cut in 0..bytes.len() {
            let mut sum = Xxh32::new();
            sum.update(&bytes[..cut]);
            sum.update(&bytes[cut..cut + (bytes.len() - cut) / 3]);
            sum.update(&bytes[cut + (bytes.len() - cut) / 3..]);
            assert_eq!(sum.finish(), Xxh32::of(&bytes), "{cut}");
        }
    }
}
