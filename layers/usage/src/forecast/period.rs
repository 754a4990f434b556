/// The period that is to be forecast, and where in it we are. Days are numbers since 1970-01-01, in whatever
/// time zone their costs were added up in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Period {
    /// Its first day.
    pub first: u32,
    /// Its last day.
    pub last: u32,
    /// The day that is not over yet.
    pub today: u32,
    /// How much of today is over: from 0 to 1.
    pub elapsed: f64,
}

impl Period {
    /// Whether a day is part of it, and not to come.
    pub(super) fn has_begun(&self, day: u32) -> bool {
        (self.first..=self.last.min(self.today)).contains(&day)
    }

    /// How much of today is over. What is no number counts as a whole day.
    pub(super) fn elapsed(&self) -> f64 {
        if self.elapsed.is_nan() { 1.0 } else { self.elapsed.clamp(0.0, 1.0) }
    }

    /// The days to come with how much of each is: today's rest, then whole days.
    pub(super) fn days_left(&self) -> impl Iterator<Item = (u32, f64)> {
        let until = self.last.min(self.today.saturating_add(MOST_DAYS));
        let days = self.today.max(self.first)..=until;
        days.map(|day| (day, if day == self.today { 1.0 - self.elapsed() } else { 1.0 }))
    }
}

/// No forecast looks further than two years.
const MOST_DAYS: u32 = 731;
