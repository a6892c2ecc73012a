//! DER, X.690, read strictly: what certificates and keys are written in.

/// Tag of an INTEGER.
pub const INTEGER: u8 = 0x02;
/// Tag of a BIT STRING.
pub const BIT_STRING: u8 = 0x03;
/// Tag of an OCTET STRING.
pub const OCTET_STRING: u8 = 0x04;
/// Tag of NULL.
pub const NULL: u8 = 0x05;
/// Tag of an OBJECT IDENTIFIER.
pub const OID: u8 = 0x06;
/// Tag of a SEQUENCE.
pub const SEQUENCE: u8 = 0x30;
/// Tag `[0]`, constructed.
pub const CONTEXT_0: u8 = 0xa0;
/// Tag `[1]`, constructed.
pub const CONTEXT_1: u8 = 0xa1;

/// One element: tag, length, content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Element<'a> {
    /// The tag, class and form included.
    pub tag: u8,
    /// What the length counts.
    pub content: &'a [u8],
    /// Tag and length too.
    pub whole: &'a [u8],
}

/// Reads one element after another. Every length must be definite and as short as it can be.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A reader of the elements that `bytes` start with.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Whether all was read.
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next element, whatever it is.
    pub fn any(&mut self) -> Option<Element<'a>> {
        let (tag, header, length) = match *self.rest {
            [tag, length @ 0..=0x7f, ..] => (tag, 2, usize::from(length)),
            [tag, 0x81, a @ 0x80..=0xff, ..] => (tag, 3, usize::from(a)),
            [tag, 0x82, a @ 1..=0xff, b, ..] => (tag, 4, usize::from(u16::from_be_bytes([a, b]))),
            [tag, 0x83, a @ 1..=0xff, b, c, ..] => (tag, 5, usize::try_from(u32::from_be_bytes([0, a, b, c])).ok()?),
            _ => return None,
        };
        // Tags of more than one byte are none that credentials use.
        if tag & 0x1f == 0x1f || tag == 0 {
            return None;
        }
        let (whole, rest) = self.rest.split_at_checked(length.checked_add(header)?)?;
        self.rest = rest;
        Some(Element { tag, content: whole.get(header..)?, whole })
    }

    /// The next element, if it has this tag. Else it is still the next.
    pub fn element(&mut self, tag: u8) -> Option<Element<'a>> {
        if *self.rest.first()? != tag {
            return None;
        }
        self.any()
    }

    /// The content of the next element, if it has this tag.
    pub fn read(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.element(tag).map(|element| element.content)
    }

    /// A reader of the content of the next element, if it has this tag.
    pub fn enter(&mut self, tag: u8) -> Option<Self> {
        self.read(tag).map(Self::new)
    }

    /// The next element, an INTEGER that is not negative, as a magnitude without leading zeros.
    pub fn unsigned(&mut self) -> Option<&'a [u8]> {
        match self.read(INTEGER)? {
            [0] => Some(&[]),
            [0, rest @ ..] if rest.first().is_some_and(|top| *top >= 0x80) => Some(rest),
            magnitude @ [1..=0x7f, ..] => Some(magnitude),
            _ => None,
        }
    }
}

/// Number of bits of a magnitude without leading zeros.
pub fn bits(magnitude: &[u8]) -> usize {
    let top = magnitude.first().map_or(0, |first| first.leading_zeros());
    magnitude.len().saturating_mul(8).saturating_sub(usize::try_from(top).unwrap_or(0))
}

/// Writes an element whose content is `parts` joined.
pub fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let [.., a, b, c] = content.len().to_be_bytes();
    let mut whole = match (a, b, c) {
        (0, 0, c @ 0..=0x7f) => vec![tag, c],
        (0, 0, c) => vec![tag, 0x81, c],
        (0, b, c) => vec![tag, 0x82, b, c],
        (a, b, c) => vec![tag, 0x83, a, b, c],
    };
    whole.extend(content);
    whole
}

/// Writes a magnitude as an INTEGER.
pub fn integer(magnitude: &[u8]) -> Vec<u8> {
    match magnitude {
        [0x80..=0xff, ..] | [] => element(INTEGER, &[&[0], magnitude]),
        _ => element(INTEGER, &[magnitude]),
    }
}

/// The content of an OBJECT IDENTIFIER with dots, as in `1.2.840.113549.1.1.1`.
pub fn oid_text(content: &[u8]) -> String {
    let mut arcs = Vec::new();
    let mut arc = 0_u64;
    for byte in content {
        arc = arc.wrapping_shl(7) | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            arcs.push(arc);
            arc = 0;
        }
    }
    // The first number holds two arcs: 40 · a + b, where a is at most 2.
    if let Some(first) = arcs.first_mut() {
        let top = (*first / 40).min(2);
        *first = first.saturating_sub(top.saturating_mul(40));
        arcs.insert(0, top);
    }
    arcs.iter().map(u64::to_string).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for length in [0, 1, 127, 128, 255, 256, 65_535, 65_536, 1 << 20] {
            let content = vec![7; length];
            let mut whole = element(SEQUENCE, &[&content]);
            let size = whole.len();
            whole.extend(b"more");
            let mut reader = Reader::new(&whole);
            let found = reader.any().unwrap();
            assert_eq!((found.tag, found.content, found.whole.len()), (SEQUENCE, &content[..], size));
            assert!(!reader.is_empty());
        }
    }

    #[test]
    fn lengths_that_are_not_the_shortest_are_refused() {
        for bytes in [
            &[0x30, 0x81, 0x01, 0][..],
            &[0x30, 0x82, 0x00, 0x80],
            &[0x30, 0x80, 0, 0],
            &[0x30, 2, 0],
            &[0x30],
            &[],
            &[0x1f, 0x81, 0],
            &[0, 0],
        ] {
            assert_eq!(Reader::new(bytes).any(), None, "{bytes:x?}");
        }
    }

    #[test]
    fn integers_are_minimal_and_not_negative() {
        let read = |content: &[u8]| Reader::new(&element(INTEGER, &[content])).unsigned().map(<[u8]>::to_vec);
        assert_eq!(read(&[0]), Some(vec![]));
        assert_eq!(read(&[0, 0x80]), Some(vec![0x80]));
        assert_eq!(read(&[1, 0]), Some(vec![1, 0]));
        for wrong in [&[][..], &[0, 1], &[0x80], &[0, 0]] {
            assert_eq!(read(wrong), None);
        }
        for magnitude in [&[][..], &[1], &[0x80, 5], &[0x7f]] {
            assert_eq!(Reader::new(&integer(magnitude)).unsigned(), Some(magnitude));
        }
        assert_eq!((bits(&[]), bits(&[1]), bits(&[0x80, 0])), (0, 1, 16));
    }

    #[test]
    fn object_identifiers_have_dots() {
        assert_eq!(oid_text(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01]), "1.2.840.113549.1.1.1");
        assert_eq!(oid_text(&[0x55, 4, 3]), "2.5.4.3");
        assert_eq!(oid_text(&[0x88, 0x37]), "2.999");
    }
}
