//! LZMS, the compression of Windows' installation images (ESD): items by a range coder from the front, their parts by Huffman codes from
//! the back. <https://github.com/ebiggers/wimlib/blob/master/src/lzms_decompress.c> describes it.

use super::bits::{Bits, Order};
use super::huffman::Huffman;
use super::lz;
use crate::blob::{Bytes, Endian, to_u64, to_usize};
use crate::problem::Fault;

mod model;
mod x86;

use model::{Adaptive, Decision, Range, Recent};

/// Slots of distances: so many in a row with so many further bits each.
const DISTANCES: &[(u8, u32)] = &[
    (8, 0),
    (9, 2),
    (7, 3),
    (10, 4),
    (15, 5),
    (15, 6),
    (20, 7),
    (20, 8),
    (30, 9),
    (33, 10),
    (40, 11),
    (42, 12),
    (45, 13),
    (60, 14),
    (73, 15),
    (80, 16),
    (85, 17),
    (95, 18),
    (105, 19),
    (6, 20),
    (1, 30),
];

/// Slots of lengths.
const LENGTHS: &[(u8, u32)] = &[(26, 0), (4, 1), (6, 2), (4, 3), (5, 4), (2, 5), (1, 6), (1, 7), (1, 8), (1, 9), (1, 10), (1, 16), (1, 30)];

/// The least number of each slot, from 1 on, and its further bits.
fn slots(runs: &[(u8, u32)]) -> Vec<(u64, u32)> {
    let mut next = 1_u64;
    let slot = |bits: u32| {
        let base = next;
        next = next.saturating_add(1 << bits.min(32));
        (base, bits)
    };
    runs.iter().flat_map(|(count, bits)| (0..*count).map(|_| *bits)).map(slot).collect()
}

/// Decompresses one block that holds `size` bytes.
///
/// # Errors
/// If it is broken.
pub(crate) fn block(input: &[u8], size: u64) -> Result<Vec<u8>, Fault> {
    let words = input.as_chunks::<2>().0;
    if words.len() < 2 {
        return Err(Fault::Truncated("lzms: a block without data".to_owned()));
    }
    let backwards: Vec<u8> = words.iter().rev().flatten().copied().collect();
    let mut output = Decoder::new(words, &backwards, size)?.run(size)?;
    x86::undo(&mut output);
    Ok(output)
}

struct Decoder<'a> {
    range: Range<'a>,
    bits: Bits<'a>,
    is_match: Decision,
    is_delta: Decision,
    lz_repeats: [Decision; 3],
    delta_repeats: [Decision; 3],
    recent_lz: Recent<u64>,
    recent_delta: Recent<(u16, u64)>,
    literals: Adaptive,
    distances: Adaptive,
    lengths: Adaptive,
    delta_distances: Adaptive,
    powers: Adaptive,
    distance_slots: Vec<(u64, u32)>,
    length_slots: Vec<(u64, u32)>,
}

impl<'a> Decoder<'a> {
    fn new(words: &'a [[u8; 2]], backwards: &'a [u8], size: u64) -> Result<Self, Fault> {
        let (distance_slots, length_slots) = (slots(DISTANCES), slots(LENGTHS));
        // Only slots that a block of this size can need have a code.
        let needed = distance_slots.iter().filter(|(base, _)| *base < size).count();
        let decisions = || [Decision::new(6), Decision::new(6), Decision::new(6)];
        Ok(Self {
            range: Range::new(words),
            bits: Bits::new(backwards, Order::Words),
            is_match: Decision::new(4),
            is_delta: Decision::new(5),
            lz_repeats: decisions(),
            delta_repeats: decisions(),
            recent_lz: Recent::new([1, 2, 3, 4]),
            recent_delta: Recent::new([(0, 1), (0, 2), (0, 3), (0, 4)]),
            literals: Adaptive::new(256, 1024)?,
            distances: Adaptive::new(needed, 1024)?,
            lengths: Adaptive::new(length_slots.len(), 512)?,
            delta_distances: Adaptive::new(needed, 1024)?,
            powers: Adaptive::new(8, 512)?,
            distance_slots,
            length_slots,
        })
    }

