//! The lines by which Linux kernels and U-Boot introduce themselves.

use memchr::memmem;

use super::strings::is_printable;
use super::{Analyzer, Facts, Key, Subject};
use crate::blob::{Span, to_u64};

/// `Linux version …` and `U-Boot …`, where they say when or by whom they were built.
#[derive(Debug)]
pub(super) struct Banners;

/// Longer lines are something else.
const LONGEST: usize = 1024;
/// This many printable bytes before a kernel's banner are chance; more are a text that quotes it.
const CHANCE: usize = 3;

impl Analyzer for Banners {
    fn id(&self) -> &'static str {
        "banners"
    }

    fn keys(&self) -> &'static [Key] {
        const {
            &[
                Key::new("kernel.banner", "the line by which a Linux kernel says its version, builder and compiler"),
                Key::new("kernel.release", "release of a Linux kernel, from its banner"),
                Key::new("kernel.builder", "who built a Linux kernel and where, from its banner"),
                Key::new("kernel.compiler", "what a Linux kernel was built with, from its banner"),
                Key::new("kernel.build", "number, options and date of a Linux kernel's build, from its banner"),
                Key::new("u-boot.banner", "the line by which U-Boot says its version and when it was built"),
            ]
        }
    }

    fn analyze(&self, subject: &Subject<'_>, facts: &mut Facts<'_>) {
        let bytes = subject.blob.as_slice();
        let kernels = memmem::find_iter(bytes, b"Linux version ").filter(|at| starts_a_run(bytes, *at));
        let kernels = kernels.filter_map(|at| Some((at, "kernel.banner", Some(run(bytes, at)).filter(|run| is_kernel(run))?)));
        let loaders = memmem::find_iter(bytes, b"U-Boot ");
        let loaders = loaders.filter_map(|at| Some((at, "u-boot.banner", Some(run(bytes, at)).filter(|run| is_loader(run))?)));
        let mut found: Vec<_> = kernels.chain(loaders).collect();
        found.sort_by_key(|found| found.0);
        let mut end = 0;
        for (at, key, value) in found {
            // A line says one thing, however often it names itself.
            if at < end {
                continue;
            }
            end = at.saturating_add(value.len());
            facts.say(key, value, Span::new(to_u64(at), to_u64(value.len())));
            if key == "kernel.banner" {
                say_parts(value, at, facts);
            }
        }
    }
}

/// The parts of the kernel's banner `line`, which stands at `at`: `Linux version RELEASE (BUILDER) (COMPILER) BUILD`. A line that is
/// cut short, or made otherwise, says those that are whole.
fn say_parts(line: &[u8], at: usize, facts: &mut Facts<'_>) {
    let mut rest = line.strip_prefix(b"Linux version ").unwrap_or_default();
    let mut say = |key, part: &[u8], rest: &[u8]| {
        // `part` ends where `rest` begins, and `rest` ends with the line.
        let start = at.saturating_add(line.len()).saturating_sub(rest.len()).saturating_sub(part.len());
        if !part.is_empty() {
            facts.say(key, part, Span::new(to_u64(start), to_u64(part.len())));
        }
    };
    let Some((release, after)) = memmem::find(rest, b" (").and_then(|end| rest.split_at_checked(end)) else { return };
    say("kernel.release", release, after);
    rest = after;
    for key in ["kernel.builder", "kernel.compiler"] {
        let Some((part, after)) = rest.strip_prefix(b" (").and_then(parenthesized) else { return };
        say(key, part, after);
        rest = after.strip_prefix(b")").unwrap_or_default();
    }
    let build = rest.trim_ascii();
    let behind = rest.len().saturating_sub(rest.trim_ascii_end().len());
    if build.starts_with(b"#") {
        say("kernel.build", build, rest.get(rest.len().saturating_sub(behind)..).unwrap_or_default());
    }
}

