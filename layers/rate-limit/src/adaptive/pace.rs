//! How many requests may be in flight at once.
//!
//! The rule is that of TCP Vegas: keep as many in flight as the upstream works at, and a few more, and know
//! how many those are by how many of them wait. Vegas (Brakmo and Peterson 1995; Netflix concurrency-limits
//! 78a74b9, `VegasLimit.java`) estimates these as `limit × (1 − rtt_noload ÷ rtt)`, and Gradient2 of the same
//! library multiplies the limit by `longterm ÷ current`. Neither holds for language models, where a request
//! is in flight for a time that its answer's length decides, so that neither its duration nor the ratio of
//! two durations says "overloaded". What does is the time to the first byte; but that is a small part of the
//! time in flight, so that a ratio of it says far too much: a queue of 3 % may double it. Hence the waiting
//! ones are counted, by Little's law: those without a first byte, less as many as there are usually at the
//! present flow of first bytes. Requests are usual by their own model and size ([`Baseline`]), and so is by how
//! much some of them are overdue.
//!
//! What is taken from where else:
//! - As in Gradient2, usual is a mean and not Vegas's minimum, which is a prompt cache's hit. Its long-term
//!   mean drifts upward for as long as an overload lasts, and the limit with it. Here it learns nothing from
//!   overload. Envoy's adaptive concurrency measures its `minRTT` anew every minute by letting next to nothing
//!   through for a while; here it is only taken that usual has changed when first bytes are as slow under a
//!   much lower limit; then what was in force before is again.
//! - As in `CoDel`, only a queue that stands for a while is one: a burst that dissolves is none.
//! - As in TCP and `AIMDLimit.java`, a refusal or a timeout shrinks the limit multiplicatively, at most once
//!   for the requests that were in flight together.
//! - As in `GradientLimit.java`, the room for growth is of the order of the limit's square root, and as in
//!   all three there is no growth that nobody asked for (`inflight < estimatedLimit / 2`).
//!
//! Without any sign of overload there is no limit but the ceiling, nor is there after a minute in which
//! nobody had to wait.
//!
//! [`Baseline`]: super::baseline::Baseline

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::Settings;
use super::baseline::Lesson;

#[derive(Debug)]
pub(super) struct Pace {
    settings: Settings,
    /// What is in force, if anything is.
    limit: Option<f64>,
    in_flight: usize,
    /// Those whose first byte is waited for and measured.
    awaiting: usize,
    /// Those of them for which it should have come.
    overdue: usize,
    /// When it should come to the others.
    due: BTreeSet<(Instant, u64)>,
    /// How often it has changed what is usual. What was expected before says nothing any more.
    era: u32,
    /// How many first bytes are usually waited for at the present flow of them.
    flow: Flow,
    /// How many of them are usually overdue.
    late_flow: Flow,
    /// The usual time to the first byte, in seconds, of all that are measured.
    typical: f64,
    window: Window,
    last_cut: Option<Instant>,
    /// Whether lower limits help, since there were last no signs of overload.
    trial: Option<Trial>,
    /// How slow first bytes are of what was sent since the last cut.
    since_cut: Slowness,
    /// When somebody last had to wait, or there was a sign of overload.
    last_need: Instant,
}

#[derive(Debug)]
struct Window {
    began: Instant,
    /// Whether the limit was reached.
    reached: bool,
    /// Since when too many are overdue.
    late_since: Option<Instant>,
    /// How many first bytes came in time, and too late.
    came: [u32; 2],
}

/// A request in flight, as far as its pace is concerned.
#[derive(Debug)]
pub(super) struct InFlight {
    id: u64,
    pub(super) started: Instant,
    due: Option<Instant>,
    era: u32,
    awaits: bool,
}

impl Pace {
    pub(super) fn new(settings: Settings, now: Instant) -> Self {
        Self {
            settings,
            limit: None,
            in_flight: 0,
            awaiting: 0,
            overdue: 0,
            due: BTreeSet::new(),
            era: 0,
            flow: Flow { level: 0.0, at: now },
            late_flow: Flow { level: 0.0, at: now },
            typical: 1.0,
            window: Window::new(now),
            last_cut: None,
            trial: None,
            since_cut: Slowness::default(),
            last_need: now,
        }
    }

    /// How many may be in flight.
    pub(super) fn limit(&self) -> usize {
        self.limit.map_or(self.settings.ceiling, whole).clamp(self.settings.floor, self.settings.ceiling)
    }

