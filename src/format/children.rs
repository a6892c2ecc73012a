//! What comes out of a format, and the only way by which it comes out.

use crate::blob::{Blob, Span};
use crate::limits::{Budget, Exceeded, Output};
use crate::problem::{Code, Fault, Problem};

/// What a file system or archive says of an entry beside its bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attributes {
    /// Permission bits and type as in `st_mode`.
    pub mode: Option<u32>,
    /// Owner.
    pub uid: Option<u32>,
    /// Group.
    pub gid: Option<u32>,
    /// Last change, seconds since 1970.
    pub modified: Option<i64>,
}

/// An entry that is no file: recorded, never followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Path inside the parent.
    pub path: String,
    /// What it is.
    pub kind: EntryKind,
    /// Mode, owner, time.
    pub attributes: Attributes,
}

/// Kinds of entries that are no files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryKind {
    /// A folder.
    Directory,
    /// A symbolic link to this path.
    Symlink(String),
    /// Another name of the file with this path.
    HardLink(String),
    /// A character device: major, minor.
    CharacterDevice(u32, u32),
    /// A block device: major, minor.
    BlockDevice(u32, u32),
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
}

impl EntryKind {
    /// The name in the report.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Directory => "directory",
            Self::Symlink(_) => "symlink",
            Self::HardLink(_) => "hard-link",
            Self::CharacterDevice(..) => "character-device",
            Self::BlockDevice(..) => "block-device",
            Self::Fifo => "fifo",
            Self::Socket => "socket",
        }
    }
}

/// One thing that was inside another.
pub struct Child {
    /// Path or role inside the parent; empty if it has none.
    pub name: String,
    /// Where it stands in the parent, if it stands there as it is.
    pub span: Option<Span>,
    /// Its bytes.
    pub blob: Blob,
    /// Mode, owner, time.
    pub attributes: Attributes,
    /// Why it is not whole, if it is not.
    pub problem: Option<Problem>,
}

/// A header field that a format read: a fact in the making.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderFact {
    /// The fact's key.
    pub key: &'static str,
    /// Its value.
    pub value: Vec<u8>,
    /// Where in the format's blob it was read.
    pub span: Span,
}

/// What an unpacker said beside the children themselves.
#[derive(Debug, Default)]
pub struct Notes {
    /// Header fields.
    pub facts: Vec<HeaderFact>,
    /// Links, devices, folders.
    pub entries: Vec<Entry>,
    /// What went wrong and did not stop it.
    pub problems: Vec<Problem>,
}

/// Where unpackers put what they find. The only way out of a format.
pub struct Children<'w> {
    budget: &'w Budget,
    blob: &'w Blob,
    deliver: &'w mut dyn FnMut(Child) -> Result<(), Exceeded>,
    notes: &'w mut Notes,
}

impl<'w> Children<'w> {
    /// A place that hands each child of `blob` to `deliver` as soon as it is there.
    pub fn new(
        budget: &'w Budget,
        blob: &'w Blob,
        deliver: &'w mut dyn FnMut(Child) -> Result<(), Exceeded>,
        notes: &'w mut Notes,
    ) -> Self {
        Self { budget, blob, deliver, notes }
    }

    /// The meter, for codecs.
    pub fn budget(&self) -> &'w Budget {
        self.budget
    }

    /// An empty output for one child. Its ratio is measured against the whole parent.
    pub fn output(&self) -> Output<'w> {
        Output::new(self.budget, self.blob.len())
    }

    /// A child that stands in the parent as it is. A span that reaches past the end is cut, with a problem.
    ///
    /// # Errors
    /// If a limit is reached.
    pub fn span(&mut self, name: impl Into<String>, span: Span, attributes: Attributes) -> Result<(), Exceeded> {
        self.span_with(name, span, attributes, None)
    }

    /// The same for a child that is not what it should be, and why. One that is [`Fault::Encrypted`] is opaque: nobody looks into it.
    ///
    /// # Errors
    /// If a limit is reached.
    pub fn span_with(
        &mut self,
        name: impl Into<String>,
        span: Span,
        attributes: Attributes,
        fault: Option<&Fault>,
    ) -> Result<(), Exceeded> {
        let name = name.into();
        let start = span.start.min(self.blob.len());
        let length = span.length.min(self.blob.len().saturating_sub(start));
        let cut = || Problem::new(Code::Truncated, None, format!("{} of {} bytes are there", length, span.length));
        let problem = fault.map(|fault| fault.at(None)).or_else(|| (length < span.length).then(cut));
        let span = Span::new(start, length);
        let Ok(blob) = self.blob.carve(span) else { return Ok(()) };
        self.check_name(&name);
        (self.deliver)(Child { name, span: Some(span), blob, attributes, problem })
    }

    /// A child whose bytes had to be made: decompressed, assembled, decoded.
    ///
    /// # Errors
    /// If a limit is reached.
    pub fn made(&mut self, name: impl Into<String>, output: Output<'_>, attributes: Attributes) -> Result<(), Exceeded> {
        self.made_with(name, output, attributes, None)
    }

    /// The same for a child that is not whole: what there is of it, and why.
    ///
    /// # Errors
    /// If a limit is reached.
    pub fn made_with(
        &mut self,
        name: impl Into<String>,
        output: Output<'_>,
        attributes: Attributes,
        fault: Option<&Fault>,
    ) -> Result<(), Exceeded> {
        let name = name.into();
        let problem = fault.map(|fault| fault.at(None));
        self.check_name(&name);
        (self.deliver)(Child { name, span: None, blob: output.into_blob(), attributes, problem })
    }

    /// A child whose bytes somebody else holds already: a file of a folder on the host.
    ///
    /// # Errors
    /// If a limit is reached.
    pub fn given(&mut self, name: impl Into<String>, blob: Blob, attributes: Attributes) -> Result<(), Exceeded> {
        (self.deliver)(Child { name: name.into(), span: None, blob, attributes, problem: None })
    }

    /// A link, device or folder.
    pub fn entry(&mut self, path: impl Into<String>, kind: EntryKind, attributes: Attributes) {
        let path = path.into();
        self.check_name(&path);
        self.notes.entries.push(Entry { path, kind, attributes });
    }

    /// A header field. `key` is one of `fact::KEYS`; the value stands at `span` of the blob.
    pub fn fact(&mut self, key: &'static str, value: &[u8], span: Span) {
        self.notes.facts.push(HeaderFact { key, value: value.to_vec(), span });
    }

    /// Something that went wrong at `offset` and does not stop the unpacker.
    pub fn problem(&mut self, fault: &Fault, offset: Option<u64>) {
        self.notes.problems.push(fault.at(offset));
    }

    /// Something of the host that could not be read.
    pub fn unreadable(&mut self, message: impl Into<String>) {
        self.notes.problems.push(Problem::new(Code::Unreadable, None, message));
    }

    fn check_name(&mut self, name: &str) {
        let climbs = name.split(['/', '\\']).any(|part| part == "..");
        if climbs || name.starts_with('/') || name.contains('\0') {
            let message = format!("the name {name:?} points outside of where it is unpacked");
            self.notes.problems.push(Problem::new(Code::UnsafeName, None, message));
        }
    }
}
