//! Squeeze, the Huffman code of CP/M's SQ and of ARC's method 4: a tree is written out, then the code.
//! <https://github.com/hyc/arc/blob/master/arcusq.c> reads it.

use super::bits::{Bits, Order};
use super::{STEP, Stream};
use crate::blob::{Bytes, Endian, to_u64};
use crate::limits::{Budget, Output};
use crate::problem::Fault;

/// The symbol that ends the data.
const END: i32 = 256;

/// Decompresses data at the start of `input`: u16 how many nodes, 256 at most; nodes, i16 for a bit 0 and i16 for 1: another node, or a
/// symbol as its number made negative, less one.
pub(crate) fn stream<'b>(input: &[u8], budget: &'b Budget) -> Stream<'b> {
    let mut output = Output::new(budget, to_u64(input.len()));
    let bytes = Bytes(input);
    let count = bytes.u16(0, Endian::Little).map_or(0, u64::from);
    let start = count.saturating_mul(4).saturating_add(2);
    let nodes = bytes.get(2, start.saturating_sub(2)).unwrap_or_default();
    let mut bits = Bits::new(bytes.tail(start), Order::Lowest);
    let fault = if count > 256 || nodes.is_empty() && count > 0 {
        Some(Fault::corrupt("squeeze: the tree"))
    } else {
        decode(Bytes(nodes), &mut bits, &mut output).err()
    };
    Stream { output, consumed: start.saturating_add(bits.consumed()).min(bytes.len()), fault }
}

fn decode(nodes: Bytes<'_>, bits: &mut Bits<'_>, output: &mut Output<'_>) -> Result<(), Fault> {
    let mut out = Vec::new();
    while !nodes.is_empty() {
        let (mut node, mut steps) = (0_i32, 0_u32);
        while node >= 0 {
            // Some writers leave the last bits of the end marker out: whoever knows the size sees what is missing.
            let Ok(bit) = bits.bit() else { return Ok(output.push(&out)?) };
            let place = u64::try_from(node).unwrap_or(0).saturating_mul(4).saturating_add(if bit { 2 } else { 0 });
            let word = nodes.u16(place, Endian::Little).map_err(|_| Fault::corrupt("squeeze: a node that is none"))?;
            node = i16::from_ne_bytes(word.to_ne_bytes()).into();
            steps = steps.saturating_add(1);
            if steps > 256 {
                return Err(Fault::corrupt("squeeze: the tree goes in a circle"));
            }
        }
        let symbol = node.saturating_add(1).saturating_neg();
        if symbol == END {
            break;
        }
        out.push(u8::try_from(symbol).map_err(|_| Fault::corrupt("squeeze: a symbol that is none"))?);
        if out.len() >= STEP {
            output.push(&out)?;
            out.clear();
        }
    }
    Ok(output.push(&out)?)
}
