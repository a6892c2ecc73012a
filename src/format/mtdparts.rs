//! The lists by which boot loaders and kernels are told how a flash is divided: `mtdparts=nor0:256k(u-boot)ro,64k(env),-(rootfs)`.

use std::collections::BTreeMap;

use memchr::memmem;

use crate::blob::{Bytes, Span, to_u64, to_usize};

/// A partition with a name, as a list defines it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Partition {
    /// Where its definition stands, from its size to its last flag.
    pub(crate) place: Span,
    name: String,
    /// Where it lies in the flash.
    flash: Span,
}

/// The partitions of one device.
#[derive(Debug, Default)]
pub(crate) struct List {
    /// Those that have a name, in order.
    pub(crate) partitions: Vec<Partition>,
    /// Where the last one ends, if every size is said.
    size: Option<u64>,
}

/// How every list begins, in an environment as in a command line.
const START: &[u8] = b"mtdparts=";

/// Longer names and lists are something else.
const LONGEST_DEVICE: usize = 128;
const LONGEST_NAME: usize = 64;
const MOST_PARTITIONS: usize = 64;
const MOST_LISTS: usize = 256;

/// All lists in `bytes`. What breaks off or is written wrong is none.
pub(crate) fn lists(bytes: &[u8]) -> impl Iterator<Item = List> {
    let mut end = 0;
    let starts = memmem::find_iter(bytes, START).map(|at| at.saturating_add(START.len()));
    starts.take(MOST_LISTS).flat_map(move |at| {
        let mut found = Vec::new();
        let mut reader = Reader { bytes, at };
        // U-Boot's own variable repeats its name in its value.
        if at >= end {
            while let Some(list) = reader.device() {
                found.push(list);
                end = reader.at;
                if !reader.skip(b";") {
                    break;
                }
            }
        }
        found
    })
}

/// What lies at the start of each partition of a flash of which `bytes` are all, by lists in those bytes whose sizes come to just that.
/// Nothing of a place that two lists name differently; of partitions in partitions the innermost counts.
pub(crate) fn names(bytes: Bytes<'_>) -> BTreeMap<u64, String> {
    let mut names: BTreeMap<u64, Option<String>> = BTreeMap::new();
    if bytes.len().is_multiple_of(ERASE) {
        for list in lists(bytes.0).filter(|list| list.size == Some(bytes.len())) {
            let mut own: BTreeMap<u64, &Partition> = BTreeMap::new();
            for partition in &list.partitions {
                let inner = own.entry(partition.flash.start).or_insert(partition);
                if partition.flash.length < inner.flash.length {
                    *inner = partition;
                }
            }
            for (start, partition) in own {
                let name = names.entry(start).or_insert_with(|| Some(partition.name.clone()));
                if name.as_ref().is_some_and(|name| *name != partition.name) {
                    *name = None;
                }
            }
        }
    }
    names.into_iter().filter_map(|(start, name)| Some((start, name?))).collect()
}

/// No flash has smaller blocks to erase.
const ERASE: u64 = 4096;

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &[u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn skip(&mut self, what: &[u8]) -> bool {
        let is_there = self.rest().starts_with(what);
        if is_there {
            self.at = self.at.saturating_add(what.len());
        }
        is_there
    }

    /// `device:definition,definition…`. `None` where nothing of the kind stands.
    fn device(&mut self) -> Option<List> {
        self.at = self.at.saturating_add(device_name(self.rest())?);
        let mut list = List { partitions: Vec::new(), size: Some(0) };
        let mut last = 0;
        for _ in 0..MOST_PARTITIONS {
            last = self.partition(last, &mut list)?;
            if !self.skip(b",") {
                break;
            }
        }
        (!list.partitions.is_empty()).then_some(list)
    }

    /// `size[@offset][(name)][ro][lk]`, behind a partition that ends at `last`. Returns where this one ends.
    fn partition(&mut self, last: u64, list: &mut List) -> Option<u64> {
        let start = self.at;
        let size = if self.skip(b"-") { None } else { Some(self.number()?) };
        let offset = if self.skip(b"@") { self.number()? } else { last };
        let name = self.name()?;
        while self.skip(b"ro") || self.skip(b"lk") || self.skip(b"slc") {}
        let flash = Span::new(offset, size.unwrap_or(0));
        list.size = size.and(list.size).map(|all| all.max(flash.end()));
        if let Some(name) = name {
            let place = Span::between(to_u64(start), to_u64(self.at));
            list.partitions.push(Partition { place, name, flash });
        }
        Some(flash.end())
    }

    /// What stands in brackets; `Some(None)` if there are none.
    fn name(&mut self) -> Option<Option<String>> {
        if !self.skip(b"(") {
            return Some(None);
        }
        let length = self.rest().iter().take(LONGEST_NAME).position(|byte| *byte == b')')?;
        let name = self.rest().get(..length)?;
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'+' | b'@' | b' ' | b'#');
        if name.is_empty() || !name.iter().all(is_name) || name.iter().all(|byte| *byte == b'.') {
            return None;
        }
        let name = String::from_utf8_lossy(name).into_owned();
        self.at = self.at.saturating_add(length).saturating_add(1);
        Some(Some(name))
    }

    /// As C reads it: decimal, hexadecimal behind 0x, octal behind 0; then k, m or g. Never 0 unless it says so.
    fn number(&mut self) -> Option<u64> {
        let radix = match self.rest() {
            [b'0', b'x' | b'X', ..] => 16,
            [b'0', b'0'..=b'7', ..] => 8,
            _ => 10,
        };
        if radix == 16 {
            self.at = self.at.saturating_add(2);
        }
        let digits = self.rest().iter().take(20).take_while(|byte| char::from(**byte).is_digit(radix)).count();
        let text = std::str::from_utf8(self.rest().get(..digits)?).ok()?;
        let number = u64::from_str_radix(text, radix).ok()?;
        self.at = self.at.saturating_add(digits);
        let shift = match self.rest().first() {
            Some(b'k' | b'K') => 10,
            Some(b'm' | b'M') => 20,
            Some(b'g' | b'G') => 30,
            _ => return Some(number),
        };
        self.at = self.at.saturating_add(1);
        number.checked_mul(1 << shift)
    }
}

