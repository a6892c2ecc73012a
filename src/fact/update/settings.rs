//! Reads settings as JSON and libconfig have them: names, values, and braces around more of them.

/// A value with the names that lead to it, joined with slashes. Elements of a list have the name of the list.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Setting<'a> {
    pub(super) path: String,
    pub(super) value: &'a [u8],
    /// Where the value stands, without its quotes.
    pub(super) at: usize,
}

/// Deeper and longer files are no manifests.
const DEEPEST: usize = 16;
const MOST: usize = 20_000;
const LONGEST_PATH: usize = 256;

/// All values of `text`, up to where it is not of this kind any more.
pub(super) fn settings(text: &[u8]) -> Vec<Setting<'_>> {
    let mut reader = Reader { text, at: 0 };
    let mut found = Vec::new();
    let mut open: Vec<String> = Vec::new();
    let mut name: Option<String> = None;
    while let Some(token) = reader.token().filter(|_| found.len() < MOST) {
        let base = open.last().map_or("", String::as_str);
        let path = |name: &Option<String>| match name {
            Some(name) if base.is_empty() => name.clone(),
            Some(name) => format!("{base}/{name}"),
            None => base.to_owned(),
        };
        match token {
            Token::Open => {
                let path = path(&name.take());
                if open.len() >= DEEPEST || path.len() > LONGEST_PATH {
                    break;
                }
                open.push(path);
            }
            Token::Close => {
                name = None;
                if open.pop().is_none() {
                    break;
                }
            }
            Token::Next => name = None,
            Token::Is => (),
            Token::Text(value, _) if reader.names() => name = Some(String::from_utf8_lossy(value).into_owned()),
            Token::Text(value, at) => found.push(Setting { path: path(&name.take()), value, at }),
        }
    }
    found
}

enum Token<'a> {
    Open,
    Close,
    /// A comma or semicolon.
    Next,
    /// A colon or equals sign.
    Is,
    Text(&'a [u8], usize),
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn go(&mut self, bytes: usize) {
        self.at = self.at.saturating_add(bytes);
    }

    /// Spaces and comments.
    fn skip(&mut self) {
        loop {
            let rest = self.rest();
            let space = rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            let comment = match rest.get(space..) {
                Some([b'#', ..] | [b'/', b'/', ..]) => rest.iter().skip(space).take_while(|byte| **byte != b'\n').count(),
                Some([b'/', b'*', comment @ ..]) => {
                    memchr::memmem::find(comment, b"*/").map_or(comment.len(), |end| end.saturating_add(2)).saturating_add(2)
                }
                _ => 0,
            };
            self.go(space.saturating_add(comment));
            if comment == 0 {
                return;
            }
        }
    }

    /// Whether what was read last is the name of what follows.
    fn names(&mut self) -> bool {
        self.skip();
        matches!(self.rest(), [b':' | b'=', ..])
    }

    fn token(&mut self) -> Option<Token<'a>> {
        self.skip();
        let token = match self.rest().first()? {
            b'{' | b'[' | b'(' => Token::Open,
            b'}' | b']' | b')' => Token::Close,
            b',' | b';' => Token::Next,
            b':' | b'=' => Token::Is,
            b'"' => return self.quoted(),
            _ => return self.word(),
        };
        self.go(1);
        Some(token)
    }

    fn quoted(&mut self) -> Option<Token<'a>> {
        self.go(1);
        let (at, mut length, mut escaped) = (self.at, 0_usize, false);
        for byte in self.rest() {
            match byte {
                b'"' if !escaped => {
                    let value = self.rest().get(..length)?;
                    self.go(length.saturating_add(1));
                    return Some(Token::Text(value, at));
                }
                b'\\' => escaped = !escaped,
                _ => escaped = false,
            }
            length = length.saturating_add(1);
        }
        None
    }

    fn word(&mut self) -> Option<Token<'a>> {
        let is_end = |byte: &u8| byte.is_ascii_whitespace() || b"{}[](),;:=\"".contains(byte);
        let (at, length) = (self.at, self.rest().iter().take_while(|byte| !is_end(byte)).count());
        let value = self.rest().get(..length)?;
        self.go(length);
        Some(Token::Text(value, at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, &str)> {
        settings(text.as_bytes()).into_iter().map(|one| (one.path, std::str::from_utf8(one.value).unwrap())).collect()
    }

    #[test]
    fn both_languages_are_read() {
        let json = r#"{"a": "x", "b": {"c": ["1", 2, {"d": true}], "e\"": ""}, "f": null}"#;
        let wanted = [("a", "x"), ("b/c", "1"), ("b/c", "2"), ("b/c/d", "true"), ("b/e\\\"", ""), ("f", "null")];
        assert_eq!(read(json), wanted.map(|(path, value)| (path.to_owned(), value)));
        let libconfig = "# note: not\na = \"x\"; /* b = 1; */ b :\n{\n c: [ \"1\", \"2\" ]; // d\n e = ( { f = 0x10; } ); };";
        let wanted = [("a", "x"), ("b/c", "1"), ("b/c", "2"), ("b/e/f", "0x10")];
        assert_eq!(read(libconfig), wanted.map(|(path, value)| (path.to_owned(), value)));
    }

    #[test]
    fn other_text_ends_soon() {
        assert!(read("} a = 1").is_empty());
        assert!(read(&"[".repeat(100_000)).is_empty());
        assert!(read(&"\"a\":{".repeat(100_000)).is_empty());
        assert!(read("\"never ends").is_empty());
        assert!(read(&"/* ".repeat(100_000)).is_empty());
    }
}
