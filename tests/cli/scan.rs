//! `scan`: inputs of all kinds, formats, exit codes.

use std::os::unix::fs::symlink;
use std::process::Stdio;

use super::*;

#[test]
fn a_file_gives_json_in_a_pipe() {
    let folder = folder();
    let path = file(&folder, "image.bin", b"some text, and nothing more\n");
    let report = run(&["scan", &path]).ends(0).json();
    assert_eq!(report["schema"], "touchmark-report/1");
    assert_eq!(report["input"]["path"], path);
    assert_eq!(report["input"]["size"], 28);
    assert_eq!(report["outcome"], "complete");
}

#[test]
fn a_folder_is_one_file_system() {
    let folder = folder();
    file(&folder, "root/bin/sh", b"#!/bin/sh\necho of the shell\n");
    file(&folder, "root/etc/passwd", b"root:x:0:0::/:/bin/sh\n");
    symlink("sh", folder.path().join("root/bin/ash")).unwrap();
    let root = text(&folder.path().join("root"));
    let report = run(&["scan", &root]).ends(0).json();
    let names: Vec<_> = report["artifacts"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["", "bin/sh", "etc/passwd"]);
    assert_eq!(report["artifacts"][0]["format"], "folder");
    let entries = report["artifacts"][0]["entries"].to_string();
    assert!(entries.contains(r#""kind":"symlink","mode":41471,"path":"bin/ash","target":"sh""#), "{entries}");
}

#[test]
fn a_dash_is_standard_input() {
    let report = run_with(&["scan", "-"], b"\x01\x02piped bytes of an image\0\x03").ends(0).json();
    assert_eq!((&report["input"]["path"], &report["input"]["size"]), (&"-".into(), &27.into()));
    run_with(&["scan", "-"], b"").ends(2).complains(&["-: there is nothing in it"]);
}

#[test]
fn formats_are_what_they_say() {
    let folder = folder();
    let path = file(&folder, "image.bin", b"some text, and nothing more\n");
    let pretty = run(&["scan", &path, "--format", "json"]).ends(0);
    let line = run(&["scan", &path, "--format", "ndjson"]).ends(0);
    assert_eq!(pretty.json(), line.json());
    assert_eq!(line.out.matches('\n').count(), 1);
    assert!(pretty.out.ends_with("}\n") && pretty.out.lines().count() > 20);
    let page = run(&["scan", &path, "--format", "text"]).ends(0);
    assert!(page.out.contains("no supplier could be named") && page.out.contains("28 B"), "{}", page.out);
    harmless(&page.out);
    run(&["scan", &path, "--format", "xml"]).ends(2).complains(&["xml", "json, ndjson, text"]);
}

#[test]
fn colour_only_when_asked_for() {
    let folder = folder();
    let path = file(&folder, "image.bin", b"some text, and nothing more\n");
    let always = run(&["scan", &path, "--format", "text", "--color", "always"]).ends(0);
    assert!(always.out.contains("\x1b[1m"), "{}", always.out);
    for color in ["auto", "never"] {
        harmless(&run(&["scan", &path, "--format", "text", "--color", color]).ends(0).out);
    }
    let mut command = command(&["scan", &path, "--format", "text"]);
    harmless(&finish(command.env("NO_COLOR", "1").spawn().unwrap()).ends(0).out);
}

#[test]
fn a_policy_that_matches_ends_with_1() {
    let folder = folder();
    let db = own_database(&folder);
    let (marked, plain) = (file(&folder, "marked.bin", OWN_MARK), file(&folder, "plain.txt", b"of nobody in particular\n"));
    let report = run(&["scan", &marked, "--db", &db, "--policy", "acme-list"]).ends(1).json();
    assert_eq!(report["policies"][0]["verdict"], "match");
    assert_eq!(report["policies"][0]["matches"][0]["supplier"], "acme-works");
    assert_eq!(report["policies"][0]["matches"][0]["listed"], "acme-group");
    let page = run(&["scan", &marked, "--db", &db, "--policy", "acme-list", "--format", "text"]).ends(1);
    assert!(page.out.contains("MATCH  acme-list") && page.out.contains("acme-works, belongs to acme-group"), "{}", page.out);
    run(&["scan", &plain, "--db", &db, "--policy", "acme-list"]).ends(0);
    let without = run(&["scan", &marked, "--db", &db]).ends(0).json();
    assert_eq!(without["suppliers"][0]["lists"][0], "acme-list");
}

#[test]
fn strict_ends_with_3_unless_a_policy_matched() {
    let folder = folder();
    let db = own_database(&folder);
    // A gzip stream that breaks off behind its header, and far enough in to be one.
    let broken = truncated_gzip();
    let path = file(&folder, "broken.gz", &broken);
    let report = run(&["scan", &path]).ends(0).json();
    assert_eq!(report["outcome"], "partial", "{report}");
    run(&["scan", &path, "--strict"]).ends(3);
    run(&["scan", &path, "--strict", "--db", &db, "--policy", "acme-list"]).ends(3);
    let both = file(&folder, "both.bin", &[OWN_MARK, broken.as_slice()].concat());
    run(&["scan", &both, "--strict", "--db", &db, "--policy", "acme-list"]).ends(1);
    let whole = file(&folder, "whole.txt", b"all of this was read\n");
    run(&["scan", &whole, "--strict"]).ends(0);
}

fn truncated_gzip() -> Vec<u8> {
    let text: String = (0..20_000).map(|number| format!("line {number} of a file\n")).collect();
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(text.as_bytes()).unwrap();
    let mut packed = packer.finish().unwrap();
    packed.truncate(packed.len() / 2);
    packed
}

#[test]
fn what_cannot_be_scanned_ends_with_2() {
    let folder = folder();
    let empty = file(&folder, "empty.bin", b"");
    run(&["scan", &empty]).ends(2).complains(&["empty.bin: there is nothing in it"]);
    let missing = text(&folder.path().join("missing"));
    run(&["scan", &missing]).ends(2).complains(&[&missing, "No such file"]);
    // A path below a file stands in for a folder without rights: tests may run as one who has all rights.
    run(&["scan", &format!("{empty}/below")]).ends(2).complains(&["empty.bin/below", "Not a directory"]);
    run(&["scan"]).ends(2).complains(&["<PATH>"]);
    run(&["scan", &empty, "--no-such-option"]).ends(2).complains(&["--no-such-option"]);
    run(&["scan", &empty, "--jobs", "many"]).ends(2).complains(&["many"]);
    run(&["no-such-command"]).ends(2).complains(&["no-such-command"]);
}

#[test]
fn links_that_lead_nowhere_are_refused() {
    let folder = folder();
    symlink("loop", folder.path().join("loop")).unwrap();
    symlink("gone", folder.path().join("broken")).unwrap();
    run(&["scan", &text(&folder.path().join("loop"))]).ends(2).complains(&["loop", "symbolic links"]);
    run(&["scan", &text(&folder.path().join("broken"))]).ends(2).complains(&["broken", "No such file"]);
}

fn fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().expect("mkfifo is needed for this test (Debian: coreutils)").success());
}

