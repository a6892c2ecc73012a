//! As much XML as tables of contents need: elements, attributes, text. Nothing that is referred to is followed.

/// A piece of XML.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// The beginning of an element, and its attributes.
    Start(String, Vec<(String, String)>),
    /// The end of the innermost element.
    End,
    /// Text between, with what is escaped in it undone.
    Text(String),
}

/// The pieces of `xml`, as far as it is well formed.
pub(super) fn pieces(xml: &str) -> Vec<Piece> {
    let (mut pieces, mut rest) = (Vec::new(), xml);
    while let Some((text, tail)) = rest.split_once('<') {
        let text = text.trim();
        if !text.is_empty() {
            pieces.push(Piece::Text(plain(text)));
        }
        let Some((tag, tail)) = tail.split_once('>') else { break };
        rest = tail;
        if tag.starts_with(['?', '!']) {
            continue;
        }
        if tag.starts_with('/') {
            pieces.push(Piece::End);
            continue;
        }
        let (tag, closed) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
        let (name, attributes) = tag.split_once(char::is_whitespace).unwrap_or((tag, ""));
        pieces.push(Piece::Start(name.to_owned(), self::attributes(attributes)));
        if closed {
            pieces.push(Piece::End);
        }
    }
    pieces
}

fn attributes(text: &str) -> Vec<(String, String)> {
    let (mut found, mut rest) = (Vec::new(), text);
    while let Some((name, tail)) = rest.split_once('=') {
        let tail = tail.trim_start();
        let Some(quote) = tail.chars().next().filter(|quote| matches!(quote, '"' | '\'')) else { break };
        let mut parts = tail.splitn(3, quote).skip(1);
        let (Some(value), Some(after)) = (parts.next(), parts.next()) else { break };
        found.push((name.trim().to_owned(), plain(value)));
        rest = after;
    }
    found
}

/// Undoes what is escaped.
fn plain(text: &str) -> String {
    let (mut plain, mut rest) = (String::new(), text);
    while let Some((before, tail)) = rest.split_once('&') {
        plain.push_str(before);
        let Some((name, after)) = tail.split_once(';') else {
            plain.push('&');
            rest = tail;
            continue;
        };
        let character = match name {
            "amp" => Some('&'),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            name => name.strip_prefix('#').and_then(number).and_then(char::from_u32),
        };
        plain.extend(character);
        rest = after;
    }
    plain.push_str(rest);
    plain
}

fn number(digits: &str) -> Option<u32> {
    digits.strip_prefix('x').map_or_else(|| digits.parse().ok(), |digits| u32::from_str_radix(digits, 16).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_attributes_and_text() {
        let found = pieces("<?xml version=\"1.0\"?>\n<a x=\"1\" y='&lt;'> b &amp; &#x63; <e/></a> <");
        let start = |name: &str, attributes: &[(&str, &str)]| {
            Piece::Start(name.to_owned(), attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
        };
        let expected = [start("a", &[("x", "1"), ("y", "<")]), Piece::Text("b & c".to_owned()), start("e", &[]), Piece::End, Piece::End];
        assert_eq!(found, expected);
    }
}
