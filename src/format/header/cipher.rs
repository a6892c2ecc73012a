//! Encryption whose keys are published, undone.

pub(crate) use crate::codec::aes::aes_cbc;
use crate::limits::Exceeded;

/// Bytes decrypted at a time.
const STEP: usize = 4096;

/// The bytes, each changed by that of a key that repeats.
pub(crate) fn xor(key: &[u8], input: &[u8], hand_on: &mut dyn FnMut(&[u8]) -> Result<(), Exceeded>) -> Result<(), Exceeded> {
    let mut repeated = key.iter().cycle();
    for step in input.chunks(STEP) {
        let bytes: Vec<u8> = step.iter().zip(&mut repeated).map(|(byte, key)| byte ^ key).collect();
        hand_on(&bytes)?;
    }
    Ok(())
}