#[test]
fn a_pipe_or_device_is_not_waited_for() {
    let folder = folder();
    let path = folder.path().join("fifo");
    fifo(&path);
    run(&["scan", &text(&path)]).ends(2).complains(&["a named pipe, not a file", "touchmark scan -"]);
    run(&["scan", "/dev/zero"]).ends(2).complains(&["a device, not a file"]);
    let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("socket")).unwrap();
    run(&["scan", &text(&folder.path().join("socket"))]).ends(2).complains(&["a socket, not a file"]);
}

#[test]
fn a_folder_with_everything_odd_in_it() {
    let folder = folder();
    let root = folder.path().join("root");
    fs::create_dir(&root).unwrap();
    fifo(&root.join("fifo"));
    symlink(".", root.join("self")).unwrap();
    symlink("/", root.join("host")).unwrap();
    symlink("gone", root.join("broken")).unwrap();
    for name in hostile_names() {
        fs::write(root.join(&name), b"the same text in all of them\n").unwrap();
    }
    let root = text(&root);
    let report = run(&["scan", &root]).ends(0).json();
    assert_eq!(report["artifacts"].as_array().unwrap().len(), 1 + hostile_names().len());
    let kinds: Vec<_> = report["artifacts"][0]["entries"].as_array().unwrap().iter().map(|one| one["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["symlink", "fifo", "symlink", "symlink"]);
    assert!(report.to_string().contains(r"not \\xff\\xfe utf-8"));
    let page = run(&["scan", &root, "--format", "text", "--verbose"]).ends(0);
    harmless(&page.out);
    harmless(&page.err);
}

#[test]
fn a_hostile_name_is_quoted_harmlessly_in_messages() {
    for name in hostile_names().iter().filter_map(|name| name.to_str()) {
        let ran = run(&["scan", "--", name]).ends(2);
        harmless(&ran.err);
        harmless(&run(&["scan", "--policy", name, "Cargo.toml"]).ends(2).err);
    }
}

#[test]
fn an_empty_folder_holds_nothing() {
    let folder = folder();
    run(&["scan", &text(folder.path())]).ends(2).complains(&["there is nothing in it"]);
}

#[test]
fn a_reader_that_goes_away_is_no_mistake() {
    let folder = folder();
    for number in 0..300 {
        file(&folder, &format!("root/{number}"), format!("file number {number} of many\n").as_bytes());
    }
    let mut child = command(&["scan", &text(&folder.path().join("root"))]).stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut err = child.stderr.take().unwrap();
    assert_eq!(wait(&mut child).code(), Some(0));
    let mut text = String::new();
    err.read_to_string(&mut text).unwrap();
    assert_eq!(text, "");
}

#[test]
fn an_unknown_policy_names_the_known_ones() {
    let folder = folder();
    let path = file(&folder, "image.bin", b"some text\n");
    run(&["scan", &path, "--policy", "us-nada-889"]).ends(2).complains(&["us-nada-889", "us-ndaa-889", "us-fcc-covered-list"]);
}

#[test]
fn one_job_or_two_give_the_same_bytes() {
    let folder = folder();
    let mut root = tar_of(40);
    root.extend(truncated_gzip());
    let path = file(&folder, "image.bin", &root);
    let one = run(&["scan", &path, "--jobs", "1", "--facts"]).ends(0);
    let two = run(&["scan", &path, "--jobs", "2", "--facts"]).ends(0);
    assert!(one.out == two.out, "the reports differ");
    assert!(one.json()["artifacts"].as_array().unwrap().len() > 40);
    let few = run(&["scan", &path, "--jobs", "2", "--max-artifacts", "20"]).ends(0);
    assert!(few.out == run(&["scan", &path, "--jobs", "1", "--max-artifacts", "20"]).ends(0).out);
    assert!(few.out.contains(r#""code": "limit""#), "{}", few.out);
}

/// A tar archive (v7) of `count` small files.
fn tar_of(count: usize) -> Vec<u8> {
    let mut archive = Vec::new();
    for number in 0..count {
        let content = format!("file number {number} of {count}, which says nothing else\n");
        let mut header = [0_u8; 512];
        let mut put = |at: usize, text: &str| header[at..at + text.len()].copy_from_slice(text.as_bytes());
        put(0, &format!("folder/file-{number}"));
        put(100, "0000644\0");
        put(108, "0000000\0");
        put(116, "0000000\0");
        put(124, &format!("{:011o}\0", content.len()));
        put(136, "00000000000\0");
        put(148, "        ");
        put(156, "0");
        put(257, "ustar\x0000");
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        archive.extend(header);
        archive.extend(content.as_bytes());
        archive.resize(archive.len().next_multiple_of(512), 0);
    }
    archive.resize(archive.len() + 1024, 0);
    archive
}

#[test]
fn a_time_limit_that_strikes_is_reported() {
    let folder = folder();
    let path = file(&folder, "image.tar", &tar_of(4000));
    let report = run(&["scan", &path, "--time-limit", "0"]).ends(0).json();
    assert_eq!(report["outcome"], "partial");
    assert!(report["problems"].to_string().contains("the time limit struck"));
    run(&["scan", &path, "--time-limit", "0", "--strict"]).ends(3);
}
