//! Amlogic: the boot loader as the ROM of its 64-bit chips reads it, signed, with the later stages behind it.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image, Over, cipher, sums};
use crate::format::{Kind, Magic, Spec};
use crate::limits::Exceeded;
use crate::problem::{Fault, Rejected};

static SPEC: Spec = Spec {
    id: "amlogic-boot",
    name: "Amlogic boot loader",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"@AML").at(16)],
    leaf: false,
    references: &["https://github.com/repk/gxlimg", "https://docs.u-boot.org/en/latest/board/amlogic/pre-generated-fip.html"],
    limitations: &[
        "loaders that are encrypted for the chips of one product begin with noise and are not recognized",
        "signatures by RSA are not verified, checksums are",
    ],
};

/// BL2 and what it loads.
pub(in crate::format) static BOOT: Header = Header { spec: &SPEC, read };

/// Offsets of the first header count from its magic, which stands behind 16 random bytes.
const NONCE: u64 = 16;
const HEADER: u64 = 0x40;
/// Bytes of the table of the later stages, and of each entry.
const TABLE: u64 = 0x4000;
const ENTRY: u64 = 40;
const MOST_ENTRIES: u64 = 16;

/// UUIDs as they are stored.
const NAMES: [(u128, &str); 6] = [
    (0x5ff9_ec0b_4d22_3e4d_a544_c39d_81c7_3f0a, "bl2"),
    (0x9766_fd3d_89be_e849_ae5d_78a1_4060_8213, "bl30"),
    (0xddcc_bbaa_cdab_efef_abcd_1234_5678_abcd, "bl301"),
    (0x47d4_086d_4cfe_9846_9b95_2950_cbbd_5a00, "bl31"),
    (0x05d0_e189_53dc_1347_8d2b_500a_4b7a_3e38, "bl32"),
    (0xd6d0_eea7_fcea_d54b_9782_9934_f234_b6e4, "bl33"),
];

/// The header, behind 16 random bytes; all numbers little endian, offsets from the magic on:
///
/// ```text
///  0 magic "@AML"   4 size of all but the random bytes   8 size of this u8, 0x40   a 1 u8   b 1 u8
/// 10 kind of signature, 0 SHA-256   14 its offset   18 its size   1c where that which it covers begins, behind this header
/// 20 kind of key   24 its offset   28 its size   2c size of what is covered   34 offset of the code   38 its size
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let word = |at: u64| bytes.u32(at.saturating_add(NONCE), Endian::Little).map(u64::from);
    let place = |at: u64, size: u64| Ok::<_, Rejected>(Span::new(word(at)?.saturating_add(NONCE), word(size)?));
    let length = word(4)?.saturating_add(NONCE);
    let [size, _, one, other] = bytes.array(NONCE.saturating_add(8))?;
    if (size, one, other) != (0x40, 1, 1) || !(0x1000..=1 << 20).contains(&length) {
        return Err(Rejected("size of the header or of all"));
    }
    let (signature, covered, code) = (place(0x14, 0x18)?, place(0x1c, 0x2c)?, place(0x34, 0x38)?);
    let behind = NONCE.saturating_add(HEADER);
    let inside = |span: &Span| span.start >= behind && span.end() <= length && span.length > 0;
    if signature.start != behind || ![signature, covered, code].iter().all(inside) {
        return Err(Rejected("signature or code"));
    }
    // On a medium with a partition table, the first sector is there twice: once with the table in it.
    if bytes.has(512_u64.saturating_add(NONCE), bytes.get(NONCE, HEADER)?) {
        return Err(Rejected("the copy of a first sector"));
    }
    let mut image = Image::of(length);
    if word(0x10)? == 0 {
        let over = vec![Over::Span(Span::new(NONCE, HEADER)), Over::Span(covered)];
        image.sum("BL2", behind, bytes.get(behind, 32)?, sums::sha256, over);
    }
    image.part("bl2", code);
    stages(bytes, length, &mut image)?;
    Ok(image)
}

/// The later stages: a Firmware Image Package whose table is encrypted (GXL, with the key beside it) or is not (G12).
fn stages(bytes: Bytes<'_>, base: u64, image: &mut Image) -> Result<(), Rejected> {
    let all = Bytes(bytes.tail(base));
    if let Some(table) = Sealed::read(all) {
        let plain = table.plain(Bytes(all.up_to(0, TABLE)));
        if is_table(Bytes(&plain)) {
            table.verify("the table of stages", base, image);
            return entries(bytes, Bytes(&plain), base, image);
        }
        image.faulty("fip", Span::new(base, TABLE), Fault::Encrypted("encrypted, boot stages for an Amlogic chip".into()));
        image.length = base.saturating_add(TABLE);
    } else if let Ok(table) = all.get(16, TABLE.saturating_sub(16)).map(Bytes)
        && is_table(table)
    {
        let hash = base.saturating_add(TABLE).saturating_sub(32);
        let stored = bytes.array::<32>(hash)?;
        // What tools compute it over differs by its last 16 bytes, which are empty.
        image.check("the checksum of the table of stages", hash, TABLE.saturating_mul(2), move |bytes| {
            let fits = |end: u64| Ok(sums::sha256(&[bytes.part(Span::between(base.saturating_add(16), end))?.0]) == stored);
            Ok(fits(hash)? || fits(hash.saturating_sub(16))?)
        });
        entries(bytes, table, base, image)?;
        return memory(bytes, base, image);
    }
    Ok(())
}

