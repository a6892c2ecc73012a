//! Sound, pictures and films in chunks: WAV, AVI, WebP, MIDI.

use crate::blob::{Bytes, Endian};
use crate::format::simple::Leaf;
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// RIFF.
pub(super) static RIFF: Leaf = Leaf {
    spec: &Spec {
        id: "riff",
        name: "RIFF (WAV, AVI, WebP)",
        kind: Kind::Media,
        magics: &[Magic::anywhere(b"RIFF")],
        leaf: true,
        references: &["https://www.aelius.com/njh/wavemetatools/doc/riffmci.pdf"],
        limitations: &[],
    },
    reach,
};

/// What chunks are of, and what the first chunk in them is called.
const KINDS: &[(&[u8; 4], &[u8])] = &[
    (b"WAVE", b""),
    (b"AVI ", b"LIST"),
    (b"WEBP", b"VP8"),
    (b"RMID", b"data"),
    (b"ACON", b""),
    (b"QLCM", b"fmt "),
    (b"CDR9", b""),
    (b"sfbk", b"LIST"),
];

/// Magic, u32 length of what follows, kind; little-endian. Then chunks: four letters, u32 length.
fn reach(input: Bytes<'_>) -> Result<u64, Rejected> {
    let (length, kind) = (u64::from(input.u32(4, Endian::Little)?), input.array::<4>(8)?);
    let first = KINDS.iter().find(|row| *row.0 == kind).ok_or(Rejected("kind"))?.1;
    let printable = input.get(12, 4)?.iter().all(|byte| matches!(byte, b' '..=b'~'));
    if !printable || !input.has(12, first) || length < 12 || u64::from(input.u32(16, Endian::Little)?) > length {
        return Err(Rejected("first chunk"));
    }
    Ok(length.saturating_add(8).next_multiple_of(2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::simple::tests::whole_and_in_junk;
    use crate::format::testing::carve;

    #[test]
    fn they_reach_to_their_end() {
        whole_and_in_junk(&RIFF, include_bytes!("../../../fixtures/riff/beep.wav"));
        assert_eq!(carve(&RIFF, b"RIFF is the magic of WAVE files, and this is a text", 0), None);
    }
}
