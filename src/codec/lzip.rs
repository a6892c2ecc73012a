//! lzip: LZMA with a header and a trailer that has a checksum. RFC draft-diaz-lzip.

use super::{LzmaProperties, Part, Sink, Stream, lzma, several};
use crate::blob::{Bytes, Endian, to_u64};
use crate::limits::Budget;
use crate::problem::Fault;

const MAGIC: &[u8] = b"LZIP";

/// Magic, u8 version, u8 dictionary size.
const HEADER: u64 = 6;

pub(super) fn stream<'b>(input: &[u8], budget: &'b Budget) -> Stream<'b> {
    several(input, budget, |rest| rest.has(0, MAGIC).then_some(0), one)
}

/// The coded size: 2^(low five bits), less as many sixteenths as the upper three say.
fn dictionary(coded: u8) -> Option<u32> {
    let base = 1_u32.checked_shl((coded & 0x1f).into()).filter(|base| (1 << 12..=1 << 29).contains(base))?;
    base.checked_sub((base / 16).saturating_mul((coded >> 5).into()))
}

/// One member. After the data: CRC-32 and u64 size of the content, u64 size of the member.
fn one(input: Bytes<'_>, sink: &mut Sink<'_>) -> Part {
    let header = (input.has(0, MAGIC) && input.u8(4) == Ok(1)).then(|| input.u8(5).ok().and_then(dictionary)).flatten();
    let Some(dictionary) = header else { return (0, Some(Fault::corrupt("lzip: not this header"))) };
    let properties = LzmaProperties { lc: 3, lp: 0, pb: 2, dictionary };
    let (mut sum, mut made) = (flate2::Crc::new(), 0_u64);
    let (consumed, fault) = lzma::marked(input.tail(HEADER), properties, &mut |bytes| {
        sum.update(bytes);
        made = made.saturating_add(to_u64(bytes.len()));
        sink(bytes)
    });
    let end = consumed.saturating_add(HEADER);
    if fault.is_some() {
        return (end, fault);
    }
    let trailer = (input.u32(end, Endian::Little), input.u64(end.saturating_add(4), Endian::Little));
    let (Ok(stored), Ok(size)) = trailer else { return (input.len(), Some(Fault::Truncated("lzip data ends early".to_owned()))) };
    let end = end.saturating_add(20);
    if end > input.len() {
        return (input.len(), Some(Fault::Truncated("lzip data ends early".to_owned())));
    }
    let wrong = (sum.sum() != stored || size != made).then(|| Fault::Checksum("lzip: the checksum of the content does not fit".to_owned()));
    (end, wrong)
}

#[cfg(test)]
mod tests {
    use crate::codec::Codec;
    use crate::codec::testing::{Check, checksum, noise, pipe};

    #[test]
    fn streams() {
        if crate::testing::lacking(&["lzip"]) {
            return;
        }
        let data = noise(300_000);
        for options in [["-c", "-0"], ["-c", "-9"]] {
            let packed = pipe("lzip", &options, &data);
            Check { codec: Codec::Lzip, packed: &packed, data: &data, joins: true, least_of_half: 100_000 }.all();
        }
    }

    #[test]
    fn wrong_checksum() {
        if crate::testing::lacking(&["lzip"]) {
            return;
        }
        let data = noise(10_000);
        let mut packed = pipe("lzip", &["-c"], &data);
        let sum = packed.len() - 20;
        packed[sum] ^= 1;
        checksum(Codec::Lzip, &packed, &data);
    }
}