/// Magic and serial number.
fn is_table(table: Bytes<'_>) -> bool {
    table.has(0, &[0x01, 0, 0x64, 0xaa, 0x78, 0x56, 0x34, 0x12])
}

/// An entry: UUID\[16\], offset from the table on u64, size u64, flags u64. Those of size 0 and those of notes inside the table are no stages.
fn entries(bytes: Bytes<'_>, table: Bytes<'_>, base: u64, image: &mut Image) -> Result<(), Rejected> {
    image.length = base.saturating_add(TABLE);
    for index in 0..MOST_ENTRIES {
        let at = index.saturating_mul(ENTRY).saturating_add(16);
        let uuid = u128::from_be_bytes(table.array(at)?);
        let number = |field: u64| table.u64(at.saturating_add(field), Endian::Little);
        let (offset, size) = (number(16)?, number(24)?);
        let name = NAMES.iter().find(|(known, _)| *known == uuid).map_or_else(|| format!("{uuid:032x}"), |(_, name)| (*name).to_owned());
        if matches!(uuid, 0 | u128::MAX) || offset < TABLE || size == 0 {
            continue;
        }
        let stage = Span::new(base.saturating_add(offset), size);
        if stage.end() > 1 << 28 {
            return Err(Rejected("a stage is not inside"));
        }
        image.length = image.length.max(stage.end());
        let inside = Bytes(bytes.up_to(stage.start, stage.length));
        if let Some(sealed) = Sealed::read(inside) {
            sealed.verify(&name, stage.start, image);
            image.undone(name, stage, Box::new(move |there, output| Ok(sealed.decrypt(there, &mut |plain| output.push(plain))?)));
        } else {
            signed(inside, &name, stage, image);
        }
    }
    Ok(())
}

/// Where in the table of G12 that of the firmware for memory stands, and how much is in one.
const MEMORY: u64 = 0x1790;
const MOST_MEMORY: u64 = 32;

/// Firmware for memory: "@DFM", number u32, flags u64; then for each magic\[8\], offset from the table of stages on u32, size u32, version u32, kind
/// \[4\], more\[8\], SHA-256\[32\].
fn memory(bytes: Bytes<'_>, base: u64, image: &mut Image) -> Result<(), Rejected> {
    let start = base.saturating_add(MEMORY);
    let count = if bytes.has(start, b"@DFM") { u64::from(bytes.u32(start.saturating_add(4), Endian::Little)?) } else { 0 };
    for index in 0..count.min(MOST_MEMORY) {
        let at = index.saturating_mul(64).saturating_add(start).saturating_add(16);
        let word = |field: u64| bytes.u32(at.saturating_add(field), Endian::Little).map(u64::from);
        let code = Span::new(base.saturating_add(word(8)?), word(12)?);
        if code.start < base.saturating_add(TABLE) || code.end() > 1 << 28 {
            return Err(Rejected("firmware for memory is not inside"));
        }
        image.length = image.length.max(code.end());
        let kind = bytes.get(at.saturating_add(20), 4)?;
        let is_name = kind.iter().all(u8::is_ascii_alphanumeric);
        let name = if is_name { format!("memory-{}", String::from_utf8_lossy(kind)) } else { format!("memory-{index}") };
        let hash = at.saturating_add(32);
        image.sha256("the SHA-256 of firmware for memory", hash, code);
        image.part(name, code);
    }
    Ok(())
}

/// A stage of G12, behind 16 bytes of nothing: "@AML", 1, 0, 0, size of the code u64, size of all before it u64, SHA-256 of it\[32\]; then the
/// SHA-256 of this.
fn signed(inside: Bytes<'_>, name: &str, stage: Span, image: &mut Image) {
    let number = |at: u64| inside.u64(at, Endian::Little).unwrap_or(0);
    let code = Span::new(stage.start.saturating_add(number(40)), number(32));
    let is_header = inside.has(16, b"@AML\x01\0\0\0") && code.start >= stage.start.saturating_add(96) && code.end() <= stage.end();
    if let (true, Ok(hash)) = (is_header, inside.get(48, 32)) {
        let at = stage.start.saturating_add(48);
        image.check(format!("the SHA-256 of {name}"), at, code.length, {
            let hash = hash.to_vec();
            move |bytes| Ok(sums::sha256(&[bytes.part(code)?.0]) == hash)
        });
        image.part(name, code);
    } else {
        image.part(name, stage);
    }
}

