//! MSZIP: deflate in blocks of at most 32 KiB, each of which may copy from the one before.
//! <https://learn.microsoft.com/en-us/openspecs/windows_protocols/ms-mci/27f0a9ff-9567-4e40-ad67-6ad9275d6786>

use flate2::{Decompress, FlushDecompress, Status};

use crate::blob::{to_u64, to_usize};
use crate::problem::Fault;

/// Decompresses one block of `size` bytes. `before` is what the block before held.
///
/// # Errors
/// If it is broken.
pub fn block(input: &[u8], before: &[u8], size: u64) -> Result<Vec<u8>, Fault> {
    let data = input.strip_prefix(b"CK").ok_or_else(|| Fault::corrupt("mszip: a block without its mark"))?;
    let mut state = Decompress::new(false);
    if !before.is_empty() {
        state.set_dictionary(before).map_err(|error| Fault::corrupt(format!("mszip: {error}")))?;
    }
    let mut output = vec![0; to_usize(size.min(1 << 16))];
    let status = state.decompress(data, &mut output, FlushDecompress::Finish);
    output.truncate(to_usize(state.total_out()));
    match status {
        Ok(Status::StreamEnd) if to_u64(output.len()) == size => Ok(output),
        Ok(_) => Err(Fault::corrupt(format!("mszip: a block holds {} bytes or more, not {size}", output.len()))),
        Err(error) => Err(Fault::corrupt(format!("mszip: {error}"))),
    }
}
