//! Import tables: which functions of which libraries a PE file takes.

use super::image::Image;
use crate::blob::{Endian, Span, to_u64};
use crate::fact::ordered::Ordered;

/// IMAGE_DIRECTORY_ENTRY_IMPORT and IMAGE_DIRECTORY_ENTRY_DELAY_IMPORT: index, size of a descriptor, and where in it the address of the
/// library's name stands, of the names' table, and of the table of addresses, which holds the same before the loader fills it.
const TABLES: [(u64, u64, u64, u64, Option<u64>); 2] = [(1, 20, 12, 0, Some(16)), (13, 32, 4, 16, None)];
/// Real programs need some hundred libraries.
const MOST_LIBRARIES: u64 = 4096;
/// Real programs import up to some ten thousand functions.
const MOST_FUNCTIONS: usize = 1 << 17;
/// Names of C++ may be long.
const LONGEST_NAME: u64 = 4096;
/// Bytes of names that are read in all.
const MOST_BYTES: u64 = 16 << 20;

/// What is taken from a library.
pub(in crate::fact) enum What<'a> {
    Name(&'a [u8]),
    Number(u16),
}

/// One function.
pub(in crate::fact) struct Import<'a> {
    /// The library's name.
    pub(in crate::fact) library: &'a [u8],
    /// Its name or number.
    pub(in crate::fact) what: What<'a>,
    /// Whether it is only looked up when it is first called.
    pub(in crate::fact) delayed: bool,
    span: Span,
}

/// Calls `library` for each library and `function` for each function, in the order of the tables. Whether that was all of them.
pub(in crate::fact) fn each<'a>(image: &Image<'a>, mut library: impl FnMut(&'a [u8], u64), mut function: impl FnMut(Import<'a>)) -> bool {
    let (mut functions, mut left) = (MOST_FUNCTIONS, MOST_BYTES);
    for (index, (directory, size, name_at, names_at, addresses_at)) in TABLES.into_iter().enumerate() {
        let Some(start) = image.directory(directory).and_then(|(address, _)| image.offset(address)) else { continue };
        for descriptor in (0..MOST_LIBRARIES).map(|index| start.saturating_add(index.saturating_mul(size))) {
            let word = |at: u64| image.u32(descriptor.saturating_add(at)).map(u64::from);
            let Some(name) = word(name_at).filter(|name| *name != 0) else { break };
            let Some((name, place)) = image.text(name, 512) else { continue };
            library(name, place);
            let tables = [word(names_at), addresses_at.and_then(word)].into_iter().flatten();
            let Some(table) = tables.filter(|address| *address != 0).find_map(|address| image.offset(address)) else { continue };
            let mut at = table;
            while let Some((what, span)) = thunk(image, at, &mut left).filter(|_| functions > 0) {
                if let Some(what) = what {
                    function(Import { library: name, what, delayed: index == 1, span });
                }
                functions = functions.saturating_sub(1);
                at = at.saturating_add(if image.wide { 8 } else { 4 });
            }
        }
    }
    functions > 0 && left > 0
}

/// The entry at `at` of a table of names: with its highest bit a number, without it the address of a hint and a name. 0 ends the table.
fn thunk<'a>(image: &Image<'a>, at: u64, left: &mut u64) -> Option<(Option<What<'a>>, Span)> {
    let (value, size) = if image.wide { (image.bytes.u64(at, Endian::Little).ok()?, 8) } else { (image.u32(at)?.into(), 4) };
    let is_number = if image.wide { value >> 63 == 1 } else { value >> 31 == 1 };
    if value == 0 {
        return None;
    }
    if is_number {
        let number = image.bytes.u16(at, Endian::Little).ok()?;
        return Some((Some(What::Number(number)), Span::new(at, size)));
    }
    let name = image.text(value.saturating_add(2), LONGEST_NAME.min(*left));
    *left = left.saturating_sub(name.map_or(LONGEST_NAME, |(name, _)| to_u64(name.len())).saturating_add(1));
    Some((name.map(|(name, _)| What::Name(name)), name.map_or(Span::new(at, size), |(name, at)| Span::new(at, to_u64(name.len())))))
}

pub(super) fn read<'a>(image: &Image<'a>, found: &mut Ordered<'a>) {
    let mut libraries = Vec::new();
    let function = |import: Import<'a>| {
        let what = match import.what {
            What::Name(name) => [import.library, b"!", name].concat(),
            What::Number(number) => [import.library, format!("!#{number}").as_bytes()].concat(),
        };
        found.say("pe.import", what, import.span);
    };
    if !each(image, |name, place| libraries.push((name, place)), function) {
        found.limit("imported functions");
    }
    for (name, place) in libraries {
        found.verbatim("pe.needed", name, place);
    }
}
