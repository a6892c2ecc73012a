//! ISO 9660: optical discs and images of them, with the names of Rock Ridge or Joliet, zisofs, and the boot images of El Torito.

use super::udf;
use crate::blob::{Blob, Bytes};
use crate::format::{Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

mod boot;
mod record;
mod susp;
mod tree;
mod volume;
mod zisofs;

use volume::Volume;

/// ISO 9660.
#[derive(Debug)]
pub(super) struct Iso9660;

static SPEC: Spec = Spec {
    id: "iso9660",
    name: "ISO 9660",
    kind: Kind::FileSystem,
    magics: &[Magic::anywhere(b"CD001\x01").at(volume::FIRST + 1)],
    leaf: false,
    references: &[
        "https://www.ecma-international.org/publications-and-standards/standards/ecma-119/",
        "https://github.com/torvalds/linux/tree/master/fs/isofs",
        "https://dev.lovelyhq.com/libburnia/libisofs/raw/branch/master/doc/susp_aaip_2_0.txt",
        "https://pdos.csail.mit.edu/6.828/2018/readings/boot-cdrom.pdf",
    ],
    limitations: &[
        "a UDF volume beside more than one file of ISO 9660 is not read",
        "interleaved files and the sparse files of Rock Ridge 1.12 are not read",
        "images of raw sectors (2352 bytes, with the checksums of the disc) are not recognized",
    ],
};

/// Whether an ISO 9660 volume starts here: partition tables before it are there for computers that boot from a USB stick.
pub(in crate::format) fn is_volume(image: Bytes<'_>) -> bool {
    Volume::primary(image).is_ok()
}

impl Format for Iso9660 {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let image = Bytes(blob.bytes().tail(start));
        let volume = Volume::primary(image)?;
        Ok(Carved::new(volume.length.max(udf::length_beside(image)), start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let image = blob.bytes();
        let volume = Volume::primary(image).map_err(|rejected| Fault::corrupt(rejected.0))?;
        volume.facts(image, children);
        let starts = tree::walk(image, &volume, children)?;
        // Discs whose files are in UDF say so in the only one that is here.
        if starts.len() <= 1 {
            udf::beside(image, children)?;
        }
        boot::unpack(image, &starts, children)?;
        boot::before_the_volume(image, children)?;
        if volume.length > image.len() {
            return Err(Fault::Truncated(format!("{} of {} bytes are there", image.len(), volume.length)));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
