//! LZ77 with static Huffman codes as LHA, ARJ, zoo and many boot loaders use it, and ARJ's fast variant without them.
//! <https://github.com/jca02266/lha/blob/master/header.doc.md> names the methods; the layout is that of Yoshizaki's and Okumura's ar002.

use super::bits::{Bits, Order};
use super::huffman::Huffman;
use super::window::Window;
use super::{Sink, Stream};
use crate::blob::{to_u64, to_usize};
use crate::limits::{Budget, Output};
use crate::problem::Fault;

/// The variants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lzh {
    /// Codes in blocks; the window is two to the power of this: 12 for lh4, 13 for lh5 and zoo, 15 for lh6, 16 for lh7 and ARJ, 20 for lhx.
    Static(u32),
    /// ARJ's method 4: lengths and distances in bits, without codes.
    ArjFastest,
    /// lzs of LArc: a bit for what follows, a byte or a place in a window of 2 KiB and a length.
    Larc,
}

/// Symbols: bytes, then lengths from 3 on.
const SYMBOLS: usize = 510;

/// Symbols of the code for the lengths of codes.
const LENGTHS: usize = 19;

const LEAST_MATCH: u64 = 3;

/// Decompresses `size` bytes.
pub fn stream<'b>(input: &[u8], variant: Lzh, size: u64, budget: &'b Budget) -> Stream<'b> {
    let mut output = Output::new(budget, to_u64(input.len()));
    let mut bits = Bits::new(input, Order::Bytes);
    let mut sink = |bytes: &[u8]| Ok(output.push(bytes)?);
    let fault = match variant {
        Lzh::Static(window) => Static::new(window).run(&mut bits, size, &mut sink),
        Lzh::ArjFastest => fastest(&mut bits, size, &mut sink),
        Lzh::Larc => larc(&mut bits, size, &mut sink),
    };
    Stream { output, consumed: bits.consumed(), fault: fault.err() }
}

struct Static {
    window: Window,
    /// Symbols of the code for distances, and bits of their number.
    distances: (usize, u32),
    symbols: Huffman,
    slots: Huffman,
}

impl Static {
    fn new(bits: u32) -> Self {
        let distances = match bits {
            0..=13 => (14, 4),
            14..=15 => (16, 5),
            16 => (17, 5),
            _ => (21, 5),
        };
        let window = Window::new(1 << bits.min(20), Some(b' '));
        Self { window, distances, symbols: Huffman::single(0), slots: Huffman::single(0) }
    }

    fn run(&mut self, bits: &mut Bits<'_>, size: u64, sink: &mut Sink<'_>) -> Result<(), Fault> {
        let result = self.decode(bits, size, sink);
        self.window.flush(sink).and(result)
    }

    fn decode(&mut self, bits: &mut Bits<'_>, size: u64, sink: &mut Sink<'_>) -> Result<(), Fault> {
        let mut left = 0_u32;
        while self.window.made() < size {
            if left == 0 {
                left = self.start_block(bits)?;
            }
            left = left.saturating_sub(1);
            let symbol = self.symbols.symbol(bits)?;
            if let Ok(byte) = u8::try_from(symbol) {
                self.window.push(byte);
            } else {
                let length = u64::from(symbol).saturating_sub(256).saturating_add(LEAST_MATCH);
                let distance = match u32::from(self.slots.symbol(bits)?) {
                    0 => 0,
                    slot => (1_u64 << slot.saturating_sub(1).min(31)) | u64::from(bits.number(slot.saturating_sub(1).min(31))?),
                };
                let length = length.min(size.saturating_sub(self.window.made()));
                self.window.copy(distance.saturating_add(1), length)?;
            }
            if self.window.is_full() {
                self.window.flush(sink)?;
            }
        }
        Ok(())
    }

    /// u16 how many symbols the block has; the code for the lengths of codes, the code for symbols, the code for distances. Returns how
    /// many symbols there are: 0 stands for 65536.
    fn start_block(&mut self, bits: &mut Bits<'_>) -> Result<u32, Fault> {
        let count = bits.number(16)?;
        let lengths = small_code(bits, LENGTHS, 5, Some(3))?;
        self.symbols = symbol_code(bits, &lengths)?;
        self.slots = small_code(bits, self.distances.0, self.distances.1, None)?;
        Ok(if count == 0 { 1 << 16 } else { count })
    }
}

