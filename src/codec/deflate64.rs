//! Deflate64: deflate with a window of 64 KiB and longer matches; and deflate as the installers of NSIS have it.
//! <https://github.com/ip7z/7zip/blob/main/CPP/7zip/Compress/DeflateConst.h> names what differs from RFC 1951.

use super::bits::{Bits, Order};
use super::huffman::Huffman;
use super::window::Window;
use super::{Sink, Stream};
use crate::blob::{to_u64, to_usize};
use crate::limits::{Budget, Output};
use crate::problem::Fault;

/// The order in which lengths of codes for lengths of codes stand, RFC 1951 section 3.2.7.
const LENGTH_ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// What differs from RFC 1951.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Variant {
    /// The last length has 16 bits more, and distances go on.
    Deflate64,
    /// The length of a stored block has no complement behind it.
    Nsis,
}

/// Decompresses a stream at the start of `input`.
pub fn stream<'b>(input: &[u8], budget: &'b Budget) -> Stream<'b> {
    variant(input, Variant::Deflate64, budget)
}

/// Decompresses a stream of NSIS at the start of `input`.
pub fn nsis<'b>(input: &[u8], budget: &'b Budget) -> Stream<'b> {
    variant(input, Variant::Nsis, budget)
}

fn variant<'b>(input: &[u8], variant: Variant, budget: &'b Budget) -> Stream<'b> {
    let mut output = Output::new(budget, to_u64(input.len()));
    let mut bits = Bits::new(input, Order::Lowest);
    let mut window = Window::new(64 << 10, None);
    let mut sink = |bytes: &[u8]| Ok(output.push(bytes)?);
    let result = blocks(&mut bits, variant, &mut window, &mut sink);
    let fault = window.flush(&mut sink).and(result).err();
    Stream { output, consumed: bits.consumed(), fault }
}

fn blocks(bits: &mut Bits<'_>, variant: Variant, window: &mut Window, sink: &mut Sink<'_>) -> Result<(), Fault> {
    loop {
        let last = bits.bit()?;
        match bits.number(2)? {
            0 => stored(bits, variant, window)?,
            1 => {
                let (symbols, distances) = fixed()?;
                matches(bits, variant, &(symbols, distances), window, sink)?;
            }
            2 => {
                let (symbols, distances) = dynamic(bits)?;
                matches(bits, variant, &(symbols, distances), window, sink)?;
            }
            _ => return Err(Fault::corrupt("deflate64: a block of unknown kind")),
        }
        window.flush(sink)?;
        if last {
            return Ok(());
        }
    }
}

fn stored(bits: &mut Bits<'_>, variant: Variant, window: &mut Window) -> Result<(), Fault> {
    bits.align(false)?;
    let length = bits.number(16)?;
    if variant == Variant::Deflate64 && length ^ bits.number(16)? != 0xffff {
        return Err(Fault::corrupt("deflate64: the length of a stored block"));
    }
    window.extend(bits.bytes(length.into())?);
    Ok(())
}

fn fixed() -> Result<(Huffman, Huffman), Fault> {
    let lengths: Vec<u8> = [(144, 8), (112, 9), (24, 7), (8, 8)].into_iter().flat_map(|(count, length)| vec![length; count]).collect();
    Ok((Huffman::new(&lengths)?, Huffman::new(&[5; 32])?))
}

fn dynamic(bits: &mut Bits<'_>) -> Result<(Huffman, Huffman), Fault> {
    let (symbols, distances) = (bits.number(5)?.saturating_add(257), bits.number(5)?.saturating_add(1));
    let count = to_usize(bits.number(4)?.saturating_add(4).into());
    let mut lengths = [0_u8; 19];
    for index in LENGTH_ORDER.into_iter().take(count) {
        let length = u8::try_from(bits.number(3)?).unwrap_or(0);
        lengths.get_mut(index).into_iter().for_each(|place| *place = length);
    }
    let (code, mut lengths) = (Huffman::new(&lengths)?, Vec::<u8>::new());
    let total = to_usize(symbols.saturating_add(distances).into());
    while lengths.len() < total {
        let last = lengths.last().copied();
        let (count, length) = match code.symbol(bits)? {
            16 => (bits.number(2)?.saturating_add(3), last.ok_or_else(|| Fault::corrupt("deflate64: nothing to repeat"))?),
            17 => (bits.number(3)?.saturating_add(3), 0),
            18 => (bits.number(7)?.saturating_add(11), 0),
            length => (1, u8::try_from(length).unwrap_or(0)),
        };
        lengths.resize(lengths.len().saturating_add(to_usize(count.into())), length);
    }
    lengths.truncate(total);
    let (symbols, distances) = lengths.split_at(to_usize(symbols.into()).min(total));
    Ok((Huffman::new(symbols)?, Huffman::new(distances)?))
}

fn matches(
    bits: &mut Bits<'_>,
    variant: Variant,
    (symbols, distances): &(Huffman, Huffman),
    window: &mut Window,
    sink: &mut Sink<'_>,
) -> Result<(), Fault> {
    loop {
        let symbol = symbols.symbol(bits)?;
        let Some(length) = symbol.checked_sub(257) else {
            match u8::try_from(symbol) {
                Ok(byte) => window.push(byte),
                Err(_) => return Ok(()),
            }
            if window.is_full() {
                window.flush(sink)?;
            }
            continue;
        };
        let length = match length {
            // The longest: 16 bits say how much longer than the shortest.
            28 if variant == Variant::Nsis => 258,
            28 => bits.number(16)?.saturating_add(3),
            0..28 => stepped(bits, length, 2)?.saturating_add(3),
            _ => return Err(Fault::corrupt("deflate64: a length that is none")),
        };
        let slot = distances.symbol(bits)?;
        let distance = stepped(bits, slot, 1)?.saturating_add(1);
        window.copy(distance.into(), length.into())?;
    }
}

/// A number: of the symbols, two to the power of `shift` each have the same number of further bits, the first two times so many none.
fn stepped(bits: &mut Bits<'_>, symbol: u16, shift: u32) -> Result<u32, Fault> {
    let (symbol, each) = (u32::from(symbol), 1_u32 << shift);
    let extra = (symbol >> shift).saturating_sub(1);
    let base = if extra == 0 { symbol } else { (each | (symbol & each.saturating_sub(1))).checked_shl(extra).unwrap_or(0) };
    Ok(base.saturating_add(bits.number(extra.min(16))?))
}
