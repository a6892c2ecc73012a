//! Reduce, the second method of PKZIP: bytes by which ones follow which, then repetitions. APPNOTE section 5.2.
//! <https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT>

use super::bits::{Bits, Order};
use super::window::Window;
use super::{Sink, Stream};
use crate::blob::to_u64;
use crate::limits::{Budget, Output};
use crate::problem::Fault;

/// The byte before a repetition.
const REPEAT: u8 = 144;

/// Decompresses `size` bytes. `factor`, 1 to 4, says how many bits of a byte are for the distance.
pub(crate) fn stream<'b>(input: &[u8], factor: u32, size: u64, budget: &'b Budget) -> Stream<'b> {
    let mut output = Output::new(budget, to_u64(input.len()));
    let mut bits = Bits::new(input, Order::Lowest);
    let mut window = Window::new(4096, Some(0));
    let mut sink = |bytes: &[u8]| Ok(output.push(bytes)?);
    let result = decode(&mut bits, factor.clamp(1, 4), size, &mut window, &mut sink);
    let fault = window.flush(&mut sink).and(result).err();
    Stream { output, consumed: bits.consumed(), fault }
}

/// Bytes by the one before them.
struct Followers {
    sets: Vec<Vec<u8>>,
    last: u8,
}

impl Followers {
    /// For each byte from 255 down how many may follow it, six bits, and which.
    fn read(bits: &mut Bits<'_>) -> Result<Self, Fault> {
        let mut sets = vec![Vec::new(); 256];
        for set in sets.iter_mut().rev() {
            let count = bits.number(6)?;
            if count > 32 {
                return Err(Fault::corrupt("reduce: more followers than there may be"));
            }
            for _ in 0..count {
                set.push(byte(bits)?);
            }
        }
        Ok(Self { sets, last: 0 })
    }

    fn next(&mut self, bits: &mut Bits<'_>) -> Result<u8, Fault> {
        let set = self.sets.get(usize::from(self.last)).map(Vec::as_slice).unwrap_or_default();
        let next = if set.is_empty() || bits.bit()? {
            byte(bits)?
        } else {
            // As many bits as the highest index has, one at least.
            let highest = u32::try_from(set.len()).unwrap_or(0).saturating_sub(1).max(1);
            let index = bits.number(32_u32.saturating_sub(highest.leading_zeros()))?;
            let found = usize::try_from(index).ok().and_then(|index| set.get(index));
            *found.ok_or_else(|| Fault::corrupt("reduce: a follower that is none"))?
        };
        self.last = next;
        Ok(next)
    }
}

fn byte(bits: &mut Bits<'_>) -> Result<u8, Fault> {
    Ok(u8::try_from(bits.number(8)?).unwrap_or(0))
}

fn decode(bits: &mut Bits<'_>, factor: u32, size: u64, window: &mut Window, sink: &mut Sink<'_>) -> Result<(), Fault> {
    let mut followers = Followers::read(bits)?;
    let width = 8_u32.saturating_sub(factor);
    let longest = 0xff_u64 >> factor;
    while window.made() < size {
        let next = followers.next(bits)?;
        if next != REPEAT {
            window.push(next);
        } else {
            match u64::from(followers.next(bits)?) {
                0 => window.push(REPEAT),
                both => {
                    let mut length = both & longest;
                    if length == longest {
                        length = length.saturating_add(followers.next(bits)?.into());
                    }
                    let distance = ((both >> width) << 8).saturating_add(followers.next(bits)?.into()).saturating_add(1);
                    let left = size.saturating_sub(window.made());
                    window.copy(distance, length.saturating_add(3).min(left))?;
                }
            }
        }
        if window.is_full() {
            window.flush(sink)?;
        }
    }
    Ok(())
}
