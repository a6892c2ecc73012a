//! PPMd, version I, revision 1, as zip archives have it, on ppmd-rust.

use std::io::Read;

use ppmd_rust::{Ppmd8Decoder, RestoreMethod};

use super::{STEP, Stream, guard};
use crate::blob::{Bytes, Endian, to_u64, to_usize};
use crate::limits::{Budget, Output};
use crate::problem::Fault;

/// Decompresses `size` bytes. u16 parameters: the order less one in four bits, MiB of memory less one in eight, what to do when that is
/// full in four.
pub fn stream<'b>(input: &[u8], size: u64, budget: &'b Budget) -> Stream<'b> {
    let mut output = Output::new(budget, to_u64(input.len()));
    let fault = guard("ppmd", || decode(Bytes(input), size, &mut output)).err();
    Stream { output, consumed: to_u64(input.len()), fault }
}

fn decode(input: Bytes<'_>, size: u64, output: &mut Output<'_>) -> Result<(), Fault> {
    let parameters = u32::from(input.u16(0, Endian::Little)?);
    let memory = ((parameters >> 4) & 0xff).saturating_add(1) << 20;
    let restore = match parameters >> 12 {
        0 => RestoreMethod::Restart,
        1 => RestoreMethod::CutOff,
        _ => return Err(Fault::unsupported("ppmd: a way to free memory that is not known")),
    };
    let order = (parameters & 15).saturating_add(1);
    let decoder = Ppmd8Decoder::new(input.tail(2), order, memory, restore);
    let mut decoder = decoder.map_err(|error| Fault::corrupt(format!("ppmd: {error}")))?;
    let mut buffer = vec![0; STEP];
    while output.len() < size {
        let wanted = to_usize(size.saturating_sub(output.len()).min(to_u64(STEP)));
        let fresh = decoder.read(buffer.get_mut(..wanted).unwrap_or_default());
        match fresh.map_err(|error| Fault::corrupt(format!("ppmd: {error}")))? {
            0 => return Err(Fault::Truncated("ppmd: the data ends early".to_owned())),
            fresh => output.push(buffer.get(..fresh).unwrap_or_default())?,
        }
    }
    Ok(())
}
