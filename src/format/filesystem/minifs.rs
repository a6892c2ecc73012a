//! MINIFS: the read-only file system of TP-Link's own operating systems. Several files share each compressed chunk.

use crate::blob::{Blob, Bytes, Endian, Span};
use crate::codec::{Codec, Stream};
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec, path_text};
use crate::limits::{Budget, Effort, Exceeded};
use crate::problem::{Fault, Rejected};

/// MINIFS of TP-Link.
#[derive(Debug)]
pub(super) struct Minifs;

static SPEC: Spec = Spec {
    id: "minifs",
    name: "TP-Link MINIFS",
    kind: Kind::FileSystem,
    magics: &[Magic::anywhere(b"MINIFS\0\0\0\0\0\0\0\0\0\0")],
    leaf: false,
    references: &[
        "https://arxiv.org/html/2407.05064v1",
        "https://github.com/onekey-sec/unblob/blob/main/python/unblob/handlers/filesystem/minifs.py",
    ],
    limitations: &[],
};

/// Bytes of the header, of the entry of a file, and of the entry of a chunk.
const HEADER: u64 = 32;
const FILE: u64 = 20;
const CHUNK: u64 = 12;

const MOST_FILES: u64 = 0x1_0000;
const LONGEST_PATH: u64 = 1024;
/// Files whose entries are looked at before it is believed to be one.
const LOOKED_AT: u64 = 64;

/// An image; all numbers big endian.
///
/// ```text
/// 0 u8[16] magic    16 u32 always 3    20 u32 files    24 u32 length of the first chunk    28 u32 length of the names
/// names, each with a NUL
/// for each file:  u32 offset of folder, u32 offset of name, u32 chunk, u32 offset in it, u32 length
/// for each chunk: u32 offset from the first one, u32 length, u32 length of what is in it
/// chunks, LZMA with its header
/// ```
struct Image<'a> {
    bytes: Bytes<'a>,
    files: u64,
    names: Span,
    /// Where the entries of chunks start, and where the chunks themselves.
    table: u64,
    chunks: u64,
    count: u64,
}

struct File<'a> {
    folder: &'a [u8],
    name: &'a [u8],
    chunk: u64,
    place: Span,
}

impl<'a> Image<'a> {
    fn read(bytes: Bytes<'a>) -> Result<Self, Rejected> {
        let word = |at| bytes.u32(at, Endian::Big).map(u64::from);
        let (version, files, names) = (word(16)?, word(20)?, word(28)?);
        if version > 16 || !(1..=MOST_FILES).contains(&files) || word(24)? == 0 {
            return Err(Rejected("header"));
        }
        if names == 0 || names > files.saturating_mul(LONGEST_PATH) {
            return Err(Rejected("length of the names"));
        }
        let table = HEADER.saturating_add(names).saturating_add(files.saturating_mul(FILE));
        let mut image = Self { bytes, files, names: Span::new(HEADER, names), table, chunks: table, count: 0 };
        for number in 0..files.min(LOOKED_AT) {
            let file = image.file(number)?;
            if file.name.is_empty() || file.chunk >= files || file.name.contains(&b'/') {
                return Err(Rejected("entry of a file"));
            }
        }
        // Entries are in the order of chunks as far as anybody saw, but nothing says that they must be.
        let highest = (0..files).filter_map(|number| image.file(number).ok()).map(|file| file.chunk).max().unwrap_or(0);
        image.count = highest.saturating_add(1).min(files);
        image.chunks = table.saturating_add(image.count.saturating_mul(CHUNK));
        Ok(image)
    }

