//! What Rockchip's tools, and U-Boot's for its chips, write.

use super::*;
use crate::format::header::testing::{damaged, opens};
use crate::problem::Code;

const STORY: &[u8] = include_bytes!("../../../../../fixtures/content/tree/story.txt");

#[test]
fn update_images_come_apart() {
    let image = include_bytes!("../../../../../fixtures/rkaf/update.img");
    let unpacked = opens(&RKAF, image, &["package-file", "Image/kernel.img", "Image/rootfs.img"]);
    assert_eq!(unpacked.fact("header.product").unwrap(), "EX100");
    assert_eq!(unpacked.fact("header.vendor").unwrap(), "Example Router Works");
    assert_eq!(damaged(&RKAF, image, 2200), [Code::Checksum]);
    let unpacked = opens(&RKFW, include_bytes!("../../../../../fixtures/rkfw/firmware.img"), &["loader", "update"]);
    assert_eq!(unpacked.file("update"), image);
    assert_eq!(damaged(&RKFW, include_bytes!("../../../../../fixtures/rkfw/firmware.img"), 110), [Code::Checksum]);
    let image = include_bytes!("../../../../../fixtures/rockchip-crc/kernel.img");
    opens(&CRC, image, &["kernel"]);
    assert_eq!(damaged(&CRC, image, 200), [Code::Checksum]);
}

#[test]
fn loaders_are_decoded() {
    let loader = include_bytes!("../../../../../fixtures/rockchip-loader/loader.bin");
    let unpacked = opens(&LOADER, loader, &["471/ddr", "472/usbplug", "flash/FlashData"]);
    assert!(unpacked.file("471/ddr").starts_with(b"\x7fELF"));
    assert!(unpacked.file("flash/FlashData").starts_with(STORY));
}

#[test]
fn boot_rom_images_are_decoded() {
    let coded = include_bytes!("../../../../../fixtures/rockchip-idblock/rk3288.bin");
    let unpacked = opens(&IDBLOCK, coded, &["init"]);
    let code = unpacked.file("init");
    assert!(code.windows(64).any(|window| window == &STORY[100..164]));
    let plain = include_bytes!("../../../../../fixtures/rockchip-idblock/rk3568.bin");
    let unpacked = opens(&IDBLOCK, plain, &["image-0"]);
    assert!(unpacked.file("image-0").windows(64).any(|window| window == &STORY[100..164]));
}

#[test]
fn images_for_serial_flash_are_gathered() {
    for (spread, part) in [
        (include_bytes!("../../../../../fixtures/rockchip-idblock/rk3288-spi.bin").as_slice(), "init"),
        (include_bytes!("../../../../../fixtures/rockchip-idblock/rk3188-spi.bin"), "init"),
        (include_bytes!("../../../../../fixtures/rockchip-idblock/rk3568-spi.bin"), "image-0"),
    ] {
        let unpacked = opens(&IDBLOCK, spread, &[part]);
        let code = unpacked.file(part);
        assert!(code.get(4..STORY.len()).unwrap() == &STORY[4..], "all of the text but for the name of the chip in its place");
        assert_eq!(unpacked.problems, []);
    }
}
