//! Programs for Linux on processors without memory management: bFLT.

use crate::blob::{Bytes, Endian};
use crate::format::simple::Leaf;
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// bFLT.
pub(super) static BFLT: Leaf = Leaf {
    spec: &Spec {
        id: "bflt",
        name: "bFLT (uClinux program)",
        kind: Kind::Program,
        magics: &[Magic::anywhere(b"bFLT\0\0\0\x04"), Magic::anywhere(b"bFLT\0\0\0\x02")],
        leaf: true,
        references: &["https://github.com/torvalds/linux/blob/master/include/linux/flat.h"],
        limitations: &[],
    },
    reach: |input| {
        let header = Header::read(input)?;
        if header.packed() { Err(Rejected("packed")) } else { Ok(header.end) }
    },
};

/// Bytes of the header.
pub(super) const HEADER: u64 = 64;

/// All of it but the header is a gzip stream.
pub(super) const GZIP: u32 = 4;

/// Only what is behind the code is one.
pub(super) const GZIP_DATA: u32 = 8;

/// u32 magic, u32 version, u32 entry point, u32 where the data starts, where it ends, where memory ends, u32 stack, u32 where relocations
/// start, u32 their number, u32 flags, u32 date; big-endian.
pub(super) struct Header {
    pub(super) data: u64,
    /// Where the file ends, if it is not packed.
    end: u64,
    pub(super) flags: u32,
}

impl Header {
    pub(super) fn read(input: Bytes<'_>) -> Result<Self, Rejected> {
        let word = |at: u64| input.u32(at, Endian::Big).map(u64::from);
        let (entry, data, data_end, memory) = (word(8)?, word(12)?, word(16)?, word(20)?);
        let (stack, relocations, count, flags) = (word(24)?, word(28)?, word(32)?, input.u32(36, Endian::Big)?);
        let ordered = entry >= HEADER && entry < data && data <= data_end && data_end <= memory && relocations >= data;
        if !ordered || memory > 1 << 28 || stack > 1 << 28 || count > 1 << 20 || flags > 0x3f || input.get(44, 20)? != [0; 20] {
            return Err(Rejected("header"));
        }
        Ok(Self { data, end: data_end.max(relocations.saturating_add(count.saturating_mul(4))), flags })
    }

    pub(super) fn packed(&self) -> bool {
        self.flags & (GZIP | GZIP_DATA) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::simple::tests::whole_and_in_junk;
    use crate::format::testing::carve;

    #[test]
    fn they_reach_to_their_end() {
        whole_and_in_junk(&BFLT, include_bytes!("../../../fixtures/bflt/example.bflt"));
        assert_eq!(carve(&BFLT, &[b"bFLT\0\0\0\x04".as_slice(), &[b' '; 100]].concat(), 0), None);
        assert_eq!(carve(&BFLT, include_bytes!("../../../fixtures/bflt-gzip/whole.bflt"), 0), None);
    }
}
