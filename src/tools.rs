//! What tests need of the machine: real tools, as oracles.

/// Programs by the Debian package that has them.
const PACKAGES: &[(&str, &[&str])] = &[
    ("binutils", &["ar", "ld", "objcopy", "readelf", "strings"]),
    ("bzip2", &["bzip2"]),
    ("cpio", &["cpio"]),
    ("cramfsswap", &["cramfsswap"]),
    ("device-tree-compiler", &["dtc"]),
    ("dosfstools", &["mkfs.fat"]),
    ("dpkg", &["dpkg-deb"]),
    ("e2fsprogs", &["debugfs", "mke2fs"]),
    ("fdisk", &["sfdisk"]),
    ("gcc", &["gcc"]),
    ("gcc-arm-linux-gnueabihf", &["arm-linux-gnueabihf-gcc"]),
    ("gcc-mipsel-linux-gnu", &["mipsel-linux-gnu-gcc"]),
    ("gdisk", &["sgdisk"]),
    ("genromfs", &["genromfs"]),
    ("libc-bin", &["ldd"]),
    ("lz4", &["lz4"]),
    ("lzop", &["lzop"]),
    ("mkbootimg", &["mkbootimg"]),
    ("mtd-utils", &["mkfs.jffs2", "mkfs.ubifs", "sumtool", "ubinize"]),
    ("mtools", &["mcopy", "mdel", "mmd"]),
    ("openssh-client", &["ssh-keygen"]),
    ("openssl", &["openssl"]),
    ("p7zip-full", &["7z"]),
    ("squashfs-tools", &["mksquashfs"]),
    ("srecord", &["srec_cat"]),
    ("tar", &["tar"]),
    ("u-boot-tools", &["mkimage"]),
    ("util-linux-extra", &["mkfs.cramfs"]),
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
