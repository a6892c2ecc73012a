//! FIT: U-Boot's flattened image tree, a device tree that holds kernels, device trees, ramdisks and firmware.

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};

use crate::blob::{Blob, Bytes, Endian, Span};
use crate::format::container::dtb::strings;
use crate::format::container::dtb::tree::{MAGIC, Token, Tree};
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec, crc32, path_text};
use crate::limits::{Budget, Exceeded};
use crate::problem::{Fault, Rejected};

/// Flattened image tree.
#[derive(Debug)]
pub(super) struct Fit;

static SPEC: Spec = Spec {
    id: "fit",
    name: "flattened image tree (FIT)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(MAGIC)],
    leaf: false,
    references: &["https://fitspec.osfw.foundation/"],
    limitations: &["signatures are not verified", "encrypted images are not decrypted"],
};

/// Tokens that are read to find out whether a tree is one of images: theirs have some hundred.
const EFFORT: usize = 50_000;

/// Hashes of one image that are verified.
const MOST_HASHES: usize = 4;

impl Format for Fit {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let bytes = Bytes(blob.bytes().tail(start));
        let tree = Tree::read(bytes)?;
        let (mut length, mut found) = (tree.total, false);
        // A tree that breaks off may still be one of images: unpacking says what is wrong.
        let _ = images(bytes, &tree, EFFORT, &mut |event| {
            if let Event::Image(Image { data: Some(data), .. }) = event {
                (length, found) = (length.max(data.end()), true);
            }
            Ok(())
        });
        if found { Ok(Carved::new(length, start, blob)) } else { Err(Rejected("no images in the tree")) }
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        let tree = Tree::read(bytes).map_err(|rejected| Fault::corrupt(rejected.0))?;
        // Images do not share bytes, so that all of them cannot be much more than there is.
        let mut left = bytes.len().saturating_mul(2);
        images(bytes, &tree, usize::MAX, &mut |event| {
            let image = match event {
                Event::Image(image) => image,
                Event::Description(value) => {
                    strings(bytes, value, "fit.description", children);
                    return Ok(());
                }
            };
            let Some(data) = image.data else { return Ok(()) };
            let there = data.length.min(bytes.len().saturating_sub(data.start));
            if there > left {
                children.problem(&Fault::corrupt(format!("the images overlap: {} is left out", path_text(image.name))), Some(data.start));
                return Ok(());
            }
            left = left.saturating_sub(there);
            image.verify(bytes, data, children);
            children.span(path_text(image.name), data, Attributes::default())
        })
    }
}

/// What the walk through a tree of images meets.
enum Event<'a> {
    /// Where a `description` of the whole, of an image or of a configuration stands.
    Description(Span),
    /// An image, complete.
    Image(Image<'a>),
}

/// A node below `/images`.
#[derive(Default)]
struct Image<'a> {
    name: &'a [u8],
    data: Option<Span>,
    /// `data-size`, for data outside of the tree.
    size: Option<u64>,
    /// Where data outside of the tree stands, from the start of the tree.
    place: Option<u64>,
    hashes: Vec<Hash<'a>>,
    encrypted: bool,
}

/// A `hash` node: `algo` and `value`.
#[derive(Default)]
struct Hash<'a> {
    algorithm: &'a [u8],
    value: Span,
}

/// Walks through at most `effort` tokens and hands each image and description to `each`. The image in which the tree breaks off comes too.
fn images<'a>(
    bytes: Bytes<'a>,
    tree: &Tree<'a>,
    effort: usize,
    each: &mut dyn FnMut(Event<'a>) -> Result<(), Exceeded>,
) -> Result<(), Fault> {
    // Data outside of the tree begins at the next multiple of 4.
    let outside = tree.total.next_multiple_of(4);
    let (mut path, mut depth): ([&[u8]; 4], usize) = ([b""; 4], 0);
    let mut image: Option<Image<'a>> = None;
    for token in tree.tokens().take(effort) {
        match token {
            Ok(Token::Begin(name)) => {
                if let Some(place) = path.get_mut(depth) {
                    *place = name;
                }
                depth = depth.saturating_add(1);
                match (&mut image, path, depth) {
                    (image, [_, b"images", name, _], 3) => *image = Some(Image { name, ..Image::default() }),
                    (Some(image), [.., b"cipher"], 4) => image.encrypted = true,
                    (Some(image), [.., hash], 4) if hash.starts_with(b"hash") => image.hashes.push(Hash::default()),
                    _ => (),
                }
            }
            Ok(Token::End) => {
                depth = depth.saturating_sub(1);
                if depth == 2
                    && let Some(image) = image.take()
                {
                    each(Event::Image(image))?;
                }
            }
            Ok(Token::Property(b"description", value)) if depth == 1 || depth == 3 => each(Event::Description(value))?,
            Ok(Token::Property(name, value)) => {
                if let Some(image) = &mut image {
                    image.property(bytes, outside, (depth, path), name, value);
                }
            }
            Err(fault) => {
                image.take().map_or(Ok(()), |image| each(Event::Image(image)))?;
                return Err(fault);
            }
        }
    }
    Ok(())
}

