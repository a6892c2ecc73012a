//! The configuration that a kernel was built with, kept inside it (`CONFIG_IKCONFIG`).

use crate::blob::{Blob, Bytes};
use crate::codec::Codec;
use crate::format::{Carved, Format, Kind, LEAST_BROKEN_STREAM, Magic, Payload, Spec, length_of};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// Linux kernel configuration between its two marks.
#[derive(Debug)]
pub(in crate::format) struct IkConfig;

static SPEC: Spec = Spec {
    id: "ikconfig",
    name: "Linux kernel configuration",
    kind: Kind::Compression,
    magics: &[Magic::anywhere(START)],
    leaf: false,
    references: &["https://github.com/torvalds/linux/blob/master/kernel/configs.c"],
    limitations: &[],
};

const START: &[u8] = b"IKCFG_ST";
const END: &[u8] = b"IKCFG_ED";

impl Format for IkConfig {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    /// `IKCFG_ST`, the configuration as gzip, `IKCFG_ED`.
    fn carve<'b>(&self, blob: &Blob, start: u64, budget: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let input = Bytes(Bytes(blob.bytes().tail(start)).tail(length_of(START)));
        if !input.has(0, &[0x1f, 0x8b, 8]) {
            return Err(Rejected("no gzip after the mark"));
        }
        let stream = Codec::Gzip.stream(input.0, budget);
        if stream.fault.is_some() && stream.output.len() < LEAST_BROKEN_STREAM {
            return Err(Rejected("the deflate data breaks off at once"));
        }
        let closed = input.has(stream.consumed, END);
        let missing = || Fault::corrupt("the mark at the end is missing");
        let fault = stream.fault.or_else(|| (!closed).then(missing));
        let length = length_of(START).saturating_add(stream.consumed).saturating_add(if closed { length_of(END) } else { 0 });
        Ok(Carved { length, payload: Some(Payload { name: ".config".to_owned(), output: stream.output, fault }) })
    }
}
