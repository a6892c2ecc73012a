//! The environment of U-Boot as it stands in flash: a CRC, and variables that say how the board boots.

use crate::blob::{Blob, Bytes, Endian, Span, to_u64};
use crate::format::{Anchor, Carved, Children, Format, Kind, Magic, Spec, length_of};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// U-Boot environment, with or without the flag of redundant ones.
#[derive(Debug)]
pub(super) struct UBootEnv;

static SPEC: Spec = Spec {
    id: "uboot-env",
    name: "U-Boot environment",
    kind: Kind::Container,
    magics: &MAGICS,
    leaf: true,
    references: &[
        "https://docs.u-boot.org/en/latest/usage/environment.html",
        "https://github.com/u-boot/u-boot/blob/master/include/env_internal.h",
    ],
    limitations: &[
        "recognized by the first variable, which is one of those that environments usually begin with",
        "sizes other than multiples of 1 KiB up to 256 KiB are not recognized, nor is an environment whose CRC does not fit",
    ],
};

/// How first variables begin: the ones of U-Boot's own default environment, and those that are first once U-Boot sorted and saved them.
const FIRST: [&[u8]; 40] = [
    b"bootcmd",
    b"bootargs",
    b"bootdelay",
    b"baudrate=",
    b"bootfile=",
    b"boot_",
    b"bootm_",
    b"board",
    b"active",
    b"addip=",
    b"addmisc=",
    b"addtty=",
    b"altboot",
    b"arch=",
    b"args",
    b"autoload=",
    b"autostart=",
    b"android",
    b"appauto=",
    b"console=",
    b"ethaddr=",
    b"fdt_",
    b"ipaddr=",
    b"kernel",
    b"loadaddr=",
    b"serverip=",
    b"stdin=",
    b"ver=",
    b"mtdids=",
    b"mtdparts=",
    b"netmask=",
    b"partitions=",
    b"gatewayip=",
    b"ethact=",
    b"fileaddr=",
    b"hostname=",
    b"preboot=",
    b"hwid",
    b"HWID",
    b"model=",
];

/// Each of them behind a CRC, and behind a CRC and a flag.
const MAGICS: [Magic; 80] = {
    let mut magics = [Magic { bytes: b"bootcmd", offset: 4, anchor: Anchor::Anywhere }; 80];
    let mut index = 0;
    #[allow(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        reason = "computed when compiled: what is out of range does not compile"
    )]
    while index < FIRST.len() {
        magics[2 * index] = Magic::anywhere(FIRST[index]).at(4);
        magics[2 * index + 1] = Magic::anywhere(FIRST[index]).at(5);
        index += 1;
    }
    magics
};

/// Variables that say what device it is.
const IDENTITY: [(&[u8], &str); 9] = [
    (b"board", "header.board"),
    (b"board_name", "header.board"),
    (b"vendor", "header.vendor"),
    (b"manufacturer", "header.vendor"),
    (b"model", "header.product"),
    (b"model_name", "header.product"),
    (b"product", "header.product"),
    (b"product_name", "header.product"),
    (b"ver", "header.version"),
];

/// The largest environment that is looked for, and the step of the sizes that are tried.
const LARGEST: u64 = 256 << 10;
const STEP: u64 = 1024;

/// Environments of old loaders have remains of longer ones behind their end. They cost more to try, so only where one is likely to stand.
const SECTOR: u64 = 256;

