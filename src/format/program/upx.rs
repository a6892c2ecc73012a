//! ELF programs packed by UPX: the program is put together again as it was, also where the marks of UPX were wiped out.

use crate::blob::{Blob, Bytes};
use crate::format::program::elf::Elf;
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

mod block;
mod filter;
mod layout;

use layout::Layout;

/// ELF packed by UPX.
#[derive(Debug)]
pub(super) struct Upx;

static SPEC: Spec = Spec {
    id: "upx",
    name: "UPX-packed ELF",
    kind: Kind::Program,
    magics: &[Magic::anywhere(b"\x7fELF")],
    leaf: false,
    references: &["https://github.com/upx/upx/blob/devel/src/p_unix.h", "https://github.com/upx/upx/blob/devel/src/filter/filter_impl.cpp"],
    limitations: &[
        "shared libraries, which are recognized as ELF only",
        "programs packed by versions before 1.90, and by those that pack them as scripts",
        "filters of other processors than x86, ARM, AArch64 and PowerPC",
    ],
};

/// What UPX writes at the very end: a header of 32 bytes that begins with its mark, and the offset of the first data.
const TRAILER: u64 = 36;

/// What may stand before the trailer, or where it was: a block that says with the same mark that it is the last, and padding.
const SLACK: u64 = 64;

impl Format for Upx {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, budget: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let input = Bytes(blob.bytes().tail(start));
        let layout = Layout::find(input).ok_or(Rejected("no program is packed in it"))?;
        let program = Elf.carve(blob, start, budget)?.length;
        let trailer =
            memchr::memmem::rfind(input.up_to(layout.end, SLACK), b"UPX!").map(|at| layout.end.saturating_add(crate::blob::to_u64(at)));
        let end = trailer.map_or(layout.end, |at| at.saturating_add(TRAILER)).max(program);
        // Where the trailer was wiped out, what is left of a file is that.
        let rest = input.len().saturating_sub(end);
        let end = if start == 0 && trailer.is_none() && rest <= SLACK { input.len() } else { end };
        Ok(Carved::new(end, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        let layout = Layout::find(bytes).ok_or_else(|| Fault::corrupt("no program is packed in it"))?;
        let mut output = children.output();
        // Paid for before anything is decompressed; what cannot be read stays zero.
        output.zeros(layout.size)?;
        let mut fault = layout.missing.then(|| Fault::Truncated("the data of some parts is not there".to_owned()));
        for piece in &layout.pieces {
            match piece.block.content(bytes, piece.source) {
                Ok(content) => output.write_at(piece.target, &content)?,
                Err(broken) => fault = fault.or(Some(broken)),
            }
        }
        children.made_with("", output, Attributes::default(), fault.as_ref())?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