    pub(super) const fn is_limiting(&self) -> bool {
        self.limit.is_some()
    }

    pub(super) const fn in_flight(&self) -> usize {
        self.in_flight
    }

    pub(super) const fn overdue(&self) -> usize {
        self.overdue
    }

    pub(super) fn has_room(&self) -> bool {
        self.in_flight < self.limit()
    }

    /// A request has to wait for another to end.
    pub(super) const fn reached(&mut self, now: Instant) {
        self.window.reached = true;
        self.last_need = now;
    }

    /// A request is sent. Its first byte is measured where it is known when it is overdue.
    pub(super) fn enter(&mut self, now: Instant, id: u64, overdue_after: Option<Duration>) -> InFlight {
        self.in_flight += 1;
        if self.is_limiting() && !self.has_room() {
            self.window.reached = true;
        }
        let due = overdue_after.map(|wait| now + wait);
        if let Some(due) = due {
            self.awaiting += 1;
            self.due.insert((due, id));
        }
        InFlight { id, started: now, due, era: self.era, awaits: due.is_some() }
    }

    /// The first byte of an answer has come, which usually takes so many seconds, and is overdue for so many.
    pub(super) fn first_byte(&mut self, now: Instant, of: &mut InFlight, usual: Option<(f64, f64)>) {
        if let Some((usual, excess)) = usual {
            self.late_flow.add(now, excess, self.memory());
            self.typical += (usual - self.typical) * 0.05;
            self.flow.add(now, usual, self.memory());
        }
        let is_late = self.stop_awaiting(of);
        if self.last_cut.is_some_and(|cut| of.started <= cut) {
            return;
        }
        if let Some((usual, _)) = usual.filter(|(usual, _)| *usual > 0.0) {
            self.since_cut.sum += now.saturating_duration_since(of.started).as_secs_f64() / usual;
            self.since_cut.count += 1.0;
        }
        if let Some(is_late) = is_late
            && let Some(came) = self.window.came.get_mut(usize::from(is_late))
        {
            *came += 1;
        }
    }

