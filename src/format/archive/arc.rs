//! ARC archives, the first that many had: of CP/M and MS-DOS.

use crate::blob::{Blob, Bytes, Endian, Span};
use crate::codec::crc::crc16_arc;
use crate::codec::{Stream, lzw, squeeze};
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec, dos_time, path_text};
use crate::limits::{Budget, Output};
use crate::problem::{Fault, Rejected};

/// ARC.
#[derive(Debug)]
pub(super) struct Arc;

static SPEC: Spec = Spec {
    id: "arc",
    name: "ARC",
    kind: Kind::Archive,
    magics: &[
        Magic::start(&[0x1a, 1]),
        Magic::start(&[0x1a, 2]),
        Magic::start(&[0x1a, 3]),
        Magic::start(&[0x1a, 4]),
        Magic::start(&[0x1a, 8]),
        Magic::start(&[0x1a, 9]),
    ],
    leaf: false,
    references: &["https://github.com/FarGroup/FarManager/blob/master/plugins/multiarc/arc.doc/arc.txt"],
    limitations: &["files that are crunched by early versions (5 to 7) are named, not read"],
};

/// Methods: as they are, twice; with runs; LZW of runs; LZW alone.
const STORED: [u8; 2] = [1, 2];
const PACKED: u8 = 3;
const SQUEEZED: u8 = 4;
const CRUNCHED: u8 = 8;
const SQUASHED: u8 = 9;

/// The byte that says that the one before it is repeated.
const REPEAT: u8 = 0x90;

impl Format for Arc {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let bytes = Bytes(blob.bytes().tail(start));
        let mut end = Member::read(bytes, 0)?.data.end();
        while let Ok(next) = Member::read(bytes, end) {
            end = next.data.end();
        }
        // One header may be chance: what follows has to be the end.
        match bytes.get(end, 2) {
            Ok([0x1a, 0]) => Ok(Carved::new(end.saturating_add(2), start, blob)),
            _ => Err(Rejected("no end")),
        }
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let (bytes, mut at) = (blob.bytes(), 0);
        while let Ok(member) = Member::read(bytes, at) {
            at = member.data.end();
            child(&member, bytes, children)?;
        }
        Ok(())
    }
}

fn child(member: &Member<'_>, bytes: Bytes<'_>, children: &mut Children<'_>) -> Result<(), Fault> {
    let (name, attributes) = (path_text(member.name), member.attributes());
    let packed = bytes.up_to(member.data.start, member.data.length);
    let stream = match member.method {
        method if STORED.contains(&method) => {
            if crc16_arc(packed) != member.crc {
                children.problem(&Fault::Checksum(format!("arc: the checksum of {name:?} does not fit")), Some(member.data.start));
            }
            return Ok(children.span(name, member.data, attributes)?);
        }
        PACKED => runs(packed, children.output()),
        SQUEEZED => runs_of(squeeze::stream(packed, children.budget()), children),
        CRUNCHED => {
            let most = packed.first().copied().unwrap_or(12);
            runs_of(lzw::bare(Bytes(packed).tail(1), most.into(), children.budget()), children)
        }
        SQUASHED => lzw::bare(packed, 13, children.budget()),
        method => {
            let fault = Fault::unsupported(format!("arc: compressed with method {method}"));
            return Ok(children.made_with(name, children.output(), attributes, Some(&fault))?);
        }
    };
    let mut output = stream.output;
    // The last codes of LZW may be filled up.
    output.truncate(member.size);
    let sum = crc16_arc(output.as_slice());
    let wrong = || Fault::Checksum(format!("arc: the checksum is {sum:04x}, the header says {:04x}", member.crc));
    let fault = stream.fault.or_else(|| (sum != member.crc).then(wrong));
    Ok(children.made_with(name, output, attributes, fault.as_ref())?)
}

/// Undoes the runs in what came out of another codec.
fn runs_of<'b>(inner: Stream<'_>, children: &Children<'b>) -> Stream<'b> {
    let stream = runs(inner.output.as_slice(), children.output());
    Stream { fault: inner.fault.or(stream.fault), ..stream }
}