impl<'a> Image<'a> {
    fn property(&mut self, bytes: Bytes<'a>, outside: u64, (depth, path): (usize, [&[u8]; 4]), name: &[u8], value: Span) {
        let number = || bytes.u32(value.start, Endian::Big).ok().filter(|_| value.length == 4).map(u64::from);
        let inside_hash = depth == 4 && path.last().is_some_and(|name| name.starts_with(b"hash"));
        match (depth, name, self.hashes.last_mut()) {
            (3, b"data", _) => self.data = Some(value),
            // Where the tree is cut the names of its properties are gone with its end. What is this large is data.
            (3, b"", _) if value.length >= 4096 && self.data.is_none() => self.data = Some(value),
            (3, b"data-size", _) => self.size = number(),
            (3, b"data-position", _) => self.place = number(),
            (3, b"data-offset", _) => self.place = number().map(|offset| outside.saturating_add(offset)),
            (4, b"algo", Some(hash)) if inside_hash => {
                hash.algorithm = bytes.up_to(value.start, value.length).split(|byte| *byte == 0).next().unwrap_or_default();
            }
            (4, b"value", Some(hash)) if inside_hash => hash.value = value,
            _ => (),
        }
        if let (Some(place), Some(size)) = (self.place, self.size) {
            self.data = Some(Span::new(place, size));
        }
    }

