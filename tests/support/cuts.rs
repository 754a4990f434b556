//! Places to cut a body at, the same in every run.

/// Numbers that look random (xorshift64*).
#[derive(Clone, Debug)]
pub(crate) struct Cuts(u64);

impl Cuts {
    /// Starts from a text, such as a recording's name.
    pub(crate) fn from(seed: &str) -> Self {
        let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        Self(seed.bytes().fold(0xcbf2_9ce4_8422_2325, mix) | 1)
    }

    /// A place below `end`, which must not be 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(number).unwrap_or(0) % end
    }

    /// About `count` places below `end`, in order.
    pub(crate) fn places(&mut self, count: usize, end: usize) -> Vec<usize> {
        let mut places: Vec<_> = (0..count).map(|_| self.below(end.max(1))).collect();
        places.sort_unstable();
        places.dedup();
        places
    }
}
