//! ar archives: static libraries, and the packages of Debian and opkg.

use crate::blob::{Blob, Bytes, Span};
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec, entry_path};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// ar, with the long names of GNU and of BSD.
#[derive(Debug)]
pub(super) struct Ar;

static SPEC: Spec = Spec {
    id: "ar",
    name: "ar",
    kind: Kind::Archive,
    magics: &[Magic::anywhere(b"!<arch>\n")],
    leaf: false,
    references: &["https://man.freebsd.org/cgi/man.cgi?query=ar&sektion=5", "https://man7.org/linux/man-pages/man5/deb.5.html"],
    limitations: &["thin archives, which hold no files", "symbol tables are not handed over"],
};

const MAGIC: u64 = 8;
const HEADER: u64 = 60;

/// Longest name that is looked for in the table of long names.
const LONGEST_NAME: u64 = 512;

impl Format for Ar {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let bytes = Bytes(blob.bytes().tail(start));
        let mut end = Member::read(bytes, MAGIC)?.next;
        while let Ok(member) = Member::read(bytes, end) {
            end = member.next;
        }
        Ok(Carved::new(end, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let (bytes, mut at, mut long_names) = (blob.bytes(), MAGIC, Bytes(&[]));
        while at < bytes.len() {
            let Ok(member) = Member::read(bytes, at) else { return Err(Fault::Truncated(format!("ar: no header at {at:#x}"))) };
            at = member.next;
            match member.name {
                b"//" => long_names = Bytes(bytes.up_to(member.data.start, member.data.length)),
                b"/" | b"/SYM64/" => (),
                name => {
                    let (name, data) = resolve(name, member.data, bytes, long_names);
                    if !name.starts_with(b"__.SYMDEF") {
                        children.span(entry_path(name), data, member.attributes)?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// A header, numbers in decimal, mode in octal, all of them filled up with spaces: 16 name, 12 date, 6 uid, 6 gid, 8 mode, 10 size, 2 of
/// `\x60\n`. Data follows, filled up to an even offset.
struct Member<'a> {
    name: &'a [u8],
    attributes: Attributes,
    data: Span,
    next: u64,
}

impl<'a> Member<'a> {
    fn read(bytes: Bytes<'a>, start: u64) -> Result<Self, Rejected> {
        let header = Bytes(bytes.get(start, HEADER)?);
        if !header.has(58, b"`\n") {
            return Err(Rejected("header"));
        }
        let field = |at, length, radix| number(header.get(at, length).unwrap_or_default(), radix);
        let small = |at, length, radix| field(at, length, radix).map(|number| number.and_then(|number| u32::try_from(number).ok()));
        let size = field(48, 10, 10)?.ok_or(Rejected("size"))?;
        let attributes = Attributes {
            modified: field(16, 12, 10)?.and_then(|seconds| i64::try_from(seconds).ok()),
            uid: small(28, 6, 10)?,
            gid: small(34, 6, 10)?,
            mode: small(40, 8, 8)?,
        };
        let data = Span::new(start.saturating_add(HEADER), size);
        // The last member of some archives is not filled up.
        let next = data.end().saturating_add(data.end() % 2);
        let next = if bytes.len() == data.end() { data.end() } else { next };
        Ok(Self { name: header.get(0, 16)?.trim_ascii_end(), attributes, data, next })
    }
}

/// A number, or none in a field of spaces.
fn number(field: &[u8], radix: u32) -> Result<Option<u64>, Rejected> {
    let field = field.trim_ascii_end();
    let value = |digit: &u8| char::from(*digit).to_digit(radix).map(u64::from);
    let add = |sum: u64, digit: &u8| Some(sum.saturating_mul(radix.into()).saturating_add(value(digit)?));
    match field.iter().try_fold(0, add) {
        Some(number) => Ok((!field.is_empty()).then_some(number)),
        None => Err(Rejected("digits")),
    }
}

/// The whole name. GNU: `name/`, or `/offset` of it in the member `//`, where it ends in `/\n`. BSD: `#1/length`, of that many bytes before
/// the data.
fn resolve<'a>(name: &'a [u8], data: Span, bytes: Bytes<'a>, long_names: Bytes<'a>) -> (&'a [u8], Span) {
    let digits = |prefix: &[u8]| name.strip_prefix(prefix).and_then(|digits| number(digits, 10).ok().flatten());
    if let Some(length) = digits(b"#1/").filter(|length| *length <= data.length) {
        let long = bytes.up_to(data.start, length).split(|byte| *byte == 0).next().unwrap_or_default();
        return (long, Span::between(data.start.saturating_add(length), data.end()));
    }
    if let Some(offset) = digits(b"/") {
        let line = long_names.up_to(offset, LONGEST_NAME).split(|byte| *byte == b'\n').next().unwrap_or_default();
        return (line.strip_suffix(b"/").unwrap_or(line), data);
    }
    (name.strip_suffix(b"/").unwrap_or(name), data)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Command;

    use super::*;
    use crate::codec::testing::noise;
    use crate::format::testing::{carve, survives_damage, tool, unpack, unpack_at};
    use crate::problem::Code;

    const LONG: &str = "a name that is longer than the field";

    fn pack() -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("text"), "a line\n!").unwrap();
        fs::write(folder.path().join("odd"), noise(30_001)).unwrap();
        fs::write(folder.path().join("empty"), "").unwrap();
        fs::write(folder.path().join(LONG), "long").unwrap();
        tool(Command::new("ar").current_dir(&folder).args(["rc", "packed.a", "odd", LONG, "empty", "text"]));
        fs::read(folder.path().join("packed.a")).unwrap()
    }

    #[test]
    fn gnu_archives() {
        if crate::testing::lacking(&["ar"]) {
            return;
        }
        let image = pack();
        let junk = [b"before".as_slice(), &image, b"after"].concat();
        assert_eq!(carve(&Ar, &junk, 6), Some(u64::try_from(image.len()).unwrap()));
        let unpacked = unpack_at(&Ar, &junk, 6);
        assert_eq!((unpacked.names(), unpacked.problems.len()), (vec!["odd", LONG, "empty", "text"], 0));
        assert!(unpacked.file("odd") == noise(30_001));
        assert_eq!((unpacked.file("text"), unpacked.file("empty")), (b"a line\n!".as_slice(), b"".as_slice()));
        survives_damage(&Ar, &image);
    }

    #[test]
    fn bsd_names() {
        let member = |name: &str, data: &str| format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n{data}", 7, 0, 0, 100_644, data.len());
        let image = ["!<arch>\n", &member("#1/20", "a longer name\0\0\0\0\0\0\0content!"), &member("short", "x")].concat();
        let unpacked = unpack(&Ar, image.as_bytes());
        assert_eq!((unpacked.names(), unpacked.problems.len()), (vec!["a longer name", "short"], 0));
        assert_eq!(unpacked.file("a longer name"), b"content!");
    }

    #[test]
    fn packages_of_debian() {
        if crate::testing::lacking(&["dpkg-deb"]) {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let control = "Package: small\nVersion: 1\nArchitecture: all\nMaintainer: nobody <nobody@example.org>\nDescription: small\n";
        fs::create_dir_all(folder.path().join("root/DEBIAN")).unwrap();
        fs::write(folder.path().join("root/DEBIAN/control"), control).unwrap();
        tool(Command::new("dpkg-deb").current_dir(&folder).args(["--build", "root", "small.deb"]));
        let image = fs::read(folder.path().join("small.deb")).unwrap();
        let unpacked = unpack(&Ar, &image);
        assert_eq!((unpacked.file("debian-binary"), unpacked.files.len()), (b"2.0\n".as_slice(), 3));
    }

    #[test]
    fn truncated_archives_give_what_they_have() {
        if crate::testing::lacking(&["ar"]) {
            return;
        }
        let image = pack();
        let cut = unpack(&Ar, &image[..20_000]);
        assert!(cut.file("odd").len() > 19_000 && noise(30_001).starts_with(cut.file("odd")));
        assert_eq!(cut.problems[0].0, Code::Truncated);
    }

    #[test]
    fn look_alikes_are_refused() {
        assert_eq!(carve(&Ar, b"!<arch>\n is the magic, which many programs hold, and here is nothing behind it", 0), None);
        assert_eq!(carve(&Ar, b"!<arch>\n", 0), None);
    }
}