/// Undoes runs: a mark and how many times, with 0 for the mark itself.
fn runs<'b>(packed: &[u8], mut output: Output<'b>) -> Stream<'b> {
    let (mut last, mut at, mut fault) = (0_u8, packed.iter(), None);
    while let (Some(byte), None) = (at.next().copied(), &fault) {
        let pushed = match (byte, at.as_slice().first().copied()) {
            (REPEAT, Some(count)) => {
                at.next();
                if count == 0 {
                    last = REPEAT;
                    output.push(&[REPEAT])
                } else {
                    output.push(&vec![last; usize::from(count).saturating_sub(1)])
                }
            }
            _ => {
                last = byte;
                output.push(&[byte])
            }
        };
        fault = pushed.err().map(Fault::from);
    }
    Stream { output, consumed: 0, fault }
}

/// A header; numbers little endian: 1a, u8 method, name[13] ended by NUL, u32 packed size, u16 date, u16 time, u16 crc, and except with
/// method 1 u32 size.
struct Member<'a> {
    method: u8,
    name: &'a [u8],
    data: Span,
    modified: Option<i64>,
    crc: u16,
    size: u64,
}

impl<'a> Member<'a> {
    fn read(bytes: Bytes<'a>, start: u64) -> Result<Self, Rejected> {
        let length = if bytes.u8(start.saturating_add(1))? == 1 { 25 } else { 29 };
        let header = Bytes(bytes.get(start, length)?);
        let (method, name) = (header.u8(1)?, header.text(2, 13)?);
        let plausible = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'/' | b'\\' | b'*' | b'?' | b'"' | b'<' | b'>' | b'|');
        if header.u8(0)? != 0x1a || !(1..=9).contains(&method) || !(1..=12).contains(&name.len()) || !name.iter().all(plausible) {
            return Err(Rejected("header"));
        }
        let (short, packed) = (|at| header.u16(at, Endian::Little), u64::from(header.u32(15, Endian::Little)?));
        let size = if length == 29 { header.u32(25, Endian::Little)?.into() } else { packed };
        let data = Span::new(start.saturating_add(length), packed);
        Ok(Self { method, name, data, modified: dos_time(short(19)?, short(21)?), crc: short(23)?, size })
    }

    fn attributes(&self) -> Attributes {
        Attributes { modified: self.modified, ..Attributes::default() }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Command;

    use super::*;
    use crate::format::testing::{carve, survives_damage, tool, tree, unpack};

    #[test]
    fn files_come_back() {
        if crate::testing::lacking(&["arc"]) {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let files =
            [("code.bin", tree::code(100_000)), ("noise.bin", tree::noise(50_000)), ("runs.bin", [vec![7; 5000], vec![0x90; 90]].concat())];
        for (name, bytes) in &files {
            fs::write(folder.path().join(name), bytes).unwrap();
        }
        for options in ["a", "aq", "as"] {
            let _ = fs::remove_file(folder.path().join("image.arc"));
            tool(Command::new("arc").current_dir(folder.path()).args([options, "image.arc", "code.bin", "noise.bin", "runs.bin"]));
            let image = fs::read(folder.path().join("image.arc")).unwrap();
            assert!(carve(&Arc, &[image.as_slice(), b"after"].concat(), 0).is_some_and(|length| length <= image.len() as u64), "{options}");
            let unpacked = unpack(&Arc, &image);
            assert_eq!(unpacked.problems, [], "{options}");
            for (name, bytes) in &files {
                assert!(unpacked.file(name) == bytes, "{options} {name}");
            }
        }
    }

    const IMAGE: &[u8] = include_bytes!("../../../fixtures/arc/crunched.arc");
    const STORY: &[u8] = include_bytes!("../../../fixtures/content/tree/story.txt");

    #[test]
    fn damage_is_told_and_the_rest_kept() {
        let whole = unpack(&Arc, IMAGE);
        assert_eq!(whole.problems, []);
        assert!(whole.file("story.txt") == STORY);
        let mut wrong = IMAGE.to_vec();
        let at = wrong.len() / 2;
        wrong[at] ^= 1;
        assert!(!unpack(&Arc, &wrong).problems.is_empty());
        survives_damage(&Arc, IMAGE);
        survives_damage(&Arc, include_bytes!("../../../fixtures/arc/squashed.arc"));
    }

    #[test]
    fn squeezed_files() {
        let image = include_bytes!("../../../fixtures/arc/squeezed.arc");
        let unpacked = unpack(&Arc, image);
        assert_eq!(unpacked.problems, []);
        assert!(unpacked.file("story.txt") == STORY);
        survives_damage(&Arc, image);
    }

    #[test]
    fn look_alikes_are_refused() {
        assert_eq!(carve(&Arc, b"\x1a\x08name.txt\0 and a text that is no archive, but long enough to be one", 0), None);
    }
}
