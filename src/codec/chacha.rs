//! ChaCha20 and what libsodium's secretstream makes of it (XChaCha20): decrypting only, the codes of authenticity are not looked at.

use crate::blob::{Bytes, Endian};

/// "expand 32-byte k".
const CONSTANTS: [u32; 4] = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574];

/// The quarters of a double round: four columns, four diagonals.
const QUARTERS: [[usize; 4]; 8] =
    [[0, 4, 8, 12], [1, 5, 9, 13], [2, 6, 10, 14], [3, 7, 11, 15], [0, 5, 10, 15], [1, 6, 11, 12], [2, 7, 8, 13], [3, 4, 9, 14]];

/// Ten double rounds.
fn rounds(mut state: [u32; 16]) -> [u32; 16] {
    for quarter in QUARTERS.iter().cycle().take(80) {
        let [mut a, mut b, mut c, mut d] = quarter.map(|at| state.get(at).copied().unwrap_or(0));
        for (first, second) in [(16, 12), (8, 7)] {
            a = a.wrapping_add(b);
            d = (d ^ a).rotate_left(first);
            c = c.wrapping_add(d);
            b = (b ^ c).rotate_left(second);
        }
        for (at, word) in quarter.iter().zip([a, b, c, d]) {
            if let Some(place) = state.get_mut(*at) {
                *place = word;
            }
        }
    }
    state
}

/// Constants, key, and the last four words.
fn state(key: &[u8; 32], last: [u32; 4]) -> [u32; 16] {
    let mut words = CONSTANTS.into_iter().chain(words(key)).chain(last);
    std::array::from_fn(|_| words.next().unwrap_or(0))
}

/// Bytes as numbers, little endian.
fn words(bytes: &[u8]) -> impl Iterator<Item = u32> + '_ {
    bytes.as_chunks().0.iter().map(|word| u32::from_le_bytes(*word))
}

/// One block of the stream.
fn block(key: &[u8; 32], counter: u32, nonce: [u32; 3]) -> Vec<u8> {
    let [first, second, third] = nonce;
    let start = state(key, [counter, first, second, third]);
    rounds(start).iter().zip(start).flat_map(|(word, start)| word.wrapping_add(start).to_le_bytes()).collect()
}

/// A stream of messages, as `crypto_secretstream_xchacha20poly1305` of libsodium writes them.
#[derive(Debug)]
pub(crate) struct SecretStream {
    key: [u8; 32],
    counter: u32,
    nonce: [u8; 8],
}

impl SecretStream {
    /// Bytes of the header of a stream, and those that each message is longer than what is in it.
    pub(crate) const HEADER: u64 = 24;
    pub(crate) const MORE: u64 = 17;

    /// A stream with this key and header.
    pub(crate) fn new(key: &[u8; 32], header: [u8; 24]) -> Self {
        let mut last = words(&header);
        let last = std::array::from_fn(|_| last.next().unwrap_or(0));
        let mixed = rounds(state(key, last));
        let kept = mixed.iter().take(4).chain(mixed.iter().skip(12)).flat_map(|word| word.to_le_bytes());
        let mut derived = [0; 32];
        derived.iter_mut().zip(kept).for_each(|(place, byte)| *place = byte);
        Self { key: derived, counter: 1, nonce: Bytes(&header).array(16).unwrap_or_default() }
    }

    /// What is in the next message. One that changes the key for those behind it is the last that can be read.
    pub(crate) fn message(&mut self, message: &[u8]) -> Vec<u8> {
        let length = message.len().saturating_sub(17);
        let sealed = message.get(1..).unwrap_or_default();
        let (sealed, code) = sealed.split_at_checked(length).unwrap_or((sealed, &[]));
        let nonce = Bytes(&self.nonce);
        let half = |at| nonce.u32(at, Endian::Little).unwrap_or(0);
        let nonce = [self.counter, half(0), half(4)];
        let stream = (2_u32..).flat_map(|counter| block(&self.key, counter, nonce));
        let plain = sealed.iter().zip(stream).map(|(byte, mask)| byte ^ mask).collect();
        self.nonce.iter_mut().zip(code).for_each(|(byte, mask)| *byte ^= mask);
        self.counter = self.counter.wrapping_add(1);
        plain
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_8439() {
        let key: [u8; 32] = std::array::from_fn(|at| u8::try_from(at).unwrap());
        let nonce = [0x0900_0000, 0x4a00_0000, 0];
        assert_eq!(block(&key, 1, nonce)[..8], [0x10, 0xf1, 0xe7, 0xe4, 0xd1, 0x3b, 0x59, 0x15]);
    }
}
