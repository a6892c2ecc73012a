//! NRV2B, NRV2D and NRV2E: the compression of UCL, which UPX packs programs with.

use super::lz;
use crate::blob::to_u64;
use crate::problem::Fault;

/// Which of the three. They differ in how offsets and lengths are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nrv {
    /// NRV2B.
    B,
    /// NRV2D.
    D,
    /// NRV2E.
    E,
}

/// Decompresses one block that holds at most `limit` bytes. Bits come from little-endian words of `word` bytes (1, 2 or 4), most significant
/// first; a new word is fetched where the next byte would be.
///
/// # Errors
/// If the block is broken or holds more than `limit` bytes.
pub fn nrv_block(kind: Nrv, word: u8, input: &[u8], limit: u64) -> Result<Vec<u8>, Fault> {
    let mut bits = Bits { input: input.iter(), word, buffer: 0, left: 0 };
    let mut output = Vec::new();
    let mut last = 1_u32;
    loop {
        while bits.bit()? == 1 {
            if to_u64(output.len()) >= limit {
                return Err(Fault::corrupt(format!("nrv: a block holds more than {limit} bytes")));
            }
            output.push(bits.byte()?);
        }
        let Some((offset, length)) = kind.pair(&mut bits, &mut last)? else { return Ok(output) };
        lz::copy(&mut output, offset.into(), u64::from(length).saturating_add(1), limit)
            .map_err(|why| Fault::corrupt(format!("nrv: {why}")))?;
    }
}

impl Nrv {
    /// The next match: how far back, and its length less one. None at the end marker, an offset of all ones.
    fn pair(self, bits: &mut Bits<'_>, last: &mut u32) -> Result<Option<(u32, u32)>, Fault> {
        let prefix = if self == Self::B { bits.number()? } else { bits.spread()? };
        let mut low = None;
        if prefix != 2 {
            let offset = prefix.wrapping_sub(3).wrapping_mul(256).wrapping_add(bits.byte()?.into());
            if offset == u32::MAX {
                return Ok(None);
            }
            // In D and E the lowest bit of the offset is the first of the length, turned round.
            let shift = u32::from(self != Self::B);
            low = (shift == 1).then_some(!offset & 1);
            *last = (offset >> shift).wrapping_add(1);
        }
        let first = low.map_or_else(|| bits.bit(), Ok)?;
        let length = match self {
            Self::B | Self::D => match first.wrapping_mul(2).wrapping_add(bits.bit()?) {
                0 => bits.number()?.wrapping_add(2),
                short => short,
            },
            Self::E if first == 1 => bits.bit()?.wrapping_add(1),
            Self::E if bits.bit()? == 1 => bits.bit()?.wrapping_add(3),
            Self::E => bits.number()?.wrapping_add(3),
        };
        let far = if self == Self::B { 0xd00 } else { 0x500 };
        Ok(Some((*last, length.wrapping_add(u32::from(*last > far)))))
    }
}

struct Bits<'a> {
    input: std::slice::Iter<'a, u8>,
    word: u8,
    buffer: u32,
    left: u32,
}

impl Bits<'_> {
    fn byte(&mut self) -> Result<u8, Fault> {
        self.input.next().copied().ok_or_else(|| Fault::Truncated("nrv data ends early".to_owned()))
    }

    fn bit(&mut self) -> Result<u32, Fault> {
        if self.left == 0 {
            self.buffer = 0;
            for index in 0..u32::from(self.word) {
                self.buffer |= u32::from(self.byte()?) << index.saturating_mul(8);
            }
            self.left = u32::from(self.word).saturating_mul(8);
        }
        self.left = self.left.saturating_sub(1);
        Ok((self.buffer >> self.left) & 1)
    }

    /// A number whose bits follow a leading one, each with a bit that says whether it was the last.
    fn number(&mut self) -> Result<u32, Fault> {
        let mut number = 1_u32;
        loop {
            number = number.wrapping_mul(2).wrapping_add(self.bit()?);
            if self.bit()? == 1 {
                return Ok(number);
            }
        }
    }

    /// The same with two bits for each step after the first, and one less.
    fn spread(&mut self) -> Result<u32, Fault> {
        let mut number = 1_u32;
        loop {
            number = number.wrapping_mul(2).wrapping_add(self.bit()?);
            if self.bit()? == 1 {
                return Ok(number);
            }
            number = number.wrapping_sub(1).wrapping_mul(2).wrapping_add(self.bit()?);
        }
    }
}
