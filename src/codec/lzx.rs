//! LZX, in the dialects of cabinets and help files, and of Windows images.
//! <https://learn.microsoft.com/en-us/openspecs/exchange_server_protocols/ms-patch/cc78752a-b4af-4eee-88cb-01f4d8a4c2bf>

use super::bits::{Bits, Order};
use super::huffman::Huffman;
use super::window::Window;
use super::{Sink, Stream, collect};
use crate::blob::{to_u64, to_usize};
use crate::limits::{Budget, Output};
use crate::problem::Fault;

/// How a stream of LZX is to be read.
#[derive(Debug, Clone, Copy)]
pub struct LzxProperties {
    /// The window is two to the power of this: 15 to 21.
    pub window_bits: u32,
    /// Everything starts afresh after so many bytes; 0 for never.
    pub reset_interval: u64,
    /// Whether it is the dialect of Windows images.
    pub windows_image: bool,
}

/// Bytes after which bits are aligned, and addresses of calls translated, in cabinets.
const FRAME: u64 = 32 << 10;

/// The size of the program that Windows images pretend calls are in.
const IMAGE_SIZE: u32 = 12_000_000;

/// Decompresses `size` bytes of LZX.
pub fn stream<'b>(input: &[u8], properties: LzxProperties, size: u64, budget: &'b Budget) -> Stream<'b> {
    let mut output = Output::new(budget, to_u64(input.len()));
    let mut decoder = Decoder::new(input, properties);
    let fault = decoder.run(size, &mut |bytes| Ok(output.push(bytes)?)).err();
    Stream { output, consumed: decoder.bits.consumed(), fault }
}

/// Decompresses one block that holds `size` bytes.
///
/// # Errors
/// If it is broken.
pub fn block(input: &[u8], properties: LzxProperties, size: u64) -> Result<Vec<u8>, Fault> {
    collect("lzx", size, |sink| {
        let mut decoder = Decoder::new(input, properties);
        let fault = decoder.run(size, sink).err();
        (decoder.bits.consumed(), fault)
    })
}

/// What remains of the block that is being read.
enum Block {
    Verbatim,
    Aligned(Huffman),
    Uncompressed,
}

struct Decoder<'a> {
    properties: LzxProperties,
    bits: Bits<'a>,
    window: Window,
    slots: Vec<(u64, u32)>,
    recent: [u64; 3],
    main_lengths: Vec<u8>,
    length_lengths: Vec<u8>,
    main: Option<Huffman>,
    length: Option<Huffman>,
    block: Block,
    remaining: u64,
    /// Whether a byte fills up the uncompressed block to 16 bits.
    odd: bool,
    /// The size of the program, by which addresses of calls are translated; 0 if they are not.
    translation: u32,
    fresh: bool,
}

/// Extra bits of the distances of a slot.
fn extra_bits(slot: usize) -> u32 {
    u32::try_from((slot / 2).saturating_sub(1)).unwrap_or(0).min(17)
}

/// Slots as far as the window reaches: the least distance, and how many bits are added to it.
fn slots(window: u64) -> Vec<(u64, u32)> {
    let (mut slots, mut base) = (Vec::new(), 0_u64);
    while base < window {
        let extra = extra_bits(slots.len());
        slots.push((base, extra));
        base = base.saturating_add(1 << extra);
    }
    slots
}

impl<'a> Decoder<'a> {
    fn new(input: &'a [u8], properties: LzxProperties) -> Self {
        let window = 1_u64 << properties.window_bits.clamp(15, 21);
        let slots = slots(window);
        let mains = slots.len().saturating_mul(8).saturating_add(256);
        Self {
            properties,
            bits: Bits::new(input, Order::Words),
            window: Window::new(window, None),
            slots,
            recent: [1; 3],
            main_lengths: vec![0; mains],
            length_lengths: vec![0; 249],
            main: None,
            length: None,
            block: Block::Verbatim,
            remaining: 0,
            odd: false,
            translation: if properties.windows_image { IMAGE_SIZE } else { 0 },
            fresh: true,
        }
    }