/// `text` up to the parenthesis that closes one opened before it, and the rest from there.
fn parenthesized(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut depth = 1_usize;
    let end = text.iter().position(|byte| {
        match byte {
            b'(' => depth = depth.saturating_add(1),
            b')' => depth = depth.saturating_sub(1),
            _ => (),
        }
        depth == 0
    })?;
    text.split_at_checked(end)
}

/// Whether what is at `at` is not the rest of a text.
fn starts_a_run(bytes: &[u8], at: usize) -> bool {
    let before = bytes.get(at.saturating_sub(CHANCE.saturating_add(1))..at).unwrap_or_default();
    before.len() <= CHANCE || !before.iter().copied().all(is_printable)
}

/// The printable run from `at` to the end of its line.
fn run(bytes: &[u8], at: usize) -> &[u8] {
    let rest = bytes.get(at..).unwrap_or_default();
    let rest = rest.get(..LONGEST).unwrap_or(rest);
    let length = rest.iter().position(|byte| !is_printable(*byte)).unwrap_or(rest.len());
    rest.get(..length).unwrap_or_default()
}

/// `Linux version 5.10.0 (who@where) (gcc version …) #1 SMP …`: as `linux_banner` has it, not as a format string does.
fn is_kernel(run: &[u8]) -> bool {
    let holds = |what: &[u8]| memmem::find(run, what).is_some();
    let number = run.strip_prefix(b"Linux version ").and_then(<[u8]>::first);
    number.is_some_and(u8::is_ascii_digit) && holds(b" (") && (holds(b"#") || holds(b"gcc") || holds(b"clang")) && !holds(b"%s")
}

/// `U-Boot 2023.01 (Feb 11 2023 - 12:34:56 +0000)`, `U-Boot SPL 2018.03 (…)`.
fn is_loader(run: &[u8]) -> bool {
    let Some(rest) = run.strip_prefix(b"U-Boot ") else { return false };
    let stages: [&[u8]; 3] = [b"SPL ", b"TPL ", b"VPL "];
    let rest = stages.iter().find_map(|stage| rest.strip_prefix(*stage)).unwrap_or(rest);
    let version = rest.strip_prefix(b"v").unwrap_or(rest);
    version.first().is_some_and(u8::is_ascii_digit)
        && memchr::memchr_iter(b'(', version).any(|at| version.get(at.saturating_add(1)..).is_some_and(is_date))
}

