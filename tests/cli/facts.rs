//! `facts`: what the bytes say, with its place.

use super::*;

const BANNER: &str = "U-Boot 2021.07 (Jul 05 2021 - 00:00:00 +0000)";

fn image(folder: &TempDir) -> String {
    file(folder, "loader.bin", format!("\x01\x02\x7f\0{BANNER}\0\x01\x02").as_bytes())
}

#[test]
fn facts_come_with_their_places() {
    let folder = folder();
    let path = image(&folder);
    let said = run(&["facts", &path]).ends(0).json();
    let banner = said.as_array().unwrap().iter().find(|line| line["key"] == "u-boot.banner").unwrap();
    assert_eq!((&banner["value"], &banner["offset"], &banner["length"]), (&BANNER.into(), &4.into(), &BANNER.len().into()));
    assert_eq!(banner["location"], "image");
    assert!(!said.to_string().contains(r#""key":"string""#), "strings only if asked for: {said}");
}

#[test]
fn keys_choose_and_bring_strings_in() {
    let folder = folder();
    let path = image(&folder);
    let lines = run(&["facts", &path, "--key", "string", "--format", "ndjson"]).ends(0).out;
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(!lines.is_empty() && lines.iter().all(|line| line["key"] == "string"), "{lines:?}");
    let text = run(&["facts", &path, "--all", "--format", "text"]).ends(0).out;
    assert!(text.contains("u-boot.banner") && text.contains("string "), "{text}");
    assert!(run(&["facts", "--keys"]).ends(0).out.contains("elf.soname "));
    run(&["facts"]).ends(2).complains(&["PATH"]);
}
