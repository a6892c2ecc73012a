//! bzip2, one stream or several in a row.

use crate::blob::Blob;
use crate::codec::Codec;
use crate::format::{Carved, Format, Kind, Magic, Spec, carve_stream};
use crate::limits::Budget;
use crate::problem::Rejected;

/// bzip2.
#[derive(Debug)]
pub(super) struct Bzip2;

static SPEC: Spec = Spec {
    id: "bzip2",
    name: "bzip2",
    kind: Kind::Compression,
    magics: &[Magic::anywhere(b"BZh")],
    leaf: false,
    references: &["https://github.com/dsnet/compress/blob/master/doc/bzip2-format.pdf"],
    limitations: &["streams with nothing inside"],
};

impl Format for Bzip2 {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, budget: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let input = blob.bytes().tail(start);
        // The level, then the number that begins a block.
        let level = input.get(3).is_some_and(|level| matches!(level, b'1'..=b'9'));
        let number = input.get(4..10).is_some_and(|number| number == b"1AY&SY");
        if !level || !number {
            return Err(Rejected("no block of bzip2 begins so"));
        }
        carve_stream(Codec::Bzip2, String::new(), input, budget)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::testing::{noise, pipe};
    use crate::format::testing::{carve, survives_damage, unpack_at};

    #[test]
    fn streams_in_the_middle_of_other_bytes() {
        if crate::testing::lacking(&["bzip2"]) {
            return;
        }
        let data = noise(50_000);
        let packed = pipe("bzip2", &["-c"], &data);
        let image = [b"before".as_slice(), &packed, b"after"].concat();
        let unpacked = unpack_at(&Bzip2, &image, 6);
        assert_eq!((unpacked.file("") == data, unpacked.problems), (true, vec![]));
        assert_eq!(carve(&Bzip2, &image, 6), Some(u64::try_from(packed.len()).unwrap()));
        survives_damage(&Bzip2, &packed);
    }

    #[test]
    fn look_alikes_are_refused() {
        assert_eq!(carve(&Bzip2, b"BZh91AY&SY and then nothing of it", 0), None);
        assert_eq!(carve(&Bzip2, b"BZh9 is the magic", 0), None);
    }
}
