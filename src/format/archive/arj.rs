//! ARJ archives, of MS-DOS times, in which some makers still ship firmware and tools.

use self::header::{FOLDER, Header};
use crate::blob::{Blob, Bytes, Span};
use crate::codec::lzh::{self, Lzh};
use crate::format::{Carved, Children, EntryKind, Format, Kind, Magic, Spec, crc32};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

mod header;

/// ARJ.
#[derive(Debug)]
pub(super) struct Arj;

static SPEC: Spec = Spec {
    id: "arj",
    name: "ARJ",
    kind: Kind::Archive,
    magics: &[Magic::anywhere(&[0x60, 0xea])],
    leaf: false,
    references: &["https://github.com/FarGroup/FarManager/blob/master/plugins/multiarc/arc.doc/arj.txt"],
    limitations: &["encrypted files are named, not read", "of files that lie in several volumes, the parts in others"],
};

impl Format for Arj {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let bytes = Bytes(blob.bytes().tail(start));
        let main = Header::read(bytes, 0)?.filter(Header::is_archive).ok_or(Rejected("main header"))?;
        let mut end = main.data.start;
        loop {
            match Header::read(bytes, end) {
                Ok(Some(file)) => end = file.data.end(),
                Ok(None) => return Ok(Carved::new(end.saturating_add(4), start, blob)),
                Err(_) => return Ok(Carved::new(end, start, blob)),
            }
        }
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        let broken = |at: u64| move |_: Rejected| Fault::corrupt(format!("arj: no header at {at:#x}"));
        let main = Header::read(bytes, 0).map_err(broken(0))?;
        let mut at = main.map_or(0, |main| main.data.start);
        while let Some(file) = Header::read(bytes, at).map_err(broken(at))? {
            at = file.data.end();
            child(&file, bytes, children)?;
        }
        Ok(())
    }
}

fn child(file: &Header<'_>, bytes: Bytes<'_>, children: &mut Children<'_>) -> Result<(), Fault> {
    let (path, attributes) = (file.path(), file.attributes());
    if file.kind == FOLDER {
        children.entry(path, EntryKind::Directory, attributes);
        return Ok(());
    }
    if file.is_encrypted() {
        let fault = Fault::Encrypted("arj: the file is encrypted".to_owned());
        return Ok(children.span_with(path, file.data, attributes, Some(&fault))?);
    }
    let Span { start, length } = file.data;
    let packed = bytes.up_to(start, length);
    let variant = match file.method {
        0 => {
            if crc32(packed) != file.crc && bytes.len() >= file.data.end() {
                children.problem(&Fault::Checksum(format!("arj: the checksum of {path:?} does not fit")), Some(start));
            }
            return Ok(children.span(path, file.data, attributes)?);
        }
        1..=3 => Lzh::Static(16),
        4 => Lzh::ArjFastest,
        method => {
            let fault = Fault::unsupported(format!("arj: compressed with method {method}"));
            return Ok(children.made_with(path, children.output(), attributes, Some(&fault))?);
        }
    };
    let stream = lzh::stream(packed, variant, file.size, children.budget());
    let sum = crc32(stream.output.as_slice());
    let wrong = || Fault::Checksum(format!("arj: the checksum is {sum:08x}, the header says {:08x}", file.crc));
    let fault = stream.fault.or_else(|| (sum != file.crc).then(wrong));
    Ok(children.made_with(path, stream.output, attributes, fault.as_ref())?)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Command;

    use super::*;
    use crate::format::testing::{carve, survives_damage, tool, tree, unpack, unpack_at};
    use crate::problem::Code;

    fn pack(method: &str) -> (tempfile::TempDir, Vec<u8>) {
        let work = tempfile::tempdir().unwrap();
        let root = work.path().join("tree");
        tree::plant(&root);
        let image = work.path().join("image.arj");
        tool(Command::new("arj").current_dir(&root).args(["a", "-r", "-y", method]).arg(&image).arg("*"));
        let bytes = fs::read(image).unwrap();
        (work, bytes)
    }

    #[test]
    fn every_method() {
        if crate::testing::lacking(&["arj"]) {
            return;
        }
        for method in ["-m0", "-m1", "-m2", "-m3", "-m4"] {
            let (work, image) = pack(method);
            let junk = [b"before".as_slice(), &image, b"after"].concat();
            assert_eq!(carve(&Arj, &junk, 6), Some(image.len() as u64), "{method}");
            let unpacked = unpack_at(&Arj, &junk, 6);
            assert_eq!(unpacked.problems, [], "{method}");
            let expected = tree::files(&work.path().join("tree"));
            let found = unpacked.by_name();
            for (path, bytes) in &expected {
                assert!(found.get(path.as_str()) == Some(&bytes.as_slice()), "{method}: {path} of {:?}", found.keys());
            }
        }
    }

    const IMAGE: &[u8] = include_bytes!("../../../fixtures/arj/tree.arj");

    #[test]
    fn damage_is_told_and_the_rest_kept() {
        let whole = unpack(&Arj, IMAGE);
        assert_eq!(whole.problems, []);
        let cut = unpack(&Arj, &IMAGE[..IMAGE.len() - 20]);
        assert!(!cut.files.is_empty() && !cut.problems.is_empty());
        let mut wrong = IMAGE.to_vec();
        let at = wrong.len() - 30;
        wrong[at] ^= 1;
        let wrong = unpack(&Arj, &wrong);
        assert_eq!(wrong.names(), whole.names());
        assert!(wrong.problems.iter().any(|(code, _)| matches!(code, Code::Checksum | Code::Corrupt)), "{:?}", wrong.problems);
        survives_damage(&Arj, IMAGE);
    }

    #[test]
    fn look_alikes_are_refused() {
        let words: Vec<u8> = (0..4000_u32).flat_map(|number| [0x60, 0xea, number.to_le_bytes()[0], 0]).collect();
        assert!((0..4000).all(|at| carve(&Arj, &words, at * 4).is_none()));
    }
}
