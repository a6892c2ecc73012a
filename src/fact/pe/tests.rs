//! Version resources made by hand, and programs of mingw.

use super::*;

const KEY: &[u8] = b"V\0S\0_\0V\0E\0R\0S\0I\0O\0N\0_\0I\0N\0F\0O\0\0\0";
use crate::fact::testing::{Said, analyze, survives_damage};

fn said(bytes: &[u8]) -> Said {
    analyze(&Pe, bytes, Some("pe"))
}

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}

/// A block whose children are already written.
fn block(key: &str, value: &[u8], is_text: bool, children: &[Vec<u8>]) -> Vec<u8> {
    let pad = |bytes: &mut Vec<u8>| bytes.resize(bytes.len().next_multiple_of(4), 0);
    let mut bytes = vec![0; 6];
    bytes.extend(wide(key));
    pad(&mut bytes);
    bytes.extend(value);
    for child in children {
        pad(&mut bytes);
        bytes.extend(child);
    }
    let length = if is_text { value.len() / 2 } else { value.len() } as u16;
    let header = [bytes.len() as u16, length, is_text.into()];
    bytes[..6].copy_from_slice(&header.map(u16::to_le_bytes).concat());
    bytes
}

fn resource(strings: &[(&str, &str)]) -> Vec<u8> {
    let strings: Vec<_> = strings.iter().map(|(key, value)| block(key, &wide(value), true, &[])).collect();
    let tables = [block("040904b0", &[], true, &strings), block("080404b0", &[], true, &strings)];
    let translation = block("Translation", &[9, 4, 0xb0, 4], false, &[]);
    let infos = [block("StringFileInfo", &[], true, &tables), block("VarFileInfo", &[], true, &[translation])];
    let mut fixed = vec![0; 52];
    fixed[..4].copy_from_slice(&0xfeef_04bd_u32.to_le_bytes());
    block("VS_VERSION_INFO", &fixed, false, &infos)
}

#[test]
fn the_resource_says_company_product_and_version() {
    let strings = [
        ("CompanyName", "Größe & Co."),
        ("FileDescription", "A driver"),
        ("FileVersion", "1.0"),
        ("ProductName", "Thing"),
        ("ProductVersion", "2.3.4 beta"),
    ];
    for before in [0, 2, 77] {
        let bytes = [vec![0xff; before], resource(&strings), vec![0xff; 9]].concat();
        let said = said(&bytes);
        let found: Vec<_> = said.facts.iter().map(|fact| (fact.0, fact.1.as_str())).collect();
        let expect = [
            ("pe.fixed-file-version", "0.0.0.0"),
            ("pe.fixed-product-version", "0.0.0.0"),
            ("pe.company", "Größe & Co."),
            ("pe.description", "A driver"),
            ("pe.file-version", "1.0"),
            ("pe.product", "Thing"),
            ("pe.version", "2.3.4 beta"),
        ];
        assert_eq!(found, expect);
        for (_, value, span) in said.facts.iter().filter(|fact| !fact.0.contains("fixed")) {
            assert_eq!([&bytes[span.start as usize..span.end() as usize], &[0, 0]].concat(), wide(value));
        }
    }
}

#[test]
fn the_version_of_the_file_stands_in_for_the_products() {
    assert_eq!(said(&resource(&[("FileVersion", "1.0"), ("ProductName", " ")])).values("pe.version"), ["1.0"]);
}

#[test]
fn only_programs_have_one() {
    assert!(analyze(&Pe, &resource(&[("FileVersion", "1.0")]), None).facts.is_empty());
    assert!(said(b"MZ").facts.is_empty());
    assert!(said(KEY).facts.is_empty());
}

#[test]
fn damage_does_no_harm() {
    survives_damage(&Pe, &resource(&[("CompanyName", "A"), ("ProductVersion", "2")]).repeat(3), Some("pe"));
    said(&[b"\xff\xff\0\0\0\0", KEY].concat().repeat(20_000));
}

