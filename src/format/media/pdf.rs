//! PDF documents: whole files, up to their last end mark.

use crate::blob::{Bytes, to_u64};
use crate::format::simple::Leaf;
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// PDF.
pub(super) static PDF: Leaf = Leaf {
    spec: &Spec {
        id: "pdf",
        name: "PDF document",
        kind: Kind::Media,
        magics: &[Magic::start(b"%PDF-1."), Magic::start(b"%PDF-2.")],
        leaf: true,
        references: &["https://pdfa.org/resource/iso-32000-2/"],
        limitations: &["documents in the middle of other bytes", "what is compressed inside, as far as it is no zlib stream"],
    },
    reach,
};

/// The last `%%EOF` and the line end behind it.
fn reach(input: Bytes<'_>) -> Result<u64, Rejected> {
    if !input.u8(7)?.is_ascii_digit() {
        return Err(Rejected("version"));
    }
    let end = memchr::memmem::rfind(input.0, b"%%EOF").map(to_u64).ok_or(Rejected("no end"))?.saturating_add(5);
    let line = input.up_to(end, 2).iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    Ok(end.saturating_add(to_u64(line)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::simple::tests::whole;
    use crate::format::testing::carve;

    #[test]
    fn they_reach_to_their_end() {
        whole(&PDF, include_bytes!("../../../fixtures/pdf/example.pdf"));
        assert_eq!(carve(&PDF, b"%PDF-1.4 is how documents begin, and this is a text", 0), None);
    }
}
