//! Packages that rpmbuild writes, and damaged ones.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::*;
use crate::blob::to_u64;
use crate::format::testing::{carve, survives_damage, tool, tree, unpack, unpack_at};
use crate::problem::Code;

fn package(root: &Path, work: &Path, payload: &str) -> Vec<u8> {
    let lines = format!(
        "Name: gateway\nVersion: 1.2\nRelease: 3\nSummary: A test\nLicense: MIT\nVendor: Example Works\nBuildArch: noarch\nAutoReqProv: no\n\
         %description\nA test.\n%install\nmkdir -p %{{buildroot}}/opt\ncp -a {}/. %{{buildroot}}/opt/\n\
         %post\necho installed\n%files\n/opt\n",
        root.display()
    );
    fs::write(work.join("gateway.spec"), lines).unwrap();
    let defines = [
        format!("_topdir {}/build", work.display()),
        format!("_binary_payload {payload}"),
        "__os_install_post %{nil}".to_owned(),
        format!("_rpmfilename {}.rpm", payload.replace('.', "-")),
    ];
    let defines = defines.iter().flat_map(|define| ["--define", define.as_str()]);
    tool(Command::new("rpmbuild").args(["-bb", "--quiet"]).args(defines).arg(work.join("gateway.spec")));
    fs::read(work.join(format!("build/RPMS/{}.rpm", payload.replace('.', "-")))).unwrap()
}

#[test]
fn every_payload() {
    if crate::testing::lacking(&["rpmbuild"]) {
        return;
    }
    let work = tempfile::tempdir().unwrap();
    let root = work.path().join("tree");
    tree::plant(&root);
    for (payload, magic) in
        [("w9.gzdio", b"\x1f\x8b\x08".as_slice()), ("w6.xzdio", b"\xfd7zXZ"), ("w3.zstdio", b"\x28\xb5\x2f\xfd"), ("w9.bzdio", b"BZh9")]
    {
        let image = package(&root, work.path(), payload);
        let junk = [b"before".as_slice(), &image, b"after"].concat();
        assert_eq!(carve(&Rpm, &junk, 6), Some(to_u64(image.len())), "{payload}");
        let unpacked = unpack_at(&Rpm, &junk, 6);
        assert_eq!(unpacked.problems, [], "{payload}");
        assert_eq!(unpacked.names(), ["scripts/post-install", "payload"]);
        assert_eq!(unpacked.file("scripts/post-install"), b"echo installed");
        assert!(unpacked.file("payload").starts_with(magic) && image.ends_with(unpacked.file("payload")), "{payload}");
        let facts = ["name", "version", "vendor"].map(|key| unpacked.fact(&format!("header.{key}")).unwrap());
        assert_eq!(facts, ["gateway", "1.2", "Example Works"]);
    }
}

const IMAGE: &[u8] = include_bytes!("../../../../fixtures/rpm/gateway.rpm");

#[test]
fn damage_is_told_and_the_rest_kept() {
    let whole = unpack(&Rpm, IMAGE);
    assert_eq!(whole.problems, []);
    let cut = unpack(&Rpm, &IMAGE[..IMAGE.len() - 10]);
    assert_eq!(cut.problems[0].0, Code::Truncated);
    assert!(whole.file("payload").starts_with(cut.file("payload")));
    let mut wrong = IMAGE.to_vec();
    let last = wrong.len() - 1;
    wrong[last] ^= 1;
    assert_eq!(unpack(&Rpm, &wrong).problems, [(Code::Checksum, "rpm: the SHA-256 of the payload does not fit".to_owned())]);
    survives_damage(&Rpm, IMAGE);
}

#[test]
fn look_alikes_are_refused() {
    assert_eq!(carve(&Rpm, &[b"\xed\xab\xee\xdb is the magic of a lead".as_slice(), &[b' '; 500]].concat(), 0), None);
    let mut wrong = IMAGE.to_vec();
    wrong[96] = 0;
    assert_eq!(carve(&Rpm, &wrong, 0), None);
}
