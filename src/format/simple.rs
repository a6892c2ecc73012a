//! Formats that need no more than a function: streams that a codec reads, and things of which only the length is asked.

use super::{Carved, Format, Spec, carve_stream};
use crate::blob::{Blob, Bytes};
use crate::codec::Codec;
use crate::limits::Budget;
use crate::problem::Rejected;

/// A stream of one codec.
#[derive(Debug)]
pub(super) struct Packed {
    pub(super) spec: &'static Spec,
    pub(super) codec: Codec,
    /// What the header must look like before anything is decompressed.
    pub(super) header: fn(Bytes<'_>) -> Result<(), Rejected>,
}

impl Format for Packed {
    fn spec(&self) -> &'static Spec {
        self.spec
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, budget: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let input = blob.bytes().tail(start);
        (self.header)(Bytes(input))?;
        carve_stream(self.codec, String::new(), input, budget)
    }
}

/// Something that is recognized, with its length, and holds nothing that is handed out.
#[derive(Debug)]
pub(super) struct Leaf {
    pub(super) spec: &'static Spec,
    /// How far it reaches: less than the bytes that are given, or more where it is cut.
    pub(super) reach: fn(Bytes<'_>) -> Result<u64, Rejected>,
}

impl Format for Leaf {
    fn spec(&self) -> &'static Spec {
        self.spec
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let length = (self.reach)(Bytes(blob.bytes().tail(start)))?;
        Carved::plausible(length, start, blob)
    }
}

#[cfg(test)]
pub(in crate::format) mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage};

    /// Asserts that `format` takes all of `image`, and survives what is done to it.
    pub(in crate::format) fn whole(format: &dyn Format, image: &[u8]) {
        assert_eq!(carve(format, image, 0), Some(image.len().try_into().unwrap()));
        survives_damage(format, image);
    }

    /// The same, also with other bytes before and behind.
    pub(in crate::format) fn whole_and_in_junk(format: &dyn Format, image: &[u8]) {
        whole(format, image);
        let junk = [b"in front".as_slice(), image, &[0xee; 300]].concat();
        assert_eq!(carve(format, &junk, 8), Some(image.len().try_into().unwrap()));
    }
}
