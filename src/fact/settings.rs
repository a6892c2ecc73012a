//! What a system says of itself in lines of `NAME=value`: os-release, OpenWrt's release file, Android's build properties.

use super::{Analyzer, Context, Facts, Key, Subject};
use crate::blob::{Span, to_u64};

/// Settings that name a system, its version and the device it is for.
#[derive(Debug)]
pub(super) struct Settings;

/// Such files are small.
const LARGEST: usize = 256 << 10;

/// One kind of file.
struct Kind {
    key: &'static str,
    /// Beginnings of lines that must all be there, so that a file is of this kind.
    marks: &'static [&'static [u8]],
    /// Beginnings of the lines that are facts.
    lines: &'static [&'static [u8]],
}

/// `os-release(5)`; OpenWrt's `package/base-files/files/etc/openwrt_release`; Android's `build/make/tools/buildinfo.sh`.
const KINDS: &[Kind] = &[
    Kind {
        key: "system.os-release",
        marks: &[b"NAME=", b"ID=", b"PRETTY_NAME="],
        lines: &[
            b"NAME=",
            b"ID=",
            b"ID_LIKE=",
            b"PRETTY_NAME=",
            b"VERSION=",
            b"VERSION_ID=",
            b"VERSION_CODENAME=",
            b"BUILD_ID=",
            b"CPE_NAME=",
            b"VARIANT=",
            b"VARIANT_ID=",
            b"HOME_URL=",
            b"OPENWRT_",
            b"LEDE_",
        ],
    },
    Kind { key: "system.openwrt-release", marks: &[b"DISTRIB_ID=", b"DISTRIB_RELEASE="], lines: &[b"DISTRIB_"] },
    Kind {
        key: "system.android-property",
        marks: &[b"ro."],
        lines: &[
            b"ro.product.",
            b"ro.system.",
            b"ro.system_ext.",
            b"ro.vendor.",
            b"ro.odm.",
            b"ro.build.",
            b"ro.bootimage.build.",
            b"ro.board.platform=",
            b"ro.hardware=",
            b"ro.com.google.",
        ],
    },
];

impl Analyzer for Settings {
    fn id(&self) -> &'static str {
        "settings"
    }

    fn keys(&self) -> &'static [Key] {
        const {
            &[
                Key::new("system.os-release", "line of an os-release file that names a system or its version"),
                Key::new("system.openwrt-release", "line of OpenWrt's release file"),
                Key::new("system.android-property", "line of Android's build properties that names a product or a build"),
            ]
        }
    }

    fn analyze(&self, subject: &Subject<'_>, facts: &mut Facts<'_>) {
        let bytes = subject.blob.as_slice();
        if subject.context != Context::Text || bytes.len() > LARGEST {
            return;
        }
        let of_kind = |kind: &&Kind| kind.marks.iter().all(|mark| lines(bytes).any(|(_, line)| line.starts_with(mark)));
        let Some(kind) = KINDS.iter().find(of_kind) else { return };
        for (at, line) in lines(bytes) {
            let says = line.contains(&b'=') && !line.ends_with(b"=");
            if says && kind.lines.iter().any(|begin| line.starts_with(begin)) {
                facts.say(kind.key, line, Span::new(to_u64(at), to_u64(line.len())));
            }
        }
    }
}

/// Lines without what ends them, and where each begins.
fn lines(bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut start = 0_usize;
    bytes.split_inclusive(|byte| *byte == b'\n').map(move |whole| {
        let at = start;
        start = start.saturating_add(whole.len());
        (at, whole.trim_ascii_end())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::testing::{analyze, survives_damage};

    fn check(text: &str, key: &str, expect: &[&str]) {
        let said = analyze(&Settings, text.as_bytes(), None);
        assert_eq!(said.values(key), expect);
        assert_eq!(said.facts.len(), expect.len());
        assert!(said.facts.iter().all(|(_, value, span)| text[span.start as usize..span.end() as usize] == **value));
        survives_damage(&Settings, text.as_bytes(), None);
    }

    #[test]
    fn os_release_of_buildroot() {
        let text = "NAME=Buildroot\nVERSION=2023.02\nID=buildroot\nVERSION_ID=2023.02\nPRETTY_NAME=\"Buildroot 2023.02\"\nANSI_COLOR=1\nHOME_URL=\n";
        let expect = ["NAME=Buildroot", "VERSION=2023.02", "ID=buildroot", "VERSION_ID=2023.02", "PRETTY_NAME=\"Buildroot 2023.02\""];
        check(text, "system.os-release", &expect);
    }

    #[test]
    fn release_of_openwrt() {
        let text = "DISTRIB_ID='OpenWrt'\r\nDISTRIB_RELEASE='19.07.3'\r\nDISTRIB_TARGET='ath79/generic'\r\nOTHER=1\r\n";
        let expect = ["DISTRIB_ID='OpenWrt'", "DISTRIB_RELEASE='19.07.3'", "DISTRIB_TARGET='ath79/generic'"];
        check(text, "system.openwrt-release", &expect);
    }

    #[test]
    fn properties_of_android() {
        let text = "# begin build properties\nro.product.model=Phone\nro.build.fingerprint=a/b/c:9/X/1:user/release-keys\nro.secure=1\n";
        check(text, "system.android-property", &["ro.product.model=Phone", "ro.build.fingerprint=a/b/c:9/X/1:user/release-keys"]);
    }

    #[test]
    fn other_settings_are_none() {
        check("NAME=thing\nID=3\n", "system.os-release", &[]);
        check("export DISTRIB_ID=a\n echo ro.product.model=b\n", "system.openwrt-release", &[]);
    }
}
