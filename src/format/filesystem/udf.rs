//! UDF: DVDs, Blu-ray discs, installation media of Windows, and sticks formatted like them.

use std::collections::BTreeSet;

use crate::blob::{Blob, Bytes, Span, to_u64};
use crate::format::unix::inodes;
use crate::format::{Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::{Budget, Effort, Exceeded};
use crate::problem::{Fault, Rejected};

mod descriptor;
mod entry;
mod folder;
mod mounted;
mod space;
#[cfg(test)]
mod tests;
mod volume;

use mounted::Mounted;
use space::Space;
use volume::Volume;

/// Universal disk format, ECMA-167 as OSTA uses it. Where ISO 9660 stands before it, that format calls it.
#[derive(Debug)]
pub(super) struct Udf;

static SPEC: Spec = Spec {
    id: "udf",
    name: "UDF",
    kind: Kind::FileSystem,
    magics: &[Magic::anywhere(b"\0BEA01\x01\0").at(volume::RECOGNITION)],
    leaf: false,
    references: &["https://www.ecma-international.org/publications-and-standards/standards/ecma-167/", "http://www.osta.org/specs/"],
    limitations: &["named streams and extended attributes", "volumes of several discs"],
};

impl Format for Udf {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let image = Bytes(blob.bytes().tail(start));
        if !image.has(volume::RECOGNITION, b"\0BEA01\x01\0") {
            return Err(Rejected("no beginning of descriptors"));
        }
        Ok(Carved::new(Volume::read(image)?.length(image), start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let image = blob.bytes();
        let volume = Volume::read(image).map_err(|rejected| Fault::corrupt(rejected.0))?;
        if let Some(span) = volume.name {
            let text = image.up_to(span.start, span.length);
            children.fact("header.name", text, Span::new(span.start, to_u64(text.len())));
        }
        Ok(walk(image, &volume, children)?)
    }
}

/// Hands over the files of a UDF volume that stands on a disc beside another file system, if there is one.
///
/// # Errors
/// If a limit is reached.
pub(super) fn beside(image: Bytes<'_>, children: &mut Children<'_>) -> Result<(), Exceeded> {
    match Volume::read(image) {
        Ok(volume) => walk(image, &volume, children),
        Err(_) => Ok(()),
    }
}

/// How long a UDF volume is that stands beside another file system; 0 if there is none.
pub(super) fn length_beside(image: Bytes<'_>) -> u64 {
    Volume::read(image).map_or(0, |volume| volume.length(image))
}

fn walk(image: Bytes<'_>, volume: &Volume, children: &mut Children<'_>) -> Result<(), Exceeded> {
    let mut effort = Effort::new(children.budget(), image.len());
    let (space, faults) = Space::of(image, volume, &mut effort)?;
    for fault in faults.into_iter().chain(volume.lacking.iter().map(|why| Fault::corrupt(*why))) {
        children.problem(&fault, None);
    }
    let mut mounted = Mounted { image, space: &space, effort, damaged: BTreeSet::new(), endless: None };
    match mounted.root(volume) {
        Ok(root) => inodes::walk(&mut mounted, children, &[(String::new(), root)], image.len())?,
        Err(Fault::Exceeded(limit)) => return Err(limit),
        Err(fault) => children.problem(&fault, None),
    }
    if let Some(first) = mounted.damaged.first() {
        let fault = Fault::Checksum(format!("{} descriptors do not fit their checksums", mounted.damaged.len()));
        children.problem(&fault, Some(*first));
    }
    if mounted.endless.is_some() {
        let why = format!("a file was written anew more than {} times: what came after is not read", mounted::MOST_VERSIONS);
        children.problem(&Fault::corrupt(why), mounted.endless);
    }
    let length = volume.length(image);
    if length > image.len() {
        children.problem(&Fault::Truncated(format!("{} of {length} bytes are there", image.len())), None);
    }
    Ok(())
}
