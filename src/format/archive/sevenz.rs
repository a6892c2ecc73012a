//! 7z archives, on sevenz-rust2.

use std::io::{Cursor, ErrorKind, Read};

use sevenz_rust2::{Archive, ArchiveEntry, BlockDecoder, Error, Password};

use crate::blob::{Blob, Bytes, Endian};
use crate::codec::{crc32, guard};
use crate::format::{Attributes, Carved, Children, EntryKind, Format, Kind, Magic, Spec, entry_path, file_time, path_text};
use crate::limits::{Budget, Exceeded, Output};
use crate::problem::{Fault, Rejected};

mod newer;

/// 7z.
#[derive(Debug)]
pub(super) struct SevenZ;

static SPEC: Spec = Spec {
    id: "7z",
    name: "7z",
    kind: Kind::Archive,
    magics: &[Magic::anywhere(&[b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c])],
    leaf: false,
    references: &["https://github.com/ip7z/7zip/blob/main/DOC/7zFormat.txt"],
    limitations: &[
        "encrypted files are named if their names are not encrypted too, not read",
        "Zstandard, LZ4 and Brotli behind filters or encryption",
        "archives without their end, which holds all names, and archives in several volumes",
        "files behind a broken one in the same solid block",
    ],
};

/// What names and other metadata may take, KiB: entries in memory are far larger than in the archive.
const METADATA: usize = 32 << 10;

/// What the dictionary of a decoder may take, KiB.
const DICTIONARY: usize = 256 << 10;

/// Bytes read from a decoder at a time.
const STEP: usize = 64 << 10;

