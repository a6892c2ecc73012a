//! Cyclic redundancy checks: those that several formats share, and those of CRC-32 from any seed and not inverted.

use crc::{Algorithm, CRC_16_ARC, CRC_16_XMODEM, CRC_32_BZIP2, CRC_32_ISCSI, Crc};

static ARC: Crc<u16> = Crc::<u16>::new(&CRC_16_ARC);
static XMODEM: Crc<u16> = Crc::<u16>::new(&CRC_16_XMODEM);
static UPPER_FIRST: Crc<u32> = Crc::<u32>::new(&Algorithm { init: 0, xorout: 0, ..CRC_32_BZIP2 });
static ETHERNET_REGISTER: Crc<u32> = Crc::<u32>::new(&register(0x04c1_1db7));
static CASTAGNOLI_REGISTER: Crc<u32> = Crc::<u32>::new(&register(CRC_32_ISCSI.poly));

/// Lowest bit first, and nothing inverted. `check` and `residue` are for people only.
const fn register(poly: u32) -> Algorithm<u32> {
    Algorithm { width: 32, poly, init: 0, refin: true, refout: true, xorout: 0, check: 0, residue: 0 }
}

/// CRC-32 from a seed, not inverted: LVM2, F2FS, NILFS2, eCos.
pub(crate) fn crc32(seed: u32, bytes: &[u8]) -> u32 {
    from(&ETHERNET_REGISTER, seed, bytes)
}

/// CRC-32C from a seed: ext4, EROFS, btrfs, XFS, Snappy. Some of them invert the result.
pub(crate) fn crc32c(seed: u32, bytes: &[u8]) -> u32 {
    from(&CASTAGNOLI_REGISTER, seed, bytes)
}

fn from(register: &Crc<u32>, seed: u32, bytes: &[u8]) -> u32 {
    // The crate turns the seed round, as catalogues write it the other way.
    let mut digest = register.digest_with_initial(seed.reverse_bits());
    digest.update(bytes);
    digest.finalize()
}

/// CRC-16 as LHA, ARC and zoo compute it.
pub(crate) fn crc16_arc(bytes: &[u8]) -> u16 {
    ARC.checksum(bytes)
}

/// CRC-16 as XMODEM made it known, over all pieces.
pub(crate) fn crc16_xmodem(pieces: &[&[u8]]) -> u16 {
    let mut digest = XMODEM.digest();
    pieces.iter().for_each(|piece| digest.update(piece));
    digest.finalize()
}

/// CRC-32 with the upper bit first, from 0 and not inverted, over all pieces: Ogg, QNX6.
pub(crate) fn crc32_upper_first(pieces: &[&[u8]]) -> u32 {
    let mut digest = UPPER_FIRST.digest();
    pieces.iter().for_each(|piece| digest.update(piece));
    digest.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_the_standards() {
        assert_eq!(!crc32c(u32::MAX, &[0; 32]), 0x8a91_36aa, "RFC 3720");
        assert_eq!(!crc32(u32::MAX, b"123456789"), 0xcbf4_3926);
        assert_eq!(crc32(crc32(7, b"1234"), b"56789"), crc32(7, b"123456789"));
        assert_eq!(crc16_arc(b"123456789"), 0xbb3d);
        assert_eq!(crc32_upper_first(&[b"1234", b"56789"]), 0x89a1_897f);
        assert_eq!(crc16_xmodem(&[b"1234", b"56789"]), 0x31c3);
    }
}
