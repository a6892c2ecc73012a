//! Images of U-Boot's `mkimage`: what `dumpimage -l` says of them is what comes out.

use std::fs;

use touchmark::report::Report;

use crate::bench::{Bench, Names, inspected, lacking, noise, sha256, text};

/// How an image is made, and what must come of it.
struct Case {
    /// `mkimage -T`.
    kind: &'static str,
    /// Its other arguments but for `-d`.
    arguments: &'static [&'static str],
    format: &'static str,
    /// The part that holds the payload.
    part: &'static str,
    /// Where `dumpimage` says how long that part is, or nothing if it says nothing that compares; and how much less it is.
    says: Option<(&'static str, u32, u64)>,
    /// Whether the payload comes out as it went in; otherwise it does with padding behind it, or with the name of the chip in its first word.
    exact: bool,
}

const fn case(kind: &'static str, arguments: &'static [&'static str], format: &'static str, part: &'static str) -> Case {
    Case { kind, arguments, format, part, says: None, exact: true }
}

impl Case {
    const fn says(self, label: &'static str, radix: u32, less: u64) -> Self {
        Self { says: Some((label, radix, less)), ..self }
    }

    fn compare(&self, said: &str, report: &Report, payload: &[u8]) -> Result<(), String> {
        if let Some(problem) = report.problems.first() {
            return Err(problem.message.clone());
        }
        let whole = report.artifacts.iter().find(|one| one.format == Some(self.format)).ok_or("not recognized")?;
        let parts = || report.artifacts.iter().filter(|one| one.parent == Some(whole.id));
        let names = || format!("only {:?}", parts().map(|one| &one.name).collect::<Vec<_>>());
        let part = parts().find(|one| one.name == self.part).ok_or_else(names)?;
        let size = payload.len() as u64;
        let expected = self.says.map(|(label, radix, less)| number(said, label, radix) - less);
        let fits = if self.exact { part.sha256 == sha256(payload) } else { (size - 100..size + (16 << 10)).contains(&part.size) };
        if !fits || expected.is_some_and(|expected| expected != part.size) {
            return Err(format!("{} bytes, and should be {expected:?} of {size}", part.size));
        }
        Ok(())
    }

    const fn padded(self) -> Self {
        Self { exact: false, ..self }
    }
}

const LEGACY: &[&str] = &["-A", "arm", "-O", "linux", "-C", "none", "-a", "0x8000", "-e", "0x8000", "-n", "name of the image"];
const LOADED: &[&str] = &["-a", "0x600000", "-e", "0x600000"];
const FIT: &[&str] = &["-A", "arm", "-O", "u-boot", "-C", "none", "-a", "0x8000", "-e", "0x8000", "-n", "name of the image", "-f", "auto"];
const FIT_OUTSIDE: &[&str] =
    &["-A", "arm", "-O", "u-boot", "-C", "none", "-a", "0x8000", "-e", "0x8000", "-n", "name of the image", "-E", "-f", "auto"];

const CASES: &[Case] = &[
    case("kernel", LEGACY, "uimage", "kernel").says("Data Size:", 10, 0),
    case("kernel_noload", LEGACY, "uimage", "kernel").says("Data Size:", 10, 0),
    case("ramdisk", LEGACY, "uimage", "ramdisk").says("Data Size:", 10, 0),
    case("firmware", LEGACY, "uimage", "firmware").says("Data Size:", 10, 0),
    case("filesystem", LEGACY, "uimage", "filesystem").says("Data Size:", 10, 0),
    case("standalone", LEGACY, "uimage", "standalone").says("Data Size:", 10, 0),
    case("script", LEGACY, "uimage", "script").says("Image 0:", 10, 0),
    case("multi", LEGACY, "uimage", "image-0").says("Image 0:", 10, 0),
    case("firmware", FIT, "fit", "firmware-1").says("Data Size:", 10, 0),
    case("firmware", FIT_OUTSIDE, "fit", "firmware-1").says("Data Size:", 10, 0),
    case("kwbimage", &["-n", "v0.cfg", "-a", "0x600000", "-e", "0x600000"], "kwbimage", "image").says("Data Size:", 10, 0),
    case("kwbimage", &["-n", "v1.cfg", "-a", "0x600000", "-e", "0x600000"], "kwbimage", "image").says("Data Size:", 10, 0),
    case("imximage", &["-n", "imx.cfg", "-e", "0x17800000"], "imximage", "image").padded(),
    case("imximage", &["-n", "imx1.cfg", "-e", "0x97800000"], "imximage-v1", "image").padded(),
    case("omapimage", LOADED, "omapimage", "image").says("GP Header: Size", 16, 8),
    case("omapimage", &["-n", "byteswap", "-a", "0x600000"], "omapimage", "image").padded(),
    case("rksd", &["-n", "rk3288"], "rockchip-idblock", "init").says("Init Data Size:", 10, 0).padded(),
    case("rksd", &["-n", "rk3399"], "rockchip-idblock", "init").says("Init Data Size:", 10, 0).padded(),
    case("rksd", &["-n", "rk3568"], "rockchip-idblock", "image-0").says("Init Data Size:", 10, 0).padded(),
    case("rkspi", &["-n", "rk3188"], "rockchip-idblock", "init").padded(),
    case("rkspi", &["-n", "rk3288"], "rockchip-idblock", "init").says("Init Data Size:", 10, 0).padded(),
    case("rkspi", &["-n", "rk3399"], "rockchip-idblock", "init").says("Init Data Size:", 10, 0).padded(),
    case("rkspi", &["-n", "rk3568"], "rockchip-idblock", "image-0").says("Init Data Size:", 10, 0).padded(),
    case("sunxi_egon", &["-n", "example-router-100"], "allwinner-egon", "code").says("size:", 10, 32).padded(),
    case("sunxi_toc0", &[], "allwinner-toc0", "firmware"),
    case("socfpgaimage", &[], "socfpga-image", "image").padded(),
    case("socfpgaimage_v1", &[], "socfpga-image", "image").padded(),
    case("stm32image", LOADED, "stm32-image", "image").says("Image Size   :", 10, 0),
    case("zynqimage", &["-a", "0", "-e", "0"], "xilinx-boot", "fsbl").says("Image Size   :", 10, 0x8c0),
    case("zynqmpimage", &["-a", "0", "-e", "0xfffc0000"], "xilinx-boot", "fsbl").says("Image Size   :", 10, 0),
    case("mtk_image", &["-n", "lk=1", "-a", "0x41e00000"], "mediatek-part", "U-Boot").padded(),
    case("imx8mimage", &["-n", "imx8m.cfg", "-e", "0x7e1000"], "imximage", "image").padded(),
    case("imx8image", &["-n", "imx8.cfg"], "imx8-container", "container-0/image-0").padded(),
    case("aisimage", &["-n", "ais.cfg", "-e", "0x80000000"], "ti-ais", "load-0x80000000").says("size 0x", 16, 0),
    case("mxsimage", &["-n", "mxs.cfg"], "nxp-sb", "section-0/load-0x1000").padded(),
    case("pblimage", &["-A", "powerpc", "-n", "rcw.cfg", "-R", "pbi.cfg", "-a", "0xfff40000"], "nxp-pbl", "load-0xffdcc0").padded(),
];

const FILES: &[(&str, &str)] = &[
    ("v0.cfg", "VERSION 0\nBOOT_FROM nand\nNAND_ECC_MODE default\nNAND_PAGE_SIZE 0x800\nDATA 0xFFD100e0 0x1b1b1b9b\nDATA 0x0 0x0\n"),
    ("v1.cfg", "VERSION 1\nBOOT_FROM spi\n"),
    ("imx.cfg", "IMAGE_VERSION 2\nBOOT_FROM sd\nDATA 4 0x020e05a8 0x00000030\n"),
    ("imx1.cfg", "BOOT_FROM sd\nDATA 4 0x73fa88a0 0x00000200\n"),
    ("imx8m.cfg", "ROM_VERSION v1\nBOOT_FROM sd\nLOADER payload 0x7E1000\n"),
    ("imx8.cfg", "BOOT_FROM SD\nSOC_TYPE IMX8QX\nCONTAINER\nIMAGE A35 payload 0x80000000\n"),
    ("ais.cfg", "PLL0 0x00180001 0x00000205\n"),
    ("mxs.cfg", "SECTION 0x0 BOOTABLE\nTAG LAST\nLOAD 0x1000 payload\nCALL 0x1000 0x0\n"),
    ("pbi.cfg", "09010000 00200400\n09138000 00000000\n091380c0 00000100\n"),
];

/// The number behind `label`.
fn number(said: &str, label: &str, radix: u32) -> u64 {
    let (_, rest) = said.split_once(label).unwrap_or_else(|| panic!("no {label} in {said}"));
    let digits: String = rest.trim_start().chars().take_while(|digit| digit.is_digit(radix)).collect();
    u64::from_str_radix(&digits, radix).unwrap()
}

fn bench() -> Bench {
    let bench = Bench::new(Names::Plain);
    let put = |name: &str, content: &[u8]| fs::write(bench.tree().join(name), content).unwrap();
    put("payload", &noise(5, 9000));
    FILES.iter().for_each(|(name, content)| put(name, content.as_bytes()));
    put("rcw.cfg", ["aa55aa55 010e0100\n".to_owned(), "10080000 00000000 00000000 00000000\n".repeat(4)].concat().as_bytes());
    bench.run("openssl", &["genrsa", "-out", "root_key.pem", "2048"]);
    bench
}

#[test]
fn images_of_every_kind() {
    if lacking(&["dumpimage", "mkimage", "openssl"]) {
        return;
    }
    let bench = bench();
    let image = bench.at("image");
    let payload = noise(5, 9000);
    let mut wrong = Vec::new();
    for case in CASES {
        bench.run("mkimage", &[&["-T", case.kind], case.arguments, &["-d", "payload", text(&image)]].concat());
        let said = String::from_utf8(bench.run("dumpimage", &["-l", text(&image)])).unwrap();
        if let Err(why) = case.compare(&said, &inspected(&fs::read(&image).unwrap()), &payload) {
            wrong.push(format!("{} {:?}: {why}; dumpimage: {said}", case.kind, case.arguments));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn images_made_of_several() {
    if lacking(&["dumpimage", "mkimage", "openssl"]) {
        return;
    }
    let bench = bench();
    let image = bench.at("image");
    bench.run("mkimage", &[&["-T", "multi"], LEGACY, &["-d", "payload:big:one-byte", text(&image)]].concat());
    let said = String::from_utf8(bench.run("dumpimage", &["-l", text(&image)])).unwrap();
    let report = inspected(&fs::read(&image).unwrap());
    for (index, name) in ["payload", "big", "one-byte"].iter().enumerate() {
        let part = report.artifacts.iter().find(|one| one.name == format!("image-{index}")).unwrap();
        assert_eq!(part.sha256, sha256(&fs::read(bench.tree().join(name)).unwrap()));
        assert_eq!(part.size, number(&said, &format!("Image {index}:"), 10));
    }
    assert!(said.contains("name of the image"));
}
