use std::time::Duration;

/// How long the first byte usually takes for requests of one model and of about one size.
///
/// Learned as a mean and a mean deviation, as TCP learns its round trips (RFC 6298), because the time to the
/// first byte of a language model scatters much more than a round trip does.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Baseline {
    mean: f64,
    deviation: f64,
    samples: u32,
    /// Of the window that is under way.
    sum: f64,
    sum_deviation: f64,
    count: u32,
}

impl Baseline {
    /// The usual time in seconds, once it is known.
    pub(super) fn usual(&self) -> Option<f64> {
        (self.samples >= FEWEST).then_some(self.mean)
    }

    /// After what time a first byte is overdue, once that is known.
    pub(super) fn overdue_after(&self, tolerance: f64) -> Option<Duration> {
        let usual = self.usual()?;
        let slack = (usual * (tolerance - 1.0)).max(DEVIATIONS * self.deviation);
        Duration::try_from_secs_f64(usual + slack).ok()
    }

    /// Notes a time. Says whether it is the first of its window.
    pub(super) fn note(&mut self, seconds: f64) -> bool {
        if self.samples < FEWEST {
            self.samples += 1;
            let weight = 1.0 / f64::from(self.samples);
            self.deviation += ((seconds - self.mean).abs() * (1.0 - weight) - self.deviation) * weight;
            self.mean += (seconds - self.mean) * weight;
            return false;
        }
        self.sum += seconds;
        self.sum_deviation += (seconds - self.mean).abs();
        self.count += 1;
        self.count == 1
    }

    /// Closes the window.
    pub(super) fn close(&mut self, lesson: Lesson) {
        let count = f64::from(std::mem::take(&mut self.count));
        let mean = std::mem::take(&mut self.sum) / count;
        let deviation = std::mem::take(&mut self.sum_deviation) / count;
        if !mean.is_finite() {
            return;
        }
        let weight = match lesson {
            Lesson::Nothing => return,
            Lesson::Shorter if mean > self.mean => return,
            Lesson::Shorter | Lesson::Usual => (count / MEMORY).min(MOST_AT_ONCE),
            Lesson::Changed => 1.0,
        };
        self.mean += (mean - self.mean) * weight;
        self.deviation += (deviation - self.deviation) * weight.min(MOST_AT_ONCE);
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
    /// What is usual from now on.
    Changed,
}

/// How many times make a mean.
const FEWEST: u32 = 5;

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
        for seconds in [1.0, 2.0, 3.0, 2.0] {
            baseline.note(seconds);
            assert_eq!(baseline.usual(), None);
        }
        baseline.note(2.0);
        assert!((baseline.usual().unwrap() - 2.0).abs() < 1e-9);
        assert!(baseline.overdue_after(2.0).unwrap() >= Duration::from_secs(4));
    }

    #[test]
    fn only_what_may_teach_teaches() {
        let known = || {
            let mut baseline = Baseline::default();
            for _ in 0..5 {
                baseline.note(1.0);
            }
            assert!(baseline.note(3.0) && !baseline.note(3.0));
            baseline
        };
        for (lesson, expected) in
            [(Lesson::Nothing, 1.0), (Lesson::Shorter, 1.0), (Lesson::Usual, 1.02), (Lesson::Changed, 3.0)]
        {
            let mut baseline = known();
            baseline.close(lesson);
            assert!((baseline.usual().unwrap() - expected).abs() < 1e-9, "{lesson:?}");
            // The window is closed.
            baseline.close(Lesson::Changed);
            assert!((baseline.usual().unwrap() - expected).abs() < 1e-9, "{lesson:?}");
        }
    }
}
