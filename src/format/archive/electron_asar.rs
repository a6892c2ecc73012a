//! The files of programs made with Electron (asar): a list of them in JSON, then their bytes.

use serde_json::Value;

use crate::blob::{Blob, Bytes, Endian, Span};
use crate::format::{Attributes, Carved, Children, EntryKind, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// asar.
#[derive(Debug)]
pub(super) struct ElectronAsar;

static SPEC: Spec = Spec {
    id: "electron-asar",
    name: "Electron archive (asar)",
    kind: Kind::Archive,
    magics: &[Magic { bytes: b"{\"files\":", offset: 16, anchor: crate::format::Anchor::Start }],
    leaf: false,
    references: &["https://github.com/electron/asar#format"],
    limitations: &["hashes of the files are not verified"],
};

/// The largest list that is read.
const LARGEST_LIST: u64 = 64 << 20;

/// Levels of folders that are believed.
const DEEPEST: usize = 64;

impl Format for ElectronAsar {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        list(Bytes(blob.bytes().tail(start)))?;
        Ok(Carved::new(u64::MAX, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        let (list, data) = list(bytes).map_err(|rejected| Fault::corrupt(rejected.0))?;
        let list = bytes.get(list.start, list.length)?;
        let root: Value = serde_json::from_slice(list).map_err(|error| Fault::corrupt(format!("asar: the list of files: {error}")))?;
        folder(&root, "", data, 0, children)
    }
}

/// Little endian: u32 4, u32 size of what follows up to the data, u32 the same without this number, u32 size of the list, list. Returns the
/// place of the list, and where the data is.
fn list(bytes: Bytes<'_>) -> Result<(Span, u64), Rejected> {
    let word = |at| bytes.u32(at, Endian::Little).map(u64::from);
    let (size, inner, list) = (word(4)?, word(8)?, word(12)?);
    if word(0)? != 4
        || inner.saturating_add(4) != size
        || list.saturating_add(4) > inner
        || inner > list.saturating_add(8)
        || list > LARGEST_LIST
    {
        return Err(Rejected("sizes"));
    }
    Ok((Span::new(16, list), size.saturating_add(8)))
}

fn folder(node: &Value, prefix: &str, data: u64, depth: usize, children: &mut Children<'_>) -> Result<(), Fault> {
    let Some(files) = node.get("files").and_then(Value::as_object).filter(|_| depth < DEEPEST) else { return Ok(()) };
    for (name, node) in files {
        let path = format!("{prefix}{name}");
        let number = |key: &str| node.get(key).and_then(|value| value.as_u64().or_else(|| value.as_str()?.parse().ok()));
        if node.get("files").is_some() {
            children.entry(path.clone(), EntryKind::Directory, Attributes::default());
            folder(node, &format!("{path}/"), data, depth.saturating_add(1), children)?;
        } else if let Some(link) = node.get("link").and_then(Value::as_str) {
            children.entry(path, EntryKind::Symlink(link.to_owned()), Attributes::default());
        } else if let (Some(offset), Some(size)) = (number("offset"), number("size")) {
            let mode = if node.get("executable") == Some(&Value::Bool(true)) { 0o100_755 } else { 0o100_644 };
            let attributes = Attributes { mode: Some(mode), ..Attributes::default() };
            children.span(path, Span::new(data.saturating_add(offset), size), attributes)?;
        } else if node.get("unpacked") != Some(&Value::Bool(true)) {
            children.problem(&Fault::corrupt(format!("asar: {path:?} has no place")), None);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, tree, unpack};
    use crate::problem::Code;

    const IMAGE: &[u8] = include_bytes!("../../../fixtures/electron-asar/app.asar");

    #[test]
    fn files_come_back() {
        let unpacked = unpack(&ElectronAsar, IMAGE);
        assert_eq!(unpacked.problems, []);
        assert_eq!(unpacked.file("story.txt"), include_bytes!("../../../fixtures/content/tree/story.txt"));
        assert_eq!(unpacked.file("etc/motd"), include_bytes!("../../../fixtures/content/tree/etc/motd"));
        assert_eq!(tree::kind(&unpacked, "bin/sh"), Some(EntryKind::Symlink("bin/tool".to_owned())));
        assert_eq!(tree::kind(&unpacked, "etc"), Some(EntryKind::Directory));
        let cut = unpack(&ElectronAsar, &IMAGE[..IMAGE.len() - 10]);
        assert_eq!(cut.problems[0].0, Code::Truncated);
        survives_damage(&ElectronAsar, IMAGE);
        assert_eq!(carve(&ElectronAsar, b"something: JSON {\"files\":{}} is no archive", 0), None);
    }
}
