//! What tests of formats share: carve and unpack bytes, and look at what came out.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Child, Children, Entry, Format, HeaderFact, Notes};
use crate::blob::{Blob, Span};
use crate::limits::{Budget, Limits};
use crate::problem::{Code, Fault};

pub(crate) mod disk;
pub(crate) mod tree;

/// What came out of a format.
#[derive(Debug, Default)]
pub(crate) struct Unpacked {
    /// Name and bytes of each child, in order.
    pub(crate) files: Vec<(String, Vec<u8>)>,
    /// Links, devices, folders.
    pub(crate) entries: Vec<Entry>,
    /// Header fields.
    pub(crate) facts: Vec<HeaderFact>,
    /// Codes of all problems: of the format, of its children, and of its end.
    pub(crate) problems: Vec<(Code, String)>,
}

impl Unpacked {
    /// The bytes of the child `name`.
    pub(crate) fn file(&self, name: &str) -> &[u8] {
        &self.files.iter().find(|(found, _)| found == name).unwrap_or_else(|| panic!("no {name} in {:?}", self.names())).1
    }

    /// The names of all children.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.files.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// Children by name.
    pub(crate) fn by_name(&self) -> BTreeMap<&str, &[u8]> {
        self.files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect()
    }

    /// The first value of the header field `key`, as text.
    pub(crate) fn fact(&self, key: &str) -> Option<String> {
        self.facts.iter().find(|fact| fact.key == key).map(|fact| String::from_utf8_lossy(&fact.value).into_owned())
    }
}

fn budget() -> Budget {
    Budget::new(Limits { artifact: 64 << 20, ..Limits::default() }, Arc::default())
}

/// The length that `format` finds at `start`, if it accepts.
pub(crate) fn carve(format: &dyn Format, bytes: &[u8], start: u64) -> Option<u64> {
    format.carve(&Blob::new(bytes.to_vec()), start, &budget()).ok().map(|carved| carved.length)
}

/// Carves at `start` and unpacks; panics if the format does not accept.
pub(crate) fn unpack_at(format: &dyn Format, bytes: &[u8], start: u64) -> Unpacked {
    try_unpack_at(format, bytes, start).unwrap_or_else(|| panic!("{} does not accept this", format.spec().id))
}

/// Carves at 0 and unpacks; panics if the format does not accept.
pub(crate) fn unpack(format: &dyn Format, bytes: &[u8]) -> Unpacked {
    unpack_at(format, bytes, 0)
}

/// Carves at `start` and unpacks, if the format accepts.
pub(crate) fn try_unpack_at(format: &dyn Format, bytes: &[u8], start: u64) -> Option<Unpacked> {
    let (budget, blob) = (budget(), Blob::new(bytes.to_vec()));
    let carved = format.carve(&blob, start, &budget).ok()?;
    assert!(carved.length > 0 && start + carved.length <= blob.len(), "a format never ends outside of its blob");
    let mut unpacked = Unpacked::default();
    let mut faults: Vec<Fault> = Vec::new();
    if let Some(payload) = carved.payload {
        unpacked.files.push((payload.name, payload.output.into_blob().as_slice().to_vec()));
        faults.extend(payload.fault);
    } else {
        let whole = blob.carve(Span::new(start, carved.length)).unwrap();
        let (mut notes, mut problems) = (Notes::default(), Vec::new());
        let mut deliver = |child: Child| {
            unpacked.files.push((child.name, child.blob.as_slice().to_vec()));
            problems.extend(child.problem);
            Ok(())
        };
        faults.extend(format.unpack(&whole, &mut Children::new(&budget, &whole, &mut deliver, &mut notes)).err());
        problems.extend(notes.problems);
        unpacked.problems.extend(problems.into_iter().map(|problem| (problem.code, problem.message)));
        (unpacked.entries, unpacked.facts) = (notes.entries, notes.facts);
    }
    unpacked.problems.extend(faults.iter().map(|fault| (Code::from(fault), fault.to_string())));
    Some(unpacked)
}

