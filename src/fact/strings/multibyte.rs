//! Text beyond ASCII: UTF-8, GB 18030, and UTF-16 in Chinese or Japanese.
//!
//! Any two bytes are some character of these encodings, so a run has to prove that it is text: by the characters that writers of a language
//! use most, by their number, and by what stands before and after it.

use super::blocks::{HIGH, gather, zero};
use super::hanzi;
use super::is_printable;
use crate::blob::Endian;

/// How a text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Encoding {
    /// UTF-8 with more than ASCII in it.
    Utf8,
    /// GB 18030, of which GBK and GB 2312 are parts.
    Gb18030,
    /// UTF-16 with ideographs.
    Utf16(Endian),
}

/// A text: where it starts, where it ends, and how it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Text {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) encoding: Encoding,
}

impl Text {
    /// Its characters.
    pub(super) fn decoded(self, bytes: &[u8]) -> String {
        let content = bytes.get(self.start..self.end).unwrap_or_default();
        match self.encoding {
            Encoding::Utf8 => String::from_utf8_lossy(content).into_owned(),
            Encoding::Gb18030 => encoding_rs::GB18030.decode_without_bom_handling(content).0.into_owned(),
            Encoding::Utf16(endian) => {
                let units: Vec<u16> = content.as_chunks::<2>().0.iter().map(|pair| unit(endian, *pair)).collect();
                String::from_utf16_lossy(&units)
            }
        }
    }
}

/// All texts beyond ASCII, by their start. Each byte is looked at a bounded number of times.
pub(super) fn texts(bytes: &[u8]) -> Vec<Text> {
    let mut finder = Finder { bytes, found: Vec::new(), done: 0 };
    let (blocks, tail) = bytes.as_chunks::<64>();
    let mut last = [0x20; 64];
    last.iter_mut().zip(tail).for_each(|(to, from)| *to = *from);
    let mut blocks = blocks.iter().chain([&last, &[0; 64]]).map(Masks::of);
    let mut here = blocks.next().unwrap_or_default();
    let mut before = Masks::default();
    let mut base = 0_usize;
    for next in blocks {
        let mut candidates = candidates(before, here, next);
        while candidates != 0 {
            let bit = candidates.trailing_zeros();
            candidates &= candidates.wrapping_sub(1);
            finder.look_at(base.saturating_add(usize::try_from(bit).unwrap_or(0)));
        }
        (before, here, base) = (here, next, base.saturating_add(64));
    }
    finder.found.sort_unstable();
    finder.found.dedup();
    finder.found
}

/// What the 64 bytes of a block are, one bit a byte, the first byte lowest.
#[derive(Clone, Copy, Default)]
struct Masks {
    /// Beyond ASCII.
    high: u64,
    /// 0x80 to 0xbf: goes on with a character of UTF-8.
    continuation: u64,
    zero: u64,
}

impl Masks {
    fn of(block: &[u8; 64]) -> Self {
        let (words, _) = block.as_chunks::<8>();
        words.iter().fold(Self::default(), |sum, word| {
            let word = u64::from_le_bytes(*word);
            let any = word & HIGH;
            let (high, continuation) = if any == 0 { (0, 0) } else { (gather(any), gather(any & !(word << 1))) };
            let zeros = zero(word);
            let zeros = if zeros == 0 { 0 } else { gather(zeros) };
            Self { high: (sum.high >> 8) | high, continuation: (sum.continuation >> 8) | continuation, zero: (sum.zero >> 8) | zeros }
        })
    }
}

