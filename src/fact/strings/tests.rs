//! Which runs of bytes are strings, and which are not.

use super::*;
use crate::fact::testing::{Said, analyze, noise};
use crate::format::testing::tool;

fn strings(bytes: &[u8]) -> Said {
    analyze(&Strings, bytes, None)
}

/// Value, start and length of every string.
fn spans(said: &Said) -> Vec<(&str, u64, u64)> {
    said.facts.iter().filter(|fact| fact.0.starts_with("string")).map(|fact| (fact.1.as_str(), fact.2.start, fact.2.length)).collect()
}

fn wide(text: &str, little: bool) -> Vec<u8> {
    text.encode_utf16().flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() }).collect()
}

/// The plain definition, one byte at a time.
fn by_hand(bytes: &[u8]) -> Vec<(u64, u64)> {
    let mut runs = Vec::new();
    let mut start = 0;
    for (index, byte) in bytes.iter().chain(&[0]).enumerate() {
        if !is_printable(*byte) {
            if index - start >= LEAST {
                runs.push((start as u64, (index - start) as u64));
            }
            start = index + 1;
        }
    }
    runs
}

fn agrees_with_definition(bytes: &[u8]) {
    let said = strings(bytes);
    let found: Vec<_> = spans(&said).into_iter().filter(|(value, _, length)| value.len() as u64 == *length).collect();
    assert_eq!(found.iter().map(|(_, start, length)| (*start, *length)).collect::<Vec<_>>(), by_hand(bytes));
    assert!(said.facts.is_sorted_by_key(|fact| fact.2.start), "in order of offset");
}

#[test]
fn runs_are_maximal_wherever_they_lie() {
    agrees_with_definition(&noise(100_000));
    let dense: Vec<u8> = noise(100_000).into_iter().map(|byte| if byte < 40 { byte } else { b'0' + byte % 64 }).collect();
    agrees_with_definition(&dense);
    for start in 0..140 {
        for length in 3..6 {
            agrees_with_definition(&[vec![0xff; start], vec![b'x'; length], vec![0x80; start % 3]].concat());
        }
    }
    for length in [63, 64, 65, 126, 127, 128, 129, 191, 192, 193, 1000, 4096] {
        for start in [0, 1, 63, 64, 65] {
            agrees_with_definition(&[vec![0; start], vec![b'~'; length], b"\n abc\x7f".to_vec()].concat());
        }
    }
}

#[test]
fn every_byte_is_classed_as_the_definition_says() {
    for byte in 0..=255 {
        let classes = Classes::of(&[byte; 64]);
        assert_eq!(classes.printable, if is_printable(byte) { u64::MAX } else { 0 }, "{byte:#x}");
        assert_eq!(classes.zero, if byte == 0 { u64::MAX } else { 0 }, "{byte:#x}");
    }
}

#[test]
fn the_tool_of_that_name_finds_the_same() {
    if crate::testing::lacking(&["strings"]) {
        return;
    }
    let program = "/bin/sh";
    let listing = tool(std::process::Command::new("strings").args(["-a", "-t", "d", program]));
    let listing = String::from_utf8(listing).unwrap();
    let expected: Vec<(u64, &str)> = listing
        .lines()
        .map(|line| line.trim_start().split_once(' ').unwrap())
        .map(|(offset, text)| (offset.parse().unwrap(), text))
        .collect();
    let said = strings(&std::fs::read(program).unwrap());
    let found: Vec<_> = spans(&said).into_iter().filter(|(text, _, length)| text.len() as u64 == *length).collect();
    assert_eq!(found.into_iter().map(|(text, start, _)| (start, text)).collect::<Vec<_>>(), expected);
}

#[test]
fn long_runs_come_in_pieces_that_overlap() {
    let text: Vec<u8> = (0..20_000).map(|index| b'a' + (index / 7 % 26) as u8).collect();
    let said = strings(&text);
    let mut end = OVERLAP as u64;
    for (value, start, length) in spans(&said) {
        assert_eq!(value.as_bytes(), &text[start as usize..][..length as usize]);
        assert_eq!(start, end - OVERLAP as u64);
        assert!(length <= PIECE as u64);
        end = start + length;
    }
    assert_eq!(end, 20_000);
}

