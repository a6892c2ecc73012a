//! LZD, the LZW of zoo: codes of 9 to 13 bits, one that empties the table and one that ends the data.
//! <https://github.com/jonasmalacofilho/zoo/blob/master/lzd.c> reads it.

use super::bits::{Bits, Order};
use super::{STEP, Stream};
use crate::blob::to_u64;
use crate::limits::{Budget, Output};
use crate::problem::Fault;

const CLEAR: u16 = 256;
const END: u16 = 257;
const MOST_BITS: u32 = 13;

/// Codes that the table can hold.
const MOST: usize = (1 << 13) - 258;

/// Decompresses data at the start of `input`, up to its end marker.
pub(crate) fn stream<'b>(input: &[u8], budget: &'b Budget) -> Stream<'b> {
    let mut output = Output::new(budget, to_u64(input.len()));
    let mut bits = Bits::new(input, Order::Lowest);
    let fault = decode(&mut bits, &mut output).err();
    Stream { output, consumed: bits.consumed(), fault }
}

fn decode(bits: &mut Bits<'_>, output: &mut Output<'_>) -> Result<(), Fault> {
    let (mut table, mut width, mut out) = (Vec::<(u16, u8)>::new(), 9_u32, Vec::new());
    let mut previous: Option<u16> = None;
    loop {
        let code = u16::try_from(bits.number(width)?).unwrap_or(0);
        match code {
            END => return Ok(output.push(&out)?),
            CLEAR => {
                table.clear();
                (width, previous) = (9, None);
                continue;
            }
            _ => (),
        }
        let before = out.len();
        let known = text(&table, code, &mut out);
        let Some(first) = (if known { out.get(before).copied() } else { repeated(&table, previous, &mut out) }) else {
            output.push(out.get(..before).unwrap_or_default())?;
            return Err(Fault::corrupt("lzd: a code that is none"));
        };
        if let Some(previous) = previous.filter(|_| table.len() < MOST) {
            table.push((previous, first));
            if table.len().saturating_add(258) >= 1 << width && width < MOST_BITS {
                width = width.saturating_add(1);
            }
        }
        previous = Some(code);
        if out.len() >= STEP {
            output.push(&out)?;
            out.clear();
        }
    }
}

/// Appends what a code stands for; says whether it is in the table.
fn text(table: &[(u16, u8)], code: u16, out: &mut Vec<u8>) -> bool {
    let start = out.len();
    let mut at = code;
    while let Some(index) = at.checked_sub(258) {
        // What a code is made of was there before it.
        let Some((before, last)) = table.get(usize::from(index)).filter(|(before, _)| *before < at) else {
            out.truncate(start);
            return false;
        };
        out.push(*last);
        at = *before;
    }
    let Ok(byte) = u8::try_from(at) else {
        out.truncate(start);
        return false;
    };
    out.push(byte);
    out.get_mut(start..).into_iter().for_each(<[u8]>::reverse);
    true
}

/// Appends what the code before stands for, and its first byte once more. Returns that byte.
fn repeated(table: &[(u16, u8)], previous: Option<u16>, out: &mut Vec<u8>) -> Option<u8> {
    let start = out.len();
    let first = previous.filter(|previous| text(table, *previous, out)).and_then(|_| out.get(start).copied())?;
    out.push(first);
    Some(first)
}
