//! RAR archives, of version 1.5 to 4 and of 5 and later, on the crate rars.

use crate::blob::{Blob, Bytes};
use crate::format::{Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

mod blocks;
mod members;

/// RAR.
#[derive(Debug)]
pub(super) struct Rar;

static SPEC: Spec = Spec {
    id: "rar",
    name: "RAR",
    kind: Kind::Archive,
    magics: &[Magic::anywhere(b"Rar!\x1a\x07\x00"), Magic::anywhere(b"Rar!\x1a\x07\x01\x00")],
    leaf: false,
    references: &["https://www.rarlab.com/technote.htm", "https://github.com/bitplane/rar-research"],
    limitations: &[
        "encrypted files are named, not read",
        "archives in several volumes",
        "recovery records",
        "files behind a broken one in a solid archive",
    ],
};

impl Format for Rar {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let end = blocks::end(Bytes(blob.bytes().tail(start)))?;
        Ok(Carved::new(end, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        members::unpack(blob, children)
    }
}

#[cfg(test)]
mod tests;
