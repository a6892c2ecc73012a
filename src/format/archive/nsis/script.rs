//! The script of an installer, as far as it says which files there are and where they go.

use crate::blob::{Bytes, Endian, Span, to_u64};
use crate::format::{file_time, part_text, utf16_part_text};
use crate::limits::{Effort, Exceeded};

/// Bytes of an instruction: u32 what it does, then six numbers.
const ENTRY: u64 = 28;

/// Bytes of work that an instruction is worth, beside its strings: many of them may have the same ones.
const WORK: u64 = 256;

/// Instructions: make a folder, or go there if the second number is not 0; unpack a file (name, place, time), one further on in some versions;
/// write the uninstaller.
const FOLDER: u32 = 11;
const EXTRACT: [u32; 2] = [20, 21];
const UNINSTALLER: [u32; 3] = [61, 62, 63];

/// Variables that come first; ten and ten more before them have no names.
const VARIABLES: [&str; 12] =
    ["CMDLINE", "INSTDIR", "OUTDIR", "EXEDIR", "LANGUAGE", "TEMP", "PLUGINSDIR", "EXEPATH", "EXEFILE", "HWNDPARENT", "_CLICK", "_OUTDIR"];

/// A file that an instruction writes.
pub(super) struct File {
    pub(super) name: String,
    pub(super) place: u64,
    pub(super) modified: Option<i64>,
}

/// The header of the script: u32 flags; then for pages, sections, instructions, strings, tables of languages and three more where they begin
/// and how many there are, u32 each, or where as u64 in installers for 64-bit systems.
pub(super) struct Script<'a> {
    bytes: Bytes<'a>,
    entries: Span,
    strings: Span,
    wide: bool,
}

impl<'a> Script<'a> {
    pub(super) fn read(bytes: Bytes<'a>) -> Self {
        let narrow = |index: u64| place(bytes, index, 8);
        let long = |index: u64| place(bytes, index, 12);
        let sorted = |places: [u64; 5]| places.is_sorted() && places.iter().all(|place| (68..=bytes.len()).contains(place));
        let places = [0, 1, 2, 3, 4].map(narrow).map(|(place, _)| place);
        let (step, [_, _, entries, strings, languages]) =
            if sorted(places) { (8, places) } else { (12, [0, 1, 2, 3, 4].map(long).map(|(place, _)| place)) };
        let count = place(bytes, 2, step).1.min(strings.saturating_sub(entries) / ENTRY);
        let strings = Span::between(strings, languages.min(bytes.len()));
        // The first string is empty.
        let wide = bytes.u16(strings.start, Endian::Little) == Ok(0);
        Self { bytes, entries: Span::new(entries, count.saturating_mul(ENTRY)), strings, wide }
    }

    /// All files that are written, whether something is at their place or not.
    pub(super) fn files(&self, effort: &mut Effort<'_>) -> Result<Vec<File>, Exceeded> {
        let (mut files, mut folder) = (Vec::new(), String::new());
        let entries = self.bytes.up_to(self.entries.start, self.entries.length);
        for entry in entries.chunks_exact(28).map(Bytes) {
            let number = |index: u64| entry.u32(index.saturating_mul(4), Endian::Little).unwrap_or(0);
            let what = number(0);
            if what == FOLDER && number(2) != 0 {
                folder = self.string(number(1));
                effort.spend(to_u64(folder.len()).saturating_add(WORK))?;
            }
            let (name, place) = match what {
                _ if EXTRACT.contains(&what) => (number(2), number(3)),
                _ if UNINSTALLER.contains(&what) => (number(1), number(2)),
                _ => continue,
            };
            let name = self.string(name);
            effort.spend(to_u64(folder.len()).saturating_add(to_u64(name.len())).saturating_add(WORK))?;
            if name.is_empty() || name.len() >= 1024 {
                continue;
            }
            if !EXTRACT.contains(&what) {
                files.push(File { name: format!("{}.icons", path("", &name)), place: place.into(), modified: None });
                continue;
            }
            let time = u64::from(number(5)) << 32 | u64::from(number(4));
            let modified = (time != u64::MAX).then(|| file_time(time)).flatten();
            files.push(File { name: path(&folder, &name), place: place.into(), modified });
        }
        Ok(files)
    }

