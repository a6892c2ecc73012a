//! bzip2 as the installers of NSIS have it: blocks without the usual signatures and checksums.
//! <https://github.com/kichik/nsis/blob/master/Source/bzip2/decompress.c> is what reads it there.

use super::bits::{Bits, Order};
use super::{Sink, Stream};
use crate::blob::{to_u64, to_usize};
use crate::limits::{Budget, Output};
use crate::problem::Fault;

/// What stands before a block, and behind the last one.
const BLOCK: u32 = 0x31;
const END: u32 = 0x17;

/// Bytes of a block before runs are undone, at most.
const LARGEST: usize = 900_000;

/// Symbols that one choice of a code lasts for.
const GROUP: usize = 50;

/// The longest code.
const LONGEST: u8 = 20;

/// Decompresses a stream at the start of `input`.
pub(crate) fn stream<'b>(input: &[u8], budget: &'b Budget) -> Stream<'b> {
    let mut output = Output::new(budget, to_u64(input.len()));
    let mut bits = Bits::new(input, Order::Bytes);
    let fault = blocks(&mut bits, &mut |bytes| Ok(output.push(bytes)?)).err();
    Stream { output, consumed: bits.consumed(), fault }
}

fn blocks(bits: &mut Bits<'_>, sink: &mut Sink<'_>) -> Result<(), Fault> {
    loop {
        match bits.number(8)? {
            BLOCK => {
                let origin = bits.number(24)?;
                let symbols = symbols(bits)?;
                let last = sorted(bits, &symbols)?;
                sink(&runs(&unsorted(&last, origin)?))?;
            }
            END => return Ok(()),
            _ => return Err(wrong("neither a block nor the end")),
        }
    }
}

/// Which bytes occur: 16 bits for sixteenths of all, then 16 bits for each of those.
fn symbols(bits: &mut Bits<'_>) -> Result<Vec<u8>, Fault> {
    let parts = bits.number(16)?;
    let mut symbols = Vec::new();
    for part in (0_u8..16).filter(|part| parts << part & 0x8000 != 0) {
        let used = bits.number(16)?;
        symbols.extend((0_u8..16).filter(|place| used << place & 0x8000 != 0).map(|place| part << 4 | place));
    }
    if symbols.is_empty() { Err(wrong("no symbols")) } else { Ok(symbols) }
}

/// A canonical code: symbols in the order of their codes, and how many codes there are of each length.
struct Code {
    counts: [u32; 21],
    symbols: Vec<u16>,
}

impl Code {
    /// Lengths, each told by steps from the one before: 0 it is this, 10 one more, 11 one less.
    fn read(bits: &mut Bits<'_>, count: u16) -> Result<Self, Fault> {
        let mut length = u8::try_from(bits.number(5)?).unwrap_or(0);
        let mut lengths = Vec::new();
        for symbol in 0..count {
            while bits.bit()? {
                length = if bits.bit()? { length.wrapping_sub(1) } else { length.saturating_add(1) };
            }
            if !(1..=LONGEST).contains(&length) {
                return Err(wrong("the length of a code"));
            }
            lengths.push((length, symbol));
        }
        lengths.sort_unstable();
        let mut code = Self { counts: [0; 21], symbols: lengths.iter().map(|(_, symbol)| *symbol).collect() };
        for (length, _) in lengths {
            code.counts.get_mut(usize::from(length)).into_iter().for_each(|count| *count = count.saturating_add(1));
        }
        Ok(code)
    }

    fn symbol(&self, bits: &mut Bits<'_>) -> Result<u16, Fault> {
        let (next, mut first, mut index) = (bits.peek(LONGEST.into()), 0_u32, 0_u32);
        for (length, count) in (0..=u32::from(LONGEST)).zip(self.counts) {
            let code = next >> u32::from(LONGEST).saturating_sub(length);
            if let Some(place) = code.checked_sub(first).filter(|place| *place < count) {
                bits.skip(length)?;
                let symbol = self.symbols.get(to_usize(index.saturating_add(place).into()));
                return symbol.copied().ok_or_else(|| wrong("a symbol"));
            }
            index = index.saturating_add(count);
            first = first.saturating_add(count).wrapping_mul(2);
        }
        Err(wrong("a code that is none"))
    }
}

