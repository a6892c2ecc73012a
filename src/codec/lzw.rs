//! LZW as compress(1) writes it in `.Z` files, and archivers of its time without a header.

use super::{Part, STEP, Sink, Stream};
use crate::blob::{Bytes, to_u64, to_usize};
use crate::limits::{Budget, Output};
use crate::problem::Fault;

/// The code that empties the table, in block mode.
const CLEAR: u16 = 256;

/// Bits of the first codes.
const FIRST_WIDTH: u32 = 9;

pub(super) fn stream<'b>(input: &[u8], budget: &'b Budget) -> Stream<'b> {
    let mut output = Output::new(budget, to_u64(input.len()));
    let (consumed, fault) = one(Bytes(input), &mut |bytes| Ok(output.push(bytes)?));
    Stream { output, consumed, fault }
}

/// 1f 9d, u8: bits of the longest code 10 to 16, 80: block mode; then codes. There is no end but that of the file.
fn one(input: Bytes<'_>, sink: &mut Sink<'_>) -> Part {
    let flags = match input.array::<3>(0) {
        Ok([0x1f, 0x9d, flags]) if flags & 0x60 == 0 && (10..=16).contains(&(flags & 0x1f)) => flags,
        _ => return (0, Some(Fault::corrupt("compress: not this header"))),
    };
    let table = Table::new(u32::from(flags & 0x1f), flags & 0x80 != 0);
    let (consumed, fault) = codes(table, Bytes(input.tail(3)), sink);
    (consumed.saturating_add(3), fault)
}

/// Codes without a header that grow to `most` bits, 16 at most, one of which empties the table.
pub(crate) fn bare<'b>(input: &[u8], most: u32, budget: &'b Budget) -> Stream<'b> {
    let mut output = Output::new(budget, to_u64(input.len()));
    let table = Table::new(most.clamp(FIRST_WIDTH, 16), true);
    let (consumed, fault) = codes(table, Bytes(input), &mut |bytes| Ok(output.push(bytes)?));
    Stream { output, consumed, fault }
}

fn codes(mut table: Table, data: Bytes<'_>, sink: &mut Sink<'_>) -> Part {
    let mut codes = Codes { data, at: 0, group: 0, width: FIRST_WIDTH };
    let fault = decode(&mut table, &mut codes, sink).err();
    let consumed = if fault.is_none() { data.len() } else { codes.at.div_ceil(8).min(data.len()) };
    (consumed, fault)
}

fn decode(table: &mut Table, codes: &mut Codes<'_>, sink: &mut Sink<'_>) -> Result<(), Fault> {
    let mut out = Vec::with_capacity(STEP);
    let mut previous: Option<u16> = None;
    loop {
        if table.full_at(codes.width) && codes.width < table.most {
            codes.align();
            codes.width = codes.width.saturating_add(1);
        }
        let before = codes.at;
        let Some(code) = codes.next() else { return sink(&out) };
        if code == CLEAR && table.clears && previous.is_some() {
            table.clear();
            codes.align();
            codes.width = FIRST_WIDTH;
            continue;
        }
        if let Err(fault) = table.expand(code, previous, &mut out) {
            codes.at = before;
            sink(&out)?;
            return Err(fault);
        }
        previous = Some(code);
        if out.len() >= STEP {
            sink(&out)?;
            out.clear();
        }
    }
}

/// Codes of `width` bits, least significant first. They are written in groups of eight: when the width changes, the rest of a group is
/// padding.
struct Codes<'a> {
    data: Bytes<'a>,
    /// The next bit.
    at: u64,
    /// The bit at which codes of this width began.
    group: u64,
    width: u32,
}