    /// The string that begins so many characters behind the first one.
    fn string(&self, at: u32) -> String {
        let width: u64 = if self.wide { 2 } else { 1 };
        let start = self.strings.start.saturating_add(u64::from(at).saturating_mul(width));
        let bytes = self.bytes.up_to(start, self.strings.end().saturating_sub(start).min(4096));
        if self.wide { wide(bytes) } else { narrow(bytes) }
    }
}

/// Where the part `index` of the script begins, and how many of its kind there are.
fn place(bytes: Bytes<'_>, index: u64, step: u64) -> (u64, u64) {
    let at = index.saturating_mul(step).saturating_add(4);
    let start = if step == 8 { bytes.u32(at, Endian::Little).map(u64::from) } else { bytes.u64(at, Endian::Little) };
    let count = bytes.u32(at.saturating_add(step).saturating_sub(4), Endian::Little).unwrap_or(0);
    (start.unwrap_or(0), count.into())
}

/// The whole path of a file: what goes where the program is installed has no folder before it.
fn path(folder: &str, name: &str) -> String {
    let whole = if name.starts_with('$') || folder.is_empty() { name.to_owned() } else { format!("{folder}\\{name}") };
    let inside = whole.strip_prefix("$INSTDIR").map(|rest| rest.trim_start_matches('\\')).filter(|rest| !rest.is_empty());
    inside.unwrap_or(&whole).replace('\\', "/")
}

/// What stands in a string for something that is known only when the script runs.
fn expanded(kind: u16, number: u16) -> String {
    match (kind, number) {
        (3, 0..=9) => format!("${number}"),
        (3, 10..=19) => format!("$R{}", number.saturating_sub(10)),
        (3, _) => {
            let name = usize::from(number).checked_sub(20).and_then(|index| VARIABLES.get(index));
            name.map_or_else(|| format!("$_{number}_"), |name| format!("${name}"))
        }
        (2, _) => "$SHELL".to_owned(),
        _ => "$(LANGUAGE)".to_owned(),
    }
}

/// Two numbers of seven bits.
fn number(low: u16, high: u16) -> u16 {
    (low & 0x7f) | ((high & 0x7f) << 7)
}

/// A string in UTF-16: 1 a text of the language, 2 a folder of the system, 3 a variable, each with its number behind it; 4 the next as it is.
fn wide(bytes: &[u8]) -> String {
    let mut units = bytes.as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit)).take_while(|unit| *unit != 0);
    let mut text = String::new();
    let mut plain = Vec::new();
    while let Some(unit) = units.next() {
        match unit {
            1..=3 => {
                text.push_str(&utf16_part_text(plain.drain(..)));
                let next = units.next().unwrap_or(0);
                text.push_str(&expanded(unit, number(next, next >> 8)));
            }
            4 => plain.extend(units.next()),
            unit => plain.push(unit),
        }
    }
    text.push_str(&utf16_part_text(plain.drain(..)));
    text
}

/// The same in bytes: ff to fd in versions before 3, whose numbers have the highest bits of their bytes set.
fn narrow(bytes: &[u8]) -> String {
    let mut rest = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    let (mut text, mut plain) = (String::new(), Vec::new());
    while let Some((byte, after)) = rest.split_first() {
        let set = after.first().zip(after.get(1)).filter(|(low, high)| **low & **high & 0x80 != 0);
        let kind = match (byte, set) {
            (1..=3, _) => u16::from(*byte),
            (0xff, Some(_)) => 1,
            (0xfe, Some(_)) => 2,
            (0xfd, Some(_)) => 3,
            _ => 0,
        };
        rest = after;
        match (kind, byte) {
            (0, 4 | 0xfc) if !after.is_empty() => {
                plain.extend(after.first());
                rest = after.get(1..).unwrap_or_default();
            }
            (0, _) => plain.push(*byte),
            _ => {
                text.push_str(&part_text(&std::mem::take(&mut plain)));
                let (low, high) = (after.first().copied().unwrap_or(0), after.get(1).copied().unwrap_or(0));
                text.push_str(&expanded(kind, number(low.into(), high.into())));
                rest = after.get(2..).unwrap_or_default();
            }
        }
    }
    text.push_str(&part_text(&plain));
    text
}
