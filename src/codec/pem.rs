//! PEM, RFC 7468, as it is found in files, in programs, and in the source of programs: whatever stands around the markers, with or without
//! line ends, and with line ends written as `\n`.

use memchr::memmem;

use crate::blob::{Span, to_u64};

/// No credential is longer.
const LONGEST: usize = 4 << 20;
/// Labels are short.
const LONGEST_LABEL: usize = 64;

/// What stands between two markers.
#[derive(Debug, Clone, Copy)]
pub struct Block<'a> {
    /// What it says it is, as in `CERTIFICATE`.
    pub label: &'a [u8],
    /// From the first dash of the first marker to the last of the second. Without a second marker, to the end of the base64.
    pub span: Span,
    /// Whether the second marker is there.
    pub is_closed: bool,
    /// Lines before the base64, RFC 1421 section 4.6, as in `Proc-Type: 4,ENCRYPTED`.
    pub headers: &'a [u8],
    body: &'a [u8],
}

impl Block<'_> {
    /// The bytes that the base64 stands for.
    pub fn decode(&self) -> Vec<u8> {
        decode(self.body)
    }

    /// Whether it says that it is encrypted.
    pub fn is_encrypted(&self) -> bool {
        memmem::find(self.headers, b"ENCRYPTED").is_some() && memmem::find(self.headers, b"DEK-Info").is_some()
    }
}

/// All blocks in `bytes` that have any content, in order.
pub fn blocks(bytes: &[u8]) -> impl Iterator<Item = Block<'_>> {
    memmem::find_iter(bytes, BEGIN).filter_map(|start| block(bytes, start))
}

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";

/// The block whose first marker stands at `start`.
fn block(bytes: &[u8], start: usize) -> Option<Block<'_>> {
    let marker = bytes.get(start..)?.strip_prefix(BEGIN)?;
    let label = label(marker)?;
    let rest = marker.get(label.len().saturating_add(DASHES.len())..)?;
    let region = rest.get(..LONGEST).unwrap_or(rest);
    let region = region.get(..memmem::find(region, DASHES).unwrap_or(region.len()))?;
    let (headers, text) = region.split_at_checked(headers_length(region))?;
    let body = text.get(..body_length(text))?;
    // Four characters are the least that stand for anything.
    body.iter().filter(|byte| value(**byte).is_some()).nth(3)?;
    let after = rest.get(headers.len().saturating_add(body.len())..)?;
    let closing = (body.len() == text.len()).then(|| closing_length(after)).flatten();
    let length = bytes.len().saturating_sub(start).saturating_sub(after.len()).saturating_add(closing.unwrap_or(0));
    let span = Span::new(to_u64(start), to_u64(length));
    Some(Block { label, span, is_closed: closing.is_some(), headers, body })
}

/// The label before the closing dashes of a marker.
fn label(marker: &[u8]) -> Option<&[u8]> {
    let window = marker.get(..LONGEST_LABEL).unwrap_or(marker);
    let label = window.get(..memmem::find(window, DASHES)?)?;
    let is_label = |byte: &u8| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b' ' | b'#');
    (!label.is_empty() && label.iter().all(is_label)).then_some(label)
}

/// The length of the second marker, if `bytes` start with one.
fn closing_length(bytes: &[u8]) -> Option<usize> {
    let label = label(bytes.strip_prefix(END)?)?;
    Some(END.len().saturating_add(label.len()).saturating_add(DASHES.len()))
}

/// Lines that start the region and hold a colon, or go on from one that did.
fn headers_length(region: &[u8]) -> usize {
    let mut length = 0_usize;
    let mut at = 0_usize;
    while let Some(line) = region.get(at..).map(line).filter(|line| !line.is_empty()) {
        at = at.saturating_add(line.len());
        let is_blank = line.iter().all(|byte| byte.is_ascii_whitespace() || *byte == b'"') || matches!(line, br"\n" | br"\r");
        if memchr::memchr(b':', line).is_some() {
            length = at;
        } else if !is_blank {
            break;
        }
    }
    length
}

/// The first line with its end: a line feed, or the two characters `\n`. Lines of more than 1024 bytes are cut.
fn line(bytes: &[u8]) -> &[u8] {
    let window = bytes.get(..1024).unwrap_or(bytes);
    let ends = memchr::memchr2_iter(b'\n', b'\\', window).find_map(|at| match window.get(at..)? {
        [b'\n', ..] => at.checked_add(1),
        [b'\\', b'n' | b'r', ..] => at.checked_add(2),
        _ => None,
    });
    window.get(..ends.unwrap_or(window.len())).unwrap_or(window)
}

/// How far base64 reaches, with what may stand between.
fn body_length(text: &[u8]) -> usize {
    let mut escaped = false;
    let end = text.iter().position(|byte| {
        let belongs = value(*byte).is_some() || matches!(byte, b'=' | b'\\' | b'"') || byte.is_ascii_whitespace();
        let ends = !belongs && !escaped;
        escaped = *byte == b'\\';
        ends
    });
    end.unwrap_or(text.len())
}

/// What a character of base64 stands for, RFC 4648 section 4.
fn value(byte: u8) -> Option<u8> {
    Some(match byte {
        b'A'..=b'Z' => byte.wrapping_sub(b'A'),
        b'a'..=b'z' => byte.wrapping_sub(b'a').wrapping_add(26),
        b'0'..=b'9' => byte.wrapping_sub(b'0').wrapping_add(52),
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    })
}

