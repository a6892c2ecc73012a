//! Encryption whose keys are published, undone.

use aes::{Aes128, Aes256};
use cbc::cipher::common::array::Array;
use cbc::cipher::{BlockModeDecrypt, KeyIvInit};

use crate::limits::Exceeded;

/// Bytes decrypted at a time.
const STEP: usize = 4096;

/// Decrypts AES in CBC mode with a key of 16 or 32 bytes and hands on what comes out. What is no whole block at the end stays as it is.
///
/// # Errors
/// Whatever `hand_on` says.
pub(crate) fn aes_cbc(key: &[u8], iv: &[u8], input: &[u8], hand_on: &mut dyn FnMut(&[u8]) -> Result<(), Exceeded>) -> Result<(), Exceeded> {
    if key.len() == 32 {
        run::<cbc::Decryptor<Aes256>>(key, iv, input, hand_on)
    } else {
        run::<cbc::Decryptor<Aes128>>(key, iv, input, hand_on)
    }
}

fn run<D: KeyIvInit + BlockModeDecrypt>(
    key: &[u8],
    iv: &[u8],
    input: &[u8],
    hand_on: &mut dyn FnMut(&[u8]) -> Result<(), Exceeded>,
) -> Result<(), Exceeded> {
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

/// The bytes, each changed by that of a key that repeats.
pub(crate) fn xor(key: &[u8], input: &[u8], hand_on: &mut dyn FnMut(&[u8]) -> Result<(), Exceeded>) -> Result<(), Exceeded> {
    let mut repeated = key.iter().cycle();
    for step in input.chunks(STEP) {
        let bytes: Vec<u8> = step.iter().zip(&mut repeated).map(|(byte, key)| byte ^ key).collect();
        hand_on(&bytes)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vectors_of_nist_come_out() {
        // SP 800-38A, F.2.2 and F.2.6.
        let hex = |text: &str| (0..text.len() / 2).map(|at| u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).unwrap()).collect::<Vec<_>>();
        let iv = hex("000102030405060708090a0b0c0d0e0f");
        let cases = [
            ("2b7e151628aed2a6abf7158809cf4f3c", "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"),
            (
                "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
                "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d",
            ),
        ];
        for (key, cipher) in cases {
            let mut plain = Vec::new();
            aes_cbc(&hex(key), &iv, &hex(cipher), &mut |bytes| {
                plain.extend_from_slice(bytes);
                Ok(())
            })
            .unwrap();
            assert_eq!(plain, hex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"));
        }
    }
}
