//! AES in the modes that vendors hide firmware with, for keys that are public.

use aes::cipher::{Array, BlockCipherDecrypt, KeyInit};
use aes::{Aes128, Aes192, Aes256};

enum Cipher {
    Aes128(Aes128),
    Aes192(Aes192),
    Aes256(Aes256),
}

impl Cipher {
    fn new(key: &[u8]) -> Option<Self> {
        match key.len() {
            16 => Aes128::new_from_slice(key).ok().map(Self::Aes128),
            24 => Aes192::new_from_slice(key).ok().map(Self::Aes192),
            32 => Aes256::new_from_slice(key).ok().map(Self::Aes256),
            _ => None,
        }
    }

    fn block(&self, block: &[u8; 16]) -> [u8; 16] {
        let mut block = Array::from(*block);
        match self {
            Self::Aes128(cipher) => cipher.decrypt_block(&mut block),
            Self::Aes192(cipher) => cipher.decrypt_block(&mut block),
            Self::Aes256(cipher) => cipher.decrypt_block(&mut block),
        }
        block.into()
    }
}

/// Decrypts the whole blocks of `data`, each for itself. `None` if `key` has none of the three sizes.
pub(crate) fn decrypt_ecb(key: &[u8], data: &[u8]) -> Option<Vec<u8>> {
    let cipher = Cipher::new(key)?;
    Some(data.as_chunks().0.iter().flat_map(|block| cipher.block(block)).collect())
}

/// Decrypts the whole blocks of `data`, chained from `vector` on. `None` if `key` has none of the three sizes.
pub(crate) fn decrypt_cbc(key: &[u8], vector: [u8; 16], data: &[u8]) -> Option<Vec<u8>> {
    let cipher = Cipher::new(key)?;
    let mut before = vector;
    let chained = |block: &[u8; 16]| {
        let mut plain = cipher.block(block);
        plain.iter_mut().zip(before).for_each(|(byte, mask)| *byte ^= mask);
        before = *block;
        plain
    };
    Some(data.as_chunks().0.iter().flat_map(chained).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    }

    #[test]
    fn the_examples_of_sp_800_38a() {
        let (key, plain) =
            (bytes("2b7e151628aed2a6abf7158809cf4f3c"), bytes("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"));
        let ecb = bytes("3ad77bb40d7a3660a89ecaf32466ef97f5d3d58503b9699de785895a96fdbaaf");
        assert_eq!(decrypt_ecb(&key, &ecb).unwrap(), plain);
        let cbc = bytes("7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2");
        let vector: [u8; 16] = bytes("000102030405060708090a0b0c0d0e0f").try_into().unwrap();
        assert_eq!(decrypt_cbc(&key, vector, &cbc).unwrap(), plain);
        assert_eq!(decrypt_ecb(b"too short", &ecb), None);
    }
}