    fn file(&self, number: u64) -> Result<File<'a>, Rejected> {
        let at = self.names.end().saturating_add(number.saturating_mul(FILE));
        let word = |field: u64| self.bytes.u32(at.saturating_add(field), Endian::Big).map(u64::from);
        let text = |offset: u64| {
            let left = self.names.length.checked_sub(offset).ok_or(Rejected("offset of a name"))?;
            Ok::<_, Rejected>(self.bytes.text(self.names.start.saturating_add(offset), left.min(LONGEST_PATH))?)
        };
        Ok(File { folder: text(word(0)?)?, name: text(word(4)?)?, chunk: word(8)?, place: Span::new(word(12)?, word(16)?) })
    }

    /// Where a chunk stands.
    fn chunk(&self, number: u64) -> Result<Span, Fault> {
        let at = self.table.saturating_add(number.saturating_mul(CHUNK));
        let word = |field: u64| self.bytes.u32(at.saturating_add(field), Endian::Big).map(u64::from);
        Ok(Span::new(self.chunks.saturating_add(word(0)?), word(4)?))
    }

    fn end(&self) -> u64 {
        (0..self.count).filter_map(|number| self.chunk(number).ok()).map(|chunk| chunk.end()).max().unwrap_or(self.chunks)
    }

    /// Hands over the files of a chunk.
    fn hand_over(&self, number: u64, files: &[File<'_>], effort: &mut Effort<'_>, children: &mut Children<'_>) -> Result<(), Fault> {
        let span = self.chunk(number)?;
        let there = self.bytes.up_to(span.start, span.length);
        effort.spend(span.length)?;
        let Stream { output, fault, .. } = Codec::Lzma.stream(there, children.budget());
        let located = |fault: Fault| match fault {
            Fault::Exceeded(_) => fault,
            _ => Fault::corrupt(format!("chunk {number} at {:#x}: {fault}", span.start)),
        };
        let fault = fault.map(located);
        if let Some(limit @ Fault::Exceeded(Exceeded::Unpacked(_) | Exceeded::Live(_) | Exceeded::Time)) = fault {
            return Err(limit);
        }
        let data = Bytes(output.as_slice());
        for file in files {
            let mut content = children.output();
            content.push(data.up_to(file.place.start, file.place.length))?;
            let whole = content.len() == file.place.length;
            let missing = || Fault::corrupt(format!("{} of its {} bytes are in chunk {number}", content.len(), file.place.length));
            let why = if whole { None } else { fault.clone().or_else(|| Some(missing())) };
            children.made_with(file.path(), content, Attributes::default(), why.as_ref())?;
        }
        Ok(())
    }
}

impl File<'_> {
    fn path(&self) -> String {
        let folder = path_text(self.folder);
        let folder = folder.trim_matches('/');
        if folder.is_empty() { path_text(self.name) } else { format!("{folder}/{}", path_text(self.name)) }
    }
}

impl Format for Minifs {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let image = Image::read(Bytes(blob.bytes().tail(start)))?;
        Ok(Carved::new(image.end(), start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let image = Image::read(blob.bytes()).map_err(|why| Fault::corrupt(why.0))?;
        let mut files = Vec::new();
        for number in 0..image.files {
            match image.file(number) {
                Ok(file) => files.push(file),
                Err(why) => children.problem(&Fault::corrupt(format!("file {number}: {}", why.0)), None),
            }
        }
        files.sort_by_key(|file| file.chunk);
        let mut effort = Effort::new(children.budget(), blob.len());
        for files in files.chunk_by(|one, other| one.chunk == other.chunk) {
            let number = files.first().map_or(0, |file| file.chunk);
            match image.hand_over(number, files, &mut effort, children) {
                Err(Fault::Exceeded(limit @ (Exceeded::Artifact(_) | Exceeded::Ratio(_)))) => children.problem(&limit.into(), None),
                Err(fault @ Fault::Exceeded(_)) => return Err(fault),
                Err(fault) => children.problem(&fault, None),
                Ok(()) => (),
            }
        }
        if image.end() > blob.len() {
            return Err(Fault::Truncated(format!("{} of {} bytes are there", blob.len(), image.end())));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack, unpack_at};
    use crate::problem::Code;

    const IMAGE: &[u8] = include_bytes!("../../../fixtures/minifs/tree.minifs");
    const STORY: &[u8] = include_bytes!("../../../fixtures/content/tree/story.txt");

    #[test]
    fn files_come_out_of_their_chunks() {
        let among = [vec![0xff; 9], IMAGE.to_vec(), b"next".to_vec()].concat();
        assert_eq!(carve(&Minifs, &among, 9), Some(IMAGE.len() as u64));
        let unpacked = unpack_at(&Minifs, &among, 9);
        assert_eq!(unpacked.problems, []);
        assert_eq!(unpacked.file("story.txt"), STORY);
        assert!(unpacked.names().contains(&"etc/motd"), "{:?}", unpacked.names());
        survives_damage(&Minifs, IMAGE);
    }

    #[test]
    fn what_is_cut_is_told() {
        let cut = unpack(&Minifs, &IMAGE[..IMAGE.len() - 200]);
        assert!(cut.problems.iter().any(|(code, _)| *code == Code::Truncated), "{:?}", cut.problems);
        assert_eq!(cut.names().len(), unpack(&Minifs, IMAGE).names().len());
    }

    #[test]
    fn a_word_is_none() {
        assert_eq!(carve(&Minifs, b"MINIFS\0\0\0\0\0\0\0\0\0\0", 0), None);
        assert_eq!(carve(&Minifs, &[b"MINIFS\0\0\0\0\0\0\0\0\0\0".as_slice(), &[0; 200]].concat(), 0), None);
        assert_eq!(carve(&Minifs, &[b"MINIFS\0\0\0\0\0\0\0\0\0\0".as_slice(), &[0x41; 200]].concat(), 0), None);
    }
}
