//! Checksums of metadata: CRC-32 and CRC-32C from any seed, and not inverted.

const CRC32: [u32; 256] = table(0xedb8_8320);
const CRC32C: [u32; 256] = table(0x82f6_3b78);

#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions, reason = "runs in the compiler alone")]
const fn table(polynomial: u32) -> [u32; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let (mut crc, mut bit) = (index as u32, 0);
        while bit < 8 {
            crc = if crc & 1 == 0 { crc >> 1 } else { (crc >> 1) ^ polynomial };
            bit += 1;
        }
        table[index] = crc;
        index += 1;
    }
    table
}

fn update(table: &[u32; 256], seed: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(seed, |crc, byte| {
        let [low, ..] = crc.to_le_bytes();
        (crc >> 8) ^ table.get(usize::from(low ^ byte)).copied().unwrap_or(0)
    })
}

/// CRC-32 of LVM2 and F2FS: from a seed of their own.
pub(in crate::format) fn crc32(seed: u32, bytes: &[u8]) -> u32 {
    update(&CRC32, seed, bytes)
}

/// CRC-32C of ext4, EROFS, btrfs and XFS. Some of them invert the result.
pub(in crate::format) fn crc32c(seed: u32, bytes: &[u8]) -> u32 {
    update(&CRC32C, seed, bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_the_standards() {
        assert_eq!(!crc32c(u32::MAX, &[0; 32]), 0x8a91_36aa, "RFC 3720");
        assert_eq!(!crc32(u32::MAX, b"123456789"), 0xcbf4_3926);
    }
}
