//! What a format is, and the table of all of them. One file a format in `format/`, two lines here.

use crate::blob::{Blob, to_u64};
use crate::codec::{Codec, Stream};
use crate::limits::{Budget, Output};
use crate::problem::{Fault, Rejected};

mod android_boot;
mod ar;
mod bzip2;
mod children;
mod cpio;
mod cramfs;
mod der;
mod dtb;
mod elf;
mod ext;
mod fat;
mod fit;
mod gpt;
mod gzip;
mod hwnp;
mod ihex;
mod jffs2;
mod linux;
mod lz4;
mod lz4_legacy;
mod lzma;
mod lzop;
mod mbr;
mod names;
mod pe;
mod pem;
mod romfs;
mod sevenz;
mod spec;
mod squashfs;
mod srec;
mod tar;
mod trx;
mod ubi;
mod ubifs;
mod uf2;
mod uimage;
mod xz;
mod zip;
mod zlib;
mod zstd;

pub use children::{Attributes, Child, Children, Entry, EntryKind, HeaderFact, Notes};
pub use names::{entry_path, part_text, path_text, utf16_part_text};
pub use spec::{Anchor, Kind, Magic, Spec};

/// All formats, most specific first: where two begin at the same byte, the earlier row is tried first.
pub static FORMATS: &[&dyn Format] = &[
    // containers and partition tables
    &uimage::UImage,
    &trx::Trx,
    &fit::Fit,
    &dtb::Dtb,
    &android_boot::AndroidBoot,
    &hwnp::Hwnp,
    &linux::BzImage,
    &linux::ZImage,
    &linux::Arm64,
    &linux::IkConfig,
    &gpt::Gpt,
    &mbr::Mbr,
    // file systems
    &squashfs::Squashfs,
    &cramfs::Cramfs,
    &romfs::Romfs,
    &ubi::Ubi,
    &jffs2::Jffs2,
    &ubifs::Ubifs,
    &ext::Ext,
    &fat::Fat,
    // archives
    &cpio::Cpio,
    &tar::Tar,
    &ar::Ar,
    &zip::Zip,
    &sevenz::SevenZ,
    // compression
    &xz::Xz,
    &bzip2::Bzip2,
    &lzop::Lzop,
    &zstd::Zstd,
    &lz4::Lz4,
    &lz4_legacy::Lz4Legacy,
    &gzip::Gzip,
    &lzma::Lzma,
    &zlib::Zlib,
    // encodings, programs, credentials
    &ihex::Ihex,
    &srec::Srec,
    &uf2::Uf2,
    &elf::Elf,
    &pe::Pe,
    &pem::Pem,
    &der::Der,
];

/// A compressed stream in the middle of other bytes that breaks before this many bytes came out was none.
pub(crate) const LEAST_BROKEN_STREAM: u64 = 1024;

/// Carves what is nothing but a stream of `codec` at the start of `input`. One that breaks off at once was none; one of a kind that is
/// not read, behind a header that was, is one.
pub(crate) fn carve_stream<'b>(codec: Codec, name: String, input: &[u8], budget: &'b Budget) -> Result<Carved<'b>, Rejected> {
    let Stream { output, consumed, fault } = codec.stream(input, budget);
    let known = fault.as_ref().is_none_or(|fault| matches!(fault, Fault::Unsupported(_)));
    if consumed == 0 || (!known && output.len() < LEAST_BROKEN_STREAM) {
        return Err(Rejected("the compressed data breaks off at once"));
    }
    Ok(Carved { length: consumed, payload: Some(Payload { name, output, fault }) })
}

/// Knows whether bytes are of its kind, how long, and what is inside.
pub trait Format: Sync {
    /// The declaration.
    fn spec(&self) -> &'static Spec;

    /// Says whether one of these starts at `start` of `blob`, and how far it reaches. Called wherever a magic of the spec stands, so
    /// nearly always for bytes that are something else: reads little, checks all that the header offers. Formats that end where their
    /// compressed data ends hand over what they decompressed on the way.
    ///
    /// # Errors
    /// If it is something else.
    fn carve<'b>(&self, blob: &Blob, start: u64, budget: &'b Budget) -> Result<Carved<'b>, Rejected>;

    /// Hands everything inside to `children`, in the order of the format. `blob` is exactly what `carve` said. What could be handed over
    /// stays, whatever is returned. Parts that cannot be read are problems of `children`, and the rest goes on.
    ///
    /// # Errors
    /// If it could not be read to the end.
    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let _ = (blob, children);
        Ok(())
    }
}

/// How far a format reaches.
#[derive(Debug)]
pub struct Carved<'b> {
    /// Bytes from its start. Never 0, never past the end of the blob.
    pub length: u64,
    /// For compressed streams: what was inside.
    pub payload: Option<Payload<'b>>,
}

/// What a compressed stream held, when finding its end meant decompressing it.
#[derive(Debug)]
pub struct Payload<'b> {
    /// The name that the stream gives its content; empty if none.
    pub name: String,
    /// The content.
    pub output: Output<'b>,
    /// Why it is not whole.
    pub fault: Option<Fault>,
}

impl Carved<'_> {
    /// A format of `length` bytes; cut to what there is in `blob` from `start`, so that a truncated image is still looked into.
    pub fn new(length: u64, start: u64, blob: &Blob) -> Self {
        Self { length: length.min(blob.len().saturating_sub(start)), payload: None }
    }
}

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
        let name = name.into();
        let start = span.start.min(self.blob.len());
        let length = span.length.min(self.blob.len().saturating_sub(start));
        let problem =
            (length < span.length).then(|| Problem::new(Code::Truncated, None, format!("{} of {} bytes are there", length, span.length)));
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

    fn check_name(&mut self, name: &str) {
        let climbs = name.split(['/', '\\']).any(|part| part == "..");
        if climbs || name.starts_with('/') || name.contains('\0') {
            let message = format!("the name {name:?} points outside of where it is unpacked");
            self.notes.problems.push(Problem::new(Code::UnsafeName, None, message));
        }
    }
}

/// A path of an image as text: UTF-8 as it is, any other byte as `\xNN`.
pub fn path_text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

/// The path of an entry of an archive, as text: relative to its root, without a slash at the end. Empty if it is the root itself. Paths
/// that lead elsewhere stay as they are, so that they are seen.
pub fn entry_path(bytes: &[u8]) -> String {
    let mut path = bytes;
    while let Some(rest) = path.strip_prefix(b"./") {
        path = rest;
    }
    while let Some(rest) = path.strip_suffix(b"/").filter(|rest| !rest.is_empty()) {
        path = rest;
    }
    if path == b"." { String::new() } else { path_text(path) }
}

/// The length of `bytes` as images count it.
pub fn length_of(bytes: &[u8]) -> u64 {
    to_u64(bytes.len())
}

/// CRC-32 as zlib, Ethernet and most headers of firmware compute it.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// The format with this id.
pub fn by_id(id: &str) -> Option<&'static dyn Format> {
    FORMATS.iter().copied().find(|format| format.spec().id == id)
}

#[cfg(test)]
#[allow(dead_code, reason = "not every build of the tests uses all of it")]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
