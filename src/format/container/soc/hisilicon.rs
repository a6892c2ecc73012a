//! HiSilicon: the head of the boot loader of its camera chips, with the table by which memory is set up.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

static SPEC: Spec = Spec {
    id: "hisilicon-boot",
    name: "HiSilicon boot loader, register table",
    kind: Kind::Container,
    magics: &[Magic::anywhere(&PADDED).at(32), Magic::anywhere(&VECTORS).at(4)],
    leaf: false,
    references: &[
        "https://github.com/OpenIPC/u-boot-hi3516ev200/blob/master/arch/arm/cpu/armv7/hi3516ev200/start.S",
        "https://github.com/kakigate/hisi-initregtable-parser",
    ],
    limitations: &[
        "ends behind the table: how long the loader is, is written nowhere",
        "loaders of set-top box chips, whose table stands behind the code, are not recognized, nor are those with a signature in front",
    ],
};

/// The head of the loader.
pub(in crate::format) static BOOT: Header = Header { spec: &SPEC, read };

/// What newer loaders have between the vectors and the table.
const PADDED: [u8; 32] = {
    let [a, b, c, d] = 0xdead_beef_u32.to_le_bytes();
    [a, b, c, d, a, b, c, d, a, b, c, d, a, b, c, d, a, b, c, d, a, b, c, d, a, b, c, d, a, b, c, d]
};

/// The vectors of older ones: seven times the same instruction. They end with 0x12345678.
const VECTORS: [u8; 28] = {
    let [a, b, c, d] = 0xe59f_f014_u32.to_le_bytes();
    [a, b, c, d, a, b, c, d, a, b, c, d, a, b, c, d, a, b, c, d, a, b, c, d, a, b, c, d]
};
const PAD: u32 = 0x1234_5678;

const START: u64 = 64;
const STEP: u64 = 1024;
const MOST_STEPS: u64 = 16;
const ENTRY: u64 = 16;
/// Fewer registers set up no memory.
const LEAST: u64 = 8;

/// The head (`start.S`); all numbers little endian:
///
/// ```text
///  0 a jump over all this, and the other vectors or 0xdeadbeef   40 table, with room for more, of 1 to 16 KiB
/// then the address of the table, the address behind it, on 32-bit chips two times 0xdeadbeef, and the address of all; on 64-bit chips
/// each address has 64 bits
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let jump = bytes.u32(0, Endian::Little)?;
    if !bytes.has(32, &PADDED) && bytes.u32(60, Endian::Little)? != PAD {
        return Err(Rejected("padding"));
    }
    let sizes = (1..=MOST_STEPS).map(|steps| START.saturating_add(steps.saturating_mul(STEP)));
    let short = |at: u64| (jump >> 24 == 0xea && is_end_32(bytes, at)).then(|| at.saturating_add(20));
    let long = |at: u64| (jump >> 26 == 5 && is_end_64(bytes, at)).then(|| at.saturating_add(24));
    let (end, length) =
        sizes.filter_map(|at| Some((at, short(at).or_else(|| long(at))?))).next().ok_or(Rejected("no addresses of the table"))?;
    let mut registers = START;
    while registers < end && bytes.get(registers, ENTRY)? != [0; 16] {
        if !is_register(bytes, registers) {
            return Err(Rejected("a register"));
        }
        registers = registers.saturating_add(ENTRY);
    }
    let table = Span::between(START, registers);
    if table.length < LEAST.saturating_mul(ENTRY) {
        return Err(Rejected("few registers"));
    }
    let mut image = Image::new(length, START);
    image.part("registers", table).known(Span::between(end, length));
    Ok(image)
}

/// The addresses are those of one place: what they are at, less where it is, is the same for all three.
fn is_end_32(bytes: Bytes<'_>, at: u64) -> bool {
    let address = |index: u64| bytes.u32(at.saturating_add(index), Endian::Little).unwrap_or(0).into();
    bytes.get(at.saturating_add(8), 8).is_ok_and(|padding| Some(padding) == PADDED.get(..8))
        && agree([address(0), address(4), address(16)], at)
}

fn is_end_64(bytes: Bytes<'_>, at: u64) -> bool {
    let address = |index: u64| bytes.u64(at.saturating_add(index), Endian::Little).unwrap_or(0);
    agree([address(0), address(8), address(16)], at)
}

fn agree([table, end, all]: [u64; 3], at: u64) -> bool {
    all > 0 && all.is_multiple_of(64) && table == all.saturating_add(START) && end == all.saturating_add(at)
}

/// What is done with a register: its address, the value, how long to wait, and how to: bits 0 to 2 to write, 3 to 7 how many bits, 11 to 15 the
/// first of them; from bit 16 on the same to read and wait for the value.
fn is_register(bytes: Bytes<'_>, at: u64) -> bool {
    let word = |index: u64| bytes.u32(at.saturating_add(index), Endian::Little).unwrap_or(1);
    let (address, delay, how) = (word(0), word(8), word(12));
    let half = |how: u32| (how & 7, ((how >> 3) & 31).saturating_add((how >> 11) & 31), (how >> 8) & 7);
    let ((write, written, gap), (read, awaited, other)) = (half(how), half(how >> 16));
    let does = write != 0 || read != 0 || delay != 0;
    address % 4 == 0 && does && (write == 0 || read == 0) && written <= 31 && awaited <= 31 && (gap, other) == (0, 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::header::testing::opens;
    use crate::format::testing::carve;

    #[test]
    fn the_table_comes_out() {
        for (image, padding) in [
            (include_bytes!("../../../../fixtures/hisilicon-boot/armv7.bin").as_slice(), 0x1454),
            (include_bytes!("../../../../fixtures/hisilicon-boot/arm926.bin"), 0x1054),
            (include_bytes!("../../../../fixtures/hisilicon-boot/armv8.bin"), 0x2858),
        ] {
            let head = &image[..padding];
            let unpacked = opens(&BOOT, head, &["registers"]);
            assert_eq!(unpacked.file("registers").len(), 12 * 16);
            let mut other = head.to_vec();
            other[0x40 + 13] = 7;
            assert_eq!(carve(&BOOT, &other, 0), None, "bits that no entry has");
            let mut other = head.to_vec();
            other[0x40..0x100].fill(0);
            assert_eq!(carve(&BOOT, &other, 0), None, "nothing is set up");
            let mut other = head.to_vec();
            other[padding - 4] ^= 0x40;
            other[padding - 8] ^= 0x40;
            assert_eq!(carve(&BOOT, &other, 0), None, "an address that is another place's");
        }
    }
}
