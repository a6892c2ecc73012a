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
