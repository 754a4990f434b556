//! Series of daily costs, as projects have them.

/// Random numbers that are the same each time (`SplitMix64`).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// Between 0 and 1.
    pub(crate) fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ (bits >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Normally distributed (Box and Muller).
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    fn log_normal(&mut self, deviation: f64) -> f64 {
        (self.normal() * deviation).exp()
    }
}

/// What projects cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The same each day, with noise of a fifth.
    Flat,
    /// A weekend costs a quarter of other days.
    Weekly,
    /// Grows by half of its first cost each month, with weekends.
    Trend,
    /// Doubles, or halves, once in the five weeks before the month or in its first days.
    Shift,
    /// One day in 25 costs five to fifteen times as much.
    Spikes,
    /// Grows by 1.5 % each day, with weekends.
    Growth,
    /// Used on three days of ten.
    Intermittent,
    /// Begins with the month that is forecast.
    New,
}

impl Kind {
    pub(crate) const ALL: [Self; 8] = [
        Self::Flat,
        Self::Weekly,
        Self::Trend,
        Self::Shift,
        Self::Spikes,
        Self::Growth,
        Self::Intermittent,
        Self::New,
    ];

    /// What each day costs, in dollars, from a Monday on.
    pub(crate) fn series(self, days: usize, start: usize, random: &mut Random) -> Vec<f64> {
        let base = 20.0 * random.log_normal(1.0);
        let shift_at = 30 + (random.uniform() * 45.0) as usize;
        let shift = if random.uniform() < 0.5 { 2.0 } else { 0.5 };
        let cost = |day: usize, random: &mut Random| {
            let weekend = if day % 7 >= 5 { 0.25 } else { 1.0 };
            let noise = random.log_normal(0.2);
            let factor = match self {
                Self::Shift if day >= shift_at => shift,
                Self::Spikes if random.uniform() < 0.04 => 5.0 + 10.0 * random.uniform(),
                Self::Flat | Self::Shift | Self::Spikes => 1.0,
                Self::Intermittent => f64::from(random.uniform() < 0.3),
                Self::Trend => weekend * (1.0 + 0.5 * day as f64 / 30.0),
                Self::Growth => weekend * 1.015_f64.powf(day as f64),
                Self::New if day < start => 0.0,
                Self::Weekly | Self::New => weekend,
            };
            base * factor * noise
        };
        (0..days).map(|day| cost(day, random)).collect()
    }
}