    /// Compares the data with each hash that the tree gives.
    fn verify(&self, bytes: Bytes<'_>, data: Span, children: &mut Children<'_>) {
        let name = path_text(self.name);
        if self.encrypted {
            children.problem(&Fault::Encrypted(format!("{name} is encrypted")), Some(data.start));
        }
        let Ok(stored) = bytes.part(data) else { return };
        for hash in self.hashes.iter().take(MOST_HASHES) {
            let found = match hash.algorithm {
                b"crc32" => crc32(stored.0).to_be_bytes().to_vec(),
                b"md5" => Md5::digest(stored.0).to_vec(),
                b"sha1" => Sha1::digest(stored.0).to_vec(),
                b"sha256" => Sha256::digest(stored.0).to_vec(),
                b"sha384" => Sha384::digest(stored.0).to_vec(),
                b"sha512" => Sha512::digest(stored.0).to_vec(),
                _ => continue,
            };
            if bytes.part(hash.value).is_ok_and(|expected| expected.0 != found) {
                let message = format!("the {} of {name} is not the one that the tree gives", path_text(hash.algorithm));
                children.problem(&Fault::Checksum(message), Some(data.start));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::format::FORMATS;
    use crate::format::container::dtb::Dtb;
    use crate::format::testing::{carve, survives_damage, tool, unpack, unpack_at};
    use crate::problem::Code;

    const SOURCE: &str = r#"/dts-v1/;
        / {
            description = "Firmware of a gateway";
            #address-cells = <1>;
            images {
                kernel-1 {
                    description = "Linux 5.10"; data = /incbin/("kernel"); type = "kernel"; arch = "arm"; os = "linux"; compression = "none";
                    load = <0x80008000>; entry = <0x80008000>;
                    hash-1 { algo = "crc32"; }; hash-2 { algo = "sha256"; };
                    hash-3 { algo = "md5"; }; hash-4 { algo = "sha1"; };
                };
                fdt-1 {
                    description = "board"; data = /incbin/("board"); type = "flat_dt"; arch = "arm"; compression = "none";
                    hash-1 { algo = "sha1"; }; hash-2 { algo = "sha512"; };
                };
            };
            configurations { default = "conf-1"; conf-1 { description = "boot it"; kernel = "kernel-1"; fdt = "fdt-1"; }; };
        };"#;

    fn kernel() -> Vec<u8> {
        (0..50_000_u32).flat_map(|number| number.to_le_bytes()).collect()
    }

    fn mkimage(arguments: &[&str]) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("image.its"), SOURCE).unwrap();
        std::fs::write(folder.path().join("kernel"), kernel()).unwrap();
        std::fs::write(folder.path().join("board"), b"not really a device tree").unwrap();
        tool(Command::new("mkimage").current_dir(folder.path()).args(["-f", "image.its"]).args(arguments).arg("image.itb"));
        std::fs::read(folder.path().join("image.itb")).unwrap()
    }

    #[test]
    fn images_come_out_wherever_their_data_stands() {
        if crate::testing::lacking(&["mkimage"]) {
            return;
        }
        for arguments in [&[][..], &["-E"], &["-E", "-p", "0x4000"], &["-E", "-B", "0x100"]] {
            let image = mkimage(arguments);
            let flash = [vec![0; 8], image.clone(), vec![0; 5000]].concat();
            let length = carve(&Fit, &flash, 8).unwrap();
            assert!(image.len() as u64 - length < 0x100, "all but the padding after the last image: {arguments:?}");
            let unpacked = unpack_at(&Fit, &flash, 8);
            assert_eq!(unpacked.names(), ["kernel-1", "fdt-1"]);
            assert!(unpacked.file("kernel-1") == kernel(), "{arguments:?}");
            assert_eq!(unpacked.file("fdt-1"), b"not really a device tree");
            assert_eq!(unpacked.problems, [], "{arguments:?}");
            let facts: Vec<_> = unpacked.facts.iter().map(|fact| String::from_utf8_lossy(&fact.value)).collect();
            assert_eq!(facts, ["Firmware of a gateway", "Linux 5.10", "board", "boot it"]);
        }
    }

    #[test]
    fn changed_data_is_told_by_each_hash() {
        if crate::testing::lacking(&["mkimage"]) {
            return;
        }
        let mut image = mkimage(&["-E"]);
        let length = image.len();
        image[length - 300] ^= 1;
        let unpacked = unpack(&Fit, &image);
        assert_eq!(unpacked.problems.iter().map(|(code, _)| *code).collect::<Vec<_>>(), [Code::Checksum; 4]);
        assert_eq!(unpacked.files.len(), 2);
    }

    #[test]
    fn a_truncated_tree_gives_the_image_it_breaks_off_in() {
        if crate::testing::lacking(&["mkimage"]) {
            return;
        }
        for (arguments, last) in [(&[][..], Code::Truncated), (&["-E"], Code::Truncated)] {
            let image = mkimage(arguments);
            let unpacked = unpack(&Fit, &image[..100_000]);
            let found = unpacked.file("kernel-1");
            assert!(found.len() > 90_000 && kernel().starts_with(found), "{arguments:?}");
            assert_eq!(unpacked.problems.last().unwrap().0, last);
        }
    }

    #[test]
    fn a_device_tree_without_images_is_none() {
        if crate::testing::lacking(&["dtc"]) {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.dts"), "/dts-v1/; / { images { nothing { here; }; }; };").unwrap();
        let tree = tool(Command::new("dtc").arg(folder.path().join("a.dts")));
        assert_eq!(carve(&Fit, &tree, 0), None);
        assert_eq!(carve(&Dtb, &tree, 0), Some(tree.len() as u64));
    }

    #[test]
    fn the_table_tries_it_before_the_device_tree() {
        let row = |id| FORMATS.iter().position(|format| format.spec().id == id).unwrap();
        assert!(row("fit") < row("dtb"));
    }

    #[test]
    fn damage_does_no_harm() {
        if crate::testing::lacking(&["mkimage"]) {
            return;
        }
        survives_damage(&Fit, &mkimage(&["-E"]));
        survives_damage(&Fit, &mkimage(&[]));
    }
}
