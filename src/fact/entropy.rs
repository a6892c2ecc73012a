//! How evenly bytes are spread over their values: Shannon entropy in whole numbers, so that every machine says the same.

use std::sync::LazyLock;

use crate::blob::to_u64;

/// Entropies count in 1/65536 bits a byte.
pub(crate) const ONE: u64 = 1 << 16;

/// How often each value stands in some bytes.
#[derive(Debug, Clone)]
pub(crate) struct Histogram {
    counts: [u64; 256],
    total: u64,
}

impl Histogram {
    /// Of no bytes.
    pub(crate) const fn new() -> Self {
        Self { counts: [0; 256], total: 0 }
    }

    /// Of `bytes`.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let mut this = Self::new();
        this.add(bytes);
        this
    }

    /// Counts `bytes` too. Four tables, as equal bytes in a row would wait for each other.
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        for part in bytes.chunks(1 << 20) {
            let mut tables = [[0_u32; 256]; 4];
            let (fours, rest) = part.as_chunks::<4>();
            let [one, two, three, four] = &mut tables;
            for [a, b, c, d] in fours {
                count(one, *a);
                count(two, *b);
                count(three, *c);
                count(four, *d);
            }
            rest.iter().for_each(|byte| count(one, *byte));
            for table in &tables {
                self.counts.iter_mut().zip(table).for_each(|(sum, count)| *sum = sum.saturating_add(u64::from(*count)));
            }
        }
        self.total = self.total.saturating_add(to_u64(bytes.len()));
    }

    /// Counts what `other` counted too.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.counts.iter_mut().zip(&other.counts).for_each(|(sum, count)| *sum = sum.saturating_add(*count));
        self.total = self.total.saturating_add(other.total);
    }

    /// All bytes.
    pub(crate) const fn total(&self) -> u64 {
        self.total
    }

    /// How often `value` stands there.
    pub(crate) fn count(&self, value: u8) -> u64 {
        self.counts.get(usize::from(value)).copied().unwrap_or(0)
    }

    /// How often values of which `wanted` says so stand there.
    pub(crate) fn sum(&self, wanted: impl Fn(u8) -> bool) -> u64 {
        (0..=u8::MAX).filter(|value| wanted(*value)).map(|value| self.count(value)).fold(0, u64::saturating_add)
    }

    /// The value that is there most often; of equals, the lowest.
    pub(crate) fn commonest(&self) -> u8 {
        (0..=u8::MAX).rev().max_by_key(|value| self.count(*value)).unwrap_or(0)
    }

    /// Shannon entropy in 1/65536 bits a byte, 0 to 8 times 65536.
    pub(crate) fn entropy(&self) -> u64 {
        // log2(n) - sum(c * log2(c)) / n
        let spread: u128 = self.counts.iter().map(|count| weighted(*count)).fold(0, u128::saturating_add);
        let mean = spread.checked_div(u128::from(self.total)).unwrap_or(0);
        log2(self.total).saturating_sub(u64::try_from(mean).unwrap_or(u64::MAX))
    }

    /// Whether the values are about as frequent as chance makes them: within a tenth of a bit of the entropy that random bytes of this
    /// number have, which is `8 - 255 / (2 ln 2 n)`. Never said of fewer than 1024 bytes.
    pub(crate) fn is_even(&self) -> bool {
        // 255 / (2 ln 2) * 65536
        const BIAS: u64 = 12_054_716;
        let expected = ONE.saturating_mul(8).saturating_sub(BIAS.checked_div(self.total).unwrap_or(u64::MAX));
        self.total >= 1024 && self.entropy() >= expected.saturating_sub(ONE / 10)
    }

    /// Whether chance alone could have spread the values so: Pearson's chi-squared against all values being equally frequent is below what
    /// one in a million random inputs has.
    pub(crate) fn is_chance(&self) -> bool {
        // 255 degrees of freedom
        const MOST: u128 = 373;
        let (squares, total) = (self.counts.iter().map(|count| u128::from(*count).saturating_pow(2)).sum::<u128>(), u128::from(self.total));
        squares.saturating_mul(256) <= total.saturating_mul(total.saturating_add(MOST))
    }
}

