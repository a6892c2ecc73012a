//! Implode, the method that PKZIP had before deflate. APPNOTE section 5.3.
//! <https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT>

use super::bits::{Bits, Order};
use super::huffman::Huffman;
use super::window::Window;
use super::{Sink, Stream};
use crate::blob::to_u64;
use crate::limits::{Budget, Output};
use crate::problem::Fault;

/// What the flags of a zip entry say of it.
#[derive(Debug, Clone, Copy)]
pub struct ImplodeProperties {
    /// A window of 8 KiB, not of 4.
    pub large_window: bool,
    /// A code for bytes, too.
    pub literal_code: bool,
}

/// Decompresses `size` bytes.
pub fn stream<'b>(input: &[u8], properties: ImplodeProperties, size: u64, budget: &'b Budget) -> Stream<'b> {
    let mut output = Output::new(budget, to_u64(input.len()));
    let mut bits = Bits::new(input, Order::Lowest);
    let mut window = Window::new(8 << 10, Some(0));
    let mut sink = |bytes: &[u8]| Ok(output.push(bytes)?);
    let result = decode(&mut bits, properties, size, &mut window, &mut sink);
    let fault = window.flush(&mut sink).and(result).err();
    Stream { output, consumed: bits.consumed(), fault }
}

fn decode(bits: &mut Bits<'_>, properties: ImplodeProperties, size: u64, window: &mut Window, sink: &mut Sink<'_>) -> Result<(), Fault> {
    let literals = if properties.literal_code { Some(code(bits, 256)?) } else { None };
    let (lengths, distances) = (code(bits, 64)?, code(bits, 64)?);
    let (width, least) = (if properties.large_window { 7 } else { 6 }, if properties.literal_code { 3_u64 } else { 2 });
    while window.made() < size {
        if bits.bit()? {
            let byte = match &literals {
                Some(code) => code.inverted_symbol(bits)?.into(),
                None => bits.number(8)?,
            };
            window.push(u8::try_from(byte).unwrap_or(0));
        } else {
            let low = u64::from(bits.number(width)?);
            let distance = (u64::from(distances.inverted_symbol(bits)?) << width) | low;
            let mut length = u64::from(lengths.inverted_symbol(bits)?);
            if length == 63 {
                length = length.saturating_add(bits.number(8)?.into());
            }
            window.copy(distance.saturating_add(1), length.saturating_add(least).min(size.saturating_sub(window.made())))?;
        }
        if window.is_full() {
            window.flush(sink)?;
        }
    }
    Ok(())
}

/// A code: u8 how many bytes follow, less one; each says how many symbols, less one, in its upper half, have codes of how many bits, less
/// one, in its lower half.
fn code(bits: &mut Bits<'_>, symbols: usize) -> Result<Huffman, Fault> {
    let count = bits.number(8)?.saturating_add(1);
    let mut lengths: Vec<u8> = Vec::new();
    for _ in 0..count {
        let run = u8::try_from(bits.number(8)?).unwrap_or(0);
        let repeated = std::iter::repeat_n((run & 15).saturating_add(1), usize::from(run >> 4).saturating_add(1));
        lengths.extend(repeated);
    }
    if lengths.len() != symbols {
        return Err(Fault::corrupt("implode: a code for another number of symbols"));
    }
    Huffman::new(&lengths)
}
