//! WIM: images of Windows volumes, as its installers and recovery partitions hold them.

use self::header::Header;
use self::tree::{Content, Volume};
use crate::blob::{Blob, Bytes, Span};
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

mod header;
mod resource;
mod tree;

/// Windows image.
#[derive(Debug)]
pub(super) struct Wim;

static SPEC: Spec = Spec {
    id: "wim",
    name: "Windows image (WIM)",
    kind: Kind::Archive,
    magics: &[Magic::anywhere(b"MSWIM\0\0\0")],
    leaf: false,
    references: &["https://www.microsoft.com/en-us/download/details.aspx?id=13096", "https://wimlib.net/man1/wimlib-imagex.html"],
    limitations: &["alternate data streams, owners and access rights"],
};

impl Format for Wim {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let header = Header::read(Bytes(blob.bytes().tail(start)))?;
        Ok(Carved::new(header.length(), start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        let header = Header::read(bytes).map_err(|rejected| Fault::corrupt(rejected.0))?;
        if header.xml.stored > 0 {
            children.span("description.xml", Span::new(header.xml.start, header.xml.stored), Attributes::default())?;
        }
        let table = resource::content(bytes, &header, &header.table, children)?;
        let volume = Volume::new(bytes, &header, Bytes(table.as_slice()));
        let several = volume.images.len() > 1;
        let mut content = Content::new(children, blob.len());
        for (index, metadata) in (1_u64..).zip(&volume.images) {
            let prefix = if several { format!("{index}/") } else { String::new() };
            let names = resource::content(bytes, &header, metadata, children);
            let done = names.and_then(|names| volume.unpack(Bytes(names.as_slice()), &prefix, &mut content, children));
            if let Err(fault) = done {
                if fault.is_limit() {
                    return Err(fault);
                }
                children.problem(&fault, Some(metadata.start));
            }
        }
        if header.parts > 1 {
            return Err(Fault::unsupported("wim: an image in several files, of which this is one"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
