//! The whole flash of an ESP32: boot loader, table of partitions, partitions.

use super::table;
use crate::blob::{Bytes, Span};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

static SPEC: Spec = Spec {
    id: "esp-flash",
    name: "flash of an Espressif chip",
    kind: Kind::Partition,
    magics: &[TABLE.at(0x8000), TABLE.at(0x9000), TABLE.at(0x1_0000)],
    leaf: false,
    references: &["https://docs.espressif.com/projects/esp-idf/en/stable/esp32/api-guides/partition-tables.html"],
    limitations: &["only where the table stands at one of the usual places: 0x8000, 0x9000 and 0x10000"],
};

const TABLE: Magic = Magic::start(&[0xaa, 0x50]);

/// Flash of an Espressif chip.
pub(in crate::format) static FLASH: Header = Header { spec: &SPEC, read };

fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    for magic in SPEC.magics {
        let Ok((mut partitions, length)) = table::partitions(Bytes(bytes.tail(magic.offset))) else { continue };
        let place = Span::new(magic.offset, length);
        partitions.sort_by_key(|partition| partition.span);
        let begin = bytes.u8(0)? == 0xe9 || bytes.up_to(0, 0x1000).iter().all(|byte| matches!(byte, 0 | 0xff));
        let after = partitions.first().is_some_and(|first| first.span.start >= place.end());
        let apart = partitions.windows(2).all(|pair| matches!(pair, [one, next] if one.span.end() <= next.span.start));
        if !begin || !after || !apart {
            return Err(Rejected("no boot loader, or partitions that overlap"));
        }
        let end = partitions.last().map_or(0, |last| last.span.end());
        let mut image = Image::of(end);
        image.part("bootloader", Span::new(0, place.start));
        image.part("partition-table", place);
        for partition in partitions.into_iter().filter(|partition| partition.span.start < bytes.len()) {
            // Flash is often read, or merged, only as far as something stands in it.
            let there = bytes.len().saturating_sub(partition.span.start).min(partition.span.length);
            image.part(partition.name, Span::new(partition.span.start, there));
        }
        return Ok(image);
    }
    Err(Rejected("no table of partitions"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack};

    #[test]
    fn partitions_come_out() {
        let flash = include_bytes!("../../../../fixtures/esp-flash/flash.bin");
        let unpacked = unpack(&FLASH, flash);
        assert_eq!(unpacked.names(), ["bootloader", "partition-table", "nvs", "factory"]);
        assert_eq!(unpacked.file("factory"), include_bytes!("../../../../fixtures/esp-image/esp32.bin"));
        assert_eq!(unpacked.problems, []);
        survives_damage(&FLASH, flash);
        let mut text = flash.to_vec();
        text[0] = b'a';
        assert_eq!(carve(&FLASH, &text, 0), None);
    }
}
