//! Reads firmware and says whose code is inside, how sure it is, and shows the bytes that say so.
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, clippy::as_conversions, clippy::string_slice, clippy::too_many_lines))]

pub mod artifact;
pub mod blob;
pub mod codec;
pub mod evidence;
pub mod fact;
pub mod format;
pub mod limits;
pub mod problem;
pub mod scan;
pub mod signature;
pub mod walk;
