//! Installers of NSIS, the Nullsoft system: what stands behind the program that unpacks them. PC makers give out firmware updates so.

use std::collections::{BTreeMap, BTreeSet};

use self::data::{Data, Item};
use self::script::Script;
use crate::blob::{Blob, Bytes, Endian};
use crate::format::{Attributes, Carved, Children, EntryKind, Format, Kind, Magic, Spec};
use crate::limits::{Budget, Effort};
use crate::problem::{Fault, Rejected};

mod data;
mod script;

/// NSIS.
#[derive(Debug)]
pub(super) struct Nsis;

static SPEC: Spec = Spec {
    id: "nsis",
    name: "NSIS installer",
    kind: Kind::Archive,
    magics: &[Magic::anywhere(b"\xef\xbe\xad\xdeNullsoftInst").at(4)],
    leaf: false,
    references: &[
        "https://nsis.sourceforge.io/Docs/",
        "https://github.com/kichik/nsis/blob/master/Source/exehead/fileform.h",
        "https://github.com/ip7z/7zip/blob/main/CPP/7zip/Archive/Nsis/NsisIn.cpp",
    ],
    limitations: &[
        "the CRC at the end covers the program in front of the archive too, and is not verified",
        "folders that the script makes up while it runs are part of names as variables",
        "instructions other than those that write files",
    ],
};

/// u32 flags (1 uninstaller, 2 silent, 4 no CRC, 8 CRC is forced), magic, u32 size of the script when unpacked, u32 size of all from the flags
/// on: little-endian.
const HEADER: u64 = 28;

/// The largest script of which anybody would believe it.
const LARGEST_SCRIPT: u32 = 64 << 20;

impl Format for Nsis {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let bytes = Bytes(blob.bytes().tail(start));
        let word = |at| bytes.u32(at, Endian::Little);
        let (flags, script, all) = (word(0)?, word(20)?, word(24)?);
        if flags > 0xff || !(68..=LARGEST_SCRIPT).contains(&script) || u64::from(all) <= HEADER {
            return Err(Rejected("flags or sizes"));
        }
        Carved::plausible(all.into(), start, blob)
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        let (flags, size, all) =
            (bytes.u32(0, Endian::Little)?, bytes.u32(20, Endian::Little)?.into(), bytes.u32(24, Endian::Little)?.into());
        let checked = flags & 4 == 0;
        let end = if checked { bytes.len().min(u64::saturating_sub(all, 4)) } else { bytes.len() };
        let data = Data::open(Bytes(bytes.up_to(HEADER, end.saturating_sub(HEADER))), size, children.budget())?;
        let script = Script::read(Bytes(data.script()));
        let (mut names, mut seen) = (BTreeMap::<u64, Vec<(String, Attributes)>>::new(), BTreeSet::new());
        for file in script.files(&mut Effort::new(children.budget(), blob.len()))? {
            if seen.insert((file.place, file.name.clone())) {
                let attributes = Attributes { modified: file.modified, ..Attributes::default() };
                names.entry(file.place).or_default().push((file.name, attributes));
            }
        }
        let mut output = children.output();
        output.push(data.script())?;
        children.made("[script]", output, Attributes::default())?;
        for (place, item) in data.items() {
            let named = names.remove(&place).unwrap_or_else(|| vec![(format!("data-{place:x}"), Attributes::default())]);
            hand_out(&data, &item, &named, children)?;
        }
        match data.fault() {
            Some(fault) => Err(fault),
            None if bytes.len() < all => Err(Fault::Truncated(format!("{} of {all} bytes are there", bytes.len()))),
            None => Ok(()),
        }
    }
}

/// One file, and links to it from all its other names.
fn hand_out(data: &Data<'_>, item: &Item, names: &[(String, Attributes)], children: &mut Children<'_>) -> Result<(), Fault> {
    let Some(((name, attributes), others)) = names.split_first() else { return Ok(()) };
    match data.span(item) {
        Some(span) => children.span(name, crate::blob::Span::new(span.start.saturating_add(HEADER), span.length), attributes.clone())?,
        None => {
            let stream = data.unpacked(item, children)?;
            if let Some(fault) = stream.fault.as_ref().filter(|fault| fault.is_limit()) {
                return Err(fault.clone());
            }
            children.made_with(name, stream.output, attributes.clone(), stream.fault.as_ref())?;
        }
    }
    for (other, attributes) in others {
        children.entry(other, EntryKind::HardLink(name.clone()), attributes.clone());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, try_unpack_at, unpack, unpack_at};

    const STORY: &[u8] = include_bytes!("../../../fixtures/content/tree/story.txt");
    const MOTD: &[u8] = include_bytes!("../../../fixtures/content/tree/etc/motd");

    fn images() -> [&'static [u8]; 8] {
        [
            include_bytes!("../../../fixtures/nsis/zlib.nsis"),
            include_bytes!("../../../fixtures/nsis/zlib-solid.nsis"),
            include_bytes!("../../../fixtures/nsis/lzma.nsis"),
            include_bytes!("../../../fixtures/nsis/lzma-solid.nsis"),
            include_bytes!("../../../fixtures/nsis/bzip2.nsis"),
            include_bytes!("../../../fixtures/nsis/bzip2-solid.nsis"),
            include_bytes!("../../../fixtures/nsis/ansi.nsis"),
            include_bytes!("../../../fixtures/nsis/stored.nsis"),
        ]
    }

    #[test]
    fn what_makensis_packs_comes_out_with_its_names() {
        for image in images() {
            let junk = [vec![b'-'; 512], image.to_vec(), vec![0; 9]].concat();
            assert_eq!(carve(&Nsis, &junk, 512), Some(image.len() as u64));
            let unpacked = unpack_at(&Nsis, &junk, 512);
            assert_eq!(unpacked.problems, []);
            assert!(unpacked.file("story.txt") == STORY && unpacked.file("etc/motd") == MOTD);
            assert!(unpacked.entries.iter().any(|entry| entry.path == "$TEMP/fw/firmware.bin"), "{:?}", unpacked.entries);
            let uninstaller = unpacked.files.iter().find(|(_, bytes)| bytes.get(4..8) == Some(&b"\xef\xbe\xad\xde"[..]));
            assert!(uninstaller.is_some(), "the data of the uninstaller is an archive too");
        }
    }

    #[test]
    fn what_is_cut_off_is_told_and_the_rest_comes_out() {
        for image in images() {
            let cut = unpack(&Nsis, &image[..image.len() - 300]);
            // One block of bzip2 holds all of this one, and nothing of it comes out before its end.
            let nothing = image.len() == images()[5].len();
            assert!(!cut.problems.is_empty() && (nothing || cut.file("story.txt") == STORY));
            survives_damage(&Nsis, image);
        }
        assert!(try_unpack_at(&Nsis, &b"0000\xef\xbe\xad\xdeNullsoftInst is the magic of NSIS".repeat(9), 0).is_none());
    }
}