/// Where a text might be: at two characters of three bytes or three of two in UTF-8, at one of two bytes that stands alone, at the start of
/// three of GB 18030, and where two zeros end a text in UTF-16.
fn candidates(before: Masks, here: Masks, next: Masks) -> u64 {
    if here.high == 0 && here.zero & here.zero.wrapping_add(here.zero) == 0 && here.zero >> 63 == 0 && before.zero >> 63 == 0 {
        return 0;
    }
    let wide = |here: u64, next: u64| u128::from(here) | (u128::from(next) << 64);
    let (high, continuation, zero) = (wide(here.high, next.high), wide(here.continuation, next.continuation), wide(here.zero, next.zero));
    let first = high & !continuation & (continuation >> 1);
    let (two, three) = (first & !(continuation >> 2), first & (continuation >> 2));
    let alone = two & !(high >> 2) & !((high << 1) | u128::from(before.high >> 63));
    let utf8 = (three & (three >> 3)) | (two & (two >> 2) & (two >> 4)) | alone;
    let three_pairs = high & (high >> 1) & (high >> 2) & (high >> 3) & (high >> 4) & (high >> 5);
    let gb = three_pairs & !((high << 1) | u128::from(before.high >> 63));
    let ends = zero & (zero >> 1) & !((zero << 1) | u128::from(before.zero >> 63));
    let [a, b, c, d, e, f, g, h, ..] = (utf8 | gb | ends).to_le_bytes();
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

struct Finder<'a> {
    bytes: &'a [u8],
    found: Vec<Text>,
    /// The run that ends here was looked at.
    done: usize,
}

impl Finder<'_> {
    fn at(&self, index: usize) -> Option<u8> {
        self.bytes.get(index).copied()
    }

    fn look_at(&mut self, at: usize) {
        if self.at(at) == Some(0) {
            self.found.extend(utf16_before(self.bytes, at));
        } else if at >= self.done {
            self.run_around(at);
        }
    }

    /// The run of bytes without control characters around `at`.
    fn run_around(&mut self, at: usize) {
        let is_text = |byte: &u8| is_printable(*byte) || *byte >= 0x80;
        let before = self.bytes.get(self.done..at).unwrap_or_default();
        let start = at.saturating_sub(before.iter().rev().take_while(|byte| is_text(byte)).count());
        let rest = self.bytes.get(start..).unwrap_or_default();
        let run = rest.get(..rest.iter().take_while(|byte| is_text(byte)).count()).unwrap_or_default();
        self.done = start.saturating_add(run.len());
        let is_end = |byte: Option<u8>| matches!(byte, None | Some(b'\0' | b'\n' | b'\r'));
        let bounded = is_end(start.checked_sub(1).and_then(|before| self.at(before))) && is_end(self.at(self.done));
        if bounded && is_gb18030(run) && std::str::from_utf8(run).is_err() {
            self.found.push(Text { start, end: self.done, encoding: Encoding::Gb18030 });
            return;
        }
        let mut from = start;
        for chunk in run.utf8_chunks() {
            let text = chunk.valid();
            let end = from.saturating_add(text.len());
            if is_utf8_text(text, bounded && text.len() == run.len()) {
                self.found.push(Text { start: from, end, encoding: Encoding::Utf8 });
            }
            from = end.saturating_add(chunk.invalid().len());
        }
    }
}

/// Whether `text` is more than bytes that happen to be UTF-8: four ideographs, or if it stands for itself, two of them, four letters of another
/// alphabet, or a line in Latin letters with few accents.
fn is_utf8_text(text: &str, stands_alone: bool) -> bool {
    let (mut all, mut plain, mut ideographs, mut letters, mut accents) = (0_usize, 0_usize, 0_usize, 0_usize, 0_usize);
    for letter in text.chars() {
        let count = match letter {
            '\u{80}'..='\u{9f}' | '\u{e000}'..='\u{f8ff}' | '\u{fff0}'..='\u{ffff}' | '\u{e0000}'.. => return false,
            '\u{a0}'..='\u{24f}' | '\u{2010}'..='\u{2122}' => &mut accents,
            '\u{370}'..='\u{e7f}' => &mut letters,
            '\u{3000}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{ff00}'..='\u{ffef}' => &mut ideographs,
            'a'..='z' | 'A'..='Z' | ' ' => &mut plain,
            _ => &mut all,
        };
        *count = count.saturating_add(1);
    }
    let all = [all, plain, ideographs, letters, accents].into_iter().fold(0_usize, usize::saturating_add);
    let latin = accents > 0 && all >= 8 && plain.saturating_mul(2) >= all && accents.saturating_mul(4) <= all;
    ideographs >= 4 || (stands_alone && all >= 4 && (ideographs >= 2 || letters >= 4 || latin))
}

