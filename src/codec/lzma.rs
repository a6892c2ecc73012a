//! Placeholder.

use super::Stream;
use crate::limits::{Budget, Output};
use crate::problem::Fault;

/// Parameters of a raw LZMA stream that its container keeps elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LzmaProperties {
    /// Literal context bits, 0 to 8.
    pub lc: u8,
    /// Literal position bits, 0 to 4.
    pub lp: u8,
    /// Position bits, 0 to 4.
    pub pb: u8,
    /// Dictionary size, bytes.
    pub dictionary: u32,
}

/// Decompresses one raw LZMA block, without any header, that holds at most `limit` bytes.
///
/// # Errors
/// If the block is broken or holds more than `limit` bytes.
pub fn raw_block(_input: &[u8], _properties: LzmaProperties, _limit: u64) -> Result<Vec<u8>, Fault> {
    Err(Fault::unsupported("not yet"))
}

pub(super) fn block(_input: &[u8], _limit: u64) -> Result<Vec<u8>, Fault> {
    Err(Fault::unsupported("not yet"))
}

pub(super) fn stream<'b>(input: &[u8], budget: &'b Budget) -> Stream<'b> {
    Stream { output: Output::new(budget, crate::blob::to_u64(input.len())), consumed: 0, fault: Some(Fault::unsupported("not yet")) }
}

pub(super) fn xz_block(input: &[u8], limit: u64) -> Result<Vec<u8>, Fault> {
    block(input, limit)
}

pub(super) fn xz_stream<'b>(input: &[u8], budget: &'b Budget) -> Stream<'b> {
    stream(input, budget)
}
