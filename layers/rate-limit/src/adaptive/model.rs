use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use smallvec::SmallVec;

use super::baseline::{Baseline, Lesson};
use super::queue::Place;
use super::quota::Quota;
use super::told::{Reading, Told};
use crate::{Estimate, Measure};

/// What is known of one model of an upstream: its limits, its usual times, and who waits for it.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) name: Arc<str>,
    /// Not asked until then.
    pub(super) held_until: Option<Instant>,
    /// When it was last too much for a limit of its provider.
    pub(super) lacked: Option<Instant>,
    /// For how long its provider's word is obeyed.
    longest_hold: Duration,
    pub(super) quotas: SmallVec<[Quota; 2]>,
    /// What was sent in all, by measure.
    sent: Sent,
    /// By size of the input.
    baselines: [Baseline; SIZES],
    pub(super) waiting: BTreeSet<Place>,
    pub(super) in_flight: usize,
    pub(super) last_used: Instant,
}

/// Requests, input tokens, and output tokens that were sent for a model, up to a request.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sent {
    requests: u64,
    input: u64,
    output: u64,
}

impl Sent {
    fn units(&self, measure: Measure) -> u64 {
        match measure {
            Measure::Requests => self.requests,
            _ => measure.estimated(&Estimate { input: self.input, output: self.output, stream: false }),
        }
    }
}

impl Model {
    pub(super) fn new(name: Arc<str>, longest_hold: Duration, now: Instant) -> Self {
        Self {
            name,
            longest_hold,
            held_until: None,
            lacked: None,
            quotas: SmallVec::new(),
            sent: Sent::default(),
            baselines: [Baseline::default(); SIZES],
            waiting: BTreeSet::new(),
            in_flight: 0,
            last_used: now,
        }
    }

    /// Whether nobody misses it.
    pub(super) fn is_idle(&self, now: Instant) -> bool {
        self.in_flight == 0 && self.waiting.is_empty() && self.held_until.is_none_or(|until| until <= now)
    }

    /// When the provider takes a request, if not now.
    pub(super) fn ready_at(&self, now: Instant, estimate: &Estimate) -> Option<Instant> {
        let held = self.held_until.filter(|until| *until > now);
        let quotas = self.quotas.iter().filter_map(|quota| {
            quota.ready_at(now, units(quota.measure().estimated(estimate)), self.longest_hold)
        });
        quotas.chain(held).max()
    }

    /// Counts a request that is sent. What was sent up to it goes with it.
    pub(super) fn send(&mut self, now: Instant, estimate: &Estimate) -> Sent {
        for quota in &mut self.quotas {
            quota.take(now, units(quota.measure().estimated(estimate)), self.longest_hold);
        }
        self.in_flight += 1;
        self.last_used = now;
        self.sent.requests += 1;
        self.sent.input = self.sent.input.saturating_add(estimate.input);
        self.sent.output = self.sent.output.saturating_add(estimate.output);
        self.sent
    }

    /// Learns how the limits stand from the answer to a request.
    pub(super) fn learn(&mut self, now: Instant, told: &Told, request: u64, up_to: &Sent) {
        for reading in told.readings() {
            self.learn_one(now, reading, request, up_to);
        }
    }

    fn learn_one(&mut self, now: Instant, reading: &Reading, request: u64, up_to: &Sent) {
        let measure = reading.measure;
        let since = units(self.sent.units(measure).saturating_sub(up_to.units(measure)));
        match self.quotas.iter_mut().find(|known| known.measure() == measure) {
            Some(known) => known.renew(now, reading, request, since),
            None => self.quotas.push(Quota::new(now, reading, request, since)),
        }
    }

    /// What was usual is so no longer.
    pub(super) fn unlearn(&mut self) {
        self.baselines.iter_mut().for_each(|baseline| baseline.close(Lesson::Changed));
    }

    pub(super) fn baseline_mut(&mut self, size: usize) -> Option<&mut Baseline> {
        self.baselines.get_mut(size)
    }
}

/// The class of a size: up to 256 input tokens, 1,024, 4,096 and so on. To read four times as much takes a
/// model longer until it begins to answer.
pub(super) fn size_class(estimate: &Estimate) -> usize {
    [256, 1_024, 4_096, 16_384, 65_536].iter().filter(|bound| estimate.input > **bound).count()
}

#[expect(clippy::cast_precision_loss, reason = "estimates are far below 2^53")]
const fn units(count: u64) -> f64 {
    count as f64
}

const SIZES: usize = 6;
