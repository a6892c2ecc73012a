//! What tests of codecs share: the tools pack, we unpack, and what we say of damage is looked at.

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;

use super::{Codec, Stream};
use crate::limits::{Budget, Exceeded, Limits};
use crate::problem::Fault;

/// Bytes that compress to about a third: words in random order.
pub(crate) fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut words = Vec::new();
    while words.len() < length {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        words.extend_from_slice(format!("{:x} word{} ", state >> 8, (state >> 24) % 50).as_bytes());
    }
    words.truncate(length);
    words
}

/// Machine code: this test.
pub(crate) fn code(length: usize) -> Vec<u8> {
    let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    program[program.len() / 3..][..length].to_vec()
}

/// What `tool` writes to its standard output for `input`.
pub(crate) fn pipe(tool: &str, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut command = Command::new(tool);
    let mut child = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success(), "{tool} {arguments:?}");
    output.stdout
}

/// Output, bytes consumed, fault.
pub(crate) fn run(codec: Codec, input: &[u8]) -> (Vec<u8>, usize, Option<Fault>) {
    let budget = Budget::new(Limits::default(), Arc::default());
    let Stream { output, consumed, fault } = codec.stream(input, &budget);
    (output.as_slice().to_vec(), usize::try_from(consumed).unwrap(), fault)
}

/// Asserts that all of `data` comes out, with a wrong checksum.
pub(crate) fn checksum(codec: Codec, packed: &[u8], data: &[u8]) {
    let (output, _, fault) = run(codec, packed);
    assert!(matches!(fault, Some(Fault::Checksum(_))), "{codec:?}: {fault:?}");
    assert!(output == data, "{codec:?}: what does not fit its checksum is kept");
}

/// What holds for every codec.
pub(crate) struct Check<'a> {
    pub(crate) codec: Codec,
    pub(crate) packed: &'a [u8],
    pub(crate) data: &'a [u8],
    /// Whether streams in a row are one.
    pub(crate) joins: bool,
    /// Bytes that come out of half of it, at least.
    pub(crate) least_of_half: usize,
}

impl Check<'_> {
    pub(crate) fn all(&self) {
        for junk in [b"".as_slice(), b"junk", &[0; 64], &[0xff; 64], &self.packed[..3]] {
            self.whole(&[self.packed, junk].concat(), self.data, self.packed.len());
        }
        if self.joins {
            self.whole(&[self.packed, self.packed].concat(), &[self.data, self.data].concat(), 2 * self.packed.len());
        } else {
            self.whole(&[self.packed, self.packed].concat(), self.data, self.packed.len());
        }
        self.truncated();
        self.damaged();
        self.bomb();
    }

    fn whole(&self, input: &[u8], data: &[u8], length: usize) {
        let (output, consumed, fault) = run(self.codec, input);
        assert_eq!(fault, None, "{:?}", self.codec);
        assert!(output == data, "{:?}: {} of {} bytes", self.codec, output.len(), data.len());
        assert_eq!(consumed, length, "{:?}", self.codec);
    }

    fn truncated(&self) {
        let (output, consumed, fault) = run(self.codec, &self.packed[..self.packed.len() / 2]);
        assert!(matches!(fault, Some(Fault::Truncated(_))), "{:?}: {fault:?}", self.codec);
        assert!(output.len() >= self.least_of_half, "{:?}: {} bytes of half", self.codec, output.len());
        let right = output.len().min(self.data.len()).saturating_sub(512);
        assert!(output[..right] == self.data[..right], "{:?}", self.codec);
        assert!(consumed <= self.packed.len() / 2);
        for length in (0..32).chain(self.packed.len() - 32..self.packed.len()) {
            run(self.codec, &self.packed[..length]);
        }
    }

    fn damaged(&self) {
        for part in 1..20 {
            let mut damaged = self.packed.to_vec();
            damaged[self.packed.len() * part / 20] ^= 0x55;
            let (output, consumed, _) = run(self.codec, &damaged);
            assert!(output.len() <= 2 * self.data.len() && consumed <= damaged.len());
        }
    }

    fn bomb(&self) {
        let budget = Budget::new(Limits { artifact: 100_000, ..Limits::default() }, Arc::default());
        let stream = self.codec.stream(self.packed, &budget);
        assert_eq!(stream.fault, Some(Fault::Exceeded(Exceeded::Artifact(100_000))), "{:?}", self.codec);
        assert!(stream.output.len() <= 100_000);
    }
}
