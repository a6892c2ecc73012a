//! What the manifests of updates say: what they are for, and of which version.

use super::{Analyzer, Context, Facts, Key, Subject};
use crate::blob::{Span, to_u64};

mod settings;

use settings::{Setting, settings};

/// Manifests of SWUpdate, RAUC, Mender, Android and OpenWrt, told by what they must hold: a text is not asked for its name.
#[derive(Debug)]
pub(super) struct Update;

const COMPATIBLE: &str = "update.compatible";
const DESCRIPTION: &str = "update.description";
const NAME: &str = "update.name";
const VERSION: &str = "update.version";

/// Longer texts are no manifests.
const LONGEST: u64 = 1 << 20;

/// A kind of manifest.
struct Manifest {
    /// Some bytes that it must hold, to leave other texts alone.
    mark: &'static [u8],
    read: fn(&[u8]) -> Vec<Setting<'_>>,
    /// Whether it is one.
    is: fn(&Holds<'_>) -> bool,
    /// What is said of a setting: a `*` stands for one name or more.
    says: &'static [(&'static str, &'static str)],
}

/// Whether a setting is there.
type Holds<'h> = dyn Fn(&str) -> bool + 'h;

static MANIFESTS: [Manifest; 6] = [
    // https://sbabic.github.io/swupdate/sw-description.html
    Manifest {
        mark: b"software",
        read: settings,
        is: |holds| holds("software/version") && (holds("software/*/filename") || holds("software/*/hardware-compatibility")),
        says: &[
            ("software/version", VERSION),
            ("software/description", DESCRIPTION),
            ("software/name", NAME),
            ("software/hardware-compatibility", COMPATIBLE),
            ("software/*/hardware-compatibility", COMPATIBLE),
        ],
    },
    // https://rauc.readthedocs.io/en/latest/reference.html#manifest
    Manifest {
        mark: b"[update]",
        read: lines,
        is: |holds| holds("update/compatible") && (holds("*/filename") || holds("*/sha256") || holds("bundle/format")),
        says: &[("update/compatible", COMPATIBLE), ("update/version", VERSION), ("update/description", DESCRIPTION)],
    },
    // https://github.com/mendersoftware/mender-artifact/blob/master/Documentation/artifact-format.md, version 3
    Manifest {
        mark: b"artifact_provides",
        read: settings,
        is: |holds| holds("artifact_provides/artifact_name"),
        says: &[("artifact_provides/artifact_name", NAME), ("artifact_depends/device_type", COMPATIBLE)],
    },
    // the same, versions 1 and 2
    Manifest {
        mark: b"device_types_compatible",
        read: settings,
        is: |holds| holds("device_types_compatible") && holds("artifact_name"),
        says: &[("artifact_name", NAME), ("device_types_compatible", COMPATIBLE)],
    },
    // https://android.googlesource.com/platform/build/+/refs/heads/main/tools/releasetools/ota_utils.py
    Manifest {
        mark: b"post-build=",
        read: lines,
        is: |holds| holds("post-build") && (holds("pre-device") || holds("ota-type")),
        says: &[("post-build", VERSION), ("pre-device", COMPATIBLE)],
    },
    // https://github.com/openwrt/openwrt/blob/main/include/image-commands.mk
    Manifest {
        mark: b"metadata_version",
        read: settings,
        is: |holds| holds("metadata_version") && holds("supported_devices"),
        says: &[
            ("supported_devices", COMPATIBLE),
            ("new_supported_devices", COMPATIBLE),
            ("version/dist", NAME),
            ("version/version", VERSION),
        ],
    },
];

impl Analyzer for Update {
    fn id(&self) -> &'static str {
        "update"
    }

    fn keys(&self) -> &'static [Key] {
        const {
            &[
                Key::new(COMPATIBLE, "device that an update is for, as its manifest says"),
                Key::new(DESCRIPTION, "description of an update"),
                Key::new(NAME, "name of an update"),
                Key::new(VERSION, "version of an update"),
            ]
        }
    }

    fn analyze(&self, subject: &Subject<'_>, facts: &mut Facts<'_>) {
        if subject.context != Context::Text || subject.format.is_some() || subject.blob.len() > LONGEST {
            return;
        }
        let text = subject.blob.as_slice();
        for manifest in &MANIFESTS {
            if memchr::memmem::find(text, manifest.mark).is_none() {
                continue;
            }
            let found = (manifest.read)(text);
            if !(manifest.is)(&|wanted| found.iter().any(|setting| fits(&setting.path, wanted))) {
                continue;
            }
            for Setting { path, value, at } in found {
                let key = manifest.says.iter().find(|(wanted, _)| fits(&path, wanted)).map(|(_, key)| *key);
                let Some(key) = key.filter(|_| !value.is_empty()) else { continue };
                facts.say(key, value, Span::new(to_u64(at), to_u64(value.len())));
            }
            return;
        }
    }
}

