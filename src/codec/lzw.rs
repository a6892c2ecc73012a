//! LZW with codes that grow from nine bits, lowest bit first, as compress and the archivers of its time write it.

use super::bits::{Bits, Order};
use super::{STEP, Sink, Stream};
use crate::blob::{to_u64, to_usize};
use crate::limits::{Budget, Output};
use crate::problem::Fault;

/// The code that starts afresh.
const CLEAR: u32 = 256;

/// The first code for a sequence.
const FIRST: u32 = 257;

/// Decompresses until the input ends. Codes have at most `most` bits, 16 at most. They stand in groups of eight: when their width changes,
/// the rest of a group is passed over.
pub fn stream<'b>(input: &[u8], most: u32, budget: &'b Budget) -> Stream<'b> {
    let mut output = Output::new(budget, to_u64(input.len()));
    let fault = decode(input, most.clamp(9, 16), &mut |bytes| Ok(output.push(bytes)?)).err();
    Stream { output, consumed: to_u64(input.len()), fault }
}

fn decode(input: &[u8], most: u32, sink: &mut Sink<'_>) -> Result<(), Fault> {
    let mut bits = Bits::new(input, Order::Lowest);
    let mut table: Vec<(u16, u8)> = Vec::new();
    let (mut width, mut last, mut group, mut made) = (9_u32, None::<(u32, u8)>, 0_u32, Vec::new());
    let total = to_u64(input.len()).saturating_mul(8);
    let mut taken = 0_u64;
    while taken.saturating_add(width.into()) <= total {
        let code = bits.number(width)?;
        taken = taken.saturating_add(width.into());
        group = group.wrapping_add(1) % 8;
        if code == CLEAR {
            taken = taken.saturating_add(pass(&mut bits, width, &mut group)?);
            (width, last) = (9, None);
            table.clear();
            continue;
        }
        let next = FIRST.saturating_add(u32::try_from(table.len()).unwrap_or(u32::MAX));
        let mut sequence = match last {
            Some((last, first)) if code == next => [first].into_iter().chain(backwards(last, &table)?).collect(),
            _ => backwards(code, &table)?,
        };
        sequence.reverse();
        let first = *sequence.first().ok_or_else(wrong)?;
        if let (Some((last, _)), true) = (last, next < 1 << most) {
            table.push((u16::try_from(last).unwrap_or(0), first));
        }
        made.append(&mut sequence);
        if made.len() >= STEP {
            sink(&made)?;
            made.clear();
        }
        last = Some((code, first));
        if next.saturating_add(1) >= 1 << width && width < most {
            taken = taken.saturating_add(pass(&mut bits, width, &mut group)?);
            width = width.saturating_add(1);
        }
    }
    sink(&made)
}

/// Passes over the rest of a group of eight codes. Returns how many bits that were.
fn pass(bits: &mut Bits<'_>, width: u32, group: &mut u32) -> Result<u64, Fault> {
    let left = 8_u32.saturating_sub(*group) % 8;
    for _ in 0..left {
        bits.skip(width)?;
    }
    *group = 0;
    Ok(u64::from(left).saturating_mul(width.into()))
}

/// The bytes of a code, the last one first.
fn backwards(code: u32, table: &[(u16, u8)]) -> Result<Vec<u8>, Fault> {
    let (mut code, mut bytes) = (code, Vec::new());
    while let Some(entry) = code.checked_sub(FIRST) {
        let (before, byte) = *table.get(to_usize(entry.into())).ok_or_else(wrong)?;
        bytes.push(byte);
        // An entry is made of those before it, so this ends.
        code = before.into();
    }
    bytes.push(u8::try_from(code).map_err(|_| wrong())?);
    Ok(bytes)
}

fn wrong() -> Fault {
    Fault::corrupt("lzw: a code that is none")
}
