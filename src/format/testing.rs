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