#[test]
fn utf_16_is_read_in_both_orders_at_any_offset() {
    for little in [true, false] {
        for before in [&b"\xff"[..], b"\xff\xfe", b"\0", b"\0\0", b"\0\0\0", b"", b"\x01\x02\x03\x04\x05"] {
            for after in [&b"\xff"[..], b"\0\0\0", b"\0\0", b""] {
                for pad in [0, 50, 61] {
                    let text = wide("Wide string, v1", little);
                    let bytes = [&vec![0xee; pad], before, &text, after].concat();
                    let said = strings(&bytes);
                    // Cut off at once, the last character lacks the zero that makes it one.
                    assert_eq!(said.values("string"), ["Wide string, v1"], "{little} {before:x?} {after:x?} {pad}");
                    let (value, start, length) = spans(&said)[0];
                    assert_eq!(length, 2 * value.len() as u64);
                    assert!(start.abs_diff((pad + before.len()) as u64) <= 1);
                }
            }
        }
    }
}

#[test]
fn alignment_decides_where_both_orders_fit() {
    let said = strings(&[&[0; 4], wide("aligned", true).as_slice(), &[0; 4]].concat());
    assert_eq!(spans(&said), [("aligned", 4, 14)]);
    let said = strings(&[&[0; 4], wide("aligned", false).as_slice(), &[0; 4]].concat());
    assert_eq!(spans(&said), [("aligned", 4, 14)]);
}

#[test]
fn plain_and_wide_strings_side_by_side_stay_apart() {
    let said = strings(&[b"Plain\0".as_slice(), &wide("Company", true), b"\xff"].concat());
    assert_eq!(said.values("string"), ["Plain", "Company"]);
    let said = strings(&[b"\xff".as_slice(), &wide("Company", false), b"\0Plain\0"].concat());
    assert_eq!(said.values("string"), ["Company", "Plain"]);
}

#[test]
fn tables_of_small_numbers_are_no_text() {
    let table: Vec<u8> = (0..500_u16).flat_map(|number| u32::from(number).to_le_bytes()).collect();
    assert!(strings(&table).facts.is_empty());
    assert!(strings(&wide("five5", true)).facts.is_empty());
    assert!(strings(&[]).facts.is_empty());
}

#[test]
fn long_wide_runs_come_in_pieces_too() {
    let text = "0123456789abcdef".repeat(600);
    let said = strings(&wide(&text, true));
    let spans = spans(&said);
    assert_eq!(spans.len(), 3);
    assert_eq!((spans[1].1, spans[1].2), (2 * (PIECE - OVERLAP) as u64, 2 * PIECE as u64));
    assert!(text.ends_with(spans[2].0));
}

/// What `key` says, and what its bytes are in the end.
fn texts(bytes: &[u8], key: &str) -> Vec<String> {
    let said = strings(bytes);
    assert!(said.facts.is_sorted_by_key(|fact| fact.2.start), "in order of offset");
    said.facts.into_iter().filter(|fact| fact.0 == key).map(|fact| fact.1).collect()
}

const TEXTS: [&str; 5] =
    ["华为技术有限公司", "版本 1.2.3 软件升级失败", "ファームウェアの更新", "сетевой адрес", "Größe der Datei ungültig"];

#[test]
fn texts_in_utf_8_are_found_where_they_stand() {
    for text in TEXTS {
        for pad in [1, 40, 61, 62, 63] {
            let bytes = [vec![0; pad], text.as_bytes().to_vec(), b"\0\x01\x02".to_vec()].concat();
            assert_eq!(texts(&bytes, "string.utf-8"), [text], "{pad}");
            let span = strings(&bytes).facts.iter().find(|fact| fact.0 == "string.utf-8").unwrap().2;
            assert_eq!(&bytes[span.start as usize..span.end() as usize], text.as_bytes());
        }
        assert_eq!(texts(text.as_bytes(), "string.utf-8"), [text], "alone");
    }
    let lines = "第一行 文字\n第二行 文字\r\n".repeat(50);
    assert_eq!(texts(lines.as_bytes(), "string.utf-8").len(), 100);
}

