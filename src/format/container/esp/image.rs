//! Images of programs for ESP8266 and ESP32.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

static SPEC: Spec = Spec {
    id: "esp-image",
    name: "Espressif application image",
    kind: Kind::Container,
    // The write-protect pin that is not used, and drive strengths that were left alone; images for ESP8266 have no such field.
    magics: &[Magic::anywhere(&[0xee, 0, 0, 0]).at(8), Magic::start(&[0xe9]), Magic::start(&[0xea, 4])],
    leaf: false,
    references: &[
        "https://docs.espressif.com/projects/esptool/en/latest/esp32/advanced-topics/firmware-image-format.html",
        "https://docs.espressif.com/projects/esp-idf/en/stable/esp32/api-reference/system/app_image_format.html",
    ],
    limitations: &[
        "the signature of secure boot behind an image is not part of it",
        "an image for ESP8266 is only recognized where it is a whole file or partition",
    ],
};

/// Espressif application image.
pub(in crate::format) static IMAGE: Header = Header { spec: &SPEC, read };

/// Values of `chip_id`: ESP32, S2, C3, S3, C2, C6, H2, P4, C61, C5, H21, H4, S31.
const CHIPS: [u16; 13] = [0, 2, 5, 9, 12, 13, 16, 18, 20, 23, 25, 28, 32];

/// More segments than the ROM loads.
const MOST_SEGMENTS: u8 = 16;

/// The header; all numbers little endian:
///
/// ```text
///  0 magic 0xe9   1 number of segments   2 flash mode   3 flash size and speed   4 entry point
///  8 write-protect pin   9 drive strengths[3]   c chip   e least revision   f least and most revision u16   13 reserved[4]   17 hash appended
/// ```
///
/// ESP8266 has the first 8 bytes alone. Its second version begins with another header, 0xea and 4 segments, and one segment that is mapped,
/// before the one that counts. Segments are: address, size, bytes. Zeros follow so that the checksum, all bytes of segments XORed to 0xef, is
/// the last of 16; and if the header says so a SHA-256 of everything.
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let word = |at| bytes.u32(at, Endian::Little);
    if bytes.has(0, &[0xea, 4]) {
        let mapped = Span::new(16, word(12)?.into());
        if word(8)? != 0 || mapped.length == 0 || !mapped.length.is_multiple_of(4) || mapped.length > 16 << 20 {
            return Err(Rejected("the segment that is mapped"));
        }
        let mut image = segments(bytes, mapped.end(), 8)?;
        image.part("segment-irom", mapped);
        return Ok(image);
    }
    let chip = bytes.u16(12, Endian::Little)?;
    if bytes.has(8, &[0xee, 0, 0, 0]) && CHIPS.contains(&chip) && bytes.array(19)? == [0; 4] && bytes.u8(23)? <= 1 {
        return segments(bytes, 0, 24);
    }
    segments(bytes, 0, 8)
}

fn segments(bytes: Bytes<'_>, start: u64, header: u64) -> Result<Image, Rejected> {
    let count = bytes.u8(start.saturating_add(1))?;
    let (mode, entry) = (bytes.u8(start.saturating_add(2))?, bytes.u32(start.saturating_add(4), Endian::Little)?);
    if bytes.u8(start)? != 0xe9 || !(1..=MOST_SEGMENTS).contains(&count) || mode > 5 || entry < 0x1000_0000 {
        return Err(Rejected("magic, number of segments, flash mode or entry point"));
    }
    let mut image = Image::default();
    let mut data = Vec::new();
    let mut at = start.saturating_add(header);
    for _ in 0..count {
        let (address, size) = (bytes.u32(at, Endian::Little)?, bytes.u32(at.saturating_add(4), Endian::Little)?);
        let segment = Span::new(at.saturating_add(8), size.into());
        if size % 4 != 0 || size > 16 << 20 || (address < 0x1000_0000 && address != 0) {
            return Err(Rejected("address or size of a segment"));
        }
        image.part(format!("segment-{address:#010x}"), segment);
        data.push(segment);
        at = segment.end();
    }
    let sum = at.saturating_add(1).next_multiple_of(16).saturating_sub(1);
    image.length = sum.saturating_add(1);
    if header == 8 && !checksum_fits(bytes, &data, sum)? {
        return Err(Rejected("the checksum"));
    }
    image.check("the checksum of the segments", sum, 0, move |bytes| checksum_fits(bytes, &data, sum));
    if header == 24 && bytes.u8(23)? == 1 {
        image.sha256("the SHA-256 of the image", image.length, Span::new(0, image.length));
        image.length = image.length.saturating_add(32);
    }
    describe(bytes, start.saturating_add(header).saturating_add(8), &mut image);
    Ok(image)
}

fn checksum_fits(bytes: Bytes<'_>, data: &[Span], at: u64) -> Result<bool, crate::blob::OutOfBounds> {
    let mut sum = 0xef;
    for segment in data {
        sum = bytes.part(*segment)?.0.iter().fold(sum, |sum, byte| sum ^ byte);
    }
    Ok(bytes.u8(at)? == sum)
}

/// What the first segment of an application begins with (`esp_app_desc_t`) says who built what, when and with what:
///
/// ```text
///  0 magic 0xabcd5432   4 secure version   8 reserved   10 version[32]   30 project[32]   50 time[16]   60 date[16]   70 version of ESP-IDF[32]
/// ```
///
/// That of a boot loader (`esp_bootloader_desc_t`): magic 80, 3 bytes, version, 8 version of ESP-IDF\[32\], 28 date and time\[24\].
fn describe(bytes: Bytes<'_>, at: u64, image: &mut Image) {
    let mut say = |key, field: u64, length| _ = image.fact(key, at.saturating_add(field), length);
    if bytes.has(at, &[0x32, 0x54, 0xcd, 0xab]) {
        say("header.version", 16, 32);
        say("header.product", 48, 32);
        say("header.date", 96, 16);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::header::testing::{damaged, opens};
    use crate::format::testing::{carve, unpack};
    use crate::problem::Code;

    #[test]
    fn segments_come_out() {
        let image = include_bytes!("../../../../fixtures/esp-image/esp32.bin");
        let unpacked = opens(&IMAGE, image, &["segment-0x3f400020", "segment-0x40080000"]);
        assert_eq!(unpacked.fact("header.product").unwrap(), "example-app");
        assert_eq!(unpacked.fact("header.version").unwrap(), "1.2.3");
        assert_eq!(unpacked.fact("header.date").unwrap(), "Jul  5 2021");
        assert_eq!(damaged(&IMAGE, image, 600), [Code::Checksum, Code::Checksum]);
    }

    #[test]
    fn the_older_chip_has_shorter_headers() {
        let image = include_bytes!("../../../../fixtures/esp-image/esp8266.bin");
        let unpacked = unpack(&IMAGE, image);
        assert_eq!(unpacked.names(), ["segment-0x40100000", "segment-0x3ffe8000"]);
        assert_eq!(unpacked.problems, []);
        let mut broken = image.to_vec();
        broken[40] ^= 1;
        assert_eq!(carve(&IMAGE, &broken, 0), None, "nothing else in it is sure enough");
    }
}