impl Format for UBootEnv {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        if follows_text(blob.bytes(), start) {
            return Err(Rejected("in the middle of text"));
        }
        let environment = Environment::read(Bytes(blob.bytes().up_to(start, LARGEST)), start.is_multiple_of(SECTOR))?;
        Ok(Carved::new(environment.size, start, blob))
    }

    /// Says each variable; those that identify the device also under the keys that all headers have.
    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        let environment = Environment::read(bytes, true).map_err(|rejected| Fault::corrupt(rejected.0))?;
        let mut at = environment.data;
        for variable in bytes.up_to(at, environment.end.saturating_sub(at)).split(|byte| *byte == 0).filter(|variable| !variable.is_empty())
        {
            children.fact("u-boot.environment", variable, Span::new(at, length_of(variable)));
            let equals = variable.iter().position(|byte| *byte == b'=').unwrap_or(variable.len());
            let (name, value) = variable.split_at_checked(equals).unwrap_or((variable, &[]));
            let value = value.get(1..).unwrap_or_default();
            let key = IDENTITY.iter().find(|(known, _)| *known == name).map(|(_, key)| *key);
            if let Some(key) = key.filter(|_| !value.is_empty()) {
                let place = at.saturating_add(to_u64(equals)).saturating_add(1);
                children.fact(key, value, Span::new(place, length_of(value)));
            }
            at = at.saturating_add(length_of(variable)).saturating_add(1);
        }
        Ok(())
    }
}

/// Whether what stands before a variable is text rather than a CRC: then it is not the first of its environment, or no environment at all.
fn follows_text(bytes: Bytes<'_>, start: u64) -> bool {
    let before = bytes.up_to(start.saturating_sub(16), 20);
    let is_text = |byte: &u8| matches!(byte, 0 | b'\t' | b'\n' | b'\r' | b' '..=b'~');
    start > 0 && before.iter().all(is_text) && before.iter().filter(|byte| **byte != 0).count() >= 4
}

/// What stands there (`env_internal.h`):
///
/// ```text
/// 0 CRC-32 of all that follows, but for the flag; in the byte order of the board   4 flag, in redundant environments only
/// 4 or 5 variables "name=value", each with a NUL; one more NUL; then up to the size, which is written nowhere, 0x00 or 0xff or remains
/// ```
struct Environment {
    /// Where the first variable begins.
    data: u64,
    /// Where the last one ends.
    end: u64,
    size: u64,
}

impl Environment {
    fn read(bytes: Bytes<'_>, remains: bool) -> Result<Self, Rejected> {
        let mut rejected = Rejected("no variables");
        for data in [4, 5] {
            match variables_end(bytes, data) {
                Some(end) => match Self::sized(bytes, data, end, remains) {
                    Some(environment) => return Ok(environment),
                    None => rejected = Rejected("no size at which the CRC fits"),
                },
                None => continue,
            }
        }
        Err(rejected)
    }

    /// The smallest size at which the CRC fits.
    fn sized(bytes: Bytes<'_>, data: u64, end: u64, remains: bool) -> Option<Self> {
        let wanted = [bytes.u32(0, Endian::Little).ok()?, bytes.u32(0, Endian::Big).ok()?];
        let filler = bytes.u8(end.saturating_add(1)).unwrap_or(0);
        let padding = bytes.tail(end.saturating_add(1)).iter().take_while(|byte| **byte == filler).count();
        let padded = end.saturating_add(1).saturating_add(to_u64(padding));
        let last = if remains { LARGEST } else { padded }.min(LARGEST).min(bytes.len());
        let mut sum = flate2::Crc::new();
        let mut summed = data;
        let mut size = end.saturating_add(1).next_multiple_of(STEP);
        while size <= last {
            sum.update(bytes.up_to(summed, size.saturating_sub(summed)));
            summed = size;
            if wanted.contains(&sum.sum()) {
                return Some(Self { data, end, size });
            }
            size = size.saturating_add(STEP);
        }
        None
    }
}

/// Where the list of variables from `data` on ends, if it is one: the second of two NULs.
fn variables_end(bytes: Bytes<'_>, data: u64) -> Option<u64> {
    let mut at = data;
    loop {
        let rest = bytes.up_to(at, LARGEST);
        let length = memchr::memchr(0, rest)?;
        let variable = rest.get(..length)?;
        if variable.is_empty() {
            return (at > data).then_some(at);
        }
        let name = memchr::memchr(b'=', variable)?;
        let printable = |byte: &u8| matches!(byte, b'!'..=b'~');
        if name == 0
            || !variable.get(..name)?.iter().all(printable)
            || variable.iter().any(|byte| *byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r'))
        {
            return None;
        }
        at = at.saturating_add(to_u64(length)).saturating_add(1);
    }
}

#[cfg(test)]
mod tests;
