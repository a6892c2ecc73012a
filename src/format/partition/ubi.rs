//! UBI: the layer between raw flash and file systems that makes volumes out of erase blocks in any order.

use self::header::{EraseCounter, PebSize};
use crate::blob::{Blob, Bytes};
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec, path_text};
use crate::limits::{Budget, Exceeded};
use crate::problem::{Fault, Rejected};

mod header;
mod volumes;

#[cfg(test)]
mod tests;

/// Unsorted Block Images.
#[derive(Debug)]
pub(super) struct Ubi;

static SPEC: Spec = Spec {
    id: "ubi",
    name: "UBI image",
    kind: Kind::Partition,
    magics: &[Magic::anywhere(b"UBI#")],
    leaf: false,
    references: &[
        "https://git.kernel.org/pub/scm/linux/kernel/git/torvalds/linux.git/tree/drivers/mtd/ubi/ubi-media.h",
        "http://www.linux-mtd.infradead.org/doc/ubidesign/ubidesign.pdf",
    ],
    limitations: &[],
};

/// Erase blocks in a row that are damaged or strange, in the middle of an image.
const LONGEST_GARBAGE: u64 = 8;

impl Format for Ubi {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let bytes = Bytes(blob.bytes().tail(start));
        let first = EraseCounter::read(bytes, 0)?;
        let size = PebSize::find(bytes, &first)?;
        let (mut end, mut garbage) = (size.0, 0_u64);
        let mut at = end;
        while at < bytes.len() && garbage <= LONGEST_GARBAGE {
            match EraseCounter::read(bytes, at) {
                Ok(next) if next.is_same_image(&first) => {
                    end = at.saturating_add(size.0);
                    garbage = 0;
                }
                Ok(_) => break,
                Err(_) if is_blank(bytes.up_to(at, size.0)) => (),
                Err(_) => garbage = garbage.saturating_add(1),
            }
            at = at.saturating_add(size.0);
        }
        Ok(Carved::new(end, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        let unlike = |why: Rejected| Fault::corrupt(why.to_string());
        let first = EraseCounter::read(bytes, 0).map_err(unlike)?;
        let size = PebSize::find(bytes, &first).map_err(unlike)?;
        let image = volumes::Image::read(bytes, size.0);
        if image.damaged > 0 {
            let why = format!("{} erase blocks have damaged headers", image.damaged);
            children.problem(&Fault::Checksum(why), image.first_damaged);
        }
        let table = image.table();
        if table.is_empty() {
            children.problem(&Fault::corrupt("no intact volume table: volumes have numbers instead of names"), None);
        }
        for volume in image.volumes(&table) {
            hand_over(&image, &volume, children)?;
        }
        Ok(())
    }
}

fn hand_over(image: &volumes::Image<'_>, volume: &volumes::Volume, children: &mut Children<'_>) -> Result<(), Exceeded> {
    let mut output = children.output();
    let fault = match image.assemble(volume, &mut output) {
        Ok(fault) => fault,
        // These two are about this volume alone: the others are still to come.
        Err(limit @ (Exceeded::Artifact(_) | Exceeded::Ratio(_))) => Some(Fault::from(limit)),
        Err(limit) => return Err(limit),
    };
    children.made_with(path_text(&volume.name), output, Attributes::default(), fault.as_ref())
}

fn is_blank(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0xff)
}
