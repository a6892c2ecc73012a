//! The compression of the EFI specification, and Tiano, which is the same with more bits for the distances. The decoder is ours.
//!
//! <https://uefi.org/specs/UEFI/2.10/19_Compression_Algorithm_Specification.html>: LZ77 with Huffman codes in blocks, a relative of LHA.

use super::{Part, STEP, Sink, Stream, collect};
use crate::blob::{Bytes, Endian, to_u64, to_usize};
use crate::limits::{Budget, Output};
use crate::problem::Fault;

/// Bits in which the number of distance codes is written: all that makes the difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Variant {
    /// EFI 1.1: windows of 8 KiB.
    Efi11,
    /// Tiano: windows of any size.
    Tiano,
}

/// u32 size of the compressed data, u32 size of what comes out; little-endian.
const HEADER: u64 = 8;

/// Literals, then lengths from 3 on.
const SYMBOLS: usize = 510;
/// Codes of lengths of codes.
const LENGTHS: usize = 19;
/// Codes of distances that there may be at most.
const DISTANCES: usize = 31;

pub(super) fn block(input: &[u8], limit: u64, variant: Variant) -> Result<Vec<u8>, Fault> {
    collect("efi", limit, |sink| one(Bytes(input), variant, sink))
}

pub(super) fn stream<'b>(input: &[u8], budget: &'b Budget, variant: Variant) -> Stream<'b> {
    let mut output = Output::new(budget, to_u64(input.len()));
    let (consumed, fault) = one(Bytes(input), variant, &mut |bytes| Ok(output.push(bytes)?));
    Stream { output, consumed, fault }
}

fn one(input: Bytes<'_>, variant: Variant, sink: &mut Sink<'_>) -> Part {
    let (packed, size) = match (input.u32(0, Endian::Little), input.u32(4, Endian::Little)) {
        (Ok(packed), Ok(size)) => (u64::from(packed), u64::from(size)),
        _ => return (0, Some(Fault::Truncated("efi: the header is cut".to_owned()))),
    };
    // Each match takes a bit at least, and makes 256 bytes at most.
    if size > packed.saturating_mul(8 * 256) || packed == 0 {
        return (0, Some(Fault::corrupt("efi: sizes that cannot be")));
    }
    let data = input.up_to(HEADER, packed);
    let consumed = HEADER.saturating_add(to_u64(data.len()));
    let mut decoder = Decoder { bits: Bits { input: data, at: 0, over: 0 }, window: Vec::new(), flushed: 0 };
    let result = decoder.run(variant, size, sink);
    let result = result.and_then(|()| if to_u64(data.len()) < packed { Err(cut()) } else { Ok(()) });
    let rest = decoder.window.get(decoder.flushed..).unwrap_or_default();
    let flushed = sink(rest);
    (consumed, result.and(flushed).err())
}

fn cut() -> Fault {
    Fault::Truncated("efi: the data ends early".to_owned())
}

/// Bits, the highest of each byte first. Zeros follow the end.
struct Bits<'a> {
    input: &'a [u8],
    /// The next bit.
    at: usize,
    /// Bits read after the end.
    over: usize,
}

impl Bits<'_> {
    fn bit(&mut self) -> u32 {
        let byte = self.input.get(self.at / 8).copied();
        if byte.is_none() {
            self.over = self.over.saturating_add(1);
        }
        let shift = 7_usize.saturating_sub(self.at % 8);
        self.at = self.at.saturating_add(1);
        u32::from(byte.unwrap_or(0) >> shift & 1)
    }

    fn number(&mut self, bits: u32) -> u32 {
        (0..bits).fold(0, |number, _| number << 1 | self.bit())
    }
}

/// A Huffman code: how many symbols there are of each length, and the symbols in order.
struct Code {
    counts: [u32; 17],
    symbols: Vec<u16>,
    /// The one symbol that there is, which takes no bits.
    only: Option<u16>,
}

impl Code {
    fn single(symbol: u32) -> Self {
        Self { counts: [0; 17], symbols: Vec::new(), only: Some(u16::try_from(symbol).unwrap_or(u16::MAX)) }
    }