/// `Jan  1 2010`, as C's `__DATE__` writes it.
fn is_date(text: &[u8]) -> bool {
    const MONTHS: &[u8; 36] = b"JanFebMarAprMayJunJulAugSepOctNovDec";
    let Some((month, [b' ', day @ .., b' ', a, b, c, d])) = text.get(..11).and_then(|date| date.split_at_checked(3)) else {
        return false;
    };
    MONTHS.as_chunks::<3>().0.iter().any(|known| known == month)
        && matches!(day, [b' ' | b'0'..=b'3', b'0'..=b'9'])
        && [a, b, c, d].into_iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::testing::analyze;

    fn check(text: &str, expect: &[(&str, &str)]) {
        for (before, after) in [("", ""), ("\0\u{1}", "\0tail"), ("\n", "\nnext line")] {
            let bytes = format!("{before}{text}{after}");
            let said = analyze(&Banners, bytes.as_bytes(), None);
            let lines = said.facts.iter().filter(|fact| fact.0.ends_with(".banner"));
            let found: Vec<_> = lines.map(|fact| (fact.0, fact.1.as_str())).collect();
            assert_eq!(found, expect, "{bytes:?}");
            assert!(said.facts.iter().all(|(_, value, span)| bytes[span.start as usize..span.end() as usize] == **value));
        }
    }

    #[test]
    fn kernels_introduce_themselves() {
        for banner in [
            "Linux version 5.10.0-21-armmp (debian-kernel@lists.debian.org) (gcc-10 (Debian 10.2.1-6) 10.2.1, GNU ld 2.35.2) #1 SMP Debian",
            "Linux version 2.6.21.5 (root@localhost) (gcc version 3.4.2) #1 Fri Apr 1 10:00:00 CST 2011",
            "Linux version 6.1.0 (a@b) (clang version 15) #2 PREEMPT",
        ] {
            check(banner, &[("kernel.banner", banner)]);
            check(&format!("\0AB{banner}"), &[("kernel.banner", banner)]);
        }
        for other in [
            "Linux version %s (%s)",
            "Linux version 5.10 (%s) (gcc) #1",
            "Linux version 5.10.0",
            "Linux version is 5 (gcc) #1",
            "[    0.000000] Linux version 5.10.0 (a@b) (gcc version 8) #1 SMP",
            "built for Linux version 5.10.0 (gcc) #1",
        ] {
            check(other, &[]);
        }
    }

    #[test]
    fn parts_of_a_kernels_banner() {
        let parts = |text: &str| -> Vec<(&str, String)> {
            let said = analyze(&Banners, text.as_bytes(), None);
            assert!(
                said.facts.iter().all(|(_, value, span)| text.as_bytes()[span.start as usize..span.end() as usize] == *value.as_bytes())
            );
            said.facts.into_iter().skip(1).map(|(key, value, _)| (key, value)).collect()
        };
        let said =
            parts("\0Linux version 6.1.0-9-arm64 (a@b.org) (gcc-12 (Debian 12.2.0-14) 12.2.0, GNU ld 2.40) #1 SMP Debian 6.1.27-1 \0");
        let expect = [
            ("kernel.release", "6.1.0-9-arm64"),
            ("kernel.builder", "a@b.org"),
            ("kernel.compiler", "gcc-12 (Debian 12.2.0-14) 12.2.0, GNU ld 2.40"),
            ("kernel.build", "#1 SMP Debian 6.1.27-1"),
        ];
        assert_eq!(said, expect.map(|(key, value)| (key, value.to_owned())));
        // cut short
        let said = parts("Linux version 2.6.21 (a@b) (gcc version 3.4.2 (x)");
        assert_eq!(said, [("kernel.release", "2.6.21".to_owned()), ("kernel.builder", "a@b".to_owned())]);
    }

    #[test]
    fn boot_loaders_introduce_themselves() {
        for banner in [
            "U-Boot 2023.01+dfsg-2 (Feb 11 2023 - 12:34:56 +0000)",
            "U-Boot 1.1.4 (Jan  1 2010 - 00:00:00)",
            "U-Boot SPL 2018.03 (Oct 11 2019 - 12:34:56 -0400)",
            "U-Boot 2011.12.(TRUNK_CURRENT).svn17769 (May 06 2020 - 14:31:02)",
            "U-Boot 2010.06-dirty (Jul 05 2016 - 15:27:13)Board",
        ] {
            check(banner, &[("u-boot.banner", banner)]);
            check(&format!("ver={banner}"), &[("u-boot.banner", banner)]);
        }
        for other in [
            "U-Boot 2010.06",
            "U-Boot is a boot loader (Feb 11 2023 - 12:34:56)",
            "U-Boot %s (Feb 11 2023 - 12:34:56)",
            "U-Boot 2010.06 (%s - %s)",
            "U-Boot 2010.06 (Febr 11 2023)",
            "Das U-Boot",
        ] {
            check(other, &[]);
        }
    }

    #[test]
    fn both_come_in_order() {
        let loader = "U-Boot 1.1.4 (Jan  1 2010 - 00:00:00)";
        let kernel = "Linux version 2.6.21 (a@b) (gcc version 3.4.2) #1";
        check(&format!("{loader}\0{kernel}\0{loader}"), &[("u-boot.banner", loader), ("kernel.banner", kernel), ("u-boot.banner", loader)]);
    }

    #[test]
    fn many_beginnings_take_no_longer_than_their_lines() {
        let text = "U-Boot 1 (".repeat(200_000);
        assert!(analyze(&Banners, text.as_bytes(), None).facts.is_empty());
        let text = "U-Boot 1 (Jan  1 2010) ".repeat(100_000);
        assert!(analyze(&Banners, text.as_bytes(), None).facts.len() <= text.len().div_ceil(LONGEST));
    }
}
