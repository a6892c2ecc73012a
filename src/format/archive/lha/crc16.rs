//! CRC-16 as LHA, ARC and zoo compute it.

/// CRC-16 with the polynomial 0x8005, lowest bit first, from 0.
pub(in crate::format::archive) fn crc16(bytes: &[u8]) -> u16 {
    let step = |crc: u16| if crc & 1 == 0 { crc >> 1 } else { (crc >> 1) ^ 0xa001 };
    bytes.iter().fold(0, |crc, byte| (0..8).fold(crc ^ u16::from(*byte), |crc, _| step(crc)))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_usual_check() {
        assert_eq!(super::crc16(b"123456789"), 0xbb3d);
    }
}
