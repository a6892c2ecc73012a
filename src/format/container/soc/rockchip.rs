//! Rockchip: update images, boot loaders as tools and as boot ROMs read them, and parts with a CRC.

use crc::{Algorithm, Crc};
use md5::Md5;
use sha2::{Digest, Sha256};

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Decode, Header, Image, is_name, undo};
use crate::format::{Kind, Magic, Spec, path_text};
use crate::limits::Output;
use crate::problem::{Fault, Rejected};

mod parts;

pub(in crate::format) use parts::{RESOURCE, STAGE, TRUST};

const REFERENCES: &[&str] = &[
    "https://github.com/rockchip-linux/rkdeveloptool",
    "https://github.com/neo-technologies/rockchip-mkbootimg",
    "https://opensource.rock-chips.com/wiki_Boot_option",
];

macro_rules! spec {
    ($id:literal, $name:literal, [$($magic:expr),*], $limitations:expr) => {
        Spec { id: $id, name: $name, kind: Kind::Container, magics: &[$($magic),*], leaf: false, references: REFERENCES, limitations: $limitations }
    };
}

static RKFW_SPEC: Spec = spec!("rkfw", "Rockchip firmware (RKFW)", [Magic::anywhere(b"RKFW\x66\0")], &[]);
static RKAF_SPEC: Spec = spec!("rkaf", "Rockchip update image (RKAF)", [Magic::anywhere(b"RKAF")], &[]);
static CRC_SPEC: Spec = spec!("rockchip-crc", "Rockchip part with a CRC", [Magic::anywhere(b"KRNL"), Magic::anywhere(b"PARM")], &[]);
static LOADER_SPEC: Spec =
    spec!("rockchip-loader", "Rockchip boot loader", [Magic::anywhere(b"BOOT\x66\0"), Magic::anywhere(b"LDR \x66\0")], &[]);
static IDBLOCK_SPEC: Spec = spec!(
    "rockchip-idblock",
    "Rockchip boot ROM image",
    [Magic::anywhere(b"RKNS\0\0\0\0"), Magic::anywhere(&[0x3b, 0x8c, 0xdc, 0xfc, 0xbe, 0x9f, 0x9d, 0x51])],
    &["the signature of newer images is handed over with the header, not verified"]
);

/// Firmware: a loader and an update image.
pub(in crate::format) static RKFW: Header = Header { spec: &RKFW_SPEC, read: rkfw };
/// Update image.
pub(in crate::format) static RKAF: Header = Header { spec: &RKAF_SPEC, read: rkaf };
/// Kernel or parameters with a CRC.
pub(in crate::format) static CRC: Header = Header { spec: &CRC_SPEC, read: crc };
/// Loader as flashing tools read it.
pub(in crate::format) static LOADER: Header = Header { spec: &LOADER_SPEC, read: loader };
/// Loader as boot ROMs read it.
pub(in crate::format) static IDBLOCK: Header = Header { spec: &IDBLOCK_SPEC, read: idblock };

/// Rockchip's own CRC-32: another polynomial than everybody's, nothing inverted.
static RK_CRC: Crc<u32> = Crc::<u32>::new(&Algorithm {
    width: 32,
    poly: 0x04c1_0db7,
    init: 0,
    refin: false,
    refout: false,
    xorout: 0,
    check: 0x889a_9615,
    residue: 0,
});

fn rk_crc(bytes: &[u8]) -> u32 {
    RK_CRC.checksum(bytes)
}

/// Whether a date stands there: year u16, month, day, hour, minute, second.
fn is_date(bytes: Bytes<'_>, at: u64) -> Result<bool, Rejected> {
    let (year, [month, day, hour, minute, second]) = (bytes.u16(at, Endian::Little)?, bytes.array(at.saturating_add(2))?);
    Ok(year < 2100 && month <= 12 && day <= 31 && hour < 24 && minute < 60 && second < 60)
}

