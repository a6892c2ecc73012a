//! A tree of a thousand files, with all that trees of firmware have in them, through each file system's own mkfs: every file must come back.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::bench::{Bench, Names, lacking, noise, text};

/// How one file system is made of the tree. `$tree` and `$image` in the commands stand for their paths.
struct Maker {
    name: &'static str,
    names: Names,
    /// The largest file that it can hold, in MiB: the largest of the tree is cut down to it.
    largest: usize,
    /// Size of the image before the commands run; 0 for tools that make the file.
    room: u64,
    commands: &'static [&'static [&'static str]],
}

// Not here, as Debian has no tool that fills them without mounting them: Minix, NTFS, exFAT, HFS+ alone, UDF alone, APFS, YAFFS, littlefs, XFS (its
// prototype files have no names with spaces before xfsprogs 6.17), QNX. HFS is filled file by file only. Their own tests read what their
// mkfs, a writer of ours or another reader of the same bytes made.
const MAKERS: &[Maker] = &[
    Maker {
        name: "ext2",
        names: Names::Any,
        largest: 64,
        room: 200 << 20,
        commands: &[&["mke2fs", "-q", "-t", "ext2", "-d", "$tree", "$image"]],
    },
    Maker {
        name: "ext4",
        names: Names::Any,
        largest: 64,
        room: 200 << 20,
        commands: &[&["mke2fs", "-q", "-t", "ext4", "-d", "$tree", "$image"]],
    },
    Maker {
        name: "squashfs",
        names: Names::Any,
        largest: 64,
        room: 0,
        commands: &[&["mksquashfs", "$tree", "$image", "-noappend", "-quiet", "-no-progress", "-comp", "zstd", "-Xcompression-level", "3"]],
    },
    Maker { name: "romfs", names: Names::Any, largest: 64, room: 0, commands: &[&["genromfs", "-d", "$tree", "-f", "$image"]] },
    Maker { name: "cramfs", names: Names::Any, largest: 8, room: 0, commands: &[&["mkfs.cramfs", "$tree", "$image"]] },
    Maker {
        name: "jffs2",
        names: Names::Any,
        largest: 64,
        room: 0,
        commands: &[&["mkfs.jffs2", "-r", "$tree", "-o", "$image", "-l", "-e", "0x20000", "-x", "zlib"]],
    },
    Maker {
        name: "ubifs",
        names: Names::Any,
        largest: 64,
        room: 0,
        commands: &[&["mkfs.ubifs", "-r", "$tree", "-o", "$image", "-m", "2048", "-e", "126976", "-c", "2000", "-x", "lzo"]],
    },
    Maker {
        name: "FAT32",
        names: Names::Plain,
        largest: 64,
        room: 200 << 20,
        commands: &[&["mkfs.fat", "-F", "32", "$image"], &["mcopy", "-s", "-Q", "-i", "$image", "$tree", "::/"]],
    },
    Maker { name: "erofs", names: Names::Any, largest: 64, room: 0, commands: &[&["mkfs.erofs", "--quiet", "-zlz4", "$image", "$tree"]] },
    Maker {
        name: "f2fs",
        names: Names::Any,
        largest: 64,
        room: 300 << 20,
        commands: &[&["mkfs.f2fs", "-q", "-f", "$image"], &["sload.f2fs", "-f", "$tree", "-t", "/", "$image"]],
    },
    Maker { name: "btrfs", names: Names::Any, largest: 64, room: 400 << 20, commands: &[&["mkfs.btrfs", "-q", "-r", "$tree", "$image"]] },
    Maker {
        name: "ufs",
        names: Names::Any,
        largest: 64,
        room: 0,
        commands: &[&["makefs", "-t", "ffs", "-s", "300m", "-f", "3000", "-o", "version=2", "$image", "$tree"]],
    },
    Maker {
        name: "iso9660",
        names: Names::Any,
        largest: 64,
        room: 0,
        commands: &[&["xorriso", "-as", "mkisofs", "-quiet", "-R", "-J", "-o", "$image", "$tree"]],
    },
    Maker {
        name: "cpio",
        names: Names::Any,
        largest: 64,
        room: 0,
        commands: &[&["sh", "-c", "find . -type f | cpio -o -H newc --quiet >'$image'"]],
    },
    Maker { name: "tar", names: Names::Any, largest: 64, room: 0, commands: &[&["tar", "-c", "-S", "-f", "$image", "."]] },
];

impl Bench {
    /// A thousand files: empty ones, one of 64 MiB, holes, hard links, deep folders, odd names.
    fn thousand(names: Names, largest: usize) -> Self {
        let bench = Self::new(names);
        let root = bench.tree();
        let put = |path: &str, bytes: &[u8]| {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        };
        for number in 0..900 {
            put(&format!("many/{}/file-{number:04}", number % 37), &noise(1000 + number, number * number % 9001));
        }
        for number in 0..20 {
            put(&format!("many/empty-{number}"), b"");
            fs::hard_link(root.join(format!("many/{number}/file-{number:04}")), root.join(format!("linked-{number}"))).unwrap();
            let sparse = fs::File::create(root.join(format!("many/sparse-{number}"))).unwrap();
            sparse.set_len(10_000 + 37_000 * number as u64).unwrap();
            sparse.write_at(b"an island", 5_000 + 18_000 * number as u64).unwrap();
        }
        put(&format!("{}deepest", "deep/".repeat(30)), b"thirty folders down\n");
        let block = noise(4711, 1 << 20);
        let large: Vec<u8> = (0..largest).flat_map(|round| block.iter().map(move |byte| byte.wrapping_add(round as u8))).collect();
        put("large", &large);
        assert!(bench.files().len() >= 1000, "{} files", bench.files().len());
        bench
    }
}

fn made(maker: &Maker) {
    let tools: Vec<&str> = maker.commands.iter().map(|command| command[0]).filter(|tool| *tool != "sh").collect();
    if lacking(&tools) {
        return;
    }
    let bench = Bench::thousand(maker.names, maker.largest);
    let (tree, image) = (bench.tree(), bench.at("image"));
    if maker.room > 0 {
        fs::File::create(&image).unwrap().set_len(maker.room).unwrap();
    }
    let filled = |word: &&str| word.replace("$tree", text(&tree)).replace("$image", text(&image));
    for command in maker.commands {
        let words: Vec<String> = command.iter().map(filled).collect();
        let arguments: Vec<&str> = words[1..].iter().map(String::as_str).collect();
        bench.run(&words[0], &arguments);
    }
    assert!(Path::new(&image).exists());
    bench.file_comes_back(maker.name, "image");
}

#[test]
fn a_thousand_files_come_back_from_each_file_system() {
    MAKERS.iter().for_each(made);
}