/// Whether all of `run` is GB 18030, nine in ten of its characters beyond ASCII are of GB 2312, and two in three of its first level, the 3755 most
/// used ideographs, and three at least.
fn is_gb18030(run: &[u8]) -> bool {
    let (mut pairs, mut standard, mut usual) = (0_usize, 0_usize, 0_usize);
    let mut rest = run;
    loop {
        rest = match rest {
            [] => break,
            [0..=0x7f, rest @ ..] => rest,
            [lead @ 0x81..=0xfe, trail @ (0x40..=0x7e | 0x80..=0xfe), rest @ ..] => {
                let is_standard = matches!(lead, 0xa1..=0xf7) && *trail >= 0xa1;
                pairs = pairs.saturating_add(1);
                standard = standard.saturating_add(usize::from(is_standard));
                usual = usual.saturating_add(usize::from(is_standard && matches!(lead, 0xb0..=0xd7)));
                rest
            }
            [0x81..=0xfe, 0x30..=0x39, 0x81..=0xfe, 0x30..=0x39, rest @ ..] => rest,
            _ => return false,
        };
    }
    let rare = pairs.saturating_sub(standard);
    usual >= 3 && usual.saturating_mul(3) >= pairs.saturating_mul(2) && rare.saturating_mul(10) <= pairs
}

/// The text in UTF-16 that ends where two zeros begin at `end`, if it has ideographs: text without them is found character by character.
fn utf16_before(bytes: &[u8], end: usize) -> Option<Text> {
    let little = Encoding::Utf16(Endian::Little);
    // The high byte of a last character in ASCII is the first of the zeros.
    let ends = [(end, Endian::Little), (end.saturating_add(1), Endian::Little), (end, Endian::Big)];
    let candidates = ends.into_iter().filter_map(|(end, endian)| utf16_ending(bytes, end, endian));
    candidates.max_by_key(|(text, usual)| (*usual, text.encoding == little)).map(|(text, _)| text)
}

/// Two bytes as one unit of UTF-16.
fn unit(endian: Endian, pair: [u8; 2]) -> u16 {
    match endian {
        Endian::Little => u16::from_le_bytes(pair),
        Endian::Big => u16::from_be_bytes(pair),
    }
}

/// Characters of the shortest text in UTF-16.
const LEAST_WIDE: usize = 4;

/// The text whose last character ends at `end`, and how many of its ideographs are usual ones that no two letters of ASCII could be.
fn utf16_ending(bytes: &[u8], end: usize, endian: Endian) -> Option<(Text, usize)> {
    let (mut start, mut usual, mut other, mut last) = (end, 0_usize, 0_usize, 0_u16);
    while let Some(at) = start.checked_sub(2)
        && let Some([a, b]) = bytes.get(at..start)
        // Two zeros in a row are the end of another.
        && !(*b == 0 && bytes.get(start) == Some(&0) && start < end)
    {
        match unit(endian, [*a, *b]) {
            // The same number over and over is a table.
            unit if unit == last => (),
            unit if hanzi::is_usual(unit) => {
                usual = usual.saturating_add(usize::from(!(is_printable(*a) && is_printable(*b))));
                last = unit;
            }
            0x20..=0x7e | 0xa0..=0xff | 0x3000..=0x30ff | 0xff01..=0xff5e => other = other.saturating_add(1),
            _ => break,
        }
        start = at;
    }
    let text = Text { start, end, encoding: Encoding::Utf16(endian) };
    let all = end.saturating_sub(start) / 2;
    (usual >= 2 && all >= LEAST_WIDE && usual.saturating_mul(3) >= all.saturating_sub(other) && usual.saturating_mul(4) >= all)
        .then_some((text, usual))
}
