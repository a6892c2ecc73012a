//! What makes a public key weak by its numbers alone: too short, or built so that its factors can be found.

use std::sync::LazyLock;

use num_bigint::BigUint;
use num_integer::Integer;

use super::der::bits;
use super::public_key::{name, rsa_numbers};

/// What is wrong with the key of a SubjectPublicKeyInfo, in a fixed order: `rsa-below-2048`, `rsa-exponent-1`, `rsa-exponent-even`,
/// `rsa-small-factor`, `rsa-fermat`, `roca`, `dsa-below-2048`, `ec-below-224`.
pub fn weaknesses(spki: &[u8]) -> Vec<&'static str> {
    match rsa_numbers(spki) {
        Some((modulus, exponent)) => of_rsa(modulus, exponent),
        None => of_name(&name(spki)).into_iter().collect(),
    }
}

/// What is wrong with a key of this algorithm and size, as in `dsa-1024`, whatever its numbers are.
pub fn of_name(algorithm: &str) -> Option<&'static str> {
    let below = |prefix: &str, least: usize| {
        let size = algorithm.strip_prefix(prefix).and_then(|size| size.parse::<usize>().ok());
        size.is_some_and(|size| size < least)
    };
    match algorithm {
        _ if below("rsa-", 2048) => Some("rsa-below-2048"),
        _ if below("dsa-", 2048) => Some("dsa-below-2048"),
        _ if below("ec-p", 224) => Some("ec-below-224"),
        _ => None,
    }
}

/// Longer moduli are nobody's: what is asked of them would take long.
const LONGEST: usize = 16_384;

fn of_rsa(modulus: &[u8], exponent: &[u8]) -> Vec<&'static str> {
    let size = bits(modulus);
    if !(16..=LONGEST).contains(&size) {
        return Vec::new();
    }
    let has_small_factor = has_small_factor(modulus);
    [
        (size < 2048, "rsa-below-2048"),
        (exponent == [1], "rsa-exponent-1"),
        (exponent.last().is_none_or(|last| last & 1 == 0), "rsa-exponent-even"),
        (has_small_factor, "rsa-small-factor"),
        (!has_small_factor && are_close(modulus), "rsa-fermat"),
        (!has_small_factor && is_roca(modulus), "roca"),
    ]
    .into_iter()
    .filter_map(|(holds, name)| holds.then_some(name))
    .collect()
}

/// The primes below 2^16.
static PRIMES: LazyLock<Vec<u32>> = LazyLock::new(|| {
    let mut sieve = vec![true; 1 << 16];
    let mut primes = Vec::new();
    for number in 2..sieve.len() {
        if sieve.get(number) == Some(&true) {
            primes.extend(u32::try_from(number));
            sieve.iter_mut().skip(number.saturating_mul(number)).step_by(number).for_each(|flag| *flag = false);
        }
    }
    primes
});

/// The remainder of a big-endian magnitude, four bytes at a time.
fn remainder(magnitude: &[u8], divisor: u32) -> u64 {
    let (head, words) = magnitude.as_rchunks::<4>();
    let modulo = |number: u64| number.checked_rem(u64::from(divisor)).unwrap_or(0);
    let first = modulo(head.iter().fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte)));
    words.iter().fold(first, |rest, word| modulo((rest << 32) | u64::from(u32::from_be_bytes(*word))))
}

/// Whether a prime below 2^16 divides it. Two primes are tried with each division.
fn has_small_factor(modulus: &[u8]) -> bool {
    PRIMES.chunks(2).any(|pair| {
        let rest = remainder(modulus, pair.iter().fold(1, |product, prime| product.saturating_mul(*prime)));
        pair.iter().any(|prime| rest.checked_rem(u64::from(*prime)) == Some(0))
    })
}

/// Steps of Fermat's method: primes that any sound generator makes are never that close.
const STEPS: u32 = 100;

/// Whether both factors are so near the square root that a few steps of Fermat's method find them.
#[allow(clippy::arithmetic_side_effects, reason = "these numbers have no bound to overflow, and no divisor is zero")]
fn are_close(modulus: &[u8]) -> bool {
    let number = BigUint::from_bytes_be(modulus);
    let root = number.sqrt();
    let one = BigUint::from(1_u8);
    let square = |number: &BigUint| BigUint::pow(number, 2);
    if square(&root) == number {
        return true;
    }
    let mut middle = &root + &one;
    for _ in 0..STEPS {
        let rest = square(&middle) - &number;
        // A square leaves 0, 1, 4 or 9 on division by 16.
        let ending = rest.iter_u32_digits().next().unwrap_or(0) & 15;
        if matches!(ending, 0 | 1 | 4 | 9) && square(&rest.sqrt()) == rest {
            return true;
        }
        middle += &one;
    }
    false
}

/// Whether the modulus looks as those of a library of Infineon do (CVE-2017-15361): a power of 65537 modulo every small prime.
fn is_roca(modulus: &[u8]) -> bool {
    PRIMES.iter().take_while(|prime| **prime <= 167).skip(1).all(|prime| {
        let (prime, wanted) = (u64::from(*prime), remainder(modulus, *prime));
        let powers = std::iter::successors(Some(1_u64), |power| power.wrapping_mul(65_537).checked_rem(prime));
        powers.take(usize::from(u8::MAX)).any(|power| power == wanted)
    })
}

