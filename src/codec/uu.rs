//! Lines of uuencode and of base64.

/// The bytes of a line of uuencode: the first character says how many, each four others are three of them.
/// <https://pubs.opengroup.org/onlinepubs/9699919799/utilities/uuencode.html>
pub fn line(text: &[u8]) -> Option<Vec<u8>> {
    let value = |byte: &u8| matches!(byte, 0x20..=0x60).then(|| byte.wrapping_sub(0x20) & 0x3f);
    let (first, rest) = text.split_first()?;
    let count = usize::from(value(first)?);
    let values: Vec<u8> = rest.iter().map(value).collect::<Option<_>>()?;
    // Spaces at the end may be lost on the way, and a checksum may be there.
    let needed = count.div_ceil(3).saturating_mul(4);
    if values.len() > needed.saturating_add(2) || values.len().saturating_add(3) < needed {
        return None;
    }
    let mut bytes = joined(values.into_iter().chain([0; 3]).take(needed.max(1)));
    bytes.truncate(count);
    Some(bytes)
}

/// The bytes of a line of base64.
pub fn base64_line(text: &[u8]) -> Option<Vec<u8>> {
    let digits = text.strip_suffix(b"==").or_else(|| text.strip_suffix(b"=")).unwrap_or(text);
    let whole = !text.is_empty() && text.len().is_multiple_of(4) && digits.iter().all(|byte| base64_digit(*byte).is_some());
    whole.then(|| base64(digits))
}

/// The bytes of base64; what is no digit of it is between them for the eye.
pub fn base64(text: &[u8]) -> Vec<u8> {
    let values: Vec<u8> = text.iter().filter_map(|byte| base64_digit(*byte)).collect();
    let count = values.len().saturating_mul(3) / 4;
    let mut bytes = joined(values.into_iter().chain([0; 3]));
    bytes.truncate(count);
    bytes
}

fn base64_digit(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte.wrapping_sub(b'A')),
        b'a'..=b'z' => Some(byte.wrapping_sub(b'a').wrapping_add(26)),
        b'0'..=b'9' => Some(byte.wrapping_sub(b'0').wrapping_add(52)),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

fn joined(values: impl Iterator<Item = u8>) -> Vec<u8> {
    let values: Vec<u8> = values.collect();
    let (groups, _) = values.as_chunks::<4>();
    let three = |group: &[u8; 4]| {
        let [_, one, two, three] = group.iter().fold(0_u32, |sum, value| (sum << 6) | u32::from(*value)).to_be_bytes();
        [one, two, three]
    };
    groups.iter().flat_map(three).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        assert_eq!(line(b"#0V%T").as_deref(), Some(b"Cat".as_slice()));
        assert_eq!(line(b"`").as_deref(), Some(b"".as_slice()));
        assert_eq!(line(b"#0V%Tsomething else"), None);
        assert_eq!(base64_line(b"Q2F0cw==").as_deref(), Some(b"Cats".as_slice()));
        assert_eq!(base64_line(b"Q2F0").as_deref(), Some(b"Cat".as_slice()));
        assert_eq!(base64_line(b"====="), None);
    }
}
