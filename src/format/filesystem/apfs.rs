//! APFS: the file system of Apple's devices since 2017, and of what restores them.

use crate::blob::{Blob, Bytes, Span, to_u64};
use crate::format::unix::inodes;
use crate::format::{Carved, Children, Format, Kind, Magic, Spec, part_text};
use crate::limits::{Budget, Effort, Exceeded};
use crate::problem::{Fault, Rejected};

mod container;
mod mounted;
mod records;
#[cfg(test)]
mod tests;
mod tree;

use container::{Container, Volume};
use mounted::Mounted;
use records::Records;
use tree::Trees;

/// Apple File System.
#[derive(Debug)]
pub(super) struct Apfs;

static SPEC: Spec = Spec {
    id: "apfs",
    name: "APFS",
    kind: Kind::FileSystem,
    magics: &[Magic::anywhere(b"NXSB").at(container::MAGIC)],
    leaf: false,
    references: &["https://developer.apple.com/support/downloads/Apple-File-System-Reference.pdf"],
    limitations: &[
        "snapshots: only the newest state is read",
        "encrypted volumes",
        "extended attributes and resource forks other than those of compressed files",
        "containers on two disks (Fusion)",
    ],
};

impl Format for Apfs {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let container = Container::read(Bytes(blob.bytes().tail(start)), 0)?;
        Ok(Carved::new(container.length(), start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let image = blob.bytes();
        let first = Container::read(image, 0).map_err(|rejected| Fault::corrupt(rejected.0))?;
        let mut trees = Trees::new(image, first.block, Effort::new(children.budget(), image.len()));
        let container = first.newest(&mut trees)?;
        let volumes = container.volumes(&mut trees)?;
        if volumes.is_empty() {
            // A container that was just made, or of which only the beginning is there.
            trees.note("no volume can be found in it");
        }
        for volume in &volumes {
            let span = volume.name;
            let name = image.up_to(span.start, span.length);
            children.fact("header.name", name, Span::new(span.start, to_u64(name.len())));
            let prefix = if volumes.len() > 1 { part_text(name) } else { String::new() };
            one(volume, prefix, &mut trees, children)?;
        }
        for (fault, at) in trees.faults() {
            children.problem(&fault, at);
        }
        if container.length() > image.len() {
            return Err(Fault::Truncated(format!("{} of {} bytes are there", image.len(), container.length())));
        }
        Ok(())
    }
}

/// Hands over the files of one volume.
fn one(volume: &Volume, prefix: String, trees: &mut Trees<'_, '_>, children: &mut Children<'_>) -> Result<(), Exceeded> {
    if volume.encrypted {
        children.problem(&Fault::Encrypted(format!("the volume {prefix:?} is encrypted")), Some(volume.name.start));
        return Ok(());
    }
    let records = Records::of(volume, trees)?;
    let length = trees.image.len();
    let mut mounted = Mounted { records: &records, trees };
    inodes::walk(&mut mounted, children, &[(prefix, records::ROOT)], length)
}