/// Moduli that are compared with each other at most: the cost grows with their square.
pub const MOST_COMPARED: usize = 4096;

/// Pairs of moduli, by index, that have a factor in common. Moduli are expected to differ; those beyond [`MOST_COMPARED`] are left out.
#[allow(clippy::arithmetic_side_effects, reason = "these numbers have no bound to overflow, and no divisor is zero")]
pub fn shared_factors(moduli: &[&[u8]]) -> Vec<(usize, usize)> {
    let numbers: Vec<BigUint> = moduli.iter().take(MOST_COMPARED).map(|modulus| BigUint::from_bytes_be(modulus)).collect();
    let one = BigUint::from(1_u8);
    let zero = BigUint::from(0_u8);
    let (mut product, mut pairs) = (one.clone(), Vec::new());
    for (index, number) in numbers.iter().enumerate().filter(|(_, number)| **number > one) {
        let rest = &product % number;
        // One division tells whether any earlier one has a factor of this; only then is it asked which.
        if rest == zero && index > 0 || number.gcd(&rest) > one {
            let earlier = numbers.iter().take(index).enumerate().filter(|(_, other)| other.gcd(number) > one);
            pairs.extend(earlier.map(|(other, _)| (other, index)));
        }
        product *= number;
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::public_key::write_rsa;

    fn found(modulus: &BigUint, exponent: &[u8]) -> Vec<&'static str> {
        weaknesses(&write_rsa(&modulus.to_bytes_be(), exponent))
    }

    /// The next number from `start` on that passes Fermat's test for 2.
    fn prime(start: BigUint) -> BigUint {
        let (one, two) = (BigUint::from(1_u8), BigUint::from(2_u8));
        let mut number = start | &one;
        while has_small_factor(&number.to_bytes_be()) || two.modpow(&(&number - &one), &number) != one {
            number += &two;
        }
        number
    }

    /// A number of `size` bits that starts with `seed` in the middle of nowhere.
    fn number(seed: u32, size: u64) -> BigUint {
        let digits: Vec<u32> =
            (0..size / 32).map(|index| seed.wrapping_mul(2_654_435_761).wrapping_add((index as u32).wrapping_mul(0x9e37_79b9))).collect();
        BigUint::new(digits) | (BigUint::from(3_u8) << (size - 2))
    }

    const F4: &[u8] = &[1, 0, 1];

    #[test]
    fn sound_keys_are_not_weak() {
        let modulus = prime(number(1, 1024)) * prime(number(2, 1024));
        assert_eq!(found(&modulus, F4), [""; 0]);
        assert_eq!(found(&(prime(number(1, 512)) * prime(number(2, 512))), F4), ["rsa-below-2048"]);
    }

    #[test]
    fn exponents_and_small_factors() {
        let (p, q) = (prime(number(3, 1024)), prime(number(4, 1024)));
        assert_eq!(found(&(&p * &q), &[1]), ["rsa-exponent-1"]);
        assert_eq!(found(&(&p * &q), &[4]), ["rsa-exponent-even"]);
        assert_eq!(found(&(&p * prime(number(5, 1024)) * 65_521_u32), F4), ["rsa-small-factor"]);
        assert_eq!(found(&(&p * &q * 2_u32), F4), ["rsa-small-factor"]);
    }

    #[test]
    fn close_primes() {
        let p = prime(number(6, 1024));
        assert_eq!(found(&(&p * prime(&p + 2_u32)), F4), ["rsa-fermat"]);
        assert_eq!(found(&(&p * &p), F4), ["rsa-fermat"]);
        let far = prime(&p + (BigUint::from(1_u8) << 600));
        assert_eq!(found(&(&p * far), F4), [""; 0]);
    }

    /// Primes of that library: a multiple of the product of the first primes, and a power of 65537 modulo that product.
    #[test]
    fn roca() {
        let product = PRIMES.iter().take(126).fold(BigUint::from(1_u8), |product, prime| product * *prime);
        let weak = |seed: u32| {
            let power = BigUint::from(65_537_u32).modpow(&number(seed, 96), &product);
            (0_u32..).map(|k| (number(seed, 64) + k) * &product + &power).find(|number| prime(number.clone()) == *number).unwrap()
        };
        let modulus = weak(7) * weak(8);
        assert!(found(&modulus, F4).contains(&"roca"));
    }

    #[test]
    fn factors_in_common() {
        let [p, q, r, s] = [10, 11, 12, 13].map(|seed| prime(number(seed, 256)));
        let moduli = [&p * &q, &r * &s, &p * &r, &q * &q].map(|modulus| modulus.to_bytes_be());
        let moduli: Vec<&[u8]> = moduli.iter().map(Vec::as_slice).collect();
        assert_eq!(shared_factors(&moduli), [(0, 2), (1, 2), (0, 3)]);
        assert_eq!(shared_factors(&moduli[..2]), []);
    }

    #[test]
    fn other_keys_are_judged_by_size() {
        for (algorithm, weak) in
            [("dsa-1024", Some("dsa-below-2048")), ("ec-p192", Some("ec-below-224")), ("ec-p256", None), ("ed25519", None)]
        {
            assert_eq!(of_name(algorithm), weak, "{algorithm}");
        }
    }
}
