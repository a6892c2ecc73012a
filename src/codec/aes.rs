//! AES in the modes that vendors hide firmware with, for keys that are public.

use aes::{Aes128, Aes192, Aes256};
use cbc::cipher::common::array::Array;
use cbc::cipher::{BlockCipherDecrypt, BlockModeDecrypt, KeyInit, KeyIvInit};

use crate::limits::Exceeded;

/// Bytes decrypted at a time.
const STEP: usize = 4096;

/// Where decrypted bytes go.
type HandOn<'h> = dyn FnMut(&[u8]) -> Result<(), Exceeded> + 'h;

/// Decrypts in CBC mode and hands on what comes out: nothing, if the key has not 16, 24 or 32 bytes. What is no whole block at the end
/// stays as it is.
///
/// # Errors
/// Whatever `hand_on` says.
pub(crate) fn aes_cbc(key: &[u8], iv: &[u8], input: &[u8], hand_on: &mut HandOn<'_>) -> Result<(), Exceeded> {
    match key.len() {
        16 => chained::<cbc::Decryptor<Aes128>>(key, iv, input, hand_on),
        24 => chained::<cbc::Decryptor<Aes192>>(key, iv, input, hand_on),
        32 => chained::<cbc::Decryptor<Aes256>>(key, iv, input, hand_on),
        _ => Ok(()),
    }
}

fn chained<D: KeyIvInit + BlockModeDecrypt>(key: &[u8], iv: &[u8], input: &[u8], hand_on: &mut HandOn<'_>) -> Result<(), Exceeded> {
    let Ok(mut decryptor) = D::new_from_slices(key, iv) else { return Ok(()) };
    for step in input.chunks(STEP) {
        let mut bytes = step.to_vec();
        for block in bytes.chunks_exact_mut(16) {
            if let Ok(block) = <&mut Array<u8, D::BlockSize>>::try_from(block) {
                decryptor.decrypt_block(block);
            }
        }
        hand_on(&bytes)?;
    }
    Ok(())
}

/// Decrypts the whole blocks of `data`, each for itself. `None` if `key` has none of the three sizes.
pub(crate) fn decrypt_ecb(key: &[u8], data: &[u8]) -> Option<Vec<u8>> {
    match key.len() {
        16 => single::<Aes128>(key, data),
        24 => single::<Aes192>(key, data),
        32 => single::<Aes256>(key, data),
        _ => None,
    }
}

/// Decrypts blocks each for itself and hands on what comes out. What is no whole block at the end stays as it is.
///
/// # Errors
/// Whatever `hand_on` says.
pub(crate) fn aes_ecb(key: &[u8], input: &[u8], hand_on: &mut HandOn<'_>) -> Result<(), Exceeded> {
    for step in input.chunks(STEP) {
        let plain = decrypt_ecb(key, step).unwrap_or_default();
        hand_on(&plain)?;
        hand_on(step.get(plain.len()..).unwrap_or_default())?;
    }
    Ok(())
}

fn single<C: KeyInit + BlockCipherDecrypt>(key: &[u8], data: &[u8]) -> Option<Vec<u8>> {
    let cipher = C::new_from_slice(key).ok()?;
    let mut bytes = data.as_chunks::<16>().0.as_flattened().to_vec();
    for block in bytes.chunks_exact_mut(16) {
        cipher.decrypt_block(<&mut Array<u8, C::BlockSize>>::try_from(block).ok()?);
    }
    Some(bytes)
}

/// Decrypts the whole blocks of `data`, chained from `vector` on. `None` if `key` has none of the three sizes.
pub(crate) fn decrypt_cbc(key: &[u8], vector: [u8; 16], data: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::new();
    let whole = data.as_chunks::<16>().0.as_flattened();
    let result = aes_cbc(key, &vector, whole, &mut |bytes| {
        plain.extend_from_slice(bytes);
        Ok(())
    });
    (result.is_ok() && plain.len() == whole.len()).then_some(plain)
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
        let long = bytes("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4");
        let cbc = bytes("f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d");
        assert_eq!(decrypt_cbc(&long, vector, &cbc).unwrap(), plain);
        assert_eq!(decrypt_ecb(b"too short", &ecb), None);
        assert_eq!(decrypt_cbc(b"too short", vector, &cbc), None);
    }
}