    fn run(&mut self, size: u64, sink: &mut Sink<'_>) -> Result<(), Fault> {
        while self.window.made() < size {
            let frame = if self.properties.windows_image { size } else { FRAME };
            let frame_end = self.window.made().saturating_add(frame).min(size);
            let result = self.frame(frame_end);
            let translation = self.translation;
            self.window.flush_changed(sink, |bytes, before| {
                // Calls are translated in the first 32768 frames only.
                if translation > 0 && before < FRAME.saturating_mul(1 << 15) {
                    translate(bytes, before, translation);
                }
            })?;
            result?;
            if !self.properties.windows_image {
                self.bits.align(false)?;
            }
            if self.properties.reset_interval > 0 && self.window.made().is_multiple_of(self.properties.reset_interval) {
                self.reset();
            }
        }
        Ok(())
    }

    fn reset(&mut self) {
        (self.recent, self.remaining, self.odd, self.fresh, self.block) = ([1; 3], 0, false, true, Block::Verbatim);
        self.main_lengths.fill(0);
        self.length_lengths.fill(0);
    }

    fn frame(&mut self, end: u64) -> Result<(), Fault> {
        if self.fresh && !self.properties.windows_image {
            self.translation = if self.bits.bit()? { (self.bits.number(16)? << 16) | self.bits.number(16)? } else { 0 };
        }
        self.fresh = false;
        while self.window.made() < end {
            if self.remaining == 0 {
                self.start_block()?;
            }
            let before = self.window.made();
            let stop = end.min(before.saturating_add(self.remaining));
            if matches!(self.block, Block::Uncompressed) {
                let bytes = self.bits.bytes(stop.saturating_sub(before))?;
                self.window.extend(bytes);
            } else {
                self.matches(stop)?;
            }
            let made = self.window.made().saturating_sub(before);
            self.remaining = self.remaining.checked_sub(made).ok_or_else(|| Fault::corrupt("lzx: a match leaves its block"))?;
        }
        Ok(())
    }

    fn start_block(&mut self) -> Result<(), Fault> {
        if std::mem::take(&mut self.odd) {
            self.bits.bytes(1)?;
        }
        let kind = self.bits.number(3)?;
        self.remaining = self.block_size()?.into();
        if self.remaining == 0 {
            return Err(Fault::corrupt("lzx: an empty block"));
        }
        self.block = match kind {
            1 => Block::Verbatim,
            2 => {
                let mut lengths = [0_u8; 8];
                for length in &mut lengths {
                    *length = u8::try_from(self.bits.number(3)?).unwrap_or(0);
                }
                Block::Aligned(Huffman::new(&lengths)?)
            }
            3 => return self.start_uncompressed(),
            _ => return Err(Fault::corrupt("lzx: a block of unknown kind")),
        };
        let (mut mains, mut lengths) = (std::mem::take(&mut self.main_lengths), std::mem::take(&mut self.length_lengths));
        let (literals, matches) = mains.split_at_mut(256);
        for part in [literals, matches, lengths.as_mut_slice()] {
            self.read_lengths(part)?;
        }
        (self.main, self.length) = (Some(Huffman::new(&mains)?), Some(Huffman::new(&lengths)?));
        (self.main_lengths, self.length_lengths) = (mains, lengths);
        Ok(())
    }

    fn block_size(&mut self) -> Result<u32, Fault> {
        if !self.properties.windows_image {
            return self.bits.number(24);
        }
        if self.bits.bit()? {
            return Ok(32 << 10);
        }
        self.bits.number(if self.properties.window_bits >= 16 { 24 } else { 16 })
    }

    /// Bits are dropped up to the next word, a whole one if none is left of this one; the recent distances follow as u32.
    fn start_uncompressed(&mut self) -> Result<(), Fault> {
        self.bits.align(true)?;
        for recent in &mut self.recent {
            let bytes = self.bits.bytes(4)?;
            *recent = bytes.iter().rev().fold(0, |sum, byte| (sum << 8) | u64::from(*byte));
        }
        self.odd = !self.remaining.is_multiple_of(2);
        self.block = Block::Uncompressed;
        Ok(())
    }

