//! Cabinets: the archives that Microsoft's installers, drivers and updates come in.

use std::collections::BTreeMap;

use self::folder::{Folder, unpack_folder};
use self::header::{File, Header};
use crate::blob::{Blob, Bytes, Span, to_usize};
use crate::format::{Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::{Budget, Output};
use crate::problem::{Fault, Rejected};

mod folder;
mod header;

/// Cabinet.
#[derive(Debug)]
pub(super) struct Cab;

static SPEC: Spec = Spec {
    id: "cab",
    name: "Microsoft cabinet",
    kind: Kind::Archive,
    magics: &[Magic::anywhere(b"MSCF")],
    leaf: false,
    references: &["https://learn.microsoft.com/en-us/previous-versions/bb417343(v=msdn.10)"],
    limitations: &[
        "files compressed with Quantum are named, not read",
        "of files that lie in several cabinets, the parts in others",
        "files behind a broken block of LZX in the same folder",
    ],
};

impl Format for Cab {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let bytes = Bytes(blob.bytes().tail(start));
        let header = Header::read(bytes)?;
        if header.files > 0 && File::read(bytes, header.first_file).is_err() && header.first_file < bytes.len() {
            return Err(Rejected("the first file"));
        }
        Ok(Carved::new(header.length, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        let header = Header::read(bytes).map_err(|rejected| Fault::corrupt(rejected.0))?;
        let (files, lost) = files(bytes, &header);
        for (index, files) in &files {
            let folder = header.folder(bytes, *index);
            let unpacked = unpack_folder(bytes, &header, folder.as_ref(), children)?;
            for file in files {
                hand_over(file, folder.as_ref(), &unpacked, children)?;
            }
        }
        lost.map_or(Ok(()), Err)
    }
}

/// Files by the folder that they are in, which is one stream, in order; and why those are not all.
fn files<'a>(bytes: Bytes<'a>, header: &Header) -> (BTreeMap<u64, Vec<File<'a>>>, Option<Fault>) {
    let (mut folders, mut at): (BTreeMap<u64, Vec<_>>, _) = (BTreeMap::new(), header.first_file);
    for _ in 0..header.files {
        match File::read(bytes, at) {
            Ok(file) => {
                at = file.next;
                folders.entry(file.folder(header.folders)).or_default().push(file);
            }
            Err(rejected) => return (folders, Some(Fault::corrupt(format!("cab: no entry at {at:#x}: {}", rejected.0)))),
        }
    }
    (folders, None)
}

/// Hands over one file of a folder, as far as it is there.
fn hand_over(
    file: &File<'_>,
    folder: Option<&Folder>,
    unpacked: &(Output<'_>, Option<Fault>),
    children: &mut Children<'_>,
) -> Result<(), Fault> {
    let (bytes, fault) = unpacked;
    // The folder began in the cabinet before this one: how many of its bytes that held, nobody says here.
    let fault = if file.is_continued() {
        Some(Fault::Truncated("cab: the file begins in the cabinet before this one".to_owned()))
    } else {
        fault.clone()
    };
    if let (None, Some(span)) = (&fault, folder.and_then(|folder| folder.stored)) {
        let span = Span::new(span.start.saturating_add(file.start), file.size);
        return Ok(children.span(file.path(), span, file.attributes())?);
    }
    let mut output = children.output();
    if !file.is_continued() {
        let available = Bytes(bytes.as_slice()).up_to(file.start, file.size);
        output.push(available)?;
    }
    let whole = output.len() == file.size;
    let fault = fault.filter(|_| !whole).or_else(|| (!whole).then(|| cut(file, output.len())));
    Ok(children.made_with(file.path(), output, file.attributes(), fault.as_ref())?)
}

fn cut(file: &File<'_>, available: u64) -> Fault {
    if file.goes_on() {
        return Fault::Truncated("cab: the file goes on in the cabinet behind this one".to_owned());
    }
    Fault::Truncated(format!("cab: {available} of {} bytes are there", to_usize(file.size)))
}

#[cfg(test)]
mod tests;