/// A block that says itself how it is encrypted, with AES-256 in CBC mode; all numbers little endian:
///
/// ```text
///  2 step u16   4 whether it is u16   c "AMLC"   10 where the first step stands, behind all others   18 size of what is encrypted
/// 20 SHA-256 of that[32]   40 key[32]   60 vector[16]   fc "AMLC"   then from the end of the first step on: all others
/// ```
struct Sealed {
    first: Span,
    rest: Span,
    hash: [u8; 32],
    key: [u8; 32],
    vector: [u8; 16],
}

impl Sealed {
    fn read(bytes: Bytes<'_>) -> Option<Self> {
        let word = |at| bytes.u32(at, Endian::Little).ok().map(u64::from);
        let (step, first, size) = (u64::from(bytes.u16(2, Endian::Little).ok()?), word(16)?, word(24)?);
        let is_one = bytes.has(12, b"AMLC") && bytes.has(252, b"AMLC") && bytes.has(4, &[1, 0]);
        let is_sound = step >= 256 && step.is_multiple_of(16) && first >= step && size >= step && size.is_multiple_of(16) && size <= first;
        let (first, rest) = (Span::new(first, step), Span::new(step, size.saturating_sub(step)));
        let array = |at| bytes.array(at).ok();
        (is_one && is_sound).then_some(Self { first, rest, hash: array(32)?, key: array(64)?, vector: bytes.array(96).ok()? })
    }

    fn decrypt(&self, bytes: Bytes<'_>, hand_on: &mut dyn FnMut(&[u8]) -> Result<(), Exceeded>) -> Result<(), Exceeded> {
        let first = bytes.up_to(self.first.start, self.first.length);
        cipher::aes_cbc(&self.key, &self.vector, first, hand_on)?;
        let vector = first.last_chunk::<16>().copied().unwrap_or_default();
        cipher::aes_cbc(&self.key, &vector, bytes.up_to(self.rest.start, self.rest.length), hand_on)
    }

    /// Nothing if there is more than a table would be.
    fn plain(&self, bytes: Bytes<'_>) -> Vec<u8> {
        let mut plain = Vec::new();
        let _ = self.decrypt(bytes, &mut |part| {
            plain.extend_from_slice(part);
            Ok(())
        });
        plain
    }

    fn verify(&self, name: &str, start: u64, image: &mut Image) {
        let at = |span: Span| Span::new(span.start.saturating_add(start), span.length);
        let (first, rest, hash) = (at(self.first), at(self.rest), self.hash);
        let covered = first.length.saturating_add(rest.length);
        image.check(format!("the SHA-256 of {name}"), start.saturating_add(32), covered, move |bytes| {
            Ok(sums::sha256(&[bytes.part(first)?.0, bytes.part(rest)?.0]) == hash)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::header::testing::{damaged, opens};
    use crate::format::testing::{carve, unpack};
    use crate::problem::Code;

    const GXL: &[u8] = include_bytes!("../../../../fixtures/amlogic-boot/gxl.bin");
    const G12A: &[u8] = include_bytes!("../../../../fixtures/amlogic-boot/g12a.bin");

    #[test]
    fn stages_come_out() {
        for (image, names) in [(GXL, ["bl2", "bl30", "bl301", "bl33"].as_slice()), (G12A, &["bl2", "bl30", "bl33", "memory-d444"])] {
            let unpacked = opens(&BOOT, image, names);
            assert!(unpacked.file("bl33").starts_with(b"\x7fELF"), "decrypted, and without its header");
            assert!(unpacked.file("bl30").starts_with(b"<!doctype html>"));
            let base = usize::try_from(BOOT_SIZE).unwrap();
            for at in [0x1100, base + 0x300, base + 0x4000 + 0x300] {
                assert_eq!(damaged(&BOOT, image, at), [Code::Checksum], "{at:#x}");
            }
        }
    }

    const BOOT_SIZE: u64 = 0x1800;

    #[test]
    fn a_table_that_nobody_can_read_is_said_to_be() {
        let mut image = GXL.to_vec();
        image[0x1800 + 64..0x1800 + 96].fill(7);
        assert_eq!(unpack(&BOOT, &image).problems[0].0, Code::Encrypted);
    }

    #[test]
    fn a_medium_has_the_first_sector_twice() {
        let medium = [&GXL[..442], &[0; 68], &[0x55, 0xaa], GXL].concat();
        assert_eq!(carve(&BOOT, &medium, 0), None);
        assert_eq!(carve(&BOOT, &medium, 512), Some(GXL.len() as u64));
    }
}
