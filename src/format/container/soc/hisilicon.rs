//! HiSilicon: the tables by which the boot loaders of its chips set up clocks and memory. Those of camera chips stand in the head of the loader,
//! those of set-top boxes behind it.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image, is_name};
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
        "loaders with a signature in front are not recognized, nor is more than the table of those of set-top boxes",
    ],
};

/// The head of the loader.
pub(in crate::format) static BOOT: Header = Header { spec: &SPEC, read };

static TABLE_SPEC: Spec = Spec {
    id: "hisilicon-registers",
    name: "HiSilicon register table (set-top boxes)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"v1."), Magic::anywhere(b"v120")],
    leaf: false,
    references: &["https://github.com/histb-mainline/hiloot/blob/master/hireg.py"],
    limitations: &["tables whose name stands at their end (.cfg) are not recognized"],
};

/// The table of a set-top box.
pub(in crate::format) static TABLE: Header = Header { spec: &TABLE_SPEC, read: table };

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

/// Where a table begins that is as old as version 1, and how much may be in one.
const ITEM: u64 = 0xa0;
const LONGEST: u64 = 128 << 10;

/// The header of version 1; all numbers little endian:
///
/// ```text
///  0 version[16], "v1.…"   10 where the table begins, 0xa0   14 where a second one does, 32 bytes behind the end of this   18 zeros[40]
/// 40 date[20]   54 name of the file that it was made from[76]   a0 table; then the second one, and 32 bytes more, both of 32 bytes
/// ```
fn table(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    if bytes.has(0, b"v120") {
        return table_of_blocks(bytes);
    }
    let second = u64::from(bytes.u32(20, Endian::Little)?);
    let end = second.saturating_sub(32);
    if bytes.u32(16, Endian::Little)? != 0xa0 || bytes.get(24, 40)? != [0; 40] || !second.is_multiple_of(32) || second > LONGEST {
        return Err(Rejected("where the tables begin"));
    }
    if !is_name(bytes, 0, 16) || !is_date(bytes.get(64, 20)?) || !is_name(bytes, 84, 76) || bytes.u8(84)? == 0 {
        return Err(Rejected("version, date or name"));
    }
    let mut registers = ITEM;
    while registers < end && bytes.get(registers, ENTRY)? != [0; 16] {
        if !is_register(bytes, registers) {
            return Err(Rejected("a register"));
        }
        registers = registers.saturating_add(ENTRY);
    }
    if registers < ITEM.saturating_add(LEAST.saturating_mul(ENTRY)) || registers.next_multiple_of(32) != end {
        return Err(Rejected("few registers, or not where they end"));
    }
    let mut image = Image::of(second.saturating_add(64));
    image.fact("header.version", 0, 16).fact("header.date", 64, 20).fact("header.name", 84, 76);
    image.part("registers", Span::between(ITEM, registers));
    Ok(image)
}

/// Version 1.2: "v120", version\[8\], date\[20\], the name and a NUL. Then, each from a multiple of 4 on, blocks: 0 u8, kind and when u8, size of
/// what follows u16, big endian; that is more blocks of registers. Four zeros end it.
fn table_of_blocks(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let name = bytes.up_to(32, 256).split(|byte| *byte == 0).next().map_or(0, crate::format::length_of);
    if !is_name(bytes, 4, 8) || !is_date(bytes.get(12, 20)?) || !is_name(bytes, 32, name.saturating_add(1)) || name == 0 {
        return Err(Rejected("version, date or name"));
    }
    let start = name.saturating_add(33).next_multiple_of(4);
    let mut at = start;
    while bytes.get(at, 4)? != [0; 4] {
        let block = Span::new(at.saturating_add(4), bytes.u16(at.saturating_add(2), Endian::Big)?.into());
        if bytes.u8(at)? != 0 || bytes.u8(at.saturating_add(1))? >> 4 > 4 || block.end() > LONGEST || !is_block(bytes, block) {
            return Err(Rejected("a block"));
        }
        at = block.end().next_multiple_of(4);
    }
    if at.saturating_sub(start) < LEAST.saturating_mul(4) {
        return Err(Rejected("few registers"));
    }
    let mut image = Image::of(at.saturating_add(4));
    image.fact("header.version", 4, 8).fact("header.date", 12, 20).fact("header.name", 32, name);
    image.part("registers", Span::between(start, at));
    Ok(image)
}

/// Pages: the address that 256 of them share u32, big endian, and the size of what follows u8. A register is its place in the page u8, size of the
/// value and its first bit u8, size of the delay and number of bits u8, then these.
fn is_block(bytes: Bytes<'_>, block: Span) -> bool {
    let mut at = block.start;
    while at < block.end() {
        let page = at.saturating_add(5);
        let size = u64::from(bytes.u8(at.saturating_add(4)).unwrap_or(0));
        if size == 0 || bytes.u8(at.saturating_add(3)) != Ok(0) {
            return false;
        }
        let end = page.saturating_add(size);
        at = page;
        while at < end {
            let sizes = [1, 2].map(|index| u64::from(bytes.u8(at.saturating_add(index)).unwrap_or(0xff) >> 5));
            if sizes.iter().any(|size| *size > 4) {
                return false;
            }
            at = sizes.iter().fold(at.saturating_add(3), |at, size| at.saturating_add(*size));
        }
        if at != end {
            return false;
        }
    }
    at == block.end()
}

/// `2021/07/05 00:00:00`, and a NUL.
fn is_date(text: &[u8]) -> bool {
    let like = b"0000/00/00 00:00:00\0";
    text.len() == like.len() && text.iter().zip(like).all(|(byte, like)| if *like == b'0' { byte.is_ascii_digit() } else { byte == like })
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
    #[test]
    fn tables_of_set_top_boxes_say_what_they_are_for() {
        for (image, version) in [
            (include_bytes!("../../../../fixtures/hisilicon-registers/table.reg").as_slice(), "v1.1.0"),
            (include_bytes!("../../../../fixtures/hisilicon-registers/blocks.reg"), "v1.2.0"),
        ] {
            let unpacked = opens(&TABLE, image, &["registers"]);
            assert_eq!(unpacked.fact("header.name").unwrap(), "example-board-100.xlsm");
            assert_eq!(unpacked.fact("header.date").unwrap(), "2021/07/05 00:00:00");
            assert_eq!(unpacked.fact("header.version").unwrap(), version);
        }
        assert_eq!(carve(&TABLE, b"v1.20 (2021/07/05 00:00:00) is a version, and not much more can be said of it than that", 0), None);
    }
}
