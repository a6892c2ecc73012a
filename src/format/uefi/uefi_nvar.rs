//! NVAR: how AMI's firmware keeps UEFI variables.

use crate::blob::{Blob, Bytes, Span};
use crate::format::guid::Guid;
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec, path_text, utf16_part_text};
use crate::limits::{Budget, Effort, Exceeded};
use crate::problem::{Fault, Rejected};

mod entry;

use entry::{Entry, Name};

/// AMI variable store.
#[derive(Debug)]
pub(super) struct Nvar;

static SPEC: Spec = Spec {
    id: "uefi-nvar",
    name: "AMI variable store (NVAR)",
    kind: Kind::Archive,
    magics: &[Magic::start(b"NVAR")],
    leaf: false,
    references: &["https://habr.com/ru/articles/281901/", "https://github.com/LongSoft/UEFITool/blob/new_engine/common/nvramparser.cpp"],
    limitations: &["values that were replaced are left out", "time stamps and hashes of authenticated variables are not read"],
};

impl Format for Nvar {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    /// Only ever a whole: the table of GUIDs stands at its end.
    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let bytes = Bytes(blob.bytes().tail(start));
        let first = Entry::read(bytes, 0).ok_or(Rejected("the first entry"))?;
        let next = bytes.up_to(first.size, 4);
        if next != b"NVAR" && !next.iter().all(|byte| *byte == 0xff) {
            return Err(Rejected("what follows the first entry"));
        }
        Ok(Carved::new(bytes.len(), start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        let (mut at, mut effort) = (0, Effort::new(children.budget(), blob.len()));
        let end = end(bytes);
        while let Some(entry) = Entry::read(bytes, at) {
            children.budget().check()?;
            if let (true, Some(name)) = (entry.live, &entry.name) {
                // The newest value is the last of the chain.
                let data = newest(bytes, at, &entry, &mut effort)?;
                let owner = guid(bytes, name, end).map_or_else(String::new, |guid| format!("-{guid}"));
                children.span(format!("{}{owner}", said(name)), data, Attributes::default())?;
            }
            at = at.saturating_add(entry.size);
        }
        let rest = bytes.up_to(at, 4);
        if !rest.iter().all(|byte| *byte == 0xff) {
            children.problem(&Fault::corrupt("what follows the last entry is none"), Some(at));
        }
        Ok(())
    }
}

/// What following one entry of a chain costs: many entries may point at the same one.
const COST: u64 = 64;

/// A value is replaced by an entry that holds data only, and to which the one before points.
fn newest(bytes: Bytes<'_>, start: u64, first: &Entry, effort: &mut Effort<'_>) -> Result<Span, Exceeded> {
    let (mut at, mut next, mut data) = (start, first.next, first.data);
    while let Some(offset) = next {
        effort.spend(COST)?;
        let place = at.saturating_add(offset);
        let Some(entry) = Entry::read(bytes, place).filter(|entry| offset > 0 && entry.name.is_none()) else { break };
        (at, next, data) = (place, entry.next, entry.data);
    }
    Ok(data)
}

fn said(name: &Name) -> String {
    match &name.text {
        entry::Text::Bytes(text) => path_text(text).replace('/', "\\x2f"),
        entry::Text::Wide(units) => utf16_part_text(units.iter().copied()),
    }
}

/// Where the last entry ends.
fn end(bytes: Bytes<'_>) -> u64 {
    let mut at = 0_u64;
    while let Some(entry) = Entry::read(bytes, at) {
        at = at.saturating_add(entry.size);
    }
    at
}

/// The GUID of a name: written there, or by its number in the table that grows down from the end. A store in a store has no table.
fn guid(bytes: Bytes<'_>, name: &Name, end: u64) -> Option<Guid> {
    match name.guid {
        entry::Owner::Here(guid) => Some(guid),
        entry::Owner::Number(number) => {
            let back = u64::from(number).saturating_add(1).saturating_mul(16);
            let start = bytes.len().checked_sub(back).filter(|start| *start >= end)?;
            Guid::at(bytes, start).ok()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack};

    fn entry(attributes: u8, next: u32, rest: &[u8]) -> Vec<u8> {
        let size = (10 + rest.len()) as u16;
        [b"NVAR", &size.to_le_bytes()[..], &next.to_le_bytes()[..3], &[attributes], rest].concat()
    }

    fn store() -> Vec<u8> {
        let mut bytes = entry(0x83, 40, b"\0Setup\0old value");
        assert!(bytes.len() < 40);
        let filler = 40 - bytes.len();
        bytes.extend(entry(0x02, 0xff_ffff, &vec![b'x'; filler - 10]));
        bytes.extend(entry(0x88, 0xff_ffff, b"new value"));
        bytes.extend(entry(0x86, 0xff_ffff, &[&[7; 16], &b"Here\0its value"[..]].concat()));
        bytes.extend(entry(0x80, 0xff_ffff, b"\x01W\0\0\0wide"));
        bytes.resize(400, 0xff);
        bytes.extend([[9; 16], [8; 16]].concat());
        bytes
    }

    #[test]
    fn newest_values_come_out() {
        let image = store();
        assert_eq!(carve(&Nvar, &image, 0), Some(image.len() as u64));
        let unpacked = unpack(&Nvar, &image);
        assert_eq!(unpacked.file("Setup-08080808-0808-0808-0808-080808080808"), b"new value");
        assert_eq!(unpacked.file("Here-07070707-0707-0707-0707-070707070707"), b"its value");
        assert_eq!(unpacked.file("W-09090909-0909-0909-0909-090909090909"), b"wide");
        assert_eq!((unpacked.files.len(), unpacked.problems.len()), (3, 0));
        survives_damage(&Nvar, &image);
    }

    #[test]
    fn four_letters_are_none() {
        assert_eq!(carve(&Nvar, b"NVAR is how AMI calls its variables, and this is a text about it", 0), None);
    }
}
