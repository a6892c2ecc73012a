//! Shell archives: scripts that write files when they are run. Nothing of them is run here.

use crate::blob::{Blob, Bytes, to_u64};
use crate::codec::uu;
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec, entry_path};
use crate::limits::{Budget, Output};
use crate::problem::{Fault, Rejected};

/// Shell archive.
#[derive(Debug)]
pub(super) struct Shar;

static SPEC: Spec = Spec {
    id: "shar",
    name: "shell archive (shar)",
    kind: Kind::Archive,
    magics: &[
        Magic::start(b"#!/bin/sh\n# This is a shell archive"),
        Magic::start(b"#! /bin/sh\n# This is a shell archive"),
        Magic::start(b"# This is a shell archive"),
    ],
    leaf: false,
    references: &["https://www.gnu.org/software/sharutils/manual/sharutils.html"],
    limitations: &["files that are compressed before they are written as text are handed over as they are"],
};

impl Format for Shar {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let head = blob.bytes().up_to(start, 4096);
        if head.contains(&0) || memchr::memmem::find(head, b"# This is a shell archive").is_none() {
            return Err(Rejected("not a text"));
        }
        Ok(Carved::new(u64::MAX, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let mut lines = blob.as_slice().split(|byte| *byte == b'\n');
        while let Some(line) = lines.next() {
            let Some(document) = Document::begins(line) else { continue };
            let mut output = children.output();
            let (mut file, mut ended) = (document.file.map(<[u8]>::to_vec), false);
            for line in lines.by_ref() {
                if line == document.end {
                    ended = true;
                    break;
                }
                document.take(line, &mut file, &mut output)?;
            }
            let fault = (!ended).then(|| Fault::Truncated("shar: the file goes on behind the end".to_owned()));
            if let Some(file) = file {
                children.made_with(entry_path(&file), output, Attributes::default(), fault.as_ref())?;
            }
        }
        Ok(())
    }
}

/// A part of the script that is the content of a file: `sed 's/^X//' << 'END' > 'file'`, or `cat` without prefixes, or to `uudecode`.
struct Document<'a> {
    end: &'a [u8],
    prefix: Option<u8>,
    file: Option<&'a [u8]>,
    encoded: bool,
}

impl<'a> Document<'a> {
    fn begins(line: &'a [u8]) -> Option<Self> {
        let at = memchr::memmem::find(line, b"<<")?;
        let before = Bytes(line).up_to(0, to_u64(at));
        let prefix = memchr::memmem::find(before, b"s/^").and_then(|at| before.get(at.checked_add(3)?)).copied();
        let trimmed = before.trim_ascii_start();
        let encoded = memchr::memmem::find(line, b"uudecode").is_some();
        if !trimmed.starts_with(b"sed") && !trimmed.starts_with(b"cat") && !encoded {
            return None;
        }
        let end = word(Bytes(line).tail(to_u64(at).saturating_add(2)))?;
        let target = line.iter().position(|byte| *byte == b'>').and_then(|at| word(Bytes(line).tail(to_u64(at).saturating_add(1))));
        let file = target.filter(|_| !encoded);
        (encoded || file.is_some_and(|file| !file.starts_with(b"/dev/"))).then_some(Self { end, prefix, file, encoded })
    }

    fn take(&self, line: &[u8], file: &mut Option<Vec<u8>>, output: &mut Output<'_>) -> Result<(), Fault> {
        let plain = self.prefix.and_then(|prefix| line.strip_prefix(&[prefix])).unwrap_or(line);
        if !self.encoded {
            output.push(plain)?;
            return Ok(output.push(b"\n")?);
        }
        if let Some(name) = plain.strip_prefix(b"begin ").and_then(|rest| rest.splitn(2, |byte| *byte == b' ').nth(1)) {
            *file = Some(name.to_vec());
        } else if let (Some(bytes), true) = (uu::line(plain), file.is_some() && plain != b"end") {
            output.push(&bytes)?;
        }
        Ok(())
    }
}

/// The first word of a command, without its quotes.
fn word(text: &[u8]) -> Option<&[u8]> {
    let text = text.trim_ascii_start();
    let text = text.strip_prefix(b"-").unwrap_or(text).trim_ascii_start();
    let (quote, rest) = match text.split_first()? {
        (quote @ (b'\'' | b'"'), rest) => (Some(*quote), rest),
        (b'\\', rest) => (None, rest),
        _ => (None, text),
    };
    let ends = |byte: &u8| quote.map_or(byte.is_ascii_whitespace() || matches!(byte, b';' | b'&' | b'|' | b')'), |quote| *byte == quote);
    rest.split(ends).next().filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack};
    use crate::problem::Code;

    const IMAGE: &[u8] = include_bytes!("../../../fixtures/shar/tree.shar");

    #[test]
    fn files_come_back() {
        let unpacked = unpack(&Shar, IMAGE);
        assert_eq!(unpacked.problems, []);
        assert_eq!(unpacked.file("etc/motd"), include_bytes!("../../../fixtures/content/tree/etc/motd"));
        assert_eq!(unpacked.file("story.txt"), include_bytes!("../../../fixtures/content/tree/story.txt"));
        let program = unpacked.files.iter().find(|(name, _)| name.ends_with("tool")).unwrap();
        assert!(program.1.starts_with(b"\x7fELF") && program.1.len() > 500);
        assert_eq!(unpacked.files.len(), 3, "{:?}", unpacked.names());
    }

    #[test]
    fn older_ones_and_cut_ones() {
        let image = b"# This is a shell archive.\ncat >a.txt <<\\END\nXone\nEND\nsed -e 's/^X//' >\"b.txt\" << \"END_OF\"\nXtwo\nXX\n";
        let unpacked = unpack(&Shar, image);
        assert_eq!((unpacked.file("a.txt"), unpacked.file("b.txt")), (b"Xone\n".as_slice(), b"two\nX\n\n".as_slice()));
        assert_eq!(unpacked.problems[0].0, Code::Truncated);
        survives_damage(&Shar, IMAGE);
        assert_eq!(carve(&Shar, b"# This is a shell archive\0", 0), None);
    }
}
