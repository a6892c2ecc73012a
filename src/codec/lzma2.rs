//! LZMA2 without any container, on lzma-rust2.

use std::io::{ErrorKind, Read};

use lzma_rust2::Lzma2Reader;

use super::{Stream, guard};
use crate::blob::{Bytes, Endian, to_u64};
use crate::limits::{Budget, Output};
use crate::problem::Fault;

/// Bytes that are read at a time: the reader keeps to itself what it had of them when the input ended.
const STEP: usize = 4096;

/// The largest dictionary that is given memory.
const DICTIONARY: u32 = 1 << 30;

/// The dictionary that this byte stands for: 2 or 3 times a power of two.
fn dictionary(packed: u8) -> Option<u32> {
    let packed = u32::from(packed);
    (packed <= 40).then(|| (2 | (packed & 1)).checked_shl((packed / 2).saturating_add(11)).unwrap_or(0).min(DICTIONARY))
}

/// Headers of chunks that are looked at before anything is decompressed.
const HEADERS: u32 = 64;

/// Whether chunks start `input`: the first is whole, and what follows has the headers of chunks as far as `HEADERS` of them or the input go.
/// Chunks that are stored hold any bytes, so decompressing proves nothing of them.
pub(crate) fn begins(input: Bytes<'_>) -> bool {
    let mut at = 0_u64;
    for number in 0..HEADERS {
        let Ok(control) = input.u8(at) else { return number > 0 };
        let word = |offset: u64| input.u16(at.saturating_add(offset), Endian::Big).map(|word| u64::from(word).saturating_add(1));
        let (size, header) = match control {
            0 => return number > 0,
            1 => (word(1), 3),
            2 if number > 0 => (word(1), 3),
            0xe0.. => (word(3), 6),
            0xc0.. if number > 0 => (word(3), 6),
            0x80.. if number > 0 => (word(3), 5),
            _ => return false,
        };
        let Ok(size) = size else { return number > 0 };
        at = at.saturating_add(size).saturating_add(header);
        if at > input.len() {
            return number > 0;
        }
    }
    true
}

/// Decompresses the chunks at the start of `input`, behind the byte that says how large the dictionary is. A chunk: 0 the end; 1, 2: u16 bytes
/// less one, those bytes as they are; 80 and more: five bits and u16 bytes of content less one, u16 packed bytes less one, with c0 and more
/// u8 properties, those bytes. The first one must empty the dictionary.
pub(crate) fn stream<'b>(packed: u8, input: &[u8], budget: &'b Budget) -> Stream<'b> {
    let mut output = Output::new(budget, to_u64(input.len()));
    let dictionary = dictionary(packed).filter(|_| matches!(input.first(), Some(1 | 0xe0..)));
    let Some(dictionary) = dictionary else {
        return Stream { output, consumed: 0, fault: Some(Fault::corrupt("lzma2: no first chunk")) };
    };
    let mut left = input;
    let result = guard("lzma2", || {
        let mut reader = Lzma2Reader::new(&mut left, dictionary, None);
        let mut buffer = [0; STEP];
        loop {
            let fresh = reader.read(&mut buffer).map_err(fault)?;
            if fresh == 0 {
                return Ok(());
            }
            output.push(buffer.get(..fresh).unwrap_or_default())?;
        }
    });
    Stream { output, consumed: to_u64(input.len().saturating_sub(left.len())), fault: result.err() }
}

fn fault(error: std::io::Error) -> Fault {
    match error.kind() {
        ErrorKind::UnexpectedEof => Fault::Truncated("lzma2: ends early".to_owned()),
        _ => Fault::corrupt(format!("lzma2: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;

    #[test]
    fn what_is_before_the_cut_comes_out() {
        let budget = Budget::new(Limits::default(), std::sync::Arc::default());
        let chunk = |control: u8, byte: u8| [vec![control, 0x0f, 0xff], vec![byte; 4096]].concat();
        let packed = [chunk(1, b'a'), chunk(2, b'b'), vec![0], b"behind it".to_vec()].concat();
        let whole = stream(16, &packed, &budget);
        assert_eq!((whole.output.len(), whole.consumed, whole.fault), (8192, 2 * 4099 + 1, None));
        let cut = stream(16, &packed[..5000], &budget);
        assert!(cut.output.as_slice() == vec![b'a'; 4096] && matches!(cut.fault, Some(Fault::Truncated(_))));
        assert!(stream(16, &packed[4099..], &budget).fault.is_some(), "nothing stands before it that empties the dictionary");
        assert!(
            begins(Bytes(&packed)) && begins(Bytes(&packed[..5000])) && !begins(Bytes(&packed[..4000])) && !begins(Bytes(&packed[4099..]))
        );
        assert!(!begins(Bytes(&[chunk(1, b'a'), b"no chunk".to_vec()].concat())), "stored bytes may be any");
    }
}
