//! Compiled HTML help (CHM): the pages of a program's manual, as devices for Windows ship them.

use self::directory::{Entry, entries};
use self::header::{Control, Header};
use crate::blob::{Blob, Bytes, Span};
use crate::codec::lzx;
use crate::format::{Attributes, Carved, Children, EntryKind, Format, Kind, Magic, Spec, path_text};
use crate::limits::{Budget, Output};
use crate::problem::{Fault, Rejected};

mod directory;
mod header;

/// Compiled HTML help.
#[derive(Debug)]
pub(super) struct Chm;

static SPEC: Spec = Spec {
    id: "chm",
    name: "compiled HTML help (CHM)",
    kind: Kind::Archive,
    magics: &[Magic::anywhere(b"ITSF")],
    leaf: false,
    references: &["https://www.russotto.net/chm/chmformat.html", "https://www.nongnu.org/chmspec/latest/"],
    limitations: &["files behind a broken block of LZX", "what the help system itself keeps beside the files, such as its index of words"],
};

/// The folder in which the help system keeps how files are compressed, and not files.
const INTERNAL: &[u8] = b"::";
const CONTENT: &[u8] = b"::DataSpace/Storage/MSCompressed/Content";
const CONTROL: &[u8] = b"::DataSpace/Storage/MSCompressed/ControlData";
const RESETS: &[u8] = b"::DataSpace/Storage/MSCompressed/Transform/{7FC28940-9D31-11D0-9B27-00A0C91E9C7C}/InstanceData/ResetTable";

impl Format for Chm {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let header = Header::read(Bytes(blob.bytes().tail(start)))?;
        Ok(Carved::new(header.length, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        let header = Header::read(bytes).map_err(|rejected| Fault::corrupt(rejected.0))?;
        let entries = entries(bytes, &header)?;
        let (compressed, fault) = compressed(bytes, &header, &entries, children)?;
        for entry in entries.iter().filter(|entry| !entry.name.starts_with(INTERNAL)) {
            let path = path_text(entry.name.strip_prefix(b"/").unwrap_or(entry.name));
            if let Some(folder) = path.strip_suffix('/') {
                children.entry(folder, EntryKind::Directory, Attributes::default());
            } else if path.is_empty() {
            } else if entry.section == 0 {
                children.span(path, Span::new(header.content.saturating_add(entry.start), entry.length), Attributes::default())?;
            } else {
                let mut output = children.output();
                output.push(Bytes(compressed.as_slice()).up_to(entry.start, entry.length))?;
                let cut = || Fault::Truncated(format!("chm: {} of {} bytes are there", output.len(), entry.length));
                let fault = (output.len() < entry.length).then(|| fault.clone().unwrap_or_else(cut));
                children.made_with(path, output, Attributes::default(), fault.as_ref())?;
            }
        }
        Ok(())
    }
}

/// The section that all compressed files are in, as far as it can be had, and why that is not to its end.
fn compressed<'w>(
    bytes: Bytes<'_>,
    header: &Header,
    entries: &[Entry<'_>],
    children: &Children<'w>,
) -> Result<(Output<'w>, Option<Fault>), Fault> {
    let place = |name: &[u8]| {
        let entry = entries.iter().find(|entry| entry.name == name && entry.section == 0)?;
        Some(Bytes(bytes.up_to(header.content.saturating_add(entry.start), entry.length)))
    };
    let (Some(content), Some(control), Some(resets)) = (place(CONTENT), place(CONTROL), place(RESETS)) else {
        return Ok((children.output(), Some(Fault::corrupt("chm: it is not said how files are compressed"))));
    };
    let control = Control::read(control, resets)?;
    let stream = lzx::stream(content.0, control.properties, control.size, children.budget());
    Ok((stream.output, stream.fault))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Command;

    use super::*;
    use crate::blob::to_u64;
    use crate::format::testing::{carve, survives_damage, tool, tree, unpack, unpack_at};
    use crate::problem::Code;

    const IMAGE: &[u8] = include_bytes!("../../../fixtures/chm/manual.chm");
    const STORY: &[u8] = include_bytes!("../../../fixtures/content/tree/story.txt");

    #[test]
    fn pages_come_back() {
        if crate::testing::lacking(&["chmcmd"]) {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let files =
            [("index.html", b"<p>hello</p>\n".repeat(5000)), ("code.bin", tree::code(300_000)), ("noise.bin", tree::noise(100_000))];
        let mut project = "[OPTIONS]\nCompiled file=out.chm\nDefault topic=index.html\nTitle=Example\n[FILES]\n".to_owned();
        for (name, bytes) in &files {
            fs::write(folder.path().join(name), bytes).unwrap();
            project += &format!("{name}\n");
        }
        fs::write(folder.path().join("out.hhp"), project).unwrap();
        tool(Command::new("chmcmd").current_dir(folder.path()).arg("out.hhp"));
        let image = fs::read(folder.path().join("out.chm")).unwrap();
        let junk = [b"before".as_slice(), &image, b"after"].concat();
        assert_eq!(carve(&Chm, &junk, 6), Some(to_u64(image.len())));
        let unpacked = unpack_at(&Chm, &junk, 6);
        assert_eq!(unpacked.problems, []);
        for (name, bytes) in &files {
            assert!(unpacked.file(name) == bytes, "{name}");
        }
    }

    #[test]
    fn damage_is_told_and_the_rest_kept() {
        let whole = unpack(&Chm, IMAGE);
        assert_eq!(whole.problems, []);
        assert!(whole.file("story.txt") == STORY);
        let cut = unpack(&Chm, &IMAGE[..IMAGE.len() - 1500]);
        assert_eq!(cut.names(), whole.names());
        assert!(!cut.problems.is_empty() && cut.problems.iter().all(|(code, _)| *code == Code::Truncated), "{:?}", cut.problems);
        survives_damage(&Chm, IMAGE);
    }

    #[test]
    fn look_alikes_are_refused() {
        assert_eq!(carve(&Chm, &[b"ITSF is the magic".as_slice(), &[b' '; 200]].concat(), 0), None);
    }
}
