//! What all decoders of the Lempel-Ziv family do: copy from what is there already.

use crate::blob::{to_u64, to_usize};

/// Appends `length` bytes that stand `distance` bytes before the end; what is appended may be part of what is copied. Nothing comes if
/// there would be more than `limit` bytes then.
pub(super) fn copy(output: &mut Vec<u8>, distance: u64, length: u64, limit: u64) -> Result<(), String> {
    let have = to_u64(output.len());
    if distance == 0 || distance > have {
        return Err(format!("a copy from {distance} bytes back, of {have} there are"));
    }
    if have.saturating_add(length) > limit {
        return Err(format!("a block holds more than {limit} bytes"));
    }
    let mut left = to_usize(length);
    let from = output.len().saturating_sub(to_usize(distance));
    while left > 0 {
        // What is there from `from` on repeats itself: each round copies all of it.
        let step = left.min(output.len().saturating_sub(from));
        output.extend_from_within(from..from.saturating_add(step));
        left = left.saturating_sub(step);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::copy;

    #[test]
    fn copies_may_overlap_and_keep_their_limit() {
        let mut output = b"abc".to_vec();
        copy(&mut output, 2, 5, 100).unwrap();
        assert_eq!(output, b"abcbcbcb");
        assert!(copy(&mut output, 9, 1, 100).is_err());
        assert!(copy(&mut output, 0, 1, 100).is_err());
        assert!(copy(&mut output, 1, 93, 100).is_err());
    }
}
