//! littlefs: the file system of small devices (Mbed, Zephyr, Arduino, MicroPython), version 1 and 2.

use crate::blob::{Blob, Bytes, Endian};
use crate::format::{Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

mod first;
mod second;
mod walk;

/// littlefs.
#[derive(Debug)]
pub(super) struct LittleFs;

static SPEC: Spec = Spec {
    id: "littlefs",
    name: "littlefs",
    kind: Kind::FileSystem,
    magics: &[Magic::anywhere(b"littlefs").at(second::MAGIC), Magic::anywhere(b"littlefs").at(first::MAGIC)],
    leaf: false,
    references: &[
        "https://github.com/littlefs-project/littlefs/blob/master/SPEC.md",
        "https://github.com/littlefs-project/littlefs/blob/v1.7.2/SPEC.md",
    ],
    limitations: &[
        "a volume whose first block is erased, so that only its copy is left, is not recognized",
        "attributes of users are not shown",
    ],
};

/// Sizes of a volume, and where its root folder is.
#[derive(Debug, Clone, Copy)]
struct Volume {
    /// Whether it is of version 1.
    old: bool,
    /// Bytes of a block.
    block: u64,
    /// Blocks.
    blocks: u64,
    /// The two blocks of the root folder.
    root: [u32; 2],
}

impl Volume {
    fn read(image: Bytes<'_>) -> Result<Self, Rejected> {
        let volume = if image.has(second::MAGIC, b"littlefs") { second::volume(image) } else { first::volume(image) }?;
        if !(104..=16 << 20).contains(&volume.block) || volume.blocks < 2 {
            return Err(Rejected("number or size of blocks"));
        }
        Ok(volume)
    }

    fn length(&self) -> u64 {
        self.block.saturating_mul(self.blocks)
    }
}

/// The CRC of all that is written: that of zlib without its last inversion.
fn crc(bytes: &[u8]) -> u32 {
    !crate::format::crc32(bytes)
}

fn word(bytes: Bytes<'_>, at: u64) -> Option<u32> {
    bytes.u32(at, Endian::Little).ok()
}

impl Format for LittleFs {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let volume = Volume::read(Bytes(blob.bytes().tail(start)))?;
        Ok(Carved::new(volume.length(), start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let image = blob.bytes();
        let volume = Volume::read(image).map_err(|rejected| Fault::corrupt(rejected.0))?;
        walk::walk(image, &volume, children)?;
        if volume.length() > image.len() {
            return Err(Fault::Truncated(format!("{} of {} bytes are there", image.len(), volume.length())));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
