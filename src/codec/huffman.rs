//! Canonical Huffman codes, as lengths of codes describe them.

use super::bits::Bits;
use crate::blob::to_usize;
use crate::problem::Fault;

/// The longest code that there is.
const LONGEST: usize = 16;

/// Bits by which short codes are looked up at once.
const FAST: u32 = 9;

/// A code for symbols from 0 on.
#[derive(Debug, Clone)]
pub(super) struct Huffman {
    /// Symbol and length by the next bits, for codes of at most [`FAST`] bits; length 0 for longer ones.
    fast: Vec<(u16, u8)>,
    /// How many codes of each length there are.
    counts: [u32; LONGEST + 1],
    /// Symbols by length of code, then in order.
    symbols: Vec<u16>,
}

impl Huffman {
    /// The code in which symbol `n` takes `lengths[n]` bits, 0 for symbols that do not occur.
    pub(super) fn new(lengths: &[u8]) -> Result<Self, Fault> {
        let mut counts = [0_u32; LONGEST + 1];
        for length in lengths {
            let count = counts.get_mut(usize::from(*length)).ok_or_else(wrong)?;
            *count = count.saturating_add(1);
        }
        counts[0] = 0;
        let (mut room, mut symbols) = (1_u32, Vec::new());
        for (length, count) in counts.iter().enumerate().skip(1) {
            room = room.saturating_mul(2).checked_sub(*count).ok_or_else(wrong)?;
            let has = |(_, found): &(u16, &u8)| usize::from(**found) == length;
            symbols.extend((0..=u16::MAX).zip(lengths).filter(has).map(|(symbol, _)| symbol));
        }
        let mut code = Self { fast: Vec::new(), counts, symbols };
        code.fast = (0..1 << FAST).map(|bits| code.search(bits, FAST).unwrap_or((0, 0))).collect();
        Ok(code)
    }

    /// A code of one symbol that takes no bits.
    pub(super) fn single(symbol: u16) -> Self {
        Self { fast: Vec::new(), counts: [0; LONGEST + 1], symbols: vec![symbol] }
    }

    /// The symbol whose code `bits`, which are `width` many, begin with, and the length of its code.
    fn search(&self, bits: u32, width: u32) -> Option<(u16, u8)> {
        let (mut first, mut index) = (0_u32, 0_u32);
        for (length, count) in (1..=width).zip(self.counts.iter().skip(1)) {
            let code = bits.checked_shr(width.saturating_sub(length))?;
            let place = code.checked_sub(first)?;
            if place < *count {
                let symbol = self.symbols.get(to_usize(index.saturating_add(place).into()))?;
                return Some((*symbol, u8::try_from(length).ok()?));
            }
            index = index.saturating_add(*count);
            first = first.saturating_add(*count).saturating_mul(2);
        }
        None
    }

    /// The next symbol.
    pub(super) fn symbol(&self, bits: &mut Bits<'_>) -> Result<u16, Fault> {
        if let (true, [symbol]) = (self.fast.is_empty(), self.symbols.as_slice()) {
            return Ok(*symbol);
        }
        let next = bits.peek(16);
        self.symbol_of(next, bits)
    }

    /// The next symbol, where every bit of its code is the opposite of what it should be.
    pub(super) fn inverted_symbol(&self, bits: &mut Bits<'_>) -> Result<u16, Fault> {
        let next = bits.peek(16) ^ 0xffff;
        self.symbol_of(next, bits)
    }

    fn symbol_of(&self, next: u32, bits: &mut Bits<'_>) -> Result<u16, Fault> {
        let found = self.fast.get(to_usize((next >> (16_u32.saturating_sub(FAST))).into())).copied().filter(|(_, length)| *length > 0);
        let (symbol, length) = found.or_else(|| self.search(next, 16)).ok_or_else(wrong)?;
        bits.skip(length.into())?;
        Ok(symbol)
    }
}

fn wrong() -> Fault {
    Fault::corrupt("the compressed data holds a Huffman code that is none")
}

#[cfg(test)]
mod tests {
    use super::super::bits::Order;
    use super::*;

    #[test]
    fn codes_are_in_order_of_their_length() {
        let code = Huffman::new(&[2, 1, 3, 3]).unwrap();
        let mut bits = Bits::new(&[0b0101_1011, 0b1000_0000], Order::Bytes);
        let symbols: Vec<u16> = (0..4).map(|_| code.symbol(&mut bits).unwrap()).collect();
        assert_eq!(symbols, [1, 0, 2, 3]);
    }

    #[test]
    fn long_codes_and_wrong_ones() {
        let lengths: Vec<u8> = (1..=15).chain([15]).collect();
        let code = Huffman::new(&lengths).unwrap();
        assert_eq!(code.symbol(&mut Bits::new(&[0xff, 0xff], Order::Bytes)).unwrap(), 15);
        assert_eq!(code.symbol(&mut Bits::new(&[0xff, 0xf0], Order::Bytes)).unwrap(), 12);
        assert!(Huffman::new(&[1, 1, 1]).is_err());
        assert!(Huffman::new(&[2, 2]).unwrap().symbol(&mut Bits::new(&[0xff, 0xff], Order::Bytes)).is_err());
    }
}
