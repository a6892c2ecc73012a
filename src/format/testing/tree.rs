//! A folder with a bit of everything, for the tools that make images of folders.

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::Unpacked;
use crate::format::EntryKind;

/// Text, code-like and incompressible bytes, nothing, holes, folders, links and odd names. All of it below 700 kB.
pub(crate) fn plant(root: &Path) {
    let file = |path: &str, bytes: &[u8]| {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    };
    file("etc/motd", b"welcome\n");
    file("etc/empty", b"");
    file("bin/busybox", &code(300_000));
    file("bin/noise", &noise(150_000));
    file("lib/modules/5.10/wl.ko", &code(5_000));
    file("lib/odd name, with comma & umlaut \u{e4}", b"odd");
    file("lib/a-name-that-is-rather-long-because-some-headers-count-its-bytes-in-few-bits", b"long");
    file("var/holes", &[code(70_000), vec![0; 300_000], code(1_000)].concat());
    file("www/index.html", "<p>hello</p>\n".repeat(300).as_bytes());
    for index in 0..40 {
        file(&format!("www/pages/{index:03}.txt"), format!("page {index}\n").repeat(index * 7).as_bytes());
    }
    std::fs::create_dir(root.join("proc")).unwrap();
    symlink("busybox", root.join("bin/sh")).unwrap();
    symlink("../../nowhere", root.join("etc/gone")).unwrap();
}

/// Every file below `root`.
pub(crate) fn files(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let kind = std::fs::symlink_metadata(&path).unwrap().file_type();
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() {
                found.insert(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned(), std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// Asserts that `unpacked` holds the files below `root`, each with its bytes, no others and none twice; hard links count as files.
pub(crate) fn assert_same(unpacked: &Unpacked, root: &Path) {
    let mut found: BTreeMap<String, Vec<u8>> = unpacked.files.iter().cloned().collect();
    assert_eq!(found.len(), unpacked.files.len(), "a file is there twice");
    for entry in &unpacked.entries {
        if let EntryKind::HardLink(target) = &entry.kind {
            found.insert(entry.path.clone(), unpacked.file(target).to_vec());
        }
    }
    let expected = files(root);
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (path, bytes) in &expected {
        assert!(found[path] == *bytes, "{path}: {} bytes, not {}, or others", found[path].len(), bytes.len());
    }
}

/// What `unpacked` says is at `path` beside files.
pub(crate) fn kind(unpacked: &Unpacked, path: &str) -> Option<EntryKind> {
    unpacked.entries.iter().find(|entry| entry.path == path).map(|entry| entry.kind.clone())
}

/// Bytes that compress about as well as programs do.
pub(crate) fn code(length: usize) -> Vec<u8> {
    let noise = noise(length);
    noise.iter().enumerate().map(|(at, byte)| if at % 4 < 2 { byte & 0x1f } else { 0x24 }).collect()
}

/// Bytes that do not compress.
pub(crate) fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x1234_5678_9abc_def1_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..length).map(|_| next()).collect()
}