    fn new(lengths: &[u8]) -> Result<Self, Fault> {
        let (mut counts, mut symbols) = ([0_u32; 17], Vec::new());
        let mut room = 0_u32;
        for wanted in 1..=16_u8 {
            let count = counts.get_mut(usize::from(wanted)).ok_or_else(cut)?;
            for (symbol, _) in lengths.iter().enumerate().filter(|(_, length)| **length == wanted) {
                symbols.push(u16::try_from(symbol).unwrap_or(u16::MAX));
                *count = count.saturating_add(1);
            }
            room = room.saturating_add(count.saturating_mul(1 << (16_u8.saturating_sub(wanted))));
        }
        if room != 1 << 16 {
            return Err(Fault::corrupt("efi: a code that is no code"));
        }
        Ok(Self { counts, symbols, only: None })
    }

    fn read(&self, bits: &mut Bits<'_>) -> Result<u32, Fault> {
        if let Some(only) = self.only {
            return Ok(only.into());
        }
        let (mut code, mut first, mut index) = (0_u32, 0_u32, 0_u32);
        for count in self.counts.iter().skip(1) {
            code = code << 1 | bits.bit();
            let place = code.wrapping_sub(first);
            if place < *count {
                let symbol = self.symbols.get(to_usize(u64::from(index.saturating_add(place))));
                return symbol.map(|symbol| u32::from(*symbol)).ok_or_else(|| Fault::corrupt("efi: no such code"));
            }
            index = index.saturating_add(*count);
            first = first.saturating_add(*count) << 1;
        }
        Err(Fault::corrupt("efi: no such code"))
    }
}

/// The code of `most` symbols at most whose lengths are written in three bits or more each; after the third, two bits say how many have none.
fn short_code(bits: &mut Bits<'_>, most: usize, width: u32, has_gap: bool) -> Result<Code, Fault> {
    let number = to_usize(bits.number(width).into());
    if number == 0 {
        return Ok(Code::single(bits.number(width)));
    }
    if number > most {
        return Err(Fault::corrupt("efi: too many codes"));
    }
    let mut lengths = Vec::new();
    while lengths.len() < number {
        let mut length = bits.number(3);
        while length >= 7 && bits.bit() == 1 {
            length = length.saturating_add(1);
            if length > 16 {
                return Err(Fault::corrupt("efi: a code of more than 16 bits"));
            }
        }
        lengths.push(u8::try_from(length).unwrap_or(u8::MAX));
        if has_gap && lengths.len() == 3 {
            lengths.resize(3_usize.saturating_add(to_usize(bits.number(2).into())), 0);
        }
    }
    Code::new(&lengths)
}

/// The code of literals and lengths, whose own lengths are coded with `lengths_code`.
fn long_code(bits: &mut Bits<'_>, lengths_code: &Code) -> Result<Code, Fault> {
    let number = to_usize(bits.number(9).into());
    if number == 0 {
        return Ok(Code::single(bits.number(9)));
    }
    if number > SYMBOLS {
        return Err(Fault::corrupt("efi: too many codes"));
    }
    let mut lengths: Vec<u8> = Vec::new();
    while lengths.len() < number {
        let gap = match lengths_code.read(bits)? {
            0 => 1,
            1 => bits.number(4).saturating_add(3),
            2 => bits.number(9).saturating_add(20),
            length => {
                lengths.push(u8::try_from(length.saturating_sub(2)).unwrap_or(u8::MAX));
                continue;
            }
        };
        lengths.resize(lengths.len().saturating_add(to_usize(gap.into())).min(SYMBOLS), 0);
    }
    Code::new(&lengths)
}

struct Decoder<'a> {
    bits: Bits<'a>,
    /// All that came out: distances reach back to the first byte.
    window: Vec<u8>,
    /// How much of it the sink has.
    flushed: usize,
}