/// The codes, and which of them is used for each fifty symbols: by how far it stands behind the front of a list, that many ones and a zero.
fn codes(bits: &mut Bits<'_>, symbols: u16) -> Result<(Vec<Code>, Vec<u8>), Fault> {
    let (count, groups) = (bits.number(3)?, bits.number(15)?);
    if !(2..=6).contains(&count) || groups == 0 {
        return Err(wrong("the number of codes"));
    }
    let mut order: Vec<u8> = (0..6).collect();
    let mut choices = Vec::new();
    for _ in 0..groups {
        let mut place = 0_usize;
        while bits.bit()? {
            place = place.saturating_add(1);
        }
        choices.push(to_front(&mut order, place).filter(|choice| u32::from(*choice) < count).ok_or_else(|| wrong("the choice of a code"))?);
    }
    let codes = (0..count).map(|_| Code::read(bits, symbols)).collect::<Result<_, _>>()?;
    Ok((codes, choices))
}

/// The last column of the sorted rotations of the block.
fn sorted(bits: &mut Bits<'_>, symbols: &[u8]) -> Result<Vec<u8>, Fault> {
    let end = u16::try_from(symbols.len()).unwrap_or(u16::MAX).saturating_add(1);
    let (codes, choices) = codes(bits, end.saturating_add(1))?;
    let (mut order, mut column) = (symbols.to_vec(), Vec::new());
    let (mut run, mut weight) = (0_usize, 1_usize);
    for index in 0_usize.. {
        let choice = choices.get(index.checked_div(GROUP).unwrap_or(0)).ok_or_else(|| wrong("more symbols than codes are chosen for"))?;
        let symbol = codes.get(usize::from(*choice)).ok_or_else(|| wrong("the choice of a code"))?.symbol(bits)?;
        if symbol <= 1 {
            // The first symbol again and again: how often, with the digits 1 and 2.
            run = run.saturating_add(weight.saturating_mul(usize::from(symbol).saturating_add(1)));
            weight = weight.saturating_mul(2);
            if run > LARGEST {
                return Err(wrong("a run longer than a block"));
            }
            continue;
        }
        let front = order.first().copied().unwrap_or(0);
        column.resize(column.len().saturating_add(run), front);
        (run, weight) = (0, 1);
        if symbol == end {
            break;
        }
        column.push(to_front(&mut order, usize::from(symbol).saturating_sub(1)).ok_or_else(|| wrong("a symbol"))?);
        if column.len() > LARGEST {
            return Err(wrong("a block that is too long"));
        }
    }
    Ok(column)
}

/// Takes what stands at `place` of a list to its front.
fn to_front(list: &mut [u8], place: usize) -> Option<u8> {
    let value = *list.get(place)?;
    list.get_mut(..=place)?.rotate_right(1);
    Some(value)
}

/// The block whose sorted rotations end with `last`, and of which `origin` is the one that begins at its start.
fn unsorted(last: &[u8], origin: u32) -> Result<Vec<u8>, Fault> {
    let mut starts = [0_usize; 256];
    for byte in last {
        if let Some(after) = usize::from(*byte).checked_add(1).and_then(|at| starts.get_mut(at)) {
            *after = after.saturating_add(1);
        }
    }
    let mut sum = 0_usize;
    for start in &mut starts {
        sum = sum.saturating_add(*start);
        *start = sum;
    }
    let mut next = vec![0_usize; last.len()];
    for (row, byte) in last.iter().enumerate() {
        let Some(start) = starts.get_mut(usize::from(*byte)) else { continue };
        next.get_mut(*start).into_iter().for_each(|place| *place = row);
        *start = start.saturating_add(1);
    }
    let mut row = next.get(to_usize(origin.into())).copied().ok_or_else(|| wrong("where a block begins"))?;
    let mut block = Vec::with_capacity(last.len());
    for _ in 0..last.len() {
        block.push(last.get(row).copied().unwrap_or(0));
        row = next.get(row).copied().unwrap_or(0);
    }
    Ok(block)
}

/// Four equal bytes have one behind them that says how many more there are.
fn runs(block: &[u8]) -> Vec<u8> {
    let (mut output, mut equal, mut before) = (Vec::with_capacity(block.len()), 0_u8, None);
    for byte in block {
        if equal == 4 {
            let more = output.len().saturating_add(usize::from(*byte));
            output.resize(more, before.unwrap_or(0));
            (equal, before) = (0, None);
            continue;
        }
        equal = if before == Some(*byte) { equal.saturating_add(1) } else { 1 };
        before = Some(*byte);
        output.push(*byte);
    }
    output
}

fn wrong(what: &str) -> Fault {
    Fault::corrupt(format!("bzip2: {what}"))
}