/// Whether a path is the one that is wanted.
fn fits(path: &str, wanted: &str) -> bool {
    match wanted.split_once('*') {
        Some((first, last)) => path.len() > wanted.len() && path.starts_with(first) && path.ends_with(last),
        None => path == wanted,
    }
}

/// `name=value` lines, behind `[section]` lines or without. Of a value in several parts, `a|b`, each is one.
fn lines(text: &[u8]) -> Vec<Setting<'_>> {
    let (mut found, mut section, mut start) = (Vec::new(), String::new(), 0_usize);
    for line in text.split(|byte| *byte == b'\n') {
        let mut at = start;
        start = start.saturating_add(line.len()).saturating_add(1);
        if let [b'[', name @ .., b']'] = line.trim_ascii() {
            section = format!("{}/", String::from_utf8_lossy(name));
            continue;
        }
        let Some(equals) = line.iter().position(|byte| *byte == b'=') else { continue };
        let Some((name, value)) = line.split_at_checked(equals).filter(|(name, _)| !name.starts_with(b"#")) else { continue };
        let path = format!("{section}{}", String::from_utf8_lossy(name.trim_ascii()));
        let value = value.get(1..).unwrap_or_default();
        at = at.saturating_add(equals).saturating_add(1);
        for part in value.split(|byte| *byte == b'|') {
            let space = part.len().saturating_sub(part.trim_ascii_start().len());
            found.push(Setting { path: path.clone(), value: part.trim_ascii(), at: at.saturating_add(space) });
            at = at.saturating_add(part.len()).saturating_add(1);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::testing::{analyze, survives_damage};

    fn check(text: &str, wanted: &[(&str, &str)]) {
        let said = analyze(&Update, text.as_bytes(), None);
        let found: Vec<_> = said.facts.iter().map(|(key, value, _)| (*key, value.as_str())).collect();
        assert_eq!(found, wanted);
        assert!(said.facts.iter().all(|(_, value, span)| text[span.start as usize..span.end() as usize] == **value));
        survives_damage(&Update, text.as_bytes(), None);
    }

    #[test]
    fn manifests_of_swupdate() {
        check(
            "software =\n{\n\tversion = \"1.4.2\"; # of all\n\tdescription = \"Example\";\n\tboard-1: {\n\t\thardware-compatibility: [ \"1.0\", \"1.2\" ];\n\
             \t\timages: ( { filename = \"rootfs.ext4\"; version = \"7\"; } );\n\t};\n};\n",
            &[(VERSION, "1.4.2"), (DESCRIPTION, "Example"), (COMPATIBLE, "1.0"), (COMPATIBLE, "1.2")],
        );
        check(
            r##"{"software": {"version": "2", "hardware-compatibility": ["#RE:^1"], "files": [{"filename": "a"}]}}"##,
            &[(VERSION, "2"), (COMPATIBLE, "#RE:^1")],
        );
        check(r#"{"software": {"version": "2", "author": "any"}}"#, &[]);
    }

    #[test]
    fn manifests_of_rauc() {
        let text =
            "[update]\ncompatible=Example Gateway\r\nversion = 2024.03-1\n\n[image.rootfs]\nsha256=00\nversion=3\nfilename=rootfs.img\n";
        check(text, &[(COMPATIBLE, "Example Gateway"), (VERSION, "2024.03-1")]);
        check("[update]\ncompatible=of some other program\n", &[]);
    }

    #[test]
    fn headers_of_mender() {
        check(
            r#"{"payloads":[{"type":"rootfs-image"}],"artifact_provides":{"artifact_name":"release-1"},"artifact_depends":{"device_type":["beaglebone","qemu"]}}"#,
            &[(NAME, "release-1"), (COMPATIBLE, "beaglebone"), (COMPATIBLE, "qemu")],
        );
        check(
            r#"{"updates":[{"type":"rootfs-image"}],"device_types_compatible":["beaglebone"],"artifact_name":"release-1"}"#,
            &[(COMPATIBLE, "beaglebone"), (NAME, "release-1")],
        );
    }

    #[test]
    fn metadata_of_android_and_openwrt() {
        check(
            "ota-type=AB\npost-build=example/board/board:13/TQ1A/1:user/release-keys\npre-device=board|board2\n",
            &[(VERSION, "example/board/board:13/TQ1A/1:user/release-keys"), (COMPATIBLE, "board"), (COMPATIBLE, "board2")],
        );
        check(
            r#"{  "metadata_version": "1.1", "supported_devices":["example,r1"], "version": { "dist": "OpenWrt", "version": "23.05.2", "target": "ath79/generic" } }"#,
            &[(COMPATIBLE, "example,r1"), (NAME, "OpenWrt"), (VERSION, "23.05.2")],
        );
        check("post-build=in a shell script\n", &[]);
    }
}