    /// A request is over.
    pub(super) fn leave(&mut self, of: &mut InFlight) {
        self.stop_awaiting(of);
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// Says whether its first byte was overdue, if it was waited for.
    fn stop_awaiting(&mut self, of: &mut InFlight) -> Option<bool> {
        let due = of.due.filter(|_| std::mem::take(&mut of.awaits) && of.era == self.era)?;
        self.awaiting = self.awaiting.saturating_sub(1);
        let is_late = !self.due.remove(&(due, of.id));
        if is_late {
            self.overdue = self.overdue.saturating_sub(1);
        }
        Some(is_late)
    }

    /// The upstream refused a request for overload, or did not answer it in time.
    pub(super) fn refused(&mut self, now: Instant, of: &InFlight) {
        self.last_need = now;
        if self.last_cut.is_some_and(|cut| of.started <= cut) {
            return;
        }
        let in_force = self.limit.unwrap_or(f64::INFINITY).min(count(self.in_flight));
        self.set(now, in_force * self.settings.backoff);
        (self.last_cut, self.since_cut) = (Some(now), Slowness::default());
        self.window = Window::new(now);
    }

    /// Looks at the time. Says what the times of a window teach when it is over.
    pub(super) fn tick(&mut self, now: Instant) -> Option<Lesson> {
        while let Some(&(due, id)) = self.due.first()
            && due <= now
        {
            self.due.remove(&(due, id));
            self.overdue += 1;
        }
        let while_ = Duration::try_from_secs_f64(self.typical).unwrap_or_default();
        let while_ = while_.max(self.settings.shortest_window);
        if self.is_late(now) {
            let since = *self.window.late_since.get_or_insert(now);
            return (now.saturating_duration_since(since) >= while_).then(|| self.overloaded(now));
        }
        self.window.late_since = None;
        (now.saturating_duration_since(self.window.began) >= 2 * while_).then(|| self.calm(now))
    }

    /// Whether more are overdue than usual, and than chance would have it.
    fn is_late(&self, now: Instant) -> bool {
        let overdue = count(self.overdue) - 2.0 * self.late_flow.at(now, self.memory());
        overdue > 3.0 && overdue > count(self.in_flight).sqrt() && overdue > count(self.awaiting) / 4.0
    }

    fn overloaded(&mut self, now: Instant) -> Lesson {
        self.last_need = now;
        self.window = Window::new(now);
        let in_flight = count(self.in_flight);
        let limit = self.limit.unwrap_or(f64::INFINITY).min(in_flight);
        match self.trial {
            None => self.trial = Some(Trial { before: self.limit, at: None }),
            Some(Trial { before, at }) => {
                // It is not yet known whether the last cut was enough.
                let Some(is_slow) = self.since_cut.mean() else { return Lesson::Nothing };
                match at {
                    Some((higher, _)) if limit > MUCH_LOWER * higher => {}
                    Some((_, was_slow)) if is_slow > HELPED * was_slow => return self.give_up(before),
                    _ => self.trial = Some(Trial { before, at: Some((limit, is_slow)) }),
                }
            }
        }
        let waiting = (count(self.awaiting) - self.flow.at(now, self.memory())).max(0.0);
        let working = (in_flight - waiting).max(limit / 2.0);
        self.set(now, (working + headroom(working)).min(limit));
        (self.last_cut, self.since_cut) = (Some(now), Slowness::default());
        Lesson::Nothing
    }

    /// It is not for the load that the upstream is slow: what was in force before is again.
    fn give_up(&mut self, before: Option<f64>) -> Lesson {
        (self.limit, self.trial) = (before, None);
        self.era += 1;
        self.due.clear();
        (self.awaiting, self.overdue) = (0, 0);
        Lesson::Changed
    }

    fn calm(&mut self, now: Instant) -> Lesson {
        let Window { reached, came: [in_time, late], .. } = self.window;
        self.window = Window::new(now);
        // Nobody is overdue while nobody is sent: nothing is known until something that was sent since came.
        let is_recent =
            self.last_cut.is_some_and(|cut| now.saturating_duration_since(cut) < self.settings.reopen);
        if late > in_time || (self.trial.is_some() && in_time == 0 && is_recent) {
            return Lesson::Nothing;
        }
        self.trial = None;
        match self.limit {
            Some(limit) if reached => {
                self.set(now, limit + (headroom(limit) / 2.0).max(1.0));
                Lesson::Shorter
            }
            Some(_) if now.saturating_duration_since(self.last_need) >= self.settings.reopen => {
                self.limit = None;
                Lesson::Usual
            }
            _ => Lesson::Usual,
        }
    }

    fn set(&mut self, now: Instant, limit: f64) {
        let (floor, ceiling) = (count(self.settings.floor), count(self.settings.ceiling));
        if self.limit.is_none() {
            self.last_need = now;
        }
        self.limit = (limit < ceiling).then_some(limit.max(floor));
    }

    /// Over what time the flow is taken, in seconds.
    fn memory(&self) -> f64 {
        (2.0 * self.typical).max(self.settings.shortest_window.as_secs_f64())
    }
}

impl Window {
    const fn new(now: Instant) -> Self {
        Self { began: now, reached: false, late_since: None, came: [0; 2] }
    }
}

/// What is found out by lowering the limit.
#[derive(Clone, Copy, Debug)]
struct Trial {
    /// What was in force before.
    before: Option<f64>,
    /// A limit, and how slow first bytes were under it.
    at: Option<(f64, f64)>,
}

/// How many times the usual the first bytes take.
#[derive(Clone, Copy, Debug, Default)]
struct Slowness {
    sum: f64,
    count: f64,
}

impl Slowness {
    /// The mean, where some have come.
    fn mean(self) -> Option<f64> {
        (self.count >= 3.0).then_some(self.sum / self.count)
    }
}

/// A sum that decays.
#[derive(Clone, Copy, Debug)]
struct Flow {
    level: f64,
    at: Instant,
}

impl Flow {
    fn add(&mut self, now: Instant, seconds: f64, memory: f64) {
        self.level = self.at(now, memory) + seconds / memory;
        self.at = now;
    }

    fn at(self, now: Instant, memory: f64) -> f64 {
        self.level * (-now.saturating_duration_since(self.at).as_secs_f64() / memory).exp()
    }
}

/// How many may wait at the upstream, so that it never waits.
fn headroom(limit: f64) -> f64 {
    limit.max(1.0).sqrt() / 2.0
}

#[expect(clippy::cast_precision_loss, reason = "there are far fewer than 2^53")]
const fn count(requests: usize) -> f64 {
    requests as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "is not negative, and saturates")]
const fn whole(limit: f64) -> usize {
    limit as usize
}

/// How much lower a limit has to be until its effect can be told.
const MUCH_LOWER: f64 = 0.6;

/// What may be left of a slowness where a lower limit has helped.
const HELPED: f64 = 0.75;