    /// Lengths of codes, as differences from those of the block before: a code for them comes first.
    fn read_lengths(&mut self, lengths: &mut [u8]) -> Result<(), Fault> {
        let mut pretree = [0_u8; 20];
        for length in &mut pretree {
            *length = u8::try_from(self.bits.number(4)?).unwrap_or(0);
        }
        let pretree = Huffman::new(&pretree)?;
        let changed = |old: u8, symbol: u16| u8::try_from(u16::from(old).saturating_add(17).saturating_sub(symbol) % 17).unwrap_or(0);
        let mut at = 0_usize;
        while let Some(old) = lengths.get(at).copied() {
            let (count, value) = match pretree.symbol(&mut self.bits)? {
                17 => (self.bits.number(4)?.saturating_add(4), 0),
                18 => (self.bits.number(5)?.saturating_add(20), 0),
                19 => {
                    let count = self.bits.number(1)?.saturating_add(4);
                    let symbol = pretree.symbol(&mut self.bits)?;
                    if symbol > 16 {
                        return Err(Fault::corrupt("lzx: a repeated repetition"));
                    }
                    (count, changed(old, symbol))
                }
                symbol => (1, changed(old, symbol)),
            };
            let end = at.saturating_add(to_usize(count.into())).min(lengths.len());
            lengths.get_mut(at..end).unwrap_or_default().fill(value);
            at = end;
        }
        Ok(())
    }

    fn matches(&mut self, stop: u64) -> Result<(), Fault> {
        let (Some(main), Some(lengths)) = (&self.main, &self.length) else { return Err(Fault::corrupt("lzx: no codes")) };
        while self.window.made() < stop {
            let symbol = main.symbol(&mut self.bits)?;
            let Some(symbol) = symbol.checked_sub(256) else {
                self.window.push(u8::try_from(symbol).unwrap_or(0));
                continue;
            };
            let mut length = u64::from(symbol & 7).saturating_add(2);
            if symbol & 7 == 7 {
                length = length.saturating_add(lengths.symbol(&mut self.bits)?.into());
            }
            let [first, second, third] = self.recent;
            self.recent = match usize::from(symbol >> 3) {
                0 => [first, second, third],
                1 => [second, first, third],
                2 => [third, second, first],
                slot => [distance(self.slots.get(slot).copied(), &self.block, &mut self.bits)?, first, second],
            };
            let [first, ..] = self.recent;
            self.window.copy(first, length)?;
        }
        Ok(())
    }
}

/// The distance that the bits behind a slot say.
fn distance(slot: Option<(u64, u32)>, block: &Block, bits: &mut Bits<'_>) -> Result<u64, Fault> {
    let (base, extra) = slot.ok_or_else(|| Fault::corrupt("lzx: a distance beyond the window"))?;
    let more = match block {
        Block::Aligned(code) if extra >= 3 => {
            let high = bits.number(extra.saturating_sub(3))? << 3;
            high | u32::from(code.symbol(bits)?)
        }
        _ => bits.number(extra)?,
    };
    Ok(base.saturating_add(more.into()).saturating_sub(2))
}

/// Makes the targets of x86 calls relative again. They were made absolute, so that calls of the same function look the same.
fn translate(bytes: &mut [u8], before: u64, size: u32) {
    let (size, before) = (i64::from(size), i64::try_from(before).unwrap_or(0));
    let mut at = 0_usize;
    let end = bytes.len().saturating_sub(10);
    while at < end {
        let here = bytes.get(at).copied();
        let target = bytes.get_mut(at.saturating_add(1)..at.saturating_add(5)).and_then(|target| target.first_chunk_mut::<4>());
        let (Some(0xe8), Some(target)) = (here, target) else {
            at = at.saturating_add(1);
            continue;
        };
        let absolute = i64::from(i32::from_le_bytes(*target));
        let place = before.saturating_add(i64::try_from(at).unwrap_or(0));
        if absolute >= place.saturating_neg() && absolute < size {
            let relative = if absolute >= 0 { absolute.saturating_sub(place) } else { absolute.saturating_add(size) };
            *target = i32::try_from(relative).unwrap_or(0).to_le_bytes();
        }
        at = at.saturating_add(5);
    }
}