#[test]
fn texts_in_gb_18030_are_found_and_decoded() {
    for text in &TEXTS[..2] {
        let (encoded, _, failed) = encoding_rs::GB18030.encode(text);
        assert!(!failed);
        for pad in [1, 40, 61, 62, 63] {
            let bytes = [vec![0; pad], encoded.to_vec(), b"\0\x01\x02".to_vec()].concat();
            assert_eq!(texts(&bytes, "string.gb18030"), [*text], "{pad}");
        }
    }
}

#[test]
fn ideographs_in_utf_16_are_found_in_both_orders() {
    for (little, key) in [(true, "string.utf-16le"), (false, "string.utf-16be")] {
        for text in &TEXTS[..2] {
            for before in [&b"\x14"[..], b"\0\0", b"\x01\x02\x03"] {
                let bytes = [&[0xee; 50], before, &wide(text, little), b"\0\0\0\0\x01"].concat();
                let found = texts(&bytes, key);
                assert!(found.iter().any(|found| found.ends_with(text)), "{text} {little} {before:x?}: {found:?}");
                // A character before it, and no more, can be read along with it.
                assert!(found.iter().all(|found| found.chars().count() <= text.chars().count() + 1), "{found:?}");
            }
        }
    }
}

#[test]
fn noise_and_code_hold_no_texts() {
    let beyond = |bytes: &[u8]| texts(bytes, "string.gb18030").len() + texts(bytes, "string.utf-8").len();
    let noise = noise(4 << 20);
    assert_eq!(beyond(&noise), 0, "{:?}", texts(&noise, "string.gb18030"));
    let program = std::fs::read("/proc/self/exe").unwrap();
    let code = &program[..program.len().min(8 << 20)];
    for key in ["string.gb18030", "string.utf-16be", "string.utf-16le"] {
        let found: Vec<_> = texts(code, key).into_iter().filter(|text| !text.is_ascii()).collect();
        assert!(found.len() <= 8, "{key}: {found:?}");
    }
}

#[test]
fn time_is_linear_in_what_might_be_text() {
    strings(&"é".repeat(1 << 20).into_bytes());
    strings(&[0xb0, 0xa1].repeat(1 << 20));
    strings(&b"a\0\0\x4e\x01\x4e\0\0".repeat(1 << 18));
    strings(&b"\x01\x4e".repeat(1 << 20));
    strings(&b"\xe4\xb8\xad\xe4\xb8\xad\xff".repeat(1 << 18));
}

#[test]
fn versions_are_runs_that_are_nothing_else() {
    for version in [
        "8.2",
        "1.2.11",
        "v4.14.67-g0123abc",
        "2022.83",
        "20100715",
        "1.1.1w",
        "3.0.8+dfsg~rc1",
        "123",
        "8.39 2016-06-14",
        "1.0.8, 13-Jul-2019",
    ] {
        let said = strings(format!("\0{version}\0").as_bytes());
        assert_eq!(said.values("version"), [version]);
        assert_eq!(said.values("string").len(), usize::from(version.len() >= 4));
    }
    for other in
        ["1.", "v1", "x1.2", "1.2 inch", "1.2 (3", "12ab", "1.exe", "version 1.2", "1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16", "/1.2"]
    {
        assert!(strings(format!("\0{other}\0").as_bytes()).values("version").is_empty(), "{other}");
    }
    assert_eq!(strings(&wide("6.1.7600", true)).values("version"), ["6.1.7600"]);
    assert_eq!(strings(b"\x90\xff5.10\0").values("version"), ["5.10"]);
    assert_eq!(strings(b"text\n1.2.3\nmore").values("version"), ["1.2.3"]);
}

#[test]
fn time_is_linear_in_what_is_wide() {
    // All of it one UTF-16 run, and then none but its beginnings.
    assert_eq!(strings(&[b'a', 0].repeat(1 << 20)).values("string").len(), (1 << 20) / (PIECE - OVERLAP) + 1);
    strings(&b"a\0a\0a\0a\0a\0a\0\x01".repeat(1 << 17));
}