/// Length of a device's name and the colon behind it. Some names have colons themselves: the last one before the first bracket counts.
fn device_name(bytes: &[u8]) -> Option<usize> {
    let bracket = bytes.iter().take(LONGEST_DEVICE).position(|byte| *byte == b'(')?;
    let head = bytes.get(..bracket)?;
    let colon = head.iter().rposition(|byte| *byte == b':')?;
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'/' | b'@' | b':' | b'#');
    let is_device = colon > 0 && head.get(..colon)?.iter().all(is_name);
    is_device.then(|| colon.saturating_add(1))
}

/// Hands every definition in `text`, which stands at `start`, to `say`.
pub(crate) fn each(text: &[u8], start: u64, say: &mut dyn FnMut(&[u8], Span)) {
    for partition in lists(text).flat_map(|list| list.partitions) {
        let Span { start: at, length } = partition.place;
        let definition = text.get(to_usize(at)..to_usize(at.saturating_add(length))).unwrap_or_default();
        say(definition, Span::new(start.saturating_add(at), length));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<Vec<(String, u64, u64)>> {
        let of = |one: &Partition| (one.name.clone(), one.flash.start, one.flash.length);
        lists(text.as_bytes()).map(|list| list.partitions.iter().map(of).collect()).collect()
    }

    fn part(name: &str, start: u64, length: u64) -> (String, u64, u64) {
        (name.to_owned(), start, length)
    }

    #[test]
    fn lists_are_read_as_the_kernel_reads_them() {
        let found = read("console=ttyS0 mtdparts=spi0.0:256k(u-boot)ro,0x10000(env),1M@0x100000(kernel),-(rootfs) quiet");
        let wanted =
            [part("u-boot", 0, 256 << 10), part("env", 256 << 10, 1 << 16), part("kernel", 1 << 20, 1 << 20), part("rootfs", 2 << 20, 0)];
        assert_eq!(found, [wanted]);
        let found = read("mtdparts=mtdparts=nor0:64k(boot);d0000000.nand:01000,1m(data)lk\0");
        assert_eq!(found, [vec![part("boot", 0, 65536)], vec![part("data", 512, 1 << 20)]]);
        assert_eq!(read("mtdparts=0000:00:1f.5:64k(boot)"), [[part("boot", 0, 65536)]]);
        for other in
            ["mtdparts=", "mtdparts=$mtdparts", "mtdparts=nor0:-", "mtdparts=nor0:64k(bo", "mtdparts=nor0:(x)", "mtdparts=%s:1m(x)"]
        {
            assert!(read(other).is_empty(), "{other}");
        }
    }

    #[test]
    fn a_list_names_a_flash_of_its_size_only() {
        let mut flash = vec![0xff; 1 << 20];
        let mut write = |at: usize, text: &[u8]| flash[at..at + text.len()].copy_from_slice(text);
        write(100, b"mtdparts=nor0:256k(u-boot),64k(env),704k(firmware),512k@0x50000(kernel),192k(rootfs)\0");
        write(5000, b"mtdparts=nor0:256k(boot),-(rest)\0");
        write(6000, b"mtdparts=nor0:512k(half),256k(quarter)\0");
        let found = names(Bytes(&flash));
        let wanted = [(0, "u-boot"), (256 << 10, "env"), (320 << 10, "kernel"), (832 << 10, "rootfs")];
        assert_eq!(found, wanted.into_iter().map(|(start, name)| (start, name.to_owned())).collect());
        flash[7000..7039].copy_from_slice(b"mtdparts=nor0:256k(boot0),768k(other)\0\0");
        assert_eq!(names(Bytes(&flash)).get(&0), None, "who knows which of the two is right");
        flash.extend([0; 4096]);
        assert!(names(Bytes(&flash)).is_empty());
    }

    #[test]
    fn many_beginnings_cost_no_more_than_their_length() {
        let text = "mtdparts=a:1k(".repeat(200_000);
        assert!(read(&text).is_empty());
        let text = format!("mtdparts=a:{}", "1k(b),".repeat(200_000));
        assert!(read(&text).len() <= 1);
    }
}
