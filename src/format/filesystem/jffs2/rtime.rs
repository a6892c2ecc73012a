//! rtime: run lengths keyed by the byte before them.

/// Decompresses `input` to `size` bytes, or fewer where it ends before.
///
/// The input is pairs: a byte that is put out as it is, and a count of further bytes that repeat what followed the last occurrence of
/// that byte. Before its first occurrence that place is the start of the output.
pub(super) fn decompress(input: &[u8], size: usize) -> Vec<u8> {
    let mut output = Vec::with_capacity(size.min(1 << 16));
    let mut followers = [0_usize; 256];
    for pair in input.chunks(2) {
        let Some(&byte) = pair.first() else { break };
        if output.len() >= size {
            break;
        }
        output.push(byte);
        let count = usize::from(pair.get(1).copied().unwrap_or(0));
        let Some(place) = followers.get_mut(usize::from(byte)) else { break };
        let from = std::mem::replace(place, output.len());
        // Byte by byte: the run may reach into what it is just writing.
        for at in (from..).take(count.min(size.saturating_sub(output.len()))) {
            let Some(&byte) = output.get(at) else { break };
            output.push(byte);
        }
    }
    output
}

#[cfg(test)]
mod tests {
    use super::decompress;

    #[test]
    fn runs_reach_into_themselves() {
        // 'a', then nothing; 'a' again, then what followed the first 'a': the second one, and so on.
        assert_eq!(decompress(&[b'a', 0, b'a', 4], 6), b"aaaaaa");
        assert_eq!(decompress(&[b'a', 0, b'b', 0, b'c', 0, b'a', 2], 6), b"abcabc");
        assert_eq!(decompress(&[b'a', 255], 4), b"aaaa", "never more than asked for");
        assert_eq!(decompress(b"a", 4), b"a");
    }
}
