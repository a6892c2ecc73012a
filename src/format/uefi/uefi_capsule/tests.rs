//! Capsules of each layout.

use super::*;
use crate::format::testing::{carve, survives_damage, unpack, unpack_at};
use crate::problem::Code;

fn capsule(magic: usize, words: [u32; 3], rest: &[u8]) -> Vec<u8> {
    [SPEC.magics[magic].bytes, &words.map(u32::to_le_bytes).concat(), rest].concat()
}

#[test]
fn magics_are_the_guids() {
    for (magic, (guid, _)) in SPEC.magics.iter().zip(LAYOUTS) {
        assert_eq!(Guid::at(Bytes(magic.bytes), 0), Ok(guid));
    }
}

#[test]
fn the_image_comes_out() {
    let image = capsule(0, [0x1c, 0, 0x1c + 8], b"firmware");
    let flash = [&[0xff; 9], &image[..], b"next"].concat();
    assert_eq!(carve(&Capsule, &flash, 9), Some(image.len() as u64));
    assert_eq!(unpack_at(&Capsule, &flash, 9).file("image"), b"firmware");
    let toshiba = capsule(6, [0x1c, 0x1c + 8, 0], b"firmware");
    assert_eq!(unpack(&Capsule, &toshiba).file("image"), b"firmware");
    let cut = unpack(&Capsule, &image[..image.len() - 3]);
    assert_eq!((cut.file("image"), cut.problems[0].0), (&b"firmw"[..], Code::Truncated));
}

#[test]
fn aptio_puts_a_certificate_before_it() {
    let image = capsule(4, [0x20, 0, 0x20 + 4 + 8], b"\x24\0\0\0certfirmware");
    let unpacked = unpack(&Capsule, &image);
    assert_eq!(unpacked.by_name().into_iter().collect::<Vec<_>>(), [("certificate", &b"cert"[..]), ("image", b"firmware")]);
}

#[test]
fn items_have_signatures() {
    let certificate = [&[1, 0, 0, 0, 0, 0, 0, 0][..], &[28, 0, 0, 0, 0, 2, 0xf1, 0xe], &{
        let mut guid = [0x4a, 0xaf, 0xd2, 0x9d, 0x68, 0xdf, 0x49, 0xee, 0x8a, 0xa9, 0x34, 0x7d, 0x37, 0x56, 0x65, 0xa7];
        guid[..4].reverse();
        guid[4..6].reverse();
        guid[6..8].reverse();
        guid
    }]
    .concat();
    let payload = [&certificate[..], b"sign", b"firmware"].concat();
    let mut item = vec![1, 0, 0, 0];
    item.extend([7; 16]);
    item.extend([1, 0, 0, 0]);
    item.extend((payload.len() as u32).to_le_bytes());
    item.extend(4_u32.to_le_bytes());
    item.extend(&payload);
    item.extend(b"code");
    let rest = [&[1, 0, 0, 0, 1, 0, 1, 0][..], &24_u64.to_le_bytes(), &30_u64.to_le_bytes(), b"driver", &item].concat();
    let image = capsule(7, [0x1c, 0, 0x1c + rest.len() as u32], &rest);
    let unpacked = unpack(&Capsule, &image);
    let names = [
        "driver-0",
        "image 07070707-0707-0707-0707-070707070707/signature",
        "image 07070707-0707-0707-0707-070707070707/payload",
        "image 07070707-0707-0707-0707-070707070707/vendor-code",
    ];
    assert_eq!(unpacked.names(), names);
    let bytes: Vec<_> = unpacked.files.iter().map(|(_, bytes)| &bytes[..]).collect();
    assert_eq!(bytes, [&b"driver"[..], b"sign", b"firmware", b"code"]);
    assert_eq!(unpacked.problems, []);
    survives_damage(&Capsule, &image);
}

#[test]
fn what_a_payload_depends_on_and_its_header_are_apart() {
    let image = include_bytes!("../../../../fixtures/uefi-capsule/two.cap");
    let story = include_bytes!("../../../../fixtures/content/tree/story.txt");
    let unpacked = unpack(&Capsule, image);
    let names = ["1/dependencies", "1/payload-header", "1/payload", "2/payload-header", "2/payload"];
    let names = names.map(|name| format!("image 7E57F1E5-0000-4000-8000-00000000070{name}"));
    assert_eq!(unpacked.names(), names);
    assert_eq!((unpacked.file(&names[2]), unpacked.file(&names[4])), (&story[..500], &story[..300]));
    assert_eq!(unpacked.problems, []);
    survives_damage(&Capsule, image);
}

#[test]
fn the_picture_that_is_shown_comes_out() {
    let image = capsule(8, [0x1c, 0, 0x1c + 0x14 + 7], &[&[1; 0x14], &b"picture"[..]].concat());
    assert_eq!(unpack(&Capsule, &image).file("picture"), b"picture");
}

#[test]
fn a_list_of_guids_is_no_capsule() {
    assert_eq!(carve(&Capsule, &SPEC.magics.iter().flat_map(|magic| magic.bytes.to_vec()).collect::<Vec<_>>(), 0), None);
}
