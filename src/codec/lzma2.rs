//! LZMA2 without any container, on lzma-rust2.

use std::io::Read;

use lzma_rust2::Lzma2Reader;

use super::{STEP, Stream, guard};
use crate::blob::{Bytes, Endian, to_u64};
use crate::limits::{Budget, Output};
use crate::problem::Fault;

/// The largest dictionary that is given memory.
const DICTIONARY: u32 = 1 << 30;

/// The dictionary that this byte stands for: 2 or 3 times a power of two.
fn dictionary(packed: u8) -> Option<u32> {
    let packed = u32::from(packed);
    (packed <= 40).then(|| (2 | (packed & 1)).checked_shl((packed / 2).saturating_add(11)).unwrap_or(0).min(DICTIONARY))
}

/// Where the chunks at the start of `input` end, and how much they hold. A chunk: 0 the end; 1, 2: u16 bytes less one, those bytes as they
/// are; 80 and more: five bits and u16 bytes of content less one, u16 packed bytes less one, with c0 and more u8 properties, those bytes.
/// The first one must empty the dictionary.
pub(crate) fn survey(input: Bytes<'_>) -> Option<(u64, u64)> {
    let (mut at, mut content) = (0_u64, 0_u64);
    loop {
        let control = input.u8(at).ok()?;
        let word = |offset: u64| input.u16(at.saturating_add(offset), Endian::Big).ok().map(|word| u64::from(word).saturating_add(1));
        if at == 0 && !matches!(control, 1 | 0xe0..) {
            return None;
        }
        let (length, made) = match control {
            0 => return Some((at.saturating_add(1), content)),
            1 | 2 => (word(1)?.saturating_add(3), word(1)?),
            0x80.. => {
                let header = if control >= 0xc0 { 6 } else { 5 };
                (word(3)?.saturating_add(header), (u64::from(control & 0x1f) << 16).saturating_add(word(1)?))
            }
            _ => return None,
        };
        (at, content) = (at.saturating_add(length), content.saturating_add(made));
        if at > input.len() {
            return None;
        }
    }
}

/// Decompresses chunks that are all there, behind the byte that says how large the dictionary is.
pub(crate) fn stream<'b>(packed: u8, input: &[u8], budget: &'b Budget) -> Stream<'b> {
    let mut output = Output::new(budget, to_u64(input.len()));
    let survey = survey(Bytes(input)).zip(dictionary(packed));
    let Some(((consumed, _), dictionary)) = survey else {
        return Stream { output, consumed: 0, fault: Some(Fault::corrupt("lzma2: not a whole stream")) };
    };
    let result = guard("lzma2", || {
        let mut reader = Lzma2Reader::new(Bytes(input).up_to(0, consumed), dictionary, None);
        let mut buffer = vec![0; STEP];
        loop {
            let fresh = reader.read(&mut buffer).map_err(|error| Fault::corrupt(format!("lzma2: {error}")))?;
            if fresh == 0 {
                return Ok(());
            }
            output.push(buffer.get(..fresh).unwrap_or_default())?;
        }
    });
    Stream { output, consumed, fault: result.err() }
}