impl Decoder<'_> {
    fn run(&mut self, variant: Variant, size: u64, sink: &mut Sink<'_>) -> Result<(), Fault> {
        let width = if variant == Variant::Tiano { 5 } else { 4 };
        while to_u64(self.window.len()) < size {
            let symbols = self.bits.number(16);
            if symbols == 0 {
                return Err(Fault::corrupt("efi: a block without symbols"));
            }
            let lengths_code = short_code(&mut self.bits, LENGTHS, 5, true)?;
            let literals = long_code(&mut self.bits, &lengths_code)?;
            let distances = short_code(&mut self.bits, DISTANCES, width, false)?;
            for _ in 0..symbols {
                if to_u64(self.window.len()) >= size {
                    break;
                }
                self.symbol(&literals, &distances, size)?;
                self.flush(sink)?;
            }
            if self.bits.over > 32 {
                return Err(cut());
            }
        }
        Ok(())
    }

    fn symbol(&mut self, literals: &Code, distances: &Code, size: u64) -> Result<(), Fault> {
        let symbol = literals.read(&mut self.bits)?;
        if let Ok(literal) = u8::try_from(symbol) {
            self.window.push(literal);
            return Ok(());
        }
        let length = symbol.saturating_sub(0x100 - 3);
        let width = distances.read(&mut self.bits)?;
        let distance = match width.checked_sub(1) {
            None | Some(0) => width,
            Some(bits) => (1_u32 << bits.min(31)) | self.bits.number(bits.min(31)),
        };
        let back = to_usize(u64::from(distance).saturating_add(1));
        let Some(start) = self.window.len().checked_sub(back) else {
            return Err(Fault::corrupt("efi: a match before the first byte"));
        };
        for at in (start..).take(to_usize(length.into())) {
            if to_u64(self.window.len()) >= size {
                break;
            }
            let byte = self.window.get(at).copied().unwrap_or(0);
            self.window.push(byte);
        }
        if self.bits.over > 32 { Err(cut()) } else { Ok(()) }
    }

    fn flush(&mut self, sink: &mut Sink<'_>) -> Result<(), Fault> {
        if self.window.len().saturating_sub(self.flushed) < STEP {
            return Ok(());
        }
        let fresh = self.window.get(self.flushed..).unwrap_or_default();
        self.flushed = self.window.len();
        sink(fresh)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Codec;
    use crate::codec::testing::{noise, run};
    use crate::testing::damaged;

    /// A stream of one block of literals, all of eight bits.
    fn literals(data: &[u8], width: u32) -> Vec<u8> {
        let mut bits: Vec<bool> = Vec::new();
        let mut put = |value: u32, width: u32| bits.extend((0..width).rev().map(|bit| value >> bit & 1 == 1));
        put(data.len() as u32, 16);
        // The only length of a code there is: eight, which is written as ten.
        put(0, 5);
        put(10, 5);
        put(256, 9);
        // No distance is used.
        put(0, width);
        put(0, width);
        data.iter().for_each(|byte| put((*byte).into(), 8));
        let packed: Vec<u8> =
            bits.chunks(8).map(|byte| byte.iter().enumerate().fold(0, |sum, (at, bit)| sum | u8::from(*bit) << (7 - at))).collect();
        [&(packed.len() as u32).to_le_bytes()[..], &(data.len() as u32).to_le_bytes(), &packed].concat()
    }

    #[test]
    fn literals_come_back() {
        let data = noise(60_000);
        for (codec, width) in [(Codec::Efi, 4), (Codec::Tiano, 5)] {
            let packed = literals(&data, width);
            let (output, consumed, fault) = run(codec, &[&packed[..], b"next"].concat());
            assert_eq!((output == data, consumed, fault), (true, packed.len(), None));
            assert_eq!(codec.block(&packed, 60_000).unwrap(), data);
            assert!(codec.block(&packed, 59_999).is_err());
            let (output, _, fault) = run(codec, &packed[..packed.len() / 2]);
            assert!(output.starts_with(&data[..29_000]) && matches!(fault, Some(Fault::Truncated(_))));
        }
    }

    #[test]
    fn damage_ends() {
        let packed = literals(&noise(3000), 5);
        for copy in damaged(&packed, 300, 64) {
            run(Codec::Tiano, &copy);
            run(Codec::Efi, &copy);
        }
    }
}
