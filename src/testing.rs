//! What tests share: real tools of the machine, as oracles, and damaged copies of what those make.

/// Programs by the Debian package that has them.
const PACKAGES: &[(&str, &[&str])] = &[
    ("android-sdk-libsparse-utils", &["img2simg"]),
    ("arc", &["arc"]),
    ("arj", &["arj"]),
    ("attr", &["setfattr"]),
    ("binutils", &["ar", "ld", "objcopy", "readelf", "strings"]),
    ("brotli", &["brotli"]),
    ("btrfs-progs", &["mkfs.btrfs"]),
    ("bzip2", &["bzip2"]),
    ("coreutils", &["mkfifo"]),
    ("cpio", &["cpio"]),
    ("cramfsswap", &["cramfsswap"]),
    ("device-tree-compiler", &["dtc"]),
    ("dosfstools", &["mkfs.fat"]),
    ("dpkg", &["dpkg-deb", "dpkg-query"]),
    ("e2fsprogs", &["debugfs", "mke2fs"]),
    ("erofs-utils", &["mkfs.erofs"]),
    ("exfat-fuse", &["mount.exfat-fuse"]),
    ("exfatprogs", &["mkfs.exfat"]),
    ("f2fs-tools", &["mkfs.f2fs", "sload.f2fs"]),
    ("fdisk", &["sfdisk"]),
    ("fp-utils-3.2.2", &["chmcmd"]),
    ("gcab", &["gcab"]),
    ("gcc", &["gcc"]),
    ("gcc-arm-linux-gnueabihf", &["arm-linux-gnueabihf-gcc"]),
    ("gcc-mipsel-linux-gnu", &["mipsel-linux-gnu-gcc"]),
    ("gdisk", &["sgdisk"]),
    ("genisoimage", &["genisoimage", "mkzftree"]),
    ("genromfs", &["genromfs"]),
    ("hfsutils", &["hcopy", "hformat", "hmkdir", "humount"]),
    ("libarchive-tools", &["bsdtar"]),
    ("libc-bin", &["ldd"]),
    ("lz4", &["lz4"]),
    ("lzip", &["lzip"]),
    ("lzop", &["lzop"]),
    ("makefs", &["makefs"]),
    ("mkbootimg", &["mkbootimg"]),
    ("msitools", &["msiinfo"]),
    ("mtd-utils", &["mkfs.jffs2", "mkfs.ubifs", "sumtool", "ubinize"]),
    ("mtools", &["mcopy", "mdel", "mmd"]),
    ("ncompress", &["compress"]),
    ("ntfs-3g", &["mkfs.ntfs", "ntfs-3g"]),
    ("openssh-client", &["ssh-keygen"]),
    ("openssl", &["openssl"]),
    ("osslsigncode", &["osslsigncode"]),
    ("p7zip-full", &["7z"]),
    ("python3", &["python3"]),
    ("qemu-utils", &["qemu-img"]),
    ("rpm", &["rpmbuild"]),
    ("squashfs-tools", &["mksquashfs"]),
    ("srecord", &["srec_cat"]),
    ("tar", &["tar"]),
    ("u-boot-tools", &["mkenvimage", "mkimage"]),
    ("util-linux", &["mkfs.minix", "mkswap"]),
    ("util-linux-extra", &["mkfs.cramfs"]),
    ("wimtools", &["wimlib-imagex"]),
    ("xfsprogs", &["mkfs.xfs"]),
    ("xorriso", &["xorriso"]),
    ("xz-utils", &["xz"]),
    ("zip", &["zip"]),
    ("zstd", &["zstd"]),
];

/// Whether one of `programs` is not on this machine, so that the test that asks cannot run here. Says which, and by which Debian package to get
/// it. Where the environment variable `CI` is set nothing may be lacking: panics.
pub(crate) fn lacking(programs: &[&str]) -> bool {
    let folders: Vec<_> = std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default();
    let found = |program: &str| folders.iter().any(|folder| folder.join(program).exists());
    let Some(missing) = programs.iter().find(|program| !found(program)) else { return false };
    let package = PACKAGES.iter().find(|(_, programs)| programs.contains(missing)).map_or("?", |(package, _)| *package);
    let message = format!("{missing} is not on this machine (Debian package {package})");
    assert!(std::env::var_os("CI").is_none(), "{message}");
    eprintln!("skipped: {message}");
    true
}

/// Damaged copies of `bytes`, the same each time: cut off at ten places, then `rounds` with flipped bits and overwritten fields, half of them in
/// the first `head` bytes, where headers are.
pub(crate) fn damaged(bytes: &[u8], rounds: usize, head: usize) -> impl Iterator<Item = Vec<u8>> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % u64::try_from(below.max(1)).unwrap()).unwrap()
    };
    let cut = (0..10).map(|tenth| bytes[..bytes.len() * tenth / 10].to_vec());
    let changed = (0..rounds).map(move |round| {
        let mut copy = bytes.to_vec();
        let reach = if round % 2 == 0 { copy.len().min(head) } else { copy.len() };
        for _ in 0..=random(4) {
            let (at, value, length) = (random(reach), [0x00, 0x7f, 0x80, 0xff][random(4)], 1 + random(4));
            match random(3) {
                0 => copy[at] ^= 1 << random(8),
                _ => copy[at..].iter_mut().take(length).for_each(|byte| *byte = value),
            }
        }
        copy
    });
    cut.chain(changed)
}
