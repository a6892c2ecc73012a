//! BLAKE2b: a hash, and how libsodium makes keys of a key.

use crate::blob::{Bytes, Endian};

/// The first numbers, as in SHA-512.
const START: [u64; 8] = [
    0x6a09_e667_f3bc_c908,
    0xbb67_ae85_84ca_a73b,
    0x3c6e_f372_fe94_f82b,
    0xa54f_f53a_5f1d_36f1,
    0x510e_527f_ade6_82d1,
    0x9b05_688c_2b3e_6c1f,
    0x1f83_d9ab_fb41_bd6b,
    0x5be0_cd19_137e_2179,
];

/// The order of the words of a block in each round.
#[rustfmt::skip]
const ORDER: [[usize; 16]; 10] = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
    [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
    [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
    [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
    [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
    [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
    [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
    [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
    [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
];

/// The quarters of a round: four columns, four diagonals.
const QUARTERS: [[usize; 4]; 8] =
    [[0, 4, 8, 12], [1, 5, 9, 13], [2, 6, 10, 14], [3, 7, 11, 15], [0, 5, 10, 15], [1, 6, 11, 12], [2, 7, 8, 13], [3, 4, 9, 14]];

/// The hash of 32 bytes.
pub(crate) fn hash(message: &[u8]) -> [u8; 32] {
    run([0x0101_0020, 0, 0, 0, 0, 0, 0, 0], message)
}

/// The key of 32 bytes that libsodium makes (`crypto_kdf_derive_from_key`) of another, a number, and a context.
pub(crate) fn derive(key: &[u8; 32], number: u64, context: [u8; 8]) -> [u8; 32] {
    let mut block = [0; 128];
    block.iter_mut().zip(key).for_each(|(place, byte)| *place = *byte);
    run([0x0101_2020, 0, 0, 0, number, 0, u64::from_le_bytes(context), 0], &block)
}

/// What changes the first numbers, and the message.
fn run(parameters: [u64; 8], message: &[u8]) -> [u8; 32] {
    let mut changes = parameters.into_iter();
    let mut state = START.map(|word| word ^ changes.next().unwrap_or(0));
    let last = message.len().saturating_sub(1) / 128;
    let mut hashed = 0_u64;
    let pieces = message.chunks(128).chain(message.is_empty().then_some(&[][..]));
    for (index, piece) in pieces.enumerate() {
        hashed = hashed.saturating_add(crate::blob::to_u64(piece.len()));
        let mut block = [0; 128];
        block.iter_mut().zip(piece).for_each(|(place, byte)| *place = *byte);
        compress(&mut state, &block, hashed, index == last);
    }
    let mut bytes = state.iter().flat_map(|word| word.to_le_bytes());
    std::array::from_fn(|_| bytes.next().unwrap_or(0))
}

fn compress(state: &mut [u64; 8], block: &[u8; 128], hashed: u64, last: bool) {
    let word = |at: usize| Bytes(block).u64(crate::blob::to_u64(at.saturating_mul(8)), Endian::Little).unwrap_or(0);
    let ends = [0, 0, 0, 0, hashed, 0, if last { u64::MAX } else { 0 }, 0];
    let mut all = state.iter().copied().chain(START.iter().zip(ends).map(|(word, change)| word ^ change));
    let mut work: [u64; 16] = std::array::from_fn(|_| all.next().unwrap_or(0));
    for order in ORDER.iter().cycle().take(12) {
        for (quarter, pair) in QUARTERS.iter().zip(order.as_chunks::<2>().0) {
            let [mut a, mut b, mut c, mut d] = quarter.map(|at| work.get(at).copied().unwrap_or(0));
            for (from, first, second) in pair.iter().zip([(32, 24), (16, 63)]).map(|(at, (first, second))| (word(*at), first, second)) {
                a = a.wrapping_add(b).wrapping_add(from);
                d = (d ^ a).rotate_right(first);
                c = c.wrapping_add(d);
                b = (b ^ c).rotate_right(second);
            }
            for (at, mixed) in quarter.iter().zip([a, b, c, d]) {
                if let Some(place) = work.get_mut(*at) {
                    *place = mixed;
                }
            }
        }
    }
    let (left, right) = work.split_at(8);
    state.iter_mut().zip(left.iter().zip(right)).for_each(|(word, (left, right))| *word ^= left ^ right);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_of_b2sum() {
        let hex = |bytes: [u8; 32]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert_eq!(hex(hash(b"abc")), "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
        assert_eq!(hex(hash(b"")), "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
    }
}
