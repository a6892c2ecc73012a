//! What an LZMS decoder learns on the way: how likely decisions are, how often symbols occur, which places were used of late.

use super::{Bits, Bytes, Endian, Fault, Huffman};

/// The range coder: 16-bit words from the front.
pub(super) struct Range<'a> {
    words: std::slice::Iter<'a, [u8; 2]>,
    range: u32,
    code: u32,
}

impl<'a> Range<'a> {
    pub(super) fn new(words: &'a [[u8; 2]]) -> Self {
        let mut range = Self { words: words.iter(), range: u32::MAX, code: 0 };
        for _ in 0..2 {
            range.shift();
        }
        range
    }

    fn shift(&mut self) {
        let word = self.words.next().map_or(0, |word| u16::from_le_bytes(*word));
        self.code = self.code << 16 | u32::from(word);
    }

    /// A bit that is 0 in `zeros` of 64 cases.
    fn bit(&mut self, zeros: u32) -> bool {
        if self.range <= 0xffff {
            self.range <<= 16;
            self.shift();
        }
        let bound = (self.range >> 6).saturating_mul(zeros);
        let bit = self.code >= bound;
        if bit {
            self.range = self.range.saturating_sub(bound);
            self.code = self.code.saturating_sub(bound);
        } else {
            self.range = bound;
        }
        bit
    }
}

/// A decision that depends on how it was taken the last times.
pub(super) struct Decision {
    last: usize,
    /// The last 64 bits by those before them.
    recent: Vec<u64>,
}

impl Decision {
    /// One that depends on `bits` times before.
    pub(super) fn new(bits: u32) -> Self {
        Self { last: 0, recent: vec![0x5555_5555; 1 << bits.min(6)] }
    }

    pub(super) fn next(&mut self, range: &mut Range<'_>) -> bool {
        let mask = self.recent.len().saturating_sub(1);
        let Some(recent) = self.recent.get_mut(self.last) else { return false };
        let bit = range.bit(recent.count_zeros().clamp(1, 63));
        *recent = *recent << 1 | u64::from(bit);
        self.last = (self.last << 1 | usize::from(bit)) & mask;
        bit
    }
}

/// A Huffman code that is made anew each time that so many symbols were read.
pub(super) struct Adaptive {
    code: Huffman,
    counts: Vec<u32>,
    every: u32,
    left: u32,
}

impl Adaptive {
    pub(super) fn new(symbols: usize, every: u32) -> Result<Self, Fault> {
        let counts = vec![1; symbols];
        Ok(Self { code: code(&counts)?, counts, every, left: every })
    }

    pub(super) fn symbol(&mut self, bits: &mut Bits<'_>) -> Result<u16, Fault> {
        let symbol = self.code.symbol(bits)?;
        self.counts.get_mut(usize::from(symbol)).into_iter().for_each(|count| *count = count.saturating_add(1));
        self.left = self.left.saturating_sub(1);
        if self.left == 0 {
            self.left = self.every;
            self.code = code(&self.counts)?;
            self.counts.iter_mut().for_each(|count| *count = (*count >> 1).saturating_add(1));
        }
        Ok(symbol)
    }
}

/// The code for symbols that occur so often. Of what is equally frequent a symbol is joined before what was joined already; rare symbols
/// get the long codes, of equally rare ones the first.
fn code(counts: &[u32]) -> Result<Huffman, Fault> {
    let mut sorted: Vec<(u32, usize)> = counts.iter().copied().zip(0..).collect();
    sorted.sort_unstable();
    if sorted.len() < 2 {
        return if sorted.is_empty() { Ok(Huffman::single(0)) } else { Huffman::new(&[1]) };
    }
    // Nodes in the order in which they are joined: leaves first, as sorted.
    let leaves = sorted.len();
    let mut weights: Vec<u32> = sorted.iter().map(|(count, _)| *count).collect();
    let mut parents: Vec<usize> = vec![0; leaves.saturating_mul(2).saturating_sub(1)];
    let (mut leaf, mut joined) = (0_usize, leaves);
    while weights.len() < parents.len() {
        let node = weights.len();
        let mut weight = 0_u32;
        for _ in 0..2 {
            let of_leaf = weights.get(leaf).copied().filter(|_| leaf < leaves);
            let of_joined = weights.get(joined).copied();
            let take_leaf = of_leaf.is_some_and(|leaf| of_joined.is_none_or(|joined| leaf <= joined));
            let next = if take_leaf { &mut leaf } else { &mut joined };
            weight = weight.saturating_add(if take_leaf { of_leaf } else { of_joined }.unwrap_or(0));
            parents.get_mut(*next).into_iter().for_each(|parent| *parent = node);
            *next = next.saturating_add(1);
        }
        weights.push(weight);
    }
    let mut depths: Vec<u8> = vec![0; parents.len()];
    for node in (0..parents.len().saturating_sub(1)).rev() {
        let above = parents.get(node).and_then(|parent| depths.get(*parent)).copied().unwrap_or(0);
        depths.get_mut(node).into_iter().for_each(|depth| *depth = above.saturating_add(1));
    }
    depths.truncate(leaves);
    depths.sort_unstable_by(|one, two| two.cmp(one));
    let mut lengths = vec![0_u8; leaves];
    for (depth, (_, symbol)) in depths.into_iter().zip(sorted) {
        lengths.get_mut(symbol).into_iter().for_each(|length| *length = depth);
    }
    Huffman::new(&lengths)
}

/// Places that were used of late. One that is used goes to the front only after the next item.
pub(super) struct Recent<T> {
    queue: [T; 4],
    pending: Option<T>,
    until: u64,
}

impl<T: Copy> Recent<T> {
    pub(super) fn new(queue: [T; 4]) -> Self {
        Self { queue, pending: None, until: 0 }
    }

    /// What was used before stands at the front now, if anything was between.
    pub(super) fn begin(&mut self, at: u64) {
        if at != self.until {
            self.settle();
        }
    }

    fn settle(&mut self) {
        if let Some(pending) = self.pending.take() {
            let [first, second, third, _] = self.queue;
            self.queue = [pending, first, second, third];
        }
    }

    /// Takes out what stands at this place.
    pub(super) fn take(&mut self, place: usize) -> T {
        let [first, second, third, fourth] = self.queue;
        let (taken, queue) = match place {
            0 => (first, [second, third, fourth, fourth]),
            1 => (second, [first, third, fourth, fourth]),
            _ => (third, [first, second, fourth, fourth]),
        };
        self.queue = queue;
        taken
    }

    pub(super) fn used(&mut self, value: T) {
        self.settle();
        self.pending = Some(value);
    }

    /// The item ends here.
    pub(super) fn until(&mut self, at: u64) {
        self.until = at;
    }
}

/// A little-endian word of the output.
pub(super) fn word(bytes: &[u8], at: usize) -> u32 {
    Bytes(bytes).u32(crate::blob::to_u64(at), Endian::Little).unwrap_or(0)
}