impl Format for SevenZ {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    /// 6 magic, u8 major version, u8 minor version, u32 CRC-32 of the 20 bytes that follow: u64 offset of the header from their end, u64
    /// size of the header, u32 CRC-32 of the header. It stands at the end.
    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let bytes = Bytes(blob.bytes().tail(start));
        if bytes.u8(6)? != 0 || bytes.u32(8, Endian::Little)? != crc32(bytes.get(12, 20)?) {
            return Err(Rejected("the checksum of the start header does not fit"));
        }
        let (offset, size) = (bytes.u64(12, Endian::Little)?, bytes.u64(20, Endian::Little)?);
        Ok(Carved::new(offset.saturating_add(size).saturating_add(32), start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        let (offset, size) = (bytes.u64(12, Endian::Little)?, bytes.u64(20, Endian::Little)?);
        if size == 0 {
            return Ok(());
        }
        bytes.get(offset.saturating_add(32), size).map_err(|_| Fault::Truncated("7z: the header at its end is missing".to_owned()))?;
        let mut source = Cursor::new(blob.as_slice());
        let archive = guard("7z", || Archive::read_with_memory_limit(&mut source, &Password::empty(), METADATA).map_err(fault))?;
        let mut index = 0;
        while let Some(entry) = archive.files.get(index) {
            let block = archive.stream_map.file_block_index.get(index).copied().flatten();
            let done = match block {
                None => {
                    empty(entry, None, children)?;
                    1
                }
                Some(block) if archive.is_file_encrypted(index) => locked(&archive, block, index, children)?,
                Some(block) if newer::codec(&archive, block).is_some() => newer::unpack(&archive, block, index, blob.bytes(), children)?,
                Some(block) => unpack_block(&archive, block, index, &mut source, children)?,
            };
            index = index.saturating_add(done.max(1));
        }
        Ok(())
    }
}

/// The files of a block from `index` on: those between them that are empty count as its own.
fn entries(archive: &Archive, block: usize, index: usize) -> impl Iterator<Item = &ArchiveEntry> {
    let blocks = archive.stream_map.file_block_index.iter().skip(index);
    archive.files.iter().skip(index).zip(blocks).take_while(move |(_, of)| **of == Some(block)).map(|(entry, _)| entry)
}

/// Hands over the names of what cannot be read. Returns how many files that were.
fn locked(archive: &Archive, block: usize, index: usize, children: &mut Children<'_>) -> Result<usize, Exceeded> {
    let mut count = 0_usize;
    for entry in entries(archive, block, index) {
        empty(entry, Some(&Fault::Encrypted("7z: the file is encrypted".to_owned())), children)?;
        count = count.saturating_add(1);
    }
    Ok(count)
}

/// Hands over all files of a block, which are one stream. Returns how many files that were.
fn unpack_block(
    archive: &Archive,
    block: usize,
    index: usize,
    source: &mut Cursor<&[u8]>,
    children: &mut Children<'_>,
) -> Result<usize, Exceeded> {
    let (mut count, mut broken, mut limit) = (0_usize, None, None);
    let password = Password::empty();
    let result = guard("7z", || {
        let decoder = BlockDecoder::new_with_memory_limit(1, DICTIONARY, block, archive, &password, source);
        decoder
            .for_each_entries(&mut |entry, reader| {
                count = count.saturating_add(1);
                match file(entry, reader, children) {
                    Ok(fault) => broken = fault,
                    Err(exceeded) => limit = Some(exceeded),
                }
                // What is left of a file would be decoded without limit if its block went on.
                Ok(broken.is_none() && limit.is_none())
            })
            .map_err(fault)
    });
    limit.map_or(Ok(()), Err)?;
    let why = broken.or(result.err()).map(|fault| Fault::corrupt(format!("7z: not reached, as the block broke before it: {fault}")));
    for entry in entries(archive, block, index).skip(count) {
        empty(entry, why.as_ref(), children)?;
        count = count.saturating_add(1);
    }
    Ok(count)
}

/// Hands over one file as far as it can be read. Returns why that was not to its end.
fn file(entry: &ArchiveEntry, reader: &mut dyn Read, children: &mut Children<'_>) -> Result<Option<Fault>, Exceeded> {
    if !entry.has_stream {
        empty(entry, None, children)?;
        return Ok(None);
    }
    let mut output = children.output();
    let fault = read(reader, &mut output).err();
    let attributes = attributes(entry);
    let path = entry_path(entry.name.as_bytes());
    if attributes.mode.is_some_and(|mode| mode & 0o170_000 == 0o120_000) && output.len() <= 4096 && fault.is_none() {
        children.entry(path, EntryKind::Symlink(path_text(output.as_slice())), attributes);
    } else {
        children.made_with(path, output, attributes, fault.as_ref())?;
    }
    Ok(fault)
}

fn read(reader: &mut dyn Read, output: &mut Output<'_>) -> Result<(), Fault> {
    let mut buffer = vec![0; STEP];
    loop {
        let fresh = reader.read(&mut buffer).map_err(|error| io_fault(&error))?;
        if fresh == 0 {
            return Ok(());
        }
        output.push(buffer.get(..fresh).unwrap_or_default())?;
    }
}

/// A folder, an empty file, or one of which nothing can be had.
fn empty(entry: &ArchiveEntry, fault: Option<&Fault>, children: &mut Children<'_>) -> Result<(), Exceeded> {
    let path = entry_path(entry.name.as_bytes());
    // Anti-items stand for files to be deleted.
    if entry.is_anti_item || path.is_empty() {
        return Ok(());
    }
    if entry.is_directory {
        children.entry(path, EntryKind::Directory, attributes(entry));
        return Ok(());
    }
    children.made_with(path, children.output(), attributes(entry), fault)
}

/// Windows attributes, whose upper half is `st_mode` if bit 15 is set; times count 100 ns from 1601 on.
fn attributes(entry: &ArchiveEntry) -> Attributes {
    let unix = entry.has_windows_attributes && entry.windows_attributes & 0x8000 != 0;
    let modified = entry.has_last_modified_date.then(|| file_time(entry.last_modified_date.into())).flatten();
    Attributes { mode: unix.then_some(entry.windows_attributes >> 16), modified, ..Attributes::default() }
}

fn fault(error: Error) -> Fault {
    match error {
        Error::PasswordRequired | Error::MaybeBadPassword(_) => Fault::Encrypted("7z: the archive is encrypted".to_owned()),
        Error::UnsupportedCompressionMethod(method) if method.contains("AES") => {
            Fault::Encrypted("7z: the archive is encrypted".to_owned())
        }
        Error::UnsupportedCompressionMethod(method) => Fault::unsupported(format!("7z: compression method {method}")),
        Error::Unsupported(what) => Fault::unsupported(format!("7z: {what}")),
        Error::ExternalUnsupported => Fault::unsupported("7z: metadata in a stream of its own"),
        Error::MaxMemLimited { actaul_kb, .. } => Fault::unsupported(format!("7z: needs {actaul_kb} KiB of memory")),
        Error::ChecksumVerificationFailed | Error::NextHeaderCrcMismatch => Fault::Checksum("7z: a checksum does not fit".to_owned()),
        Error::Io(error, _) => io_fault(&error),
        error => Fault::corrupt(format!("7z: {error}")),
    }
}

fn io_fault(error: &std::io::Error) -> Fault {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    match (inner, error.kind()) {
        (Some(Error::ChecksumVerificationFailed), _) => Fault::Checksum("7z: the checksum of the file does not fit".to_owned()),
        (_, ErrorKind::UnexpectedEof) => Fault::Truncated("7z: the data ends early".to_owned()),
        _ => Fault::corrupt(format!("7z: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::process::Command;

    use super::*;
    use crate::blob::to_u64;
    use crate::codec::testing::{code, noise};
    use crate::format::testing::{carve, survives_damage, tool, unpack, unpack_at};
    use crate::problem::Code;

    fn tree(root: &Path) {
        fs::create_dir_all(root.join("etc/deep/er")).unwrap();
        fs::write(root.join("etc/text"), "a line\n").unwrap();
        fs::write(root.join("etc/deep/er/größe [1]"), "odd").unwrap();
        fs::write(root.join("binary"), noise(300_001)).unwrap();
        fs::write(root.join("program.exe"), code(100_000)).unwrap();
        fs::write(root.join("empty"), "").unwrap();
        std::os::unix::fs::symlink("../etc/text", root.join("link")).unwrap();
    }

    fn pack(root: &Path, options: &[&str]) -> Vec<u8> {
        let _ = fs::remove_file(root.join("packed.7z"));
        let names = ["etc", "binary", "program.exe", "empty", "link"];
        tool(Command::new("7z").current_dir(root).args(["a", "-snl"]).args(options).arg("packed.7z").args(names));
        fs::read(root.join("packed.7z")).unwrap()
    }

    #[test]
    fn every_method() {
        if crate::testing::lacking(&["7z"]) {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        tree(folder.path());
        let methods: [&[&str]; 8] =
            [&[], &["-ms=off"], &["-m0=lzma"], &["-m0=bzip2"], &["-m0=deflate"], &["-m0=ppmd"], &["-m0=copy"], &["-mf=bcj2", "-mhc=off"]];
        for options in methods {
            let image = pack(folder.path(), options);
            let junk = [b"before".as_slice(), &image, b"after"].concat();
            assert_eq!(carve(&SevenZ, &junk, 6), Some(to_u64(image.len())));
            let unpacked = unpack_at(&SevenZ, &junk, 6);
            assert_eq!(unpacked.problems, [], "{options:?}");
            let mut names = unpacked.names();
            names.sort_unstable();
            assert_eq!(names, ["binary", "empty", "etc/deep/er/größe [1]", "etc/text", "program.exe"]);
            assert!(unpacked.file("binary") == noise(300_001) && unpacked.file("program.exe") == code(100_000), "{options:?}");
            let kinds: Vec<_> = unpacked.entries.iter().map(|entry| (entry.path.as_str(), &entry.kind)).collect();
            assert!(kinds.contains(&("link", &EntryKind::Symlink("../etc/text".to_owned()))), "{kinds:?}");
            assert!(kinds.contains(&("etc/deep", &EntryKind::Directory)));
        }
    }

    #[test]
    fn encrypted_files_are_named() {
        if crate::testing::lacking(&["7z"]) {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        tree(folder.path());
        let unpacked = unpack(&SevenZ, &pack(folder.path(), &["-psecret"]));
        assert_eq!(unpacked.file("binary"), b"");
        assert!(unpacked.problems.iter().all(|(code, _)| *code == Code::Encrypted) && unpacked.problems.len() >= 4);
        let unpacked = unpack(&SevenZ, &pack(folder.path(), &["-psecret", "-mhe=on"]));
        assert_eq!((unpacked.files.len(), unpacked.problems[0].0), (0, Code::Encrypted));
    }

    #[test]
    fn damage_is_told_and_the_rest_kept() {
        if crate::testing::lacking(&["7z"]) {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        tree(folder.path());
        let mut image = pack(folder.path(), &["-ms=off"]);
        image[40] ^= 1;
        let unpacked = unpack(&SevenZ, &image);
        assert_eq!(unpacked.files.len(), 5);
        let broken = unpacked.problems.len();
        assert!(broken == 1 && matches!(unpacked.problems[0].0, Code::Corrupt | Code::Checksum), "{:?}", unpacked.problems);
        let cut = unpack(&SevenZ, &image[..image.len() / 2]);
        assert_eq!((cut.files.len(), cut.problems[0].0), (0, Code::Truncated));
        fs::write(folder.path().join("binary"), noise(2000)).unwrap();
        fs::write(folder.path().join("program.exe"), code(1000)).unwrap();
        survives_damage(&SevenZ, &pack(folder.path(), &[]));
        survives_damage(&SevenZ, &pack(folder.path(), &["-mhc=off", "-m0=bzip2"]));
    }

    #[test]
    fn look_alikes_are_refused() {
        assert_eq!(carve(&SevenZ, b"7z\xbc\xaf\x27\x1c\0\x04 is the magic, with nothing behind it", 0), None);
    }
}
