//! The tables of pieces in the property list: the base64 data of the array `blkx`.

use memchr::memmem;

use crate::codec::uu::base64;

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
