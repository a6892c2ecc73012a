//! Synology's encrypted images of storage devices (.pat): a tar archive whose files are encrypted one by one, with a key that is public.

use crate::blob::{Blob, Bytes, Span};
use crate::codec::blake2b;
use crate::codec::chacha::SecretStream;
use crate::format::{Attributes, Carved, Children, EntryKind, Format, Kind, Magic, Spec, entry_path, path_text};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

mod table;

/// An encrypted image.
#[derive(Debug)]
pub(super) struct SynologyPat;

static SPEC: Spec = Spec {
    id: "synology-pat",
    name: "Synology encrypted firmware (.pat)",
    kind: Kind::Archive,
    magics: &[Magic::start(b"\xad\xbe\xef").at(1)],
    leaf: false,
    references: &["https://github.com/sud0woodo/patology", "https://github.com/jedisct1/libsodium"],
    limitations: &["the signature is not verified", "of packages and small updates, which have other keys, nothing is decrypted"],
};

/// The key of which that of an image is made.
const MASTER: [u8; 32] = *b"\x07\x8a\x75\x29\xa0\x7a\x99\x8c\xff\xad\xb8\x7d\x73\x78\x99\x3b\
    \x7d\x9c\xcf\xa7\x17\x1f\x5c\x47\xf1\x50\x83\x8a\x6a\x7c\xaf\x61";

/// Bytes of a header of tar that are encrypted, and of the place that it has.
const TAR: u64 = 386;
const PLACE: u64 = 0x200;

/// Bytes of a file in one message.
const STEP: u64 = 0x40_0000;

impl Format for SynologyPat {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let table = table::read(Bytes(blob.bytes().tail(start)))?;
        let end = table.entries.last().map_or(0, |(span, _)| span.end());
        Carved::plausible(end, start, blob)
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        let table = table::read(bytes).map_err(|rejected| Fault::corrupt(rejected.0))?;
        let key = blake2b::derive(&MASTER, table.number, table.context).ok_or_else(|| Fault::corrupt("no key can be made"))?;
        for (span, sum) in table.entries {
            let there = Bytes(bytes.up_to(span.start, span.length));
            if there.len() == span.length && blake2b::hash(there.0) != sum {
                children.problem(&Fault::Checksum("the sum of an entry does not fit".to_owned()), Some(span.start));
            }
            entry(&key, span, there, children)?;
        }
        Ok(())
    }
}

/// `header of a stream, header of tar encrypted, nothing up to 200, header of another stream, the file encrypted in messages of 4 MiB`
fn entry(key: &[u8; 32], span: Span, there: Bytes<'_>, children: &mut Children<'_>) -> Result<(), Fault> {
    let stream = |at| there.array(at).map(|header| SecretStream::new(key, header));
    let head = match stream(0) {
        Ok(mut stream) => stream.message(there.up_to(SecretStream::HEADER, TAR.saturating_add(SecretStream::MORE))),
        Err(_) => Vec::new(),
    };
    let head = Bytes(&head);
    if !head.has(257, b"ustar") {
        let fault = Fault::Encrypted("encrypted, container of Synology".to_owned());
        let name = format!("entry-at-{:#x}", span.start);
        return Ok(children.span_with(name, span, Attributes::default(), Some(&fault))?);
    }
    let number = |at, length| octal(head.text(at, length).unwrap_or_default());
    let attributes = Attributes {
        mode: number(100, 8).and_then(|mode| u32::try_from(mode).ok()),
        uid: number(108, 8).and_then(|uid| u32::try_from(uid).ok()),
        gid: number(116, 8).and_then(|gid| u32::try_from(gid).ok()),
        modified: number(136, 12).and_then(|time| i64::try_from(time).ok()),
    };
    let name = entry_path(head.text(0, 100)?);
    match head.u8(156)? {
        b'5' => children.entry(name, EntryKind::Directory, attributes),
        b'2' => children.entry(name, EntryKind::Symlink(path_text(head.text(157, 100)?)), attributes),
        b'1' => children.entry(name, EntryKind::HardLink(entry_path(head.text(157, 100)?)), attributes),
        _ => {
            let mut output = children.output();
            let size = number(124, 12).unwrap_or(0);
            if let Ok(mut stream) = stream(PLACE) {
                let data = there.tail(PLACE.saturating_add(SecretStream::HEADER));
                for message in data.chunks(crate::blob::to_usize(STEP.saturating_add(SecretStream::MORE))) {
                    let left = size.saturating_sub(output.len());
                    output.push(Bytes(&stream.message(message)).up_to(0, left))?;
                }
            }
            let missing = size.saturating_sub(output.len());
            let fault = (missing > 0).then(|| Fault::Truncated(format!("{} of {size} bytes are there", output.len())));
            children.made_with(name, output, attributes, fault.as_ref())?;
        }
    }
    Ok(())
}

/// A number of tar.
fn octal(text: &[u8]) -> Option<u64> {
    u64::from_str_radix(std::str::from_utf8(text).ok()?.trim(), 8).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack};
    use crate::problem::Code;

    const IMAGE: &[u8] = include_bytes!("../../../fixtures/synology-pat/nas.pat");
    const STORY: &[u8] = include_bytes!("../../../fixtures/content/tree/story.txt");

    #[test]
    fn files_are_decrypted() {
        assert_eq!(carve(&SynologyPat, IMAGE, 0), Some(IMAGE.len() as u64));
        let unpacked = unpack(&SynologyPat, IMAGE);
        assert_eq!(unpacked.names(), ["VERSION", "story.txt"]);
        assert_eq!(unpacked.file("story.txt"), STORY);
        assert_eq!((unpacked.entries.len(), unpacked.problems.len()), (1, 0));
        survives_damage(&SynologyPat, IMAGE);
    }

    #[test]
    fn what_is_damaged_is_said_to_be() {
        let mut image = IMAGE.to_vec();
        let last = image.len() - 1;
        image[last] ^= 1;
        assert_eq!(unpack(&SynologyPat, &image).problems[0].0, Code::Checksum);
        let cut = unpack(&SynologyPat, &IMAGE[..IMAGE.len() - 100]);
        assert_eq!(cut.problems[0].0, Code::Truncated);
        assert!(STORY.starts_with(cut.file("story.txt")));
        assert_eq!(carve(&SynologyPat, b"\0\xad\xbe\xef is how it begins, and this is only a text about it.", 0), None);
    }
}