/// Decodes base64 up to its padding, in the alphabet of RFC 4648 section 4 or 5. White space and quotes do not count.
pub fn base64(text: &[u8]) -> Vec<u8> {
    if !text.iter().any(|byte| matches!(byte, b'-' | b'_')) {
        return decode(text);
    }
    let plain: Vec<u8> = text
        .iter()
        .map(|byte| {
            if *byte == b'-' {
                b'+'
            } else if *byte == b'_' {
                b'/'
            } else {
                *byte
            }
        })
        .collect();
    decode(&plain)
}

/// How many characters of base64 `text` starts with, padding included, `most` at most. White space ends them unless `wraps`.
pub fn base64_length(text: &[u8], most: usize, wraps: bool) -> usize {
    let window = text.get(..most).unwrap_or(text);
    let belongs = |byte: &u8| value(*byte).is_some() || *byte == b'=' || wraps && matches!(byte, b'\r' | b'\n');
    window.iter().position(|byte| !belongs(byte)).unwrap_or(window.len())
}

/// Decodes base64 up to its padding. Quotes, white space and its escapes (`\n`, `\r`, `\t`, and a backslash before a line end or a slash)
/// do not count.
fn decode(body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(body.len().saturating_mul(3).div_ceil(4));
    let (mut sum, mut held, mut escaped) = (0_u32, 0_u32, false);
    for byte in body {
        let is_escape = std::mem::replace(&mut escaped, *byte == b'\\') && matches!(byte, b'n' | b'r' | b't');
        let Some(value) = value(*byte).filter(|_| !is_escape) else {
            if *byte == b'=' {
                break;
            }
            continue;
        };
        sum = (sum << 6) | u32::from(value);
        held = held.wrapping_add(6);
        if held >= 8 {
            held = held.wrapping_sub(8);
            let [.., last] = sum.wrapping_shr(held).to_be_bytes();
            bytes.push(last);
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(text: &str) -> (String, Vec<u8>, bool) {
        let blocks: Vec<_> = blocks(text.as_bytes()).collect();
        let [block] = blocks[..] else { panic!("{} blocks in {text:?}", blocks.len()) };
        (text[block.span.start as usize..block.span.end() as usize].to_owned(), block.decode(), block.is_closed)
    }

    const PLAIN: &str = "-----BEGIN THING-----\nSGVsbG8s\nIHdvcmxk\nIQ==\n-----END THING-----";

    #[test]
    fn base64_is_decoded() {
        for (text, bytes) in [("Zm9v", &b"foo"[..]), ("Zm9vYg==", b"foob"), ("Zm9vYmE=", b"fooba"), ("+/+/", b"\xfb\xff\xbf")] {
            assert_eq!(decode(text.as_bytes()), bytes);
        }
    }

    #[test]
    fn a_block_is_read_however_it_is_written() {
        let unix = PLAIN.to_owned();
        for text in [
            unix.clone(),
            unix.replace('\n', "\r\n"),
            unix.replace('\n', ""),
            unix.replace('\n', "\\n"),
            unix.replace('\n', "\\r\\n"),
            unix.replace('\n', "\\n\"\n    \""),
            unix.replace('\n', "\\\n"),
            unix.replace('\n', "\n\t\t"),
            unix.replace("THING-----\nSG", "THING-----\nProc-Type: 4,CLEAR\nOther: a,\n\nSG"),
            unix.replace('\n', "\\n").replace("THING-----\\nSG", "THING-----\\nProc-Type: 4,CLEAR\\n\\nSG"),
        ] {
            for (before, after) in [("", ""), ("key=", "\n"), ("\0\"", "\\n\";"), ("-----", "-----"), ("-----BEGIN ", "\u{fffd}")] {
                assert_eq!(only(&format!("{before}{text}{after}")), (text.clone(), b"Hello, world!".to_vec(), true), "{text:?}");
            }
        }
    }

    #[test]
    fn escaped_slashes_count_once() {
        assert_eq!(only(r"-----BEGIN A-----\n+\/+\/\n-----END A-----").1, b"\xfb\xff\xbf");
    }

    #[test]
    fn without_its_end_a_block_reaches_as_far_as_its_base64() {
        let (text, bytes, closed) = only("-----BEGIN THING-----\nSGVsbG8s\nIHdv\0cmxk");
        assert_eq!((text.as_str(), &bytes[..], closed), ("-----BEGIN THING-----\nSGVsbG8s\nIHdv", &b"Hello, wo"[..], false));
        assert!(!only("-----BEGIN THING-----\nSGVsbG8s\n-----BEGIN").2);
    }

    #[test]
    fn markers_alone_are_no_blocks() {
        for text in [
            "-----BEGIN THING-----\0-----END THING-----\0",
            "-----BEGIN THING-----\n-----END THING-----",
            "-----BEGIN %s-----\nSGVsbG8s\n-----END %s-----",
            "-----BEGIN thing-----\nSGVsbG8s\n-----END thing-----",
            "-----BEGIN THING",
            "-----BEGIN ",
            "-----BEGIN RSA PRIVATE KEY-----\0%s%s%s\0-----END RSA PRIVATE KEY-----",
        ] {
            assert_eq!(blocks(text.as_bytes()).count(), 0, "{text:?}");
        }
    }

    #[test]
    fn headers_say_when_the_body_is_encrypted() {
        let text = "-----BEGIN A-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00FF\n\nSGVsbG8s\n-----END A-----";
        let block = blocks(text.as_bytes()).next().unwrap();
        assert!(block.is_encrypted());
        assert_eq!(block.decode(), b"Hello,");
    }

    #[test]
    fn time_is_linear_in_the_markers() {
        let text = "-----BEGIN A-----".repeat(100_000);
        assert_eq!(blocks(text.as_bytes()).count(), 0);
        let text = "-----BEGIN A-----AAAA:\\n".repeat(50_000);
        assert_eq!(blocks(text.as_bytes()).count(), 0);
    }
}
