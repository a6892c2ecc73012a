//! UCP: AMI's update programs, with the firmware, the tools and their settings as modules.

use std::collections::BTreeMap;

use crate::blob::{Blob, Bytes, Endian, Span};
use crate::codec::{Codec, Stream};
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec, path_text};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// AMI utility configuration program.
#[derive(Debug)]
pub(super) struct AmiUcp;

static SPEC: Spec = Spec {
    id: "ami-ucp",
    name: "AMI update program (UCP)",
    kind: Kind::Archive,
    magics: &[Magic::anywhere(b"@UAF"), Magic::anywhere(b"@HPU")],
    leaf: false,
    references: &["https://github.com/platomav/BIOSUtilities"],
    limitations: &[],
};

/// Bytes of the header of the whole, and of a module before the sizes of its content.
const HEADER: u64 = 16;
const SIZES: u64 = 8;
const MOST_MODULES: usize = 512;

impl Format for AmiUcp {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let bytes = Bytes(blob.bytes().tail(start));
        let size = u64::from(bytes.u32(4, Endian::Little)?);
        if size > 1 << 28 || Module::read(bytes, HEADER, size).is_none() {
            return Err(Rejected("size or first module"));
        }
        Ok(Carved::new(size, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        let size = u64::from(bytes.u32(4, Endian::Little)?);
        if bytes.get(0, size).is_ok_and(|whole| !adds_up(whole)) {
            children.problem(&Fault::Checksum("the words of the whole do not add up to 0".to_owned()), Some(8));
        }
        let modules: Vec<Module> = modules(bytes, size).collect();
        let names = modules.iter().find(|module| &module.tag == b"@NAL").map(|module| module.names(bytes, children)).unwrap_or_default();
        for module in &modules {
            if bytes.get(module.start, module.size).is_ok_and(|whole| !adds_up(whole)) {
                let message = format!("the words of {} do not add up to 0", path_text(&module.tag));
                children.problem(&Fault::Checksum(message), Some(module.start));
            }
            let name = names.get(&module.tag).cloned().unwrap_or_else(|| path_text(&module.tag));
            module.hand_over(bytes, &name, children)?;
        }
        Ok(())
    }
}

/// All words added up are 0; a byte more at the end counts as a word.
fn adds_up(bytes: &[u8]) -> bool {
    let (words, rest) = bytes.as_chunks::<2>();
    let sum = words.iter().fold(0_u16, |sum, word| sum.wrapping_add(u16::from_le_bytes(*word)));
    rest.iter().fold(sum, |sum, byte| sum.wrapping_add(u16::from(*byte))) == 0
}

/// A module; little endian:
///
/// ```text
/// 0 tag: "@" and three letters   4 size of it all u32   8 checksum u16   10 compressed size u32   14 size u32   18 content
/// ```
///
/// Where the two sizes differ they belong to the content: EFI or Tiano compression begins with them. The whole has the same header, and
/// modules for content.
struct Module {
    tag: [u8; 4],
    start: u64,
    size: u64,
    packed: bool,
    length: u64,
}

fn modules(bytes: Bytes<'_>, end: u64) -> impl Iterator<Item = Module> + '_ {
    let mut at = HEADER;
    let next = move || {
        let module = Module::read(bytes, at, end)?;
        at = at.saturating_add(module.size);
        Some(module)
    };
    std::iter::from_fn(next).take(MOST_MODULES)
}

impl Module {
    fn read(bytes: Bytes<'_>, start: u64, end: u64) -> Option<Self> {
        let word = |at: u64| bytes.u32(start.saturating_add(at), Endian::Little).ok();
        let tag: [u8; 4] = bytes.array(start).ok()?;
        let (size, packed, length) = (u64::from(word(4)?), word(0x10)?, word(0x14)?);
        let is_tag = tag.first() == Some(&b'@') && tag.iter().all(u8::is_ascii_graphic);
        let fits = size >= HEADER.saturating_add(SIZES) && start.saturating_add(size) <= end;
        (is_tag && fits).then_some(Self { tag, start, size, packed: packed != length, length: length.into() })
    }

    fn content(&self) -> Span {
        let start = self.start.saturating_add(HEADER);
        let end = self.start.saturating_add(self.size);
        if self.packed {
            return Span::between(start, end);
        }
        let start = start.saturating_add(SIZES);
        Span::new(start, self.length.min(end.saturating_sub(start)))
    }

    /// The content, if it is compressed and can be unpacked.
    fn unpacked<'b>(&self, bytes: Bytes<'_>, budget: &'b Budget) -> Stream<'b> {
        let content = self.content();
        let data = bytes.up_to(content.start, content.length);
        let first = Codec::Efi.stream(data, budget);
        if first.fault.as_ref().is_none_or(Fault::is_limit) { first } else { Codec::Tiano.stream(data, budget) }
    }

    fn hand_over(&self, bytes: Bytes<'_>, name: &str, children: &mut Children<'_>) -> Result<(), Fault> {
        if !self.packed {
            return Ok(children.span(name, self.content(), Attributes::default())?);
        }
        let stream = self.unpacked(bytes, children.budget());
        if stream.output.is_empty() {
            return Ok(children.span_with(name, self.content(), Attributes::default(), stream.fault.as_ref())?);
        }
        Ok(children.made_with(name, stream.output, Attributes::default(), stream.fault.as_ref())?)
    }

    /// What modules are called: lines of a tag, a colon, and a path of DOS.
    fn names(&self, bytes: Bytes<'_>, children: &Children<'_>) -> BTreeMap<[u8; 4], String> {
        let content = self.content();
        let stream = self.packed.then(|| self.unpacked(bytes, children.budget()));
        let text = stream.as_ref().map_or_else(|| bytes.up_to(content.start, content.length), |stream| stream.output.as_slice());
        let lines = text.split(|byte| *byte == b'\n').filter_map(|line| line.trim_ascii().split_first_chunk::<4>());
        lines.filter_map(|(tag, rest)| Some((*tag, path(rest.strip_prefix(b":")?)?))).collect()
    }
}

/// A path of DOS as one of ours: without the drive, and never upwards.
fn path(text: &[u8]) -> Option<String> {
    let text = path_text(text);
    let parts = text.split(['\\', '/']).filter(|part| !part.is_empty() && !part.ends_with(':') && *part != "." && *part != "..");
    let path = parts.collect::<Vec<_>>().join("/");
    (!path.is_empty()).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack, unpack_at};
    use crate::problem::Code;

    const UPDATE: &[u8] = include_bytes!("../../../fixtures/ami-ucp/update.bin");

    #[test]
    fn modules_come_out_by_name() {
        let flash = [&[0xff; 5], UPDATE, b"next"].concat();
        assert_eq!(carve(&AmiUcp, &flash, 5), Some(UPDATE.len() as u64));
        let unpacked = unpack_at(&AmiUcp, &flash, 5);
        assert_eq!(unpacked.names(), ["@NAL", "flash/bios.bin", "command.txt", "@VER"]);
        assert!(unpacked.file("flash/bios.bin").starts_with(b"MZ"));
        assert_eq!(unpacked.file("@VER"), b"1.2.3");
        assert_eq!(unpacked.problems, []);
        survives_damage(&AmiUcp, UPDATE);
    }

    #[test]
    fn changed_and_other_bytes() {
        let mut changed = UPDATE.to_vec();
        let last = changed.len() - 4;
        changed[last] ^= 1;
        let codes: Vec<_> = unpack(&AmiUcp, &changed).problems.iter().map(|problem| problem.0).collect();
        assert_eq!(codes, [Code::Checksum, Code::Checksum]);
        assert_eq!(carve(&AmiUcp, b"@UAF and @HPU are what such a program begins with", 0), None);
    }
}