/// A code of few symbols: how many lengths follow, each in three bits, or in more if those are all set: each further bit that is set makes
/// it one longer. Behind so many lengths as `gap` says, two bits say how many are left out.
fn small_code(bits: &mut Bits<'_>, symbols: usize, width: u32, gap: Option<usize>) -> Result<Huffman, Fault> {
    let count = to_usize(bits.number(width)?.into());
    if count == 0 {
        return Ok(Huffman::single(u16::try_from(bits.number(width)?).unwrap_or(0)));
    }
    if count > symbols {
        return Err(Fault::corrupt("lzh: a code with too many symbols"));
    }
    let mut lengths: Vec<u8> = Vec::new();
    while lengths.len() < count {
        let mut length = u8::try_from(bits.number(3)?).unwrap_or(0);
        while length >= 7 && bits.bit()? {
            length = length.saturating_add(1);
        }
        lengths.push(length);
        if gap == Some(lengths.len()) {
            let zeros = to_usize(bits.number(2)?.into());
            lengths.resize(lengths.len().saturating_add(zeros), 0);
        }
    }
    lengths.truncate(symbols);
    Huffman::new(&lengths)
}

/// The code for symbols: how many lengths follow, which have a code themselves: 0 to 2 are runs of symbols that do not occur, others are
/// lengths and two more.
fn symbol_code(bits: &mut Bits<'_>, code: &Huffman) -> Result<Huffman, Fault> {
    let count = to_usize(bits.number(9)?.into());
    if count == 0 {
        return Ok(Huffman::single(u16::try_from(bits.number(9)?).unwrap_or(0)));
    }
    let mut lengths: Vec<u8> = Vec::new();
    while lengths.len() < count.min(SYMBOLS) {
        let (zeros, length) = match code.symbol(bits)? {
            0 => (1, None),
            1 => (bits.number(4)?.saturating_add(3), None),
            2 => (bits.number(9)?.saturating_add(20), None),
            length => (0, u8::try_from(length.saturating_sub(2)).ok()),
        };
        lengths.resize(lengths.len().saturating_add(to_usize(zeros.into())), 0);
        lengths.extend(length);
    }
    lengths.truncate(SYMBOLS);
    Huffman::new(&lengths)
}

fn fastest(bits: &mut Bits<'_>, size: u64, sink: &mut Sink<'_>) -> Result<(), Fault> {
    let mut window = Window::new(32 << 10, Some(b' '));
    let mut decode = || {
        while window.made() < size {
            match stepped(bits, 0, 7)? {
                0 => window.push(u8::try_from(bits.number(8)?).unwrap_or(0)),
                length => {
                    let distance = stepped(bits, 9, 13)?.saturating_add(1);
                    let length = length.saturating_add(LEAST_MATCH).saturating_sub(1).min(size.saturating_sub(window.made()));
                    window.copy(distance, length)?;
                }
            }
            if window.is_full() {
                window.flush(sink)?;
            }
        }
        Ok(())
    };
    let result = decode();
    window.flush(sink).and(result)
}

/// A set bit and a byte, or 11 bits of a place in the window and 4 of a length. The window is full of spaces, and filled from 17 before its
/// end on.
fn larc(bits: &mut Bits<'_>, size: u64, sink: &mut Sink<'_>) -> Result<(), Fault> {
    let mut window = Window::new(2 << 10, Some(b' '));
    let mut decode = || {
        while window.made() < size {
            if bits.bit()? {
                window.push(u8::try_from(bits.number(8)?).unwrap_or(0));
            } else {
                let place = u64::from(bits.number(11)?).wrapping_add(17);
                let distance = window.made().wrapping_sub(place).wrapping_sub(1) % (2 << 10);
                let length = u64::from(bits.number(4)?).saturating_add(2).min(size.saturating_sub(window.made()));
                window.copy(distance.saturating_add(1), length)?;
            }
            if window.is_full() {
                window.flush(sink)?;
            }
        }
        Ok(())
    };
    let result = decode();
    window.flush(sink).and(result)
}

/// A number in as many bits as there are set ones before it, and `first`, at most `last`: each width begins where the one before ends.
fn stepped(bits: &mut Bits<'_>, first: u32, last: u32) -> Result<u64, Fault> {
    let (mut width, mut base) = (first, 0_u64);
    while width < last && bits.bit()? {
        base = base.saturating_add(1 << width);
        width = width.saturating_add(1);
    }
    Ok(base.saturating_add(bits.number(width)?.into()))
}
