//! XPRESS with Huffman codes, as Windows images and NTFS use it.
//! <https://learn.microsoft.com/en-us/openspecs/windows_protocols/ms-xca/a8b7cb0a-92a6-4187-a23b-5e14273b96f8>

use super::bits::{Bits, Order};
use super::collect;
use super::huffman::Huffman;
use super::window::Window;
use crate::blob::Bytes;
use crate::problem::Fault;

/// Decompresses one block that holds `size` bytes.
///
/// # Errors
/// If it is broken.
pub fn block(input: &[u8], size: u64) -> Result<Vec<u8>, Fault> {
    collect("xpress", size, |sink| {
        let mut window = Window::new(64 << 10, None);
        let result = decode(Bytes(input), size, &mut window);
        (0, result.and_then(|()| window.flush(sink)).err())
    })
}

/// First the lengths of 512 codes, in four bits each, the lower half of a byte first; then words of bits, with bytes between them where
/// a length does not fit its code.
fn decode(input: Bytes<'_>, size: u64, window: &mut Window) -> Result<(), Fault> {
    let lengths: Vec<u8> = input.get(0, 256)?.iter().flat_map(|byte| [byte & 15, byte >> 4]).collect();
    let code = Huffman::new(&lengths)?;
    let mut bits = Bits::new(input.tail(256), Order::Words);
    while window.made() < size {
        bits.fill(15);
        let symbol = code.symbol(&mut bits)?;
        let Some(symbol) = symbol.checked_sub(256) else {
            window.push(u8::try_from(symbol).unwrap_or(0));
            continue;
        };
        let width = u32::from(symbol >> 4);
        bits.fill(16);
        let distance = (1_u64 << width) | u64::from(bits.number(width)?);
        let mut length = u64::from(symbol & 15);
        if length == 15 {
            length = length.saturating_add(bits.byte_behind()?.into());
            if length == 15 + 255 {
                length = u16::from_le_bytes([bits.byte_behind()?, bits.byte_behind()?]).into();
            }
        }
        window.copy(distance, length.saturating_add(3).min(size.saturating_sub(window.made())))?;
    }
    Ok(())
}
