//! The Rich header: which of Microsoft's compilers and linkers had a part in a file.

use super::image::Image;
use crate::blob::{Bytes, Endian, Span};
use crate::fact::ordered::Ordered;

/// What is said of it.
pub(in crate::fact) struct Rich {
    /// Where it starts, and where its `Rich` stands.
    pub(in crate::fact) span: Span,
    key: u32,
}

/// `DanS`
const START: u32 = 0x536e_6144;
/// `Rich`
const END: &[u8] = b"Rich";
/// The list starts behind the mark and three words of padding.
const HEAD: u64 = 16;

/// It stands between the DOS program and the PE header. All its words are XORed with the one that follows `Rich`:
///
/// ```text
/// "DanS", 3 words of 0, then for each tool  u16 build; u16 product; u32 uses   and at its end  "Rich", u32 key
/// ```
///
/// <https://www.ntcore.com/files/richsign.htm>
pub(in crate::fact) fn find(image: &Image<'_>) -> Option<Rich> {
    let stub = Bytes(image.bytes.up_to(0, image.header));
    let end = crate::blob::to_u64(memchr::memmem::rfind(stub.0, END)?);
    let key = stub.u32(end.saturating_add(4), Endian::Little).ok()?;
    let mut at = end;
    while let Some(before) = at.checked_sub(4).filter(|before| *before >= 0x40) {
        at = before;
        if stub.u32(at, Endian::Little).ok()? ^ key == START {
            return Some(Rich { span: Span::between(at, end), key });
        }
    }
    None
}

impl Rich {
    /// Product and build in one word as they stand, uses, and where.
    fn entries<'i>(&self, image: &'i Image<'_>) -> impl Iterator<Item = (u32, u32, u64)> + 'i {
        let (key, start, end) = (self.key, self.span.start.saturating_add(HEAD), self.span.end());
        (0..)
            .map(move |index: u64| start.saturating_add(index.saturating_mul(8)))
            .take_while(move |at| at.saturating_add(8) <= end)
            .map_while(move |at| {
                let word = |at: u64| image.u32(at).map(|word| word ^ key);
                Some((word(at)?, word(at.saturating_add(4))?, at))
            })
    }

    /// All words in clear, from `DanS` on.
    pub(in crate::fact) fn clear(&self, image: &Image<'_>) -> Vec<u8> {
        let (words, _) = image.bytes.up_to(self.span.start, self.span.length).as_chunks::<4>();
        words.iter().flat_map(|word| (u32::from_le_bytes(*word) ^ self.key).to_le_bytes()).collect()
    }

    /// The key is a sum over the DOS header without `e_lfanew`, and over the list.
    fn fits(&self, image: &Image<'_>) -> bool {
        let start = u32::try_from(self.span.start).unwrap_or(u32::MAX);
        let stub = image.bytes.up_to(0, self.span.start);
        let bytes = (0_u32..).zip(stub).filter(|(at, _)| !(0x3c..0x40).contains(at));
        let sum = bytes.fold(start, |sum, (at, byte)| sum.wrapping_add(u32::from(*byte).rotate_left(at & 31)));
        let sum = self.entries(image).fold(sum, |sum, (tool, uses, _)| sum.wrapping_add(tool.rotate_left(uses & 31)));
        sum == self.key
    }
}

pub(super) fn read(image: &Image<'_>, found: &mut Ordered<'_>) {
    let Some(rich) = find(image) else { return };
    for (tool, uses, at) in rich.entries(image) {
        let text = format!("product {} build {} uses {uses}", tool >> 16, tool & 0xffff);
        found.text("pe.rich", text, Span::new(at, 8));
    }
    let valid = if rich.fits(image) { "valid" } else { "invalid" };
    found.text("pe.rich-checksum", valid, Span::new(rich.span.end().saturating_add(4), 4));
}
