//! Compound files (OLE2): Windows Installer packages, and the documents of older office programs.

use self::chain::Volume;
use self::header::Header;
use crate::blob::{Blob, Bytes};
use crate::format::{Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

mod chain;
mod header;
mod name;
mod tree;

/// Compound file.
#[derive(Debug)]
pub(super) struct Cfb;

static SPEC: Spec = Spec {
    id: "cfb",
    name: "compound file (MSI, OLE2)",
    kind: Kind::Archive,
    magics: &[Magic::anywhere(&[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1])],
    leaf: false,
    references: &["https://learn.microsoft.com/en-us/openspecs/windows_protocols/ms-cfb/53989ce4-7b05-4f8d-829b-d08d6148375b"],
    limitations: &["the tables of installer packages are handed over, not read"],
};

impl Format for Cfb {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let bytes = Bytes(blob.bytes().tail(start));
        let header = Header::read(bytes)?;
        Ok(Carved::new(header.length(bytes), start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let header = Header::read(blob.bytes()).map_err(|rejected| Fault::corrupt(rejected.0))?;
        let volume = Volume::new(blob.bytes(), header)?;
        tree::unpack(&volume, children)
    }
}

#[cfg(test)]
mod tests;
