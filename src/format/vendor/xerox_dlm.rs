//! Xerox's downloadable modules (DLM) of printers: a header of text before a program or an archive.

use crate::blob::{Bytes, Span, to_u64};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// Xerox DLM.
pub(super) static XEROX_DLM: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "xerox-dlm",
    name: "Xerox printer firmware (DLM)",
    kind: Kind::Container,
    magics: &[Magic::start(b"%%XRXbegin")],
    leaf: false,
    references: &["https://github.com/fkie-cad/fact_helper_file/blob/master/fact_helper_file/mime/custom_mime_firmware_containers"],
    limitations: &["the signature among the texts is not verified"],
};

/// More bytes than any header has.
const LARGEST: u64 = 1 << 16;

/// Lines that begin with `%%`, from `%%XRXbegin` to `%%XRXend`, among them `%%OID_ATT_DLM_NAME "…"` and `%%OID_ATT_DLM_VERSION "…"`. What
/// follows is the module.
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let text = bytes.up_to(0, LARGEST);
    let (mut at, mut facts, mut ended) = (0_u64, Vec::new(), false);
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let words = line.trim_ascii_end();
        if !words.starts_with(b"%%") || !words.iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~')) {
            return Err(Rejected("a line of the header"));
        }
        let quoted = words.iter().position(|byte| *byte == b'"').map(|quote| at.saturating_add(to_u64(quote)).saturating_add(1));
        for (name, key) in [(b"%%OID_ATT_DLM_NAME ".as_slice(), "header.name"), (b"%%OID_ATT_DLM_VERSION ", "header.version")] {
            if let Some(start) = quoted.filter(|_| words.starts_with(name)) {
                let length = bytes.up_to(start, 256).iter().position(|byte| *byte == b'"').unwrap_or(0);
                facts.push((key, Span::new(start, to_u64(length))));
            }
        }
        at = at.saturating_add(to_u64(line.len()));
        ended = words.starts_with(b"%%XRXend");
        if ended {
            break;
        }
    }
    if !ended {
        return Err(Rejected("a header without end"));
    }
    let mut image = Image::new(bytes.len(), at);
    for (key, span) in facts {
        image.fact(key, span.start, span.length);
    }
    image.part("module", Span::between(at, bytes.len()));
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{KERNEL, holds, unpack};

    #[test]
    fn the_module_comes_out() {
        let image = include_bytes!("../../../fixtures/xerox-dlm/printer.dlm");
        holds(&XEROX_DLM, image, &[("module", KERNEL)]);
        let unpacked = unpack(&XEROX_DLM, image);
        assert_eq!(unpacked.fact("header.name").unwrap(), "EXAMPLE-UPGRADE");
        assert_eq!(unpacked.fact("header.version").unwrap(), "NO_DLM_VERSION_CHECK");
    }
}