/// The header; all numbers little endian, none aligned:
///
/// ```text
///  0 magic "RKFW"   4 its size u16, 102   6 version   a version of the tool   e date   15 chip   19 loader offset, size   21 image offset, size
/// ```
///
/// The MD5 of all follows the image, as text.
fn rkfw(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let word = |at| bytes.u32(at, Endian::Little).map(u64::from);
    let (loader, image) = (Span::new(word(0x19)?, word(0x1d)?), Span::new(word(0x21)?, word(0x25)?));
    if !is_date(bytes, 0xe)? || loader.start < 102 || image.start < loader.end() || image.length == 0 {
        return Err(Rejected("date, or places of loader and image"));
    }
    let hex = bytes.get(image.end(), 32).is_ok_and(|sum| sum.iter().all(u8::is_ascii_hexdigit));
    let mut found = Image::of(image.end().saturating_add(if hex { 32 } else { 0 }));
    found.part("loader", loader);
    found.part("update", image);
    if hex {
        found.check("the MD5 of the image", image.end(), 0, move |bytes| {
            let found: String = Md5::digest(bytes.get(0, image.end())?).iter().map(|byte| format!("{byte:02x}")).collect();
            Ok(bytes.get(image.end(), 32)?.eq_ignore_ascii_case(found.as_bytes()))
        });
    }
    Ok(found)
}

/// The header; all numbers little endian:
///
/// ```text
///  0 magic "RKAF"   4 size without the CRC at its end   8 model[34]   2a id[30]   48 manufacturer[56]   84 version   88 number of parts
/// 8c parts of 112 bytes: name[32], path[60], size in NAND, offset, offset in NAND, size with padding, size
/// ```
fn rkaf(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let word = |at| bytes.u32(at, Endian::Little).map(u64::from);
    let (length, count) = (word(4)?, word(0x88)?);
    if !(1..=64).contains(&count) || length < 0x800 || !is_name(bytes, 8, 34) || !is_name(bytes, 0x48, 56) {
        return Err(Rejected("texts, size or number of parts"));
    }
    let mut found = Image::of(length.saturating_add(4));
    found.fact("header.product", 8, 34);
    found.fact("header.name", 0x2a, 30);
    found.fact("header.vendor", 0x48, 56);
    for index in 0..count {
        let entry = index.saturating_mul(112).saturating_add(0x8c);
        let at = |field: u64| entry.saturating_add(field);
        let part = Span::new(word(at(0x60))?, word(at(0x6c))?);
        if !is_name(bytes, entry, 32) || (part.length > 0 && part.end() > length) {
            return Err(Rejected("a part"));
        }
        let (name, path) = (bytes.text(entry, 32)?, bytes.text(at(0x20), 60)?);
        // Some parts are only names: reserved, or the image itself.
        if part.start >= 0x800 {
            found.part(path_text(if path.is_empty() { name } else { path }), part);
        }
    }
    found.check("the CRC of the image", length, 0, move |bytes| Ok(rk_crc(bytes.get(0, length)?) == bytes.u32(length, Endian::Little)?));
    Ok(found)
}

/// How the kernels and ramdisks of Linux begin: gzip, LZ4, zImage, the plain kernel of arm64, cpio.
const HEADS: [(u64, &[u8]); 5] =
    [(0, &[0x1f, 0x8b, 8]), (0, &[2, 0x21, 0x4c, 0x18]), (0x24, &[0x18, 0x28, 0x6f, 1]), (0x38, b"ARM\x64"), (0, b"070701")];

