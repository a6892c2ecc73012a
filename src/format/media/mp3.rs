//! MPEG sound behind an ID3 tag.

use crate::blob::{Bytes, Endian};
use crate::format::simple::Leaf;
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// MP3.
pub(super) static MP3: Leaf = Leaf {
    spec: &Spec {
        id: "mp3",
        name: "MP3 with ID3",
        kind: Kind::Media,
        magics: &[Magic::anywhere(b"ID3")],
        leaf: true,
        references: &["https://id3.org/id3v2.3.0"],
        limitations: &["sound without ID3 in front"],
    },
    reach,
};

/// Frames at most.
const MOST: u32 = 1 << 22;

/// Magic, u8 version, u8 revision, u8 flags, length as four bytes of seven bits, with a footer of ten bytes if the flags say so.
fn reach(input: Bytes<'_>) -> Result<u64, Rejected> {
    let [version, revision, flags, size @ ..] = input.array::<7>(3)?;
    if !(2..=4).contains(&version) || revision > 4 || flags & 0x0f != 0 || size.iter().any(|byte| *byte > 0x7f) {
        return Err(Rejected("header"));
    }
    let length = size.iter().fold(0_u64, |length, byte| (length << 7) | u64::from(*byte));
    let footer = if flags & 0x10 == 0 { 0 } else { 10 };
    let mut at = length.saturating_add(10).saturating_add(footer);
    let first = at;
    for _ in 0..MOST {
        let Some(length) = input.u32(at, Endian::Big).ok().and_then(frame) else { break };
        at = at.saturating_add(length);
    }
    if at == first { Err(Rejected("no sound follows")) } else { Ok(at) }
}

/// Kilobits a second of layer III in MPEG 1, and in MPEG 2.
const RATES: [[u32; 14]; 2] =
    [[32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320], [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160]];

/// The length of the frame of layer III with this header: eleven bits set, version, layer, rate, frequency, padding.
fn frame(header: u32) -> Option<u64> {
    let version = (header >> 19) & 3;
    if header >> 21 != 0x7ff || version == 1 || (header >> 17) & 3 != 1 {
        return None;
    }
    // Versions 2 and 2.5 have a half and a quarter of the frequencies, and half the samples in a frame.
    let (half, samples) = if version == 3 { (0, 144_000_u32) } else { (1, 72_000) };
    let shift = match version {
        3 => 0,
        2 => 1,
        _ => 2,
    };
    let rate = RATES.get(half)?.get(usize::try_from((header >> 12) & 15).ok()?.checked_sub(1)?)?;
    let frequency = [44_100_u32, 48_000, 32_000].get(usize::try_from((header >> 10) & 3).ok()?)? >> shift;
    let padding = (header >> 9) & 1;
    Some(samples.checked_mul(*rate)?.checked_div(frequency)?.saturating_add(padding).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::simple::tests::whole_and_in_junk;
    use crate::format::testing::carve;

    #[test]
    fn they_reach_to_their_end() {
        whole_and_in_junk(&MP3, include_bytes!("../../../fixtures/mp3/beep.mp3"));
        assert_eq!(carve(&MP3, b"ID3\x03\0\0\0\0\0\x05 is how they begin, and this is a text", 0), None);
    }
}
