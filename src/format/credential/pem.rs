//! Files of PEM blocks, RFC 7468: certificates, keys, requests.

use crate::blob::{Blob, Bytes, to_u64};
use crate::codec::pem;
use crate::format::{Carved, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::Rejected;

/// One block or several.
#[derive(Debug)]
pub(super) struct Pem;

static SPEC: Spec = Spec {
    id: "pem",
    name: "PEM",
    kind: Kind::Credential,
    magics: &[Magic::start(b"-----BEGIN ")],
    leaf: true,
    references: &["https://www.rfc-editor.org/rfc/rfc7468", "https://www.rfc-editor.org/rfc/rfc1421"],
    limitations: &["files that start with other text are text; certificates and keys in them are found all the same"],
};

/// A file with less in its first block is an example.
const LEAST: usize = 24;

impl Format for Pem {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let bytes = Bytes(blob.bytes().tail(start));
        let mut blocks = pem::blocks(bytes.0);
        let first = blocks.next().filter(|block| block.span.start == 0).ok_or(Rejected("no base64"))?;
        if first.decode().len() < LEAST {
            return Err(Rejected("hardly any base64"));
        }
        // Comments stand between blocks; what is no text ends the file.
        let mut end = first.span.end();
        for block in blocks {
            let between = bytes.up_to(end, block.span.start.saturating_sub(end));
            if between.iter().any(|byte| is_control(*byte)) {
                break;
            }
            end = block.span.end();
        }
        let rest = bytes.tail(end);
        let trailing = rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        Ok(Carved::new(end.saturating_add(to_u64(trailing)), start, blob))
    }
}

fn is_control(byte: u8) -> bool {
    byte.is_ascii_control() && !byte.is_ascii_whitespace()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage};

    const BLOCK: &str = "-----BEGIN CERTIFICATE-----\nSGVsbG8sIHdvcmxkISBIZWxsbywgd29ybGQh\n-----END CERTIFICATE-----\n";

    #[test]
    fn a_file_reaches_to_its_last_line() {
        let file = format!("{BLOCK}\nsubject=CN = größer\n{BLOCK}\r\n\n");
        assert_eq!(carve(&Pem, file.as_bytes(), 0), Some(file.len() as u64));
        assert_eq!(carve(&Pem, format!("{file}\0\0{BLOCK}").as_bytes(), 0), Some(file.len() as u64));
        assert_eq!(carve(&Pem, BLOCK.trim_end().as_bytes(), 0), Some(BLOCK.len() as u64 - 1));
        survives_damage(&Pem, file.as_bytes());
    }

    #[test]
    fn a_marker_alone_is_no_file() {
        for text in ["-----BEGIN ", "-----BEGIN RSA PRIVATE KEY-----", "-----BEGIN X-----\n...\n-----END X-----", "-----BEGIN X-----\nAAAA"]
        {
            assert_eq!(carve(&Pem, format!("{text}\n").as_bytes(), 0), None, "{text}");
        }
        assert_eq!(carve(&Pem, format!("-----BEGIN X-----\n{BLOCK}").as_bytes(), 0), None);
    }
}
