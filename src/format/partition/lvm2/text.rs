//! The text in which LVM2 describes a volume group: `name = value`, and sections in braces.

use crate::blob::{Bytes, to_u64, to_usize};
use crate::problem::Fault;

/// Sections in sections that are read. LVM writes three.
const DEEPEST: usize = 16;

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Text(Vec<u8>),
    Number(u64),
    List(Vec<Value>),
    Section(Section),
}

impl Value {
    /// The text that it is.
    pub(super) fn as_text(&self) -> Option<&[u8]> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The number that it is.
    pub(super) fn as_number(&self) -> Option<u64> {
        if let Self::Number(number) = self { Some(*number) } else { None }
    }
}

/// Names and their values, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Section(Vec<(Vec<u8>, Value)>);

impl Section {
    fn value(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(found, _)| found == name.as_bytes()).map(|(_, value)| value)
    }

    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.value(name)?.as_number()
    }

    pub(super) fn text(&self, name: &str) -> Option<&[u8]> {
        self.value(name)?.as_text()
    }

    pub(super) fn list(&self, name: &str) -> Option<&[Value]> {
        if let Some(Value::List(list)) = self.value(name) { Some(list) } else { None }
    }

    pub(super) fn section(&self, name: &str) -> Option<&Self> {
        if let Some(Value::Section(section)) = self.value(name) { Some(section) } else { None }
    }

    /// All sections in it, with their names.
    pub(super) fn sections(&self) -> impl Iterator<Item = (&[u8], &Self)> {
        self.0.iter().filter_map(|(name, value)| if let Value::Section(section) = value { Some((name.as_slice(), section)) } else { None })
    }
}

/// Reads all of `text`.
pub(super) fn parse(text: &[u8]) -> Result<Section, Fault> {
    let mut reader = Reader { text: Bytes(text), at: 0 };
    let mut open: Vec<(Vec<u8>, Section)> = vec![(Vec::new(), Section::default())];
    while let Some(byte) = reader.next() {
        if byte == b'}' {
            reader.skip();
            let done = open.pop();
            match (done, open.last_mut()) {
                (Some((name, section)), Some((_, outer))) => outer.0.push((name, Value::Section(section))),
                _ => return Err(Fault::corrupt("LVM metadata: a brace too many")),
            }
            continue;
        }
        let name = reader.word()?;
        match reader.next() {
            Some(b'{') if open.len() < DEEPEST => {
                reader.skip();
                open.push((name, Section::default()));
            }
            Some(b'=') => {
                reader.skip();
                let value = reader.value()?;
                if let Some((_, section)) = open.last_mut() {
                    section.0.push((name, value));
                }
            }
            _ => return Err(Fault::corrupt("LVM metadata: a name without a value")),
        }
    }
    match (open.pop(), open.is_empty()) {
        (Some((_, section)), true) => Ok(section),
        _ => Err(Fault::corrupt("LVM metadata: a section without an end")),
    }
}

struct Reader<'a> {
    text: Bytes<'a>,
    at: u64,
}

impl Reader<'_> {
    fn skip(&mut self) {
        self.at = self.at.saturating_add(1);
    }

    /// The next byte that is no space and in no comment; NULs at the end are none.
    fn next(&mut self) -> Option<u8> {
        while let Ok(byte) = self.text.u8(self.at) {
            match byte {
                b'#' => {
                    let line = self.text.tail(self.at).iter().take_while(|byte| **byte != b'\n').count();
                    self.at = self.at.saturating_add(to_u64(line));
                }
                0 | b' ' | b'\t' | b'\r' | b'\n' => self.skip(),
                byte => return Some(byte),
            }
        }
        None
    }

    fn word(&mut self) -> Result<Vec<u8>, Fault> {
        let part = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-+./".contains(byte);
        let word: Vec<u8> = self.text.tail(self.at).iter().copied().take_while(part).collect();
        self.at = self.at.saturating_add(to_u64(word.len()));
        if word.is_empty() { Err(Fault::corrupt("LVM metadata: no name where one should be")) } else { Ok(word) }
    }

    fn value(&mut self) -> Result<Value, Fault> {
        if self.next() != Some(b'[') {
            return self.scalar();
        }
        self.skip();
        let mut list = Vec::new();
        loop {
            match self.next() {
                Some(b']') => {
                    self.skip();
                    return Ok(Value::List(list));
                }
                Some(b',') => self.skip(),
                Some(_) => list.push(self.scalar()?),
                None => return Err(Fault::corrupt("LVM metadata: a list without an end")),
            }
        }
    }

    fn scalar(&mut self) -> Result<Value, Fault> {
        if self.next() != Some(b'"') {
            let word = self.word()?;
            let number = std::str::from_utf8(&word).ok().and_then(|word| word.parse().ok());
            return Ok(number.map_or(Value::Text(word), Value::Number));
        }
        self.skip();
        let mut text = Vec::new();
        let mut escaped = false;
        for byte in self.text.0.iter().skip(to_usize(self.at)) {
            self.skip();
            match byte {
                b'"' if !escaped => return Ok(Value::Text(text)),
                b'\\' if !escaped => escaped = true,
                byte => {
                    text.push(*byte);
                    escaped = false;
                }
            }
        }
        Err(Fault::corrupt("LVM metadata: a text without an end"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lvm_writes() {
        let text = b"# comment\nvg0 {\nid = \"a\\\"b\"\nseqno = 1\nflags = [\"READ\", 5]\nempty = []\ninner {\nx = -1 # what\n}\n}\ncontents = \"Text\"\n\0";
        let root = parse(text).unwrap();
        let (name, group) = root.sections().next().unwrap();
        assert_eq!((name, group.text("id"), group.number("seqno")), (&b"vg0"[..], Some(&b"a\"b"[..]), Some(1)));
        assert_eq!(group.list("flags").unwrap()[1].as_number(), Some(5));
        assert_eq!(group.section("inner").unwrap().text("x"), Some(&b"-1"[..]));
        assert_eq!(root.text("contents"), Some(&b"Text"[..]));
        for broken in ["a {", "}", "a = \"", "a = [", "a", "= 5"] {
            assert!(parse(broken.as_bytes()).is_err(), "{broken}");
        }
        assert!(parse("a{".repeat(100_000).as_bytes()).is_err());
    }
}