impl Codes<'_> {
    fn next(&mut self) -> Option<u16> {
        let end = self.at.saturating_add(self.width.into());
        if end > self.data.len().saturating_mul(8) {
            return None;
        }
        let bytes = self.data.up_to(self.at / 8, 3);
        let word = bytes.iter().rev().fold(0_u32, |word, byte| (word << 8) | u32::from(*byte));
        let shift = u32::try_from(self.at % 8).unwrap_or(0);
        self.at = end;
        let mask = (1_u32 << self.width).wrapping_sub(1);
        u16::try_from((word >> shift) & mask).ok()
    }

    fn align(&mut self) {
        let group = u64::from(self.width).saturating_mul(8);
        let used = self.at.saturating_sub(self.group).div_ceil(group);
        self.at = self.group.saturating_add(used.saturating_mul(group));
        self.group = self.at;
    }
}

/// What codes stand for: the string of another code, and one more byte.
struct Table {
    most: u32,
    clears: bool,
    prefix: Vec<u16>,
    suffix: Vec<u8>,
    /// First byte of the string that came last.
    first: u8,
    stack: Vec<u8>,
}

impl Table {
    fn new(most: u32, clears: bool) -> Self {
        let suffix: Vec<u8> = (0..=u8::MAX).chain(clears.then_some(0)).collect();
        Self { most, clears, prefix: vec![0; suffix.len()], suffix, first: 0, stack: Vec::new() }
    }

    /// Whether the next string would not fit into codes of this width.
    fn full_at(&self, width: u32) -> bool {
        to_u64(self.suffix.len()) > (1_u64 << width).wrapping_sub(1)
    }

    fn clear(&mut self) {
        // The next code adds one: its place is that of the code that clears, which is never looked up.
        self.prefix.truncate(CLEAR.into());
        self.suffix.truncate(CLEAR.into());
    }

    fn expand(&mut self, code: u16, previous: Option<u16>, out: &mut Vec<u8>) -> Result<(), Fault> {
        let wrong = || Fault::corrupt(format!("compress: the code {code} stands for nothing yet"));
        let free = to_u64(self.suffix.len());
        let mut next = code;
        self.stack.clear();
        if u64::from(code) >= free {
            // A string may be used by the code that completes it.
            next = previous.filter(|_| u64::from(code) == free).ok_or_else(wrong)?;
            self.stack.push(self.first);
        } else if previous.is_none() && code >= CLEAR {
            return Err(wrong());
        }
        while next >= CLEAR {
            let index = usize::from(next);
            self.stack.push(*self.suffix.get(index).ok_or_else(wrong)?);
            let before = *self.prefix.get(index).ok_or_else(wrong)?;
            // Strings are made of older ones.
            next = Some(before).filter(|before| *before < next || *before < CLEAR).ok_or_else(wrong)?;
        }
        self.first = u8::try_from(next).unwrap_or(0);
        self.stack.push(self.first);
        out.extend(self.stack.iter().rev());
        if let (Some(previous), true) = (previous, self.suffix.len() < to_usize(1 << self.most)) {
            self.prefix.push(previous);
            self.suffix.push(self.first);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::codec::Codec;
    use crate::codec::testing::{code, noise, pipe, run};

    #[test]
    fn what_compress_writes() {
        if crate::testing::lacking(&["compress"]) {
            return;
        }
        let random: Vec<u8> = noise(200_000).chunks(4).map(|chunk| crate::codec::crc32(chunk).to_le_bytes()[0]).collect();
        // Text, then what makes it start anew.
        let mixed = [noise(400_000), random, code(300_000), noise(400_000)].concat();
        for bits in ["10", "12", "16"] {
            for data in [&noise(300), &noise(1_000_000), &mixed] {
                let packed = pipe("compress", &["-c", "-f", "-b", bits], data);
                let (output, consumed, fault) = run(Codec::Lzw, &packed);
                assert!(output == *data && fault.is_none() && consumed == packed.len(), "{bits}: {} {fault:?}", output.len());
            }
        }
    }

    #[test]
    fn damage_is_survived() {
        if crate::testing::lacking(&["compress"]) {
            return;
        }
        let packed = pipe("compress", &["-c"], &noise(60_000));
        for copy in crate::testing::damaged(&packed, 300, 300) {
            run(Codec::Lzw, &copy);
        }
    }
}
