//! Placeholder.

use super::Stream;
use crate::limits::{Budget, Output};
use crate::problem::Fault;

pub(super) fn block(_input: &[u8], _limit: u64) -> Result<Vec<u8>, Fault> {
    Err(Fault::unsupported("not yet"))
}

pub(super) fn stream<'b>(input: &[u8], budget: &'b Budget) -> Stream<'b> {
    Stream { output: Output::new(budget, crate::blob::to_u64(input.len())), consumed: 0, fault: Some(Fault::unsupported("not yet")) }
}