/// Magic, size u32, bytes, CRC u32. The magic is short: the CRC decides, and parameters are text.
fn crc(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let data = Span::new(8, bytes.u32(4, Endian::Little)?.into());
    let parameters = bytes.has(0, b"PARM");
    // What is larger than any kernel is none, and costs no CRC.
    if data.length < 16 || data.length > 64 << 20 || data.end().saturating_add(4) > bytes.len() {
        return Err(Rejected("size"));
    }
    let text = bytes.part(data)?.0;
    if parameters && (data.length > 64 << 10 || !text.iter().all(|byte| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~' | 0x80..))) {
        return Err(Rejected("no text"));
    }
    let head = Bytes(text);
    if !parameters && !HEADS.iter().any(|(at, magic)| head.has(*at, magic)) {
        return Err(Rejected("neither a kernel nor a ramdisk"));
    }
    let mut found = Image::of(data.end().saturating_add(4));
    let expected = bytes.u32(data.end(), Endian::Little)?;
    if parameters && rk_crc(text) != expected {
        return Err(Rejected("the CRC"));
    }
    found.part(if parameters { "parameter" } else { "kernel" }, data);
    found.sum32("the CRC", data.end(), expected, data, rk_crc);
    Ok(found)
}

/// The header; all numbers little endian, none aligned:
///
/// ```text
///  0 magic "BOOT" or "LDR "   4 its size u16, 102   6 version   a version of the tool   e date   15 chip
/// 19 three lists: number u8, offset u32, size of an entry u8; run first, run second, to be flashed   2b signed u8   2c plain u8
/// entry, 57 bytes: size u8, type u32, name[20] in UTF-16, offset u32, size u32, delay u32
/// ```
///
/// A CRC of all follows. What is not plain is RC4 with a key that all share: that which is flashed in pieces of 512 bytes, the rest as a whole.
fn loader(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    if !is_date(bytes, 0xe)? || bytes.u8(0x2c)? > 1 {
        return Err(Rejected("date"));
    }
    let plain = bytes.u8(0x2c)? == 1;
    let mut found = Image::of(102);
    for (list, folder, decode) in LISTS {
        let (count, first, size) = (bytes.u8(list)?, bytes.u32(list.saturating_add(1), Endian::Little)?, bytes.u8(list.saturating_add(5))?);
        if count > 32 || (count > 0 && (size < 57 || first < 102)) {
            return Err(Rejected("a list"));
        }
        for index in 0..u64::from(count) {
            let entry = u64::from(first).saturating_add(index.saturating_mul(size.into()));
            let word = |at| bytes.u32(entry.saturating_add(at), Endian::Little).map(u64::from);
            let data = Span::new(word(45)?, word(49)?);
            let units = (0..20_u64)
                .map_while(|unit| bytes.u16(entry.saturating_add(5).saturating_add(unit.saturating_mul(2)), Endian::Little).ok());
            let name = crate::format::utf16_part_text(units.take_while(|unit| *unit != 0));
            if bytes.u8(entry)? != size || data.start < 102 || name.is_empty() || data.end() > 64 << 20 {
                return Err(Rejected("an entry"));
            }
            found.length = found.length.max(data.end());
            match plain {
                true => found.part(format!("{folder}/{name}"), data),
                false => found.undone(format!("{folder}/{name}"), data, undo(decode)),
            };
        }
    }
    let end = found.length;
    if end == 102 {
        return Err(Rejected("nothing inside"));
    }
    found.length = end.saturating_add(4);
    found.check("the CRC of the loader", end, 0, move |bytes| Ok(rk_crc(bytes.get(0, end)?) == bytes.u32(end, Endian::Little)?));
    Ok(found)
}

/// Where the lists of a loader are described, what they are called, and how what they name is encoded.
const LISTS: [(u64, &str, Decode); 3] = [(0x19, "471", rc4_whole), (0x1f, "472", rc4_whole), (0x25, "flash", rc4_pieces)];

/// Bytes of a block, in which all is counted.
const BLOCK: u64 = 512;

/// Blocks of the largest second stage.
const MOST_BOOT: u64 = 1024;

/// The older header, RC4 of: 0 magic 0x0ff0aa55, 8 plain u32, c first block of the code u16, 1fa blocks of the first stage u16, 1fc blocks of
/// all u16. In serial flash only the first half of each 4 KiB is used. The newer one, 2048 bytes:
///
/// ```text
///  0 magic "RKNS"   8 its size without signature in words u16, number of images u16   c how they are hashed: 1 SHA-256, 2 SHA-512
/// 78 images of 88 bytes: first block u16, blocks u16, address u32, flag u32, counter u32, reserved[8], hash[64]
/// ```
fn idblock(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    if bytes.has(0, b"RKNS") {
        return hashed(bytes);
    }
    let header = rc4(bytes.get(0, BLOCK)?);
    let header = Bytes(&header);
    let half = |at| header.u16(at, Endian::Little).map(u64::from);
    let (first, stage, all) = (half(0xc)?, half(0x1fa)?, half(0x1fc)?);
    let plain = header.u32(8, Endian::Little)?;
    if header.u32(0, Endian::Little)? != 0x0ff0_aa55 || plain > 1 || first == 0 || stage == 0 || all < stage {
        return Err(Rejected("header"));
    }
    let init = Span::new(first.saturating_mul(BLOCK), stage.saturating_mul(BLOCK));
    // Tools that know of no second stage write the most that it may have.
    let more = Some(all.saturating_sub(stage)).filter(|blocks| *blocks < MOST_BOOT).unwrap_or(0);
    let boot = Span::new(init.end(), more.saturating_mul(BLOCK));
    let spread = is_spread(bytes);
    let mut found = Image::of(if spread { boot.end().next_multiple_of(USED).saturating_mul(2) } else { boot.end() });
    for (name, part) in [("init", init), ("boot", boot)] {
        match (plain, spread) {
            (1, false) => found.part(name, part),
            (1, true) => found.undone(name, span_in_flash(part), undo(gathered)),
            (_, false) => found.undone(name, part, undo(rc4_pieces)),
            (_, true) => found.undone(name, span_in_flash(part), Box::new(|bytes, output| rc4_pieces(&gather(bytes.0), output))),
        };
    }
    Ok(found)
}

/// Bytes that the boot ROM reads of each 4 KiB of a serial flash.
const USED: u64 = 2048;

/// Whether the image is one for serial flash: nothing stands in the second half of the first 4 KiB, but behind it.
fn is_spread(bytes: Bytes<'_>) -> bool {
    let empty = |start, length| bytes.up_to(start, length).iter().all(|byte| *byte == 0);
    empty(USED, USED) && !empty(USED.saturating_mul(2), 512)
}

/// Where in serial flash a byte stands.
fn in_flash(place: u64) -> u64 {
    place.saturating_add(place & !(USED.saturating_sub(1)))
}

fn span_in_flash(part: Span) -> Span {
    if part.length == 0 { part } else { Span::between(in_flash(part.start), in_flash(part.end().saturating_sub(1)).saturating_add(1)) }
}

/// The first half of each 4 KiB.
fn gather(bytes: &[u8]) -> Vec<u8> {
    bytes.chunks(4096).flat_map(|sector| sector.iter().take(2048)).copied().collect()
}

fn gathered(bytes: &[u8], output: &mut Output<'_>) -> Result<(), Fault> {
    Ok(output.push(&gather(bytes))?)
}

fn hashed(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let half = |at| bytes.u16(at, Endian::Little).map(u64::from);
    let (count, how) = (half(10)?, bytes.u32(12, Endian::Little)? & 0xf);
    if !(1..=4).contains(&count) || !matches!(how, 0..=2) || bytes.get(16, 104)?.iter().any(|byte| *byte != 0) {
        return Err(Rejected("header"));
    }
    let mut found = Image::of(2048);
    let spread = is_spread(bytes);
    for index in 0..count {
        let entry = index.saturating_mul(88).saturating_add(0x78);
        let (first, blocks) = (half(entry)?, half(entry.saturating_add(2))?);
        let image = Span::new(first.saturating_mul(BLOCK), blocks.saturating_mul(BLOCK));
        if index > 0 && blocks == 0 {
            continue;
        }
        if first < 4 || blocks == 0 {
            return Err(Rejected("an image"));
        }
        if spread {
            found.length = found.length.max(image.end().next_multiple_of(USED).saturating_mul(2));
            let image = span_in_flash(image);
            found.undone(format!("image-{index}"), image, undo(gathered));
            if how == 1 {
                let hash = bytes.get(entry.saturating_add(24), 32)?.to_vec();
                found.check("the SHA-256 of an image", entry.saturating_add(24), image.length, move |bytes| {
                    Ok(Sha256::digest(gather(bytes.part(image)?.0)).as_slice() == hash)
                });
            }
            continue;
        }
        found.length = found.length.max(image.end());
        found.part(format!("image-{index}"), image);
        if how == 1 {
            found.sha256("the SHA-256 of an image", entry.saturating_add(24), image);
        }
    }
    Ok(found)
}

/// The key that is the same in all chips and tools.
const KEY: [u8; 16] = [124, 78, 3, 4, 85, 5, 9, 7, 45, 44, 123, 56, 23, 13, 23, 17];

/// RC4 with that key.
fn rc4(bytes: &[u8]) -> Vec<u8> {
    let mut state: [u8; 256] = std::array::from_fn(|index| u8::try_from(index).unwrap_or(0));
    let at = |state: &[u8; 256], index: u8| state.get(usize::from(index)).copied().unwrap_or(0);
    let mut other = 0_u8;
    for (index, key) in (0..=255_u8).zip(KEY.iter().cycle()) {
        other = other.wrapping_add(at(&state, index)).wrapping_add(*key);
        state.swap(usize::from(index), usize::from(other));
    }
    let (mut one, mut other) = (0_u8, 0_u8);
    let mut next = |byte: &u8| {
        one = one.wrapping_add(1);
        other = other.wrapping_add(at(&state, one));
        state.swap(usize::from(one), usize::from(other));
        byte ^ at(&state, at(&state, one).wrapping_add(at(&state, other)))
    };
    bytes.iter().map(&mut next).collect()
}

fn rc4_whole(bytes: &[u8], output: &mut Output<'_>) -> Result<(), Fault> {
    Ok(output.push(&rc4(bytes))?)
}

fn rc4_pieces(bytes: &[u8], output: &mut Output<'_>) -> Result<(), Fault> {
    bytes.chunks(512).try_for_each(|piece| Ok(output.push(&rc4(piece))?))
}

#[cfg(test)]
mod tests;
