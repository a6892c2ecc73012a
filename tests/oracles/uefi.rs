//! Firmware of virtual machines, as EDK II builds it and as part of an Intel flash: all that UEFIExtract and ifdtool take out of it comes out
//! here too, byte for byte, and nothing else calls itself a file or a volume.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use touchmark::report::Report;

use super::bench::{inspected, lacking, sha256, text};

/// The flash of a whole machine, by its Debian package.
const OVMF: &str = "/usr/share/ovmf/OVMF.fd";
const SECURE: &str = "/usr/share/OVMF/OVMF_CODE_4M.secboot.fd";
const ARM: &str = "/usr/share/qemu-efi-aarch64/QEMU_EFI.fd";

fn run(folder: &Path, tool: &str, arguments: &[&str]) {
    let path = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default());
    let output = Command::new(tool).args(arguments).current_dir(folder).env("PATH", path).output().unwrap();
    assert!(output.status.success(), "{tool} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Folders that describe an item of UEFIExtract's tree.
fn items(folder: &Path, found: &mut Vec<PathBuf>) {
    if folder.join("info.txt").exists() {
        found.push(folder.to_owned());
    }
    let inside = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    inside.filter(|path| path.is_dir()).for_each(|path| items(&path, found));
}

/// What an item is, and its bytes without and with the header; nothing for what only holds other items or is padding.
fn wanted(item: &Path) -> Option<(&'static str, String)> {
    let info = String::from_utf8_lossy(&fs::read(item.join("info.txt")).unwrap()).into_owned();
    let line = |name: &str| info.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().to_owned();
    let part = |name: &str| fs::read(item.join(name)).unwrap_or_default();
    let (head, body) = (part("header.bin"), part("body.bin"));
    let padding = body.iter().all(|byte| matches!(byte, 0 | 0xff));
    match (line("Type: ").as_str(), line("Subtype: ").as_str()) {
        ("File", "Pad") => None,
        ("File", _) => Some(("uefi-file", sha256(&[head, body, part("tail.bin")].concat()))),
        ("Volume", _) => Some(("uefi-volume", sha256(&[head, body].concat()))),
        ("Section", "PE32 image" | "TE image") => Some(("program", sha256(&body))),
        ("Section", "Raw") if !padding => Some(("raw", sha256(&body))),
        _ => None,
    }
}

/// Compares what UEFIExtract and we make of `image`.
fn compare(image: &[u8], files: usize) -> Report {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("image"), image).unwrap();
    run(folder.path(), "UEFIExtract", &["image", "all"]);
    let report = inspected(image);
    let mut ours: BTreeMap<&str, usize> = BTreeMap::new();
    report.artifacts.iter().for_each(|artifact| *ours.entry(&artifact.sha256).or_default() += 1);
    let (mut found, mut counts) = (Vec::new(), BTreeMap::<&str, usize>::new());
    items(&folder.path().join("image.dump"), &mut found);
    for item in found {
        let Some((kind, sum)) = wanted(&item) else { continue };
        *counts.entry(kind).or_default() += 1;
        let left = ours.get_mut(sum.as_str()).filter(|left| **left > 0);
        *left.unwrap_or_else(|| panic!("{} is missing: {}", kind, item.display())) -= 1;
    }
    for kind in ["uefi-file", "uefi-volume"] {
        let count = report.artifacts.iter().filter(|artifact| artifact.format == Some(kind)).count();
        assert_eq!(Some(&count), counts.get(kind), "{kind}");
    }
    assert!(counts["uefi-file"] >= files && report.problems.is_empty(), "{counts:?} {:?}", report.problems);
    report
}

/// Whether an image is not on this machine. In CI it has to be.
fn absent(image: &str) -> bool {
    let absent = !Path::new(image).exists();
    assert!(!absent || std::env::var_os("CI").is_none(), "{image} is in the Debian packages ovmf and qemu-efi-aarch64");
    absent
}

#[test]
fn virtual_machines() {
    if lacking(&["UEFIExtract"]) {
        return;
    }
    for (image, files) in [(SECURE, 140), (ARM, 107)] {
        if !absent(image) {
            compare(&fs::read(image).unwrap(), files);
        }
    }
}

/// A descriptor of 4 KiB: GbE from page 1, ME from page 3, BIOS in the upper half of 4 MiB.
fn flash() -> Vec<u8> {
    let mut flash = vec![0xff; 4 << 20];
    let words = [
        (0x10, 0x0ff0_a55a_u32),
        (0x14, 0x0004_0003),
        (0x18, 0x1210_0206),
        (0x30, 0x0000_0003),
        (0x40, 0),
        (0x44, 0x03ff_0200),
        (0x48, 0x01ff_0003),
        (0x4c, 0x0002_0001),
        (0x50, 0x0000_7fff),
    ];
    words.iter().for_each(|(at, word)| flash[*at..*at + 4].copy_from_slice(&word.to_le_bytes()));
    (0..0x2000).for_each(|at| flash[0x1000 + at] = u8::try_from(at * 7 % 251).unwrap());
    flash
}

#[test]
fn intel_flash() {
    if lacking(&["UEFIExtract", "ifdtool"]) || absent(OVMF) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let flash_path = folder.path().join("flash");
    fs::write(&flash_path, flash()).unwrap();
    run(folder.path(), "ifdtool", &["-i", &format!("BIOS:{OVMF}"), text(&flash_path)]);
    run(folder.path(), "ifdtool", &["-x", text(&folder.path().join("flash.new"))]);
    let report = compare(&fs::read(folder.path().join("flash.new")).unwrap(), 131);
    for (region, name) in [("1_bios", "bios"), ("2_intel_me", "me"), ("3_gbe", "gbe")] {
        let sum = sha256(&fs::read(folder.path().join(format!("flashregion_{region}.bin"))).unwrap());
        assert!(report.artifacts.iter().any(|one| one.sha256 == sum && one.name == name), "{name}");
    }
}