fn count(table: &mut [u32; 256], byte: u8) {
    if let Some(count) = table.get_mut(usize::from(byte)) {
        *count = count.saturating_add(1);
    }
}

/// `c * log2(c)` of the counts that a window of 4 KiB has.
static SMALL: LazyLock<Vec<u64>> = LazyLock::new(|| (0..=4096).map(|count: u64| count.saturating_mul(log2(count))).collect());

fn weighted(count: u64) -> u128 {
    let small = usize::try_from(count).ok().and_then(|count| SMALL.get(count));
    small.map_or_else(|| u128::from(count).saturating_mul(u128::from(log2(count))), |product| u128::from(*product))
}

/// The binary logarithm in 1/65536, rounded down; 0 of 0. Each square tells one more bit of it.
fn log2(value: u64) -> u64 {
    let Some(whole) = value.checked_ilog2() else { return 0 };
    // 1 to 2, in 1/2^31
    let mut rest = if whole > 31 { value >> whole.saturating_sub(31) } else { value << 31_u32.saturating_sub(whole) };
    let mut log = u64::from(whole);
    for _ in 0..16 {
        rest = rest.saturating_mul(rest) >> 31;
        let bit = rest >> 32;
        rest >>= bit;
        log = log << 1 | bit;
    }
    log
}

/// An entropy as people write it, rounded down: `7.998`.
pub(crate) fn decimal(entropy: u64) -> String {
    let thousandths = entropy.saturating_mul(1000) >> 16;
    format!("{}.{:03}", thousandths / 1000, thousandths % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::testing::noise;

    #[test]
    fn logarithms_are_those_of_floating_point() {
        for value in [1, 2, 3, 10, 255, 256, 1000, 4095, 65537, 1 << 31, (1 << 40) + 12345, u64::MAX] {
            let exact = (value as f64).log2() * 65536.0;
            assert!((log2(value) as f64 - exact).abs() < 2.0, "{value}: {} {exact}", log2(value));
        }
        assert_eq!(log2(0), 0);
    }

    #[test]
    fn entropy_counts_bits() {
        let check = |bytes: &[u8], expect| assert_eq!(decimal(Histogram::of(bytes).entropy()), expect);
        check(b"", "0.000");
        check(b"aaaa", "0.000");
        check(b"abab", "1.000");
        check(b"abcdefgh", "3.000");
        check(&(0..=255).collect::<Vec<u8>>(), "8.000");
        check(&(0..=255).cycle().take(1 << 22).collect::<Vec<u8>>(), "8.000");
        check(b"aaab", "0.811");
    }

    #[test]
    fn noise_is_even_and_chance_at_every_length() {
        for length in [1024, 2000, 4096, 65536, 1 << 20] {
            let counted = Histogram::of(&noise(length));
            assert!(counted.is_even() && counted.is_chance(), "{length}: {}", decimal(counted.entropy()));
            let mut spoiled = noise(length);
            spoiled.iter_mut().step_by(4).for_each(|byte| *byte = 0);
            assert!(!Histogram::of(&spoiled).is_even(), "{length}");
        }
        assert!(!Histogram::of(&noise(1000)).is_even(), "too few to say");
    }

    #[test]
    fn parts_add_up() {
        let bytes = noise(10_000);
        let mut sum = Histogram::of(&bytes[..333]);
        sum.merge(&Histogram::of(&bytes[333..]));
        let whole = Histogram::of(&bytes);
        assert_eq!((sum.entropy(), sum.total()), (whole.entropy(), 10_000));
        assert_eq!(Histogram::of(b"abcabb").commonest(), b'b');
    }
}