/// What must hold of every container whose parts stand behind a header, with `image` as an example and `names` of its parts: they are found
/// in the middle of other bytes, nothing is wrong with them, what is cut off is a problem, and the magic alone is nothing.
pub(crate) fn parted(format: &dyn Format, image: &[u8], names: &[&str]) {
    let flash = [vec![0xff; 77], image.to_vec(), vec![0xff; 9]].concat();
    assert_eq!(carve(format, &flash, 77), Some(image.len() as u64));
    let unpacked = unpack_at(format, &flash, 77);
    assert_eq!(unpacked.names(), names);
    assert!(unpacked.files.iter().all(|(_, bytes)| image.windows(bytes.len().max(1)).any(|window| window == bytes)));
    assert_eq!(unpacked.problems, []);
    if let Some(cut) = try_unpack_at(format, &image[..image.len() - 3], 0) {
        assert!(!cut.problems.is_empty(), "what is cut off is a problem");
    }
    for magic in format.spec().magics {
        let text = [magic.bytes, b" is the magic of it, and many programs hold it, with nothing behind it but text. "].concat();
        let text = [vec![b'-'; magic.offset as usize], text.repeat(40)].concat();
        assert_eq!(carve(format, &text, 0), None, "a text about it");
    }
    survives_damage(format, image);
}

/// What a fixture holds that is packed by gzip, as disks are mostly empty.
pub(crate) fn gunzip(packed: &[u8]) -> Vec<u8> {
    crate::codec::Codec::Gzip.stream(packed, &budget()).output.as_slice().to_vec()
}

/// Feeds `format` damaged copies of `bytes`: it may say what it likes, but must come back, and soon.
pub(crate) fn survives_damage(format: &dyn Format, bytes: &[u8]) {
    for copy in crate::testing::damaged(bytes, 300, 4096) {
        let _ = try_unpack_at(format, &copy, 0);
    }
}

/// Runs a tool that makes test images; panics if it is not installed or fails (`.ci/run` installs all of them). Returns its standard output.
pub(crate) fn tool(command: &mut std::process::Command) -> Vec<u8> {
    let output = command.output().unwrap_or_else(|error| panic!("{:?} is needed for this test: {error}", command.get_program()));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// What stands in the fixtures of containers: a compressed text as the kernel, a file system.
pub(crate) const KERNEL: &[u8] = include_bytes!("../../fixtures/lzma/story.lzma");
pub(crate) const ROOTFS: &[u8] = include_bytes!("../../fixtures/squashfs/xz.squashfs");

/// A container of these parts comes out whole, wherever in a flash it stands and whatever it lacks at its end, and its magic alone is none.
pub(crate) fn holds(format: &dyn Format, image: &[u8], parts: &[(&str, &[u8])]) {
    let unpacked = unpack(format, image);
    assert_eq!(unpacked.names(), parts.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    for (name, content) in parts {
        assert!(unpacked.file(name) == *content, "{name} is not what was put in");
    }
    assert_eq!(unpacked.problems, []);
    for fact in &unpacked.facts {
        let start = usize::try_from(fact.span.start).unwrap();
        assert!(image[start..].starts_with(&fact.value), "{} stands where it says", fact.key);
    }
    let stands = |magic: &&super::Magic| image[usize::try_from(magic.offset).unwrap()..].starts_with(magic.bytes);
    assert!(format.spec().magics.iter().any(|magic| stands(&magic)), "its magic stands in it");
    for magic in format.spec().magics.iter().filter(stands) {
        let text = [magic.bytes, b" is how it begins, and this is only a text about it."].concat();
        assert_eq!(carve(format, &text.repeat(40), 0), None, "a text is none");
        if magic.anchor == super::Anchor::Anywhere {
            let flash = [vec![0x5a; 9], image.to_vec()].concat();
            assert_eq!(carve(format, &flash, 9), carve(format, image, 0), "at an offset");
        }
    }
    if let Some(cut) = try_unpack_at(format, &image[..image.len() - 100], 0).filter(|cut| !cut.files.is_empty()) {
        let there = cut.files[0].1.len().min(16);
        assert_eq!(cut.files[0].1[..there], unpacked.files[0].1[..there], "what is there comes out of a truncated image");
    }
    survives_damage(format, image);
}

/// Each of these bytes, changed, is a problem of a checksum, and the parts come out all the same.
pub(crate) fn verifies(format: &dyn Format, image: &[u8], places: &[usize]) {
    for place in places {
        let mut copy = image.to_vec();
        copy[*place] ^= 0x20;
        let unpacked = unpack(format, &copy);
        assert!(unpacked.problems.iter().any(|(code, _)| *code == Code::Checksum), "a change at {place:#x} is not seen");
        assert_eq!(unpacked.names(), unpack(format, image).names());
    }
}
