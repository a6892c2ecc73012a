//! The table of contents: files with what is known of them, in folders.

use std::collections::BTreeMap;

use super::xml::{Piece, pieces};
use crate::blob::Span;
use crate::format::{Attributes, part_text};

/// A file, or anything else with a name.
#[derive(Debug, Default)]
pub(super) struct File {
    pub(super) path: String,
    pub(super) kind: String,
    /// Of symbolic links what they lead to; of hard links the number of the file.
    pub(super) link: Option<String>,
    /// Of hard links the path of the file.
    pub(super) hard_link: Option<String>,
    /// In the heap.
    pub(super) data: Span,
    pub(super) size: u64,
    pub(super) encoding: String,
    pub(super) device: (u32, u32),
    pub(super) attributes: Attributes,
    id: String,
}

/// Levels of elements that are believed.
const DEEPEST: usize = 256;

/// All files, folders before what is in them.
pub(super) fn files(table: &[u8]) -> Vec<File> {
    let text = String::from_utf8_lossy(table);
    // Files that are open, by their place among those found; and the names of all open elements.
    let (mut found, mut open, mut names): (Vec<File>, Vec<usize>, Vec<String>) = (Vec::new(), Vec::new(), Vec::new());
    for piece in pieces(&text) {
        match piece {
            Piece::Start(name, attributes) => {
                if names.len() > DEEPEST {
                    break;
                }
                if name == "file" {
                    let folder =
                        open.last().and_then(|index| found.get(*index)).map_or(String::new(), |folder| format!("{}/", folder.path));
                    open.push(found.len());
                    found.push(File { path: folder, id: value(&attributes, "id").unwrap_or_default().to_owned(), ..File::default() });
                }
                names.push(name);
                if let Some(file) = open.last().and_then(|index| found.get_mut(*index)) {
                    file.start(inner(&names), &attributes);
                }
            }
            Piece::End => {
                if names.pop().as_deref() == Some("file") {
                    open.pop();
                }
            }
            Piece::Text(text) => {
                if let Some(file) = open.last().and_then(|index| found.get_mut(*index)) {
                    file.text(inner(&names), &text);
                }
            }
        }
    }
    let paths: BTreeMap<String, String> = found.iter().map(|file| (file.id.clone(), file.path.clone())).collect();
    for file in found.iter_mut().filter(|file| file.kind == "hardlink") {
        file.hard_link = file.link.as_ref().and_then(|id| paths.get(id).cloned());
    }
    found
}

/// Where the checksum of the table ends in the heap, of which it is the first part.
pub(super) fn checksum_end(table: &[u8]) -> u64 {
    let text = String::from_utf8_lossy(table);
    let (mut names, mut place): (Vec<String>, Span) = (Vec::new(), Span::default());
    for piece in pieces(&text).into_iter().take(64) {
        match piece {
            Piece::Start(name, _) => names.push(name),
            Piece::End => _ = names.pop(),
            Piece::Text(text) => match inner(&names) {
                ("checksum", "offset") => place.start = text.parse().unwrap_or(0),
                ("checksum", "size") => place.length = text.parse().unwrap_or(0),
                _ => (),
            },
        }
    }
    place.end()
}

/// The names of the innermost element and the one around it.
fn inner(names: &[String]) -> (&str, &str) {
    match names {
        [.., outer, inner] => (outer, inner),
        _ => ("", ""),
    }
}

fn value<'a>(attributes: &'a [(String, String)], name: &str) -> Option<&'a str> {
    attributes.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
}

impl File {
    fn start(&mut self, element: (&str, &str), attributes: &[(String, String)]) {
        match element {
            ("data", "encoding") => value(attributes, "style").unwrap_or_default().clone_into(&mut self.encoding),
            ("file", "type") => self.link = value(attributes, "link").filter(|link| *link != "original").map(str::to_owned),
            _ => (),
        }
    }

    fn text(&mut self, element: (&str, &str), text: &str) {
        let (octal, decimal) = (|| u32::from_str_radix(text, 8).ok(), || text.parse().ok());
        match element {
            ("file", "name") => self.path.push_str(&part_text(text.as_bytes())),
            // Of hard links, only the first name has the bytes.
            ("file", "type") if text == "hardlink" && self.link.is_none() => "file".clone_into(&mut self.kind),
            ("file", "type") => text.clone_into(&mut self.kind),
            ("file", "link") => self.link = Some(text.to_owned()),
            ("file", "mode") => self.attributes.mode = octal(),
            ("file", "uid") => self.attributes.uid = decimal(),
            ("file", "gid") => self.attributes.gid = decimal(),
            ("file", "mtime") => self.attributes.modified = seconds(text),
            ("device", "major") => self.device.0 = decimal().unwrap_or(0),
            ("device", "minor") => self.device.1 = decimal().unwrap_or(0),
            ("data", "offset") => self.data.start = text.parse().unwrap_or(0),
            ("data", "length") => self.data.length = text.parse().unwrap_or(0),
            ("data", "size") => self.size = text.parse().unwrap_or(0),
            _ => (),
        }
    }
}

/// A time such as `2021-07-05T00:00:00Z` as seconds since 1970.
fn seconds(text: &str) -> Option<i64> {
    let mut numbers = text.trim_end_matches('Z').split(['-', 'T', ':']).map(|number| number.parse::<i64>().ok());
    let mut next = || numbers.next().flatten();
    let (year, month, day, hour, minute, second) = (next()?, next()?, next()?, next()?, next()?, next()?);
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) {
        return None;
    }
    // Years begin in March here, so that the day that only some years have is their last.
    let (year, month) = if month > 2 { (year, month.saturating_sub(3)) } else { (year.saturating_sub(1), month.saturating_add(9)) };
    let leaps = (year / 4).saturating_sub(year / 100).saturating_add(year / 400);
    let before = month.saturating_mul(153).saturating_add(2) / 5;
    let days = year.saturating_mul(365).saturating_add(leaps).saturating_add(before).saturating_add(day).saturating_sub(719_469);
    let of_day = hour.saturating_mul(3600).saturating_add(minute.saturating_mul(60)).saturating_add(second);
    Some(days.saturating_mul(86_400).saturating_add(of_day))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        assert_eq!(seconds("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(seconds("2024-02-29T23:59:58Z"), Some(1_709_251_198));
        assert_eq!(seconds("now"), None);
    }
}