/// Bytes with these parts at these places.
fn laid_out(parts: &[(usize, &[u8])]) -> Vec<u8> {
    let mut bytes = vec![0; parts.iter().map(|(at, part)| at + part.len()).max().unwrap() + 8];
    for (at, part) in parts {
        bytes[*at..at + part.len()].copy_from_slice(part);
    }
    bytes
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// A library that imports two functions by name and two by number, exports one, and knows where its debug information is.
pub(in crate::fact) fn library() -> Vec<u8> {
    let content = laid_out(&[
        (0, &words(&[0x1080, 0, 0, 0x1100, 0x10a0, 0x1090, 0, 0, 0x1110, 0, 0, 0, 0, 0, 0])),
        (0x80, &words(&[0x1120, 0x1130, 0, 0, 0x8000_0001, 0x8000_ea60, 0])),
        (0x100, b"KERNEL32.dll"),
        (0x110, b"WS2_32.dll"),
        (0x120, b"\0\0ExitProcess"),
        (0x130, b"\0\0CreateFileW"),
        (0x140, &words(&[0, 0, 0, 0x1180, 1, 1, 1, 0, 0x1170, 0])),
        (0x170, &words(&[0x1190])),
        (0x180, b"touch.dll"),
        (0x190, b"exported_function"),
        (0x1b0, &words(&[0, 0, 0, 2, 40, 0, 0x5d0])),
        (0x1d0, b"RSDS\x78\x56\x34\x12\xbc\x9a\xf0\xde\x01\x02\x03\x04\x05\x06\x07\x08\x03\0\0\0C:\\b\\touch.pdb"),
    ]);
    crate::fact::testing::pe(&rich_stub(), &[(0, 0x1140, 40), (1, 0x1000, 60), (6, 0x11b0, 28)], &content)
}

/// The sum over the DOS header and the list.
const RICH_KEY: u32 = 0x578cb151;

/// A Rich header behind the DOS header whose sum is written down here and not computed by what is tested.
fn rich_stub() -> Vec<u8> {
    let key = RICH_KEY;
    let list = [0x536e_6144, 0, 0, 0, 261 << 16 | 30795, 12, 1 << 16, 3].map(|word: u32| word ^ key);
    [words(&list), b"Rich".to_vec(), words(&[key])].concat()
}

#[test]
fn tables_say_what_comes_and_goes() {
    let bytes = library();
    let said = said(&bytes);
    assert_eq!(said.values("pe.machine"), ["x86"]);
    assert_eq!(said.values("pe.type"), ["library"]);
    assert_eq!(said.values("pe.class"), ["32"]);
    assert_eq!(said.values("pe.linker"), ["14.29"]);
    assert_eq!(said.values("pe.subsystem"), ["Windows console"]);
    assert_eq!(said.values("pe.section"), [".all"]);
    assert_eq!(said.values("pe.needed"), ["KERNEL32.dll", "WS2_32.dll"]);
    let imports = ["WS2_32.dll!#1", "WS2_32.dll!#60000", "KERNEL32.dll!ExitProcess", "KERNEL32.dll!CreateFileW"];
    assert_eq!(said.values("pe.import"), imports);
    assert_eq!((said.values("pe.export-name"), said.values("pe.export")), (vec!["touch.dll"], vec!["exported_function"]));
    assert_eq!(said.values("pe.pdb"), ["C:\\b\\touch.pdb"]);
    assert_eq!(said.values("pe.pdb-id"), ["12345678-9abc-def0-0102-030405060708 3"]);
    assert_eq!(said.values("pe.rich"), ["product 261 build 30795 uses 12", "product 1 build 0 uses 3"]);
    assert_eq!(said.values("pe.rich-checksum"), ["valid"]);
    survives_damage(&Pe, &bytes, Some("pe"));
}

#[test]
fn a_terse_image_says_its_machine() {
    let said = analyze(&Pe, include_bytes!("../../../fixtures/te/example.te"), Some("te"));
    assert_eq!(said.values("pe.machine"), ["x86-64"]);
    assert_eq!(said.values("pe.subsystem").len(), 1);
    assert!(said.values("pe.section").contains(&".text"), "{said:?}");
}
