//! LZFSE and LZVN, as Apple's systems write them, on `lzfse_rust`.

use super::{Stream, guard};
use crate::blob::{Bytes, Endian, to_u64};
use crate::limits::{Budget, Output};
use crate::problem::Fault;

const END: &[u8] = b"bvx$";

/// What a block says: its length in the stream, and the length of its content.
struct Block {
    length: u64,
    content: u64,
}

/// Blocks begin with `bvx` and their kind: `-` as it is (u32 size, bytes), `n` LZVN (u32 size, u32 packed size, bytes), `1` and `2` LZFSE.
/// `2` packs its fields into three u64: bits 20 to 39 of the first say how long the literals are, bits 40 to 59 of the second how long
/// the matches, the lower half of the third how long the header.
fn block(input: Bytes<'_>, at: u64) -> Option<Block> {
    let word = |offset: u64| input.u32(at.saturating_add(offset), Endian::Little).ok().map(u64::from);
    let quad = |offset: u64| input.u64(at.saturating_add(offset), Endian::Little).ok();
    let content = word(4)?;
    let length = match input.get(at, 4).ok()? {
        b"bvx-" => content.saturating_add(8),
        b"bvxn" => word(8)?.saturating_add(12),
        b"bvx1" => word(20)?.saturating_add(word(24)?).saturating_add(772),
        b"bvx2" => (quad(8)? >> 20 & 0xf_ffff).saturating_add(quad(16)? >> 40 & 0xf_ffff).saturating_add(quad(24)? & 0xffff_ffff),
        _ => return None,
    };
    Some(Block { length, content })
}

/// Where the blocks at the start of `input` end, and how much they hold.
fn blocks(input: Bytes<'_>) -> (u64, u64) {
    let (mut end, mut size) = (0_u64, 0_u64);
    while let Some(block) = block(input, end) {
        (end, size) = (end.saturating_add(block.length.max(4)), size.saturating_add(block.content));
    }
    (end, size)
}

fn decode(stream: &[u8], content: &mut Vec<u8>) -> Result<(), Fault> {
    guard("lzfse", || lzfse_rust::decode_bytes(stream, content).map(|_| ()).map_err(|error| Fault::corrupt(format!("lzfse: {error}"))))
}

/// A whole stream that holds at most `limit` bytes; what follows it is not looked at.
pub(super) fn whole(input: &[u8], limit: u64) -> Result<Vec<u8>, Fault> {
    let bytes = Bytes(input);
    let (end, size) = blocks(bytes);
    if size > limit {
        return Err(Fault::corrupt(format!("lzfse: a block holds more than {limit} bytes")));
    }
    let mut content = Vec::new();
    decode(bytes.up_to(0, end.saturating_add(to_u64(END.len()))), &mut content)?;
    Ok(content)
}

pub(super) fn stream<'b>(input: &[u8], budget: &'b Budget) -> Stream<'b> {
    let mut output = Output::new(budget, to_u64(input.len()));
    let bytes = Bytes(input);
    let (end, size) = blocks(bytes);
    if end == 0 {
        return Stream { output, consumed: 0, fault: Some(Fault::corrupt("lzfse: not this header")) };
    }
    let early = || Some(Fault::Truncated("lzfse data ends early".to_owned()));
    if !bytes.has(end, END) {
        return Stream { output, consumed: bytes.len().min(end), fault: early() };
    }
    let consumed = end.saturating_add(4);
    // All is paid for before the decoder makes it.
    let fault = output.zeros(size).err().map(Fault::from).or_else(|| {
        let mut content = Vec::new();
        let decoded = decode(bytes.up_to(0, consumed), &mut content);
        output.truncate(to_u64(content.len()));
        output.write_at(0, &content).err().map(Fault::from).or(decoded.err())
    });
    Stream { output, consumed, fault }
}

#[cfg(test)]
mod tests {
    use crate::codec::Codec;
    use crate::codec::testing::{code, noise, run};

    #[test]
    fn streams() {
        for data in [noise(300), noise(3000), noise(400_000), code(300_000)] {
            let mut packed = Vec::new();
            lzfse_rust::encode_bytes(&data, &mut packed).unwrap();
            let (output, consumed, fault) = run(Codec::Lzfse, &[packed.as_slice(), b"bvx and junk"].concat());
            assert_eq!((output == data, consumed, fault), (true, packed.len(), None));
            assert!(Codec::Lzfse.block(&packed, data.len() as u64).unwrap() == data);
            assert!(Codec::Lzfse.block(&packed, data.len() as u64 - 1).is_err());
            for copy in crate::testing::damaged(&packed, 100, 100) {
                run(Codec::Lzfse, &copy);
            }
        }
    }
}
