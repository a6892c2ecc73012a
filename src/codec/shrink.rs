//! Shrink, the first method of PKZIP: LZW whose table is emptied in part. APPNOTE section 5.1.
//! <https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT>

use super::bits::{Bits, Order};
use super::{STEP, Sink, Stream};
use crate::blob::to_u64;
use crate::limits::{Budget, Output};
use crate::problem::Fault;

/// Codes of the table: 13 bits at most.
const CODES: usize = 1 << 13;

/// The code before one that says what to do: 1 codes get longer, 2 the table is emptied in part.
const CONTROL: u16 = 256;

/// Stands where there is no code.
const NONE: u16 = u16::MAX;

/// Decompresses `size` bytes.
pub(crate) fn stream<'b>(input: &[u8], size: u64, budget: &'b Budget) -> Stream<'b> {
    let mut output = Output::new(budget, to_u64(input.len()));
    let mut bits = Bits::new(input, Order::Lowest);
    let fault = decode(&mut bits, size, &mut |bytes| Ok(output.push(bytes)?)).err();
    Stream { output, consumed: bits.consumed(), fault }
}

fn decode(bits: &mut Bits<'_>, size: u64, sink: &mut Sink<'_>) -> Result<(), Fault> {
    let (mut table, mut width, mut made, mut out) = (Table::new(), 9, 0_u64, Vec::new());
    let mut previous: Option<u16> = None;
    let mut next = || -> Result<bool, Fault> {
        let code = u16::try_from(bits.number(width)?).unwrap_or(NONE);
        if code == CONTROL {
            match bits.number(width)? {
                1 if width < 13 => width = width.saturating_add(1),
                2 => table.clear_leaves(),
                _ => return Err(wrong()),
            }
            return Ok(true);
        }
        let text = table.text(code, previous)?;
        if let (Some(previous), Some(first)) = (previous, text.first()) {
            table.add(previous, *first);
        }
        previous = Some(code);
        made = made.saturating_add(to_u64(text.len()));
        out.extend_from_slice(&text);
        if out.len() >= STEP || made >= size {
            sink(&out)?;
            out.clear();
        }
        Ok(made < size)
    };
    if size == 0 {
        return Ok(());
    }
    let result = loop {
        match next() {
            Ok(true) => (),
            Ok(false) => break Ok(()),
            Err(fault) => break Err(fault),
        }
    };
    if result.is_err() && !out.is_empty() {
        sink(&out)?;
    }
    result
}

/// What codes stand for: what another code stands for, and a byte.
struct Table {
    before: Vec<u16>,
    last: Vec<u8>,
    /// The code that was given last.
    given: usize,
}

impl Table {
    fn new() -> Self {
        Self { before: vec![NONE; CODES], last: vec![0; CODES], given: usize::from(CONTROL) }
    }

    /// What `code` stands for. One that is not there yet is what the one before it stands for, and the first byte of that again.
    fn text(&self, code: u16, previous: Option<u16>) -> Result<Vec<u8>, Fault> {
        let known = |code: u16| code < CONTROL || self.before.get(usize::from(code)).is_some_and(|before| *before != NONE);
        let mut text = Vec::new();
        let mut at = if known(code) { code } else { previous.filter(|previous| known(*previous)).ok_or_else(wrong)? };
        while let Some(last) = self.last.get(usize::from(at)).filter(|_| at > CONTROL) {
            text.push(*last);
            at = self.before.get(usize::from(at)).copied().unwrap_or(NONE);
            if text.len() > CODES {
                return Err(wrong());
            }
        }
        text.push(u8::try_from(at).map_err(|_| wrong())?);
        text.reverse();
        if !known(code) {
            text.extend(text.first().copied());
        }
        Ok(text)
    }

    fn add(&mut self, previous: u16, last: u8) {
        let free = |(code, before): (usize, &u16)| (*before == NONE).then_some(code);
        let from = self.given.saturating_add(1);
        let Some(code) = self.before.iter().enumerate().skip(from).find_map(free) else {
            self.given = CODES;
            return;
        };
        self.given = code;
        self.before.get_mut(code).into_iter().for_each(|place| *place = previous);
        self.last.get_mut(code).into_iter().for_each(|place| *place = last);
    }

    /// Forgets the codes that no other one needs.
    fn clear_leaves(&mut self) {
        let mut needed = vec![false; CODES];
        for before in &self.before {
            needed.get_mut(usize::from(*before)).into_iter().for_each(|place| *place = true);
        }
        for (before, needed) in self.before.iter_mut().zip(needed) {
            *before = if needed { *before } else { NONE };
        }
        self.given = CONTROL.into();
    }
}

fn wrong() -> Fault {
    Fault::corrupt("shrink: a code that is none")
}
