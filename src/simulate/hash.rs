//! One stable hash, so that the same request has the same answer in every build.

use std::fmt::Write as _;

/// FNV-1a over `bytes`, started from `seed`.
pub(super) fn hash(seed: u64, bytes: &[u8]) -> u64 {
    let start = 0xcbf2_9ce4_8422_2325 ^ seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bytes.iter().fold(start, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// A stream of numbers from a seed (`SplitMix64`).
#[derive(Debug, Clone)]
pub(super) struct Numbers(pub(super) u64);

impl Iterator for Numbers {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Some(z ^ (z >> 31))
    }
}

/// An identifier of `length` letters and digits from a seed.
pub(super) fn identifier(prefix: &str, seed: u64, length: usize) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let letters = Numbers(seed).take(length).filter_map(|n| {
        LETTERS.get(usize::try_from(n % 62).unwrap_or_default()).map(|letter| char::from(*letter))
    });
    prefix.chars().chain(letters).collect()
}

/// An identifier of `length` hexadecimal digits from a seed.
pub(super) fn hexadecimal(prefix: &str, seed: u64, length: usize) -> String {
    let mut out = prefix.to_owned();
    for number in Numbers(seed).take(length.div_ceil(16)) {
        let _ = write!(out, "{number:016x}");
    }
    out.truncate(prefix.len() + length);
    out
}
