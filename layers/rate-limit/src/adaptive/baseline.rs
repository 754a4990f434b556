use std::time::Duration;

/// How long the first byte usually takes for requests of one model and of about one size.
///
/// Learned as a mean and a mean deviation, as TCP learns its round trips (RFC 6298), because the time to the
/// first byte of a language model scatters much more than a round trip does.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Baseline {
    mean: f64,
    deviation: f64,
    /// By how much a first byte is usually overdue: by nothing for most, by much for a few.
    excess: f64,
    /// How many of the first were sent, and how many of them came.
    begun: u32,
    samples: u32,
    /// Of the window that is under way.
    sum: f64,
    sum_deviation: f64,
    sum_excess: f64,
    count: u32,
}

impl Baseline {
    /// The usual time in seconds, once it is known.
    pub(super) fn usual(&self) -> Option<f64> {
        (self.samples >= FEWEST).then_some(self.mean)
    }

    /// After what time a first byte is overdue, once that is known.
    pub(super) fn overdue_after(&self, tolerance: f64) -> Option<Duration> {
        self.usual().and_then(|_| Duration::try_from_secs_f64(self.due(tolerance)).ok())
    }

    /// For how many seconds a first byte is usually overdue.
    pub(super) const fn excess(&self) -> f64 {
        self.excess
    }

    fn due(&self, tolerance: f64) -> f64 {
        (self.mean * tolerance).max(self.mean + DEVIATIONS * self.deviation)
    }

    /// A request is sent. Says whether it is one of the first, from which it is learned what is usual.
    ///
    /// It must be these and not those that are answered first, which are the fast ones.
    pub(super) const fn begin(&mut self) -> bool {
        let is_first = self.begun < FEWEST;
        self.begun += is_first as u32;
        is_first
    }

    /// One of the first has ended without a first byte: another takes its place.
    pub(super) const fn forgo(&mut self) {
        self.begun = self.begun.saturating_sub(1);
    }

    /// Notes a time. Says whether it is the first of its window.
    pub(super) fn note(&mut self, seconds: f64, tolerance: f64, is_first: bool) -> bool {
        if self.samples < FEWEST {
            if !is_first {
                return false;
            }
            self.samples += 1;
            let weight = 1.0 / f64::from(self.samples);
            self.deviation += ((seconds - self.mean).abs() * (1.0 - weight) - self.deviation) * weight;
            self.mean += (seconds - self.mean) * weight;
            return false;
        }
        self.sum += seconds;
        self.sum_deviation += (seconds - self.mean).abs();
        self.sum_excess += (seconds - self.due(tolerance)).max(0.0);
        self.count += 1;
        self.count == 1
    }

    /// Closes the window.
    pub(super) fn close(&mut self, lesson: Lesson) {
        if lesson == Lesson::Changed {
            *self = Self::default();
            return;
        }
        let count = f64::from(std::mem::take(&mut self.count));
        let mean = std::mem::take(&mut self.sum) / count;
        let deviation = std::mem::take(&mut self.sum_deviation) / count;
        let excess = std::mem::take(&mut self.sum_excess) / count;
        if !mean.is_finite() {
            return;
        }
        let weight = (count / MEMORY).min(MOST_AT_ONCE);
        // What chance may have added to the mean.
        let error = 2.0 * deviation / count.sqrt();
        let (mean, weight) = match lesson {
            Lesson::Nothing | Lesson::Changed => return,
            Lesson::Shorter if mean + error >= self.mean => return,
            Lesson::Shorter => (mean + error, weight),
            // An overload that grows slowly must not become usual while it does.
            Lesson::Usual if mean > self.mean => (mean, weight / 10.0),
            Lesson::Usual => (mean, weight / 3.0),
        };
        self.mean += (mean - self.mean) * weight;
        self.deviation += (deviation - self.deviation) * weight;
        self.excess += (excess - self.excess) * weight;
    }
}

/// What the times of a window teach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lesson {
    /// Nothing: they were those of an overloaded upstream.
    Nothing,
    /// At most that it can be faster: the upstream had as much to do as it may.
    Shorter,
    /// What is usual.
    Usual,
    /// Nothing, and what is usual has to be learned anew.
    Changed,
}

/// How many times make a mean.
const FEWEST: u32 = 10;

/// How many mean deviations are nothing unusual. Of a normal distribution three are 2.4 standard deviations.
const DEVIATIONS: f64 = 3.0;

/// How many times a mean remembers.
const MEMORY: f64 = 200.0;

/// How much one window weighs at most.
const MOST_AT_ONCE: f64 = 0.2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_times_make_a_mean() {
        let mut baseline = Baseline::default();
        assert!(baseline.begin());
        baseline.forgo();
        for seconds in [1.0, 2.0, 3.0, 2.0, 2.0, 1.0, 2.0, 3.0, 2.0, 2.0] {
            assert_eq!(baseline.usual(), None);
            assert!(baseline.begin());
            baseline.note(9.0, 2.0, false);
            baseline.note(seconds, 2.0, true);
        }
        assert!(!baseline.begin());
        assert!((baseline.usual().unwrap() - 2.0).abs() < 1e-9);
        assert!(baseline.overdue_after(2.0).unwrap() >= Duration::from_secs(4));
    }

    #[test]
    fn only_what_may_teach_teaches() {
        let known = || {
            let mut baseline = Baseline::default();
            for _ in 0..FEWEST {
                baseline.note(1.0, 2.0, true);
            }
            assert!(baseline.note(3.0, 2.0, false) && !baseline.note(3.0, 2.0, false));
            baseline
        };
        for (lesson, expected) in [(Lesson::Nothing, 1.0), (Lesson::Shorter, 1.0), (Lesson::Usual, 1.002)] {
            let mut baseline = known();
            baseline.close(lesson);
            assert!((baseline.usual().unwrap() - expected).abs() < 1e-9, "{lesson:?}");
            assert_eq!(baseline.excess() > 0.0, expected > 1.0, "{lesson:?}");
            // The window is closed.
            baseline.close(Lesson::Usual);
            assert!((baseline.usual().unwrap() - expected).abs() < 1e-9, "{lesson:?}");
            baseline.close(Lesson::Changed);
            assert_eq!(baseline.usual(), None);
        }
    }
}
