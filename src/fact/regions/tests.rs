//! What regions are said of bytes of which it is known.

use super::*;
use crate::fact::testing::{analyze, noise, survives_damage};

fn regions(bytes: &[u8]) -> Vec<(&'static str, String, Span)> {
    analyze(&Regions, bytes, None).facts.into_iter().filter(|fact| fact.0.starts_with("region.")).collect()
}

#[test]
fn what_is_no_code_is_told_by_its_bytes() {
    let text = b"A line of text that says something.\n".repeat(1000);
    let image = [vec![0xff; 8192], noise(32 << 10), text[..8192].to_vec(), vec![0; 4096]].concat();
    let found = regions(&image);
    let expect =
        [("region.padding", 0, 8192), ("region.random", 8192, 32768), ("region.text", 40960, 8192), ("region.padding", 49152, 4096)];
    let places: Vec<_> = found.iter().map(|(key, _, span)| (*key, span.start, span.length)).collect();
    assert_eq!(places, expect);
    let values: Vec<_> = found.iter().map(|fact| fact.1.as_str()).collect();
    assert_eq!([values[0], values[2], values[3]], ["ff", "ascii", "00"]);
    assert!(values[1] > "7.99", "{values:?}");
}

#[test]
fn every_artifact_has_an_entropy_and_raw_ones_a_profile() {
    let image = [vec![0; 4096], noise(4096), vec![1; 10]].concat();
    let said = analyze(&Regions, &image, None);
    assert_eq!(said.values("bytes.profile"), ["0v0"]);
    assert_eq!(said.values("bytes.entropy").len(), 1);
    assert_eq!(analyze(&Regions, b"\x7fELF\0\0\0\x01", Some("elf")).facts.len(), 1);
    assert!(analyze(&Regions, b"", None).facts.is_empty());
}

#[test]
fn damage_is_survived() {
    survives_damage(&Regions, &[noise(5000), vec![0; 5000], (0..=255).cycle().take(9000).collect()].concat(), None);
}