    fn run(mut self, size: u64) -> Result<Vec<u8>, Fault> {
        let mut output = Vec::new();
        while to_u64(output.len()) < size {
            if !self.is_match.next(&mut self.range) {
                output.push(u8::try_from(self.literals.symbol(&mut self.bits)?).unwrap_or(0));
            } else if self.is_delta.next(&mut self.range) {
                self.delta(&mut output, size)?;
            } else {
                self.lz(&mut output, size)?;
            }
        }
        Ok(output)
    }

    fn lz(&mut self, output: &mut Vec<u8>, size: u64) -> Result<(), Fault> {
        self.recent_lz.begin(to_u64(output.len()));
        let distance = match repeat(&mut self.lz_repeats, &mut self.range) {
            None => number(&mut self.distances, &self.distance_slots, &mut self.bits)?,
            Some(place) => self.recent_lz.take(place),
        };
        self.recent_lz.used(distance);
        let length = number(&mut self.lengths, &self.length_slots, &mut self.bits)?;
        lz::copy(output, distance, length, size).map_err(|why| Fault::corrupt(format!("lzms: {why}")))?;
        self.recent_lz.until(to_u64(output.len()));
        Ok(())
    }

    /// Bytes that differ from those a distance back as the ones a span before them do.
    fn delta(&mut self, output: &mut Vec<u8>, size: u64) -> Result<(), Fault> {
        self.recent_delta.begin(to_u64(output.len()));
        let (power, raw) = match repeat(&mut self.delta_repeats, &mut self.range) {
            None => (self.powers.symbol(&mut self.bits)?, number(&mut self.delta_distances, &self.distance_slots, &mut self.bits)?),
            Some(place) => self.recent_delta.take(place),
        };
        self.recent_delta.used((power, raw));
        let length = number(&mut self.lengths, &self.length_slots, &mut self.bits)?;
        let power = u32::from(power.min(7));
        let (span, distance) = (1_u64 << power, raw << power);
        let have = to_u64(output.len());
        if distance.saturating_add(span) > have || length > size.saturating_sub(have) {
            return Err(Fault::corrupt("lzms: a difference to what is not there"));
        }
        for _ in 0..length {
            let back = |count: u64| {
                let place = output.len().checked_sub(to_usize(count));
                place.and_then(|place| output.get(place)).copied().unwrap_or(0)
            };
            let byte = back(distance).wrapping_add(back(span)).wrapping_sub(back(distance.saturating_add(span)));
            output.push(byte);
        }
        self.recent_delta.until(to_u64(output.len()));
        Ok(())
    }
}

/// Which of the places of late is used again, if one is.
fn repeat(decisions: &mut [Decision; 3], range: &mut Range<'_>) -> Option<usize> {
    let [any, not_first, not_second] = decisions;
    if !any.next(range) {
        return None;
    }
    if !not_first.next(range) {
        return Some(0);
    }
    Some(if not_second.next(range) { 2 } else { 1 })
}

/// A slot and its further bits.
fn number(code: &mut Adaptive, slots: &[(u64, u32)], bits: &mut Bits<'_>) -> Result<u64, Fault> {
    let slot = code.symbol(bits)?;
    let (base, extra) = slots.get(usize::from(slot)).copied().ok_or_else(|| Fault::corrupt("lzms: a slot that is none"))?;
    Ok(base.saturating_add(if extra == 0 { 0 } else { bits.number(extra)?.into() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_reach_as_far_as_they_should() {
        assert_eq!((slots(DISTANCES).len(), slots(DISTANCES).last().copied()), (799, Some((0x065b_e4a5, 30))));
        assert_eq!((slots(LENGTHS).len(), slots(LENGTHS).last().copied()), (54, Some((0x0001_08ab, 30))));
        assert!(block(&[1, 2, 3], 10).is_err());
    }
}
