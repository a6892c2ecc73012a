//! NTFS: the file system of Windows.

use crate::blob::{Blob, Bytes};
use crate::format::{Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

mod attribute;
mod boot;
mod compressed;
mod record;
mod reparse;
mod stream;
mod tree;

use boot::Boot;

/// New Technology File System.
#[derive(Debug)]
pub(super) struct Ntfs;

static SPEC: Spec = Spec {
    id: "ntfs",
    name: "NTFS",
    kind: Kind::FileSystem,
    magics: &[Magic::anywhere(b"NTFS    ").at(3)],
    leaf: false,
    references: &["https://flatcap.github.io/linux-ntfs/ntfs/", "https://docs.kernel.org/filesystems/ntfs3.html"],
    limitations: &[
        "files that Windows compresses for its own installation (WOF: XPRESS or LZX) come compressed, as a stream of their own",
        "the file system's own files ($MFT, $LogFile and others) and deleted files are not handed out",
    ],
};

impl Format for Ntfs {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let boot = Boot::read(Bytes(blob.bytes().tail(start)))?;
        Ok(Carved::new(boot.length, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let image = blob.bytes();
        let boot = Boot::read(image).map_err(|rejected| Fault::corrupt(rejected.0))?;
        tree::unpack(image, &boot, children)?;
        // The last sector is the copy of the boot sector, which tools that cut partitions out leave behind.
        if boot.length.saturating_sub(boot.sector) > image.len() {
            return Err(Fault::Truncated(format!("{} of {} bytes are there", image.len(), boot.length)));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
