//! placeholder
use crate::{Ending, Failure};
use clap::Args;
/// Arguments of `explain`.
#[derive(Args)]
pub(crate) struct Arguments {}
pub(crate) fn run(_: &Arguments) -> Result<Ending, Failure> {
    Err("not yet".to_owned())
}
