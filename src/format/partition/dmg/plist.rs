//! The tables of pieces in the property list: the base64 data of the array `blkx`.

use memchr::memmem;

/// All tables, in order.
pub(super) fn tables(list: &[u8]) -> Vec<Vec<u8>> {
    let Some(start) = memmem::find(list, b"<key>blkx</key>") else { return Vec::new() };
    let array = list.get(start..).unwrap_or_default();
    let end = memmem::find(array, b"</array>").unwrap_or(array.len());
    let mut rest = array.get(..end).unwrap_or_default();
    let mut tables = Vec::new();
    while let Some(data) = memmem::find(rest, b"<data>") {
        rest = rest.get(data.saturating_add(6)..).unwrap_or_default();
        let end = memmem::find(rest, b"</data>").unwrap_or(rest.len());
        tables.push(base64(rest.get(..end).unwrap_or_default()));
        rest = rest.get(end..).unwrap_or_default();
    }
    tables
}

/// Bytes that were written as letters, six bits each; what is no such letter is between them for the eye.
fn base64(text: &[u8]) -> Vec<u8> {
    let values = text.iter().filter_map(|letter| match letter {
        b'A'..=b'Z' => Some(letter.wrapping_sub(b'A')),
        b'a'..=b'z' => Some(letter.wrapping_sub(b'a').wrapping_add(26)),
        b'0'..=b'9' => Some(letter.wrapping_sub(b'0').wrapping_add(52)),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    });
    let values: Vec<u32> = values.map(u32::from).collect();
    let mut bytes = Vec::with_capacity(values.len());
    for four in values.chunks(4) {
        let bits = (0..4).fold(0_u32, |bits, place| bits << 6 | four.get(place).copied().unwrap_or(0));
        let [_, three @ ..] = bits.to_be_bytes();
        bytes.extend(three.into_iter().take(four.len().saturating_sub(1)));
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_of_the_right_array_only() {
        let list =
            b"<key>plst</key><array><data>AAAA</data></array><key>blkx</key><array><dict><data>\n\tbWlz\n\taA==\n\t</data></dict><dict>\
                     <data>TQ</data></dict></array><key>x</key><array><data>BBBB</data></array>";
        assert_eq!(tables(list), [b"mish".to_vec(), b"M".to_vec()]);
        assert_eq!(tables(b"<data>AAAA</data>"), [] as [Vec<u8>; 0]);
    }
}
