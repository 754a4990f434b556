//! Clients, a gate, and an upstream, in virtual time.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, VecDeque};
use std::time::{Duration, Instant};

use http::HeaderMap;
use tollway_core::Priority;
use tollway_rate_limit::Estimate;
use tollway_rate_limit::adaptive::{
    Arrival, Demand, Gate, Pass, Poll, Refused, Settings, Signal, Snapshot, Ticket, Told,
};

/// An upstream that works at some requests at once, and keeps the others waiting or refuses them.
#[derive(Clone, Debug)]
pub(crate) struct Upstream {
    /// How many it works at.
    pub(crate) slots: usize,
    /// How many wait at most; it refuses more with 429.
    pub(crate) most_waiting: usize,
    /// The mean time from the beginning of its work to the first byte, and from there to the end.
    pub(crate) first: Duration,
    pub(crate) rest: Duration,
    pub(crate) scatter: Scatter,
    /// A limit of requests, if it has one.
    pub(crate) limit: Option<Limit>,
}

/// How times scatter about their mean.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Scatter {
    /// By a third at most.
    Little,
    /// As the times between random events do.
    Much,
    /// One of twenty takes ten times as long.
    Twofold,
}

/// A provider's own limit of requests.
#[derive(Clone, Debug)]
pub(crate) struct Limit {
    pub(crate) most: u64,
    pub(crate) window: Duration,
    /// Whether it is a bucket that refills evenly, or a fixed window.
    pub(crate) is_even: bool,
}

/// Requests that come at random, so many a second.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    pub(crate) model: &'static str,
    pub(crate) priority: Priority,
    pub(crate) rate: f64,
    pub(crate) from: Duration,
    pub(crate) to: Duration,
    /// Of how many a client goes away: while it waits or while it is answered.
    pub(crate) impatient: f64,
}

impl Load {
    pub(crate) fn new(rate: f64, to: u64) -> Self {
        let (from, to) = (Duration::ZERO, Duration::from_secs(to));
        Self { model: "m", priority: Priority::Normal, rate, from, to, impatient: 0.0 }
    }
}

/// What became of a request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fate {
    pub(crate) load: usize,
    pub(crate) came: Duration,
    pub(crate) sent: Option<Duration>,
    pub(crate) first: Option<Duration>,
    pub(crate) done: Option<Duration>,
    pub(crate) refused: Option<Refused>,
    /// The upstream itself refused it.
    pub(crate) rejected: Option<Duration>,
    pub(crate) left: bool,
}

impl Fate {
    /// From when it came to its first byte.
    pub(crate) fn latency(&self) -> Option<Duration> {
        Some(self.first? - self.came)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Come(usize),
    Ask(u64),
    First(usize),
    Done(usize),
    GoAway(usize),
}

pub(crate) struct World {
    pub(crate) gate: Gate,
    pub(crate) upstream: Upstream,
    pub(crate) fates: Vec<Fate>,
    /// How the gate stood, each 100 ms.
    pub(crate) seen: Vec<(Duration, Snapshot)>,
    loads: Vec<Load>,
    epoch: Instant,
    now: Duration,
    events: BinaryHeap<Reverse<(Duration, u64, Event)>>,
    count: u64,
    asking: BTreeMap<u64, (Ticket, usize)>,
    by_ticket: HashMap<Ticket, u64>,
    waits_for: HashMap<usize, u64>,
    passes: HashMap<usize, Pass>,
    working: Vec<usize>,
    queue: VecDeque<usize>,
    taken: VecDeque<Duration>,
    level: (f64, Duration),
    looked: Duration,
    random: u64,
}

impl World {
    pub(crate) fn new(settings: Settings, upstream: Upstream, loads: &[Load], seed: u64) -> Self {
        let epoch = Instant::now();
        let level = (upstream.limit.as_ref().map_or(0.0, |limit| limit.most as f64), Duration::ZERO);
        let mut world = Self {
            gate: Gate::new(settings, epoch),
            upstream,
            fates: Vec::new(),
            seen: Vec::new(),
            loads: loads.to_vec(),
            epoch,
            now: Duration::ZERO,
            events: BinaryHeap::new(),
            count: 0,
            asking: BTreeMap::new(),
            by_ticket: HashMap::new(),
            waits_for: HashMap::new(),
            passes: HashMap::new(),
            working: Vec::new(),
            queue: VecDeque::new(),
            taken: VecDeque::new(),
            level,
            looked: Duration::ZERO,
            random: seed.wrapping_mul(2).wrapping_add(0x9e37_79b9_7f4a_7c15),
        };
        for load in 0..world.loads.len() {
            world.next_of(load, world.loads[load].from);
        }
        world
    }

    /// Runs until nothing is left to happen.
    pub(crate) fn run(&mut self) {
        self.run_until(Duration::MAX);
        let end = self.end();
        assert_eq!((end.in_flight, end.waiting), (0, [0; 3]), "nobody is left: {end:?}");
        assert!(self.asking.is_empty());
    }

    /// Runs for some time.
    pub(crate) fn run_until(&mut self, end: Duration) {
        while let Some(Reverse((at, ..))) = self.events.peek()
            && *at < end
            && let Some(Reverse((at, _, event))) = self.events.pop()
        {
            while self.looked <= at {
                self.seen.push((self.looked, self.gate.snapshot(self.epoch + self.looked)));
                self.looked += Duration::from_millis(100);
            }
            self.now = at;
            self.happen(event);
            self.hear();
            assert_eq!(self.end().in_flight, self.passes.len(), "who is in flight is counted");
        }
    }

    /// How the gate stands.
    pub(crate) fn end(&self) -> Snapshot {
        self.gate.snapshot(self.epoch + self.now)
    }

    /// Those who came in some seconds.
    pub(crate) fn during(&self, from: u64, to: u64) -> impl Iterator<Item = &Fate> {
        let (from, to) = (Duration::from_secs(from), Duration::from_secs(to));
        self.fates.iter().filter(move |fate| from <= fate.came && fate.came < to)
    }

    /// How many were done each second, in some seconds.
    pub(crate) fn goodput(&self, from: u64, to: u64) -> f64 {
        let done = self.fates.iter().filter_map(|fate| fate.done);
        let done = done.filter(|at| (from..to).contains(&at.as_secs())).count();
        done as f64 / (to - from) as f64
    }

    /// How many the upstream can do each second.
    pub(crate) fn capacity(&self) -> f64 {
        self.upstream.slots as f64 / (self.upstream.first + self.upstream.rest).as_secs_f64()
    }

    fn at(&self) -> Instant {
        self.epoch + self.now
    }

    fn plan(&mut self, after: Duration, event: Event) {
        self.count += 1;
        self.events.push(Reverse((self.now + after, self.count, event)));
    }

    fn next_of(&mut self, load: usize, from: Duration) {
        let gap = -(1.0 - self.unit()).ln() / self.loads[load].rate;
        let at = from + Duration::from_secs_f64(gap);
        if at < self.loads[load].to {
            self.count += 1;
            self.events.push(Reverse((at, self.count, Event::Come(load))));
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Come(load) => {
                self.next_of(load, self.now);
                self.come(load);
            }
            Event::Ask(id) => self.ask(id),
            Event::First(request) => {
                if let Some(pass) = self.passes.get_mut(&request) {
                    self.fates[request].first = Some(self.now);
                    self.gate.first_byte(self.epoch + self.now, pass);
                    let rest = self.scattered(self.upstream.rest);
                    self.plan(rest, Event::Done(request));
                }
            }
            Event::Done(request) => {
                if self.passes.contains_key(&request) {
                    self.fates[request].done = Some(self.now);
                    self.leave(request);
                }
            }
            Event::GoAway(request) => {
                if let Some(id) = self.waits_for.remove(&request) {
                    let (ticket, _) = self.asking.remove(&id).unwrap();
                    self.by_ticket.remove(&ticket);
                    self.fates[request].left = true;
                    self.gate.abandon(self.at(), ticket);
                } else if self.passes.contains_key(&request) {
                    self.fates[request].left = true;
                    self.leave(request);
                }
            }
        }
    }

    fn come(&mut self, load: usize) {
        let request = self.fates.len();
        self.fates.push(Fate { load, came: self.now, ..Fate::default() });
        let Load { model, priority, impatient, .. } = self.loads[load];
        let estimate = Estimate { input: 100, output: 100, stream: true };
        let demand = Demand::new(model).priority(priority).estimate(estimate);
        if self.unit() < impatient {
            let after = self.scattered(self.upstream.first);
            self.plan(after, Event::GoAway(request));
        }
        match self.gate.arrive(self.at(), &demand) {
            Arrival::Enter(pass) => self.send(request, pass),
            Arrival::Refuse(refused) => self.fates[request].refused = Some(refused),
            Arrival::Wait(ticket) => {
                self.count += 1;
                let id = self.count;
                self.asking.insert(id, (ticket, request));
                self.by_ticket.insert(ticket, id);
                self.waits_for.insert(request, id);
                self.ask(id);
            }
        }
    }

    fn ask(&mut self, id: u64) {
        let Some(&(ticket, request)) = self.asking.get(&id) else { return };
        let verdict = self.gate.poll(self.at(), ticket, None);
        if let Poll::Wait(at) = verdict {
            assert!(at > self.at(), "waits for the past");
            return self.plan(at - self.at(), Event::Ask(id));
        }
        self.asking.remove(&id);
        self.by_ticket.remove(&ticket);
        self.waits_for.remove(&request);
        match verdict {
            Poll::Enter(pass) => self.send(request, pass),
            Poll::Refuse(refused) => self.fates[request].refused = Some(refused),
            Poll::Wait(_) => unreachable!(),
        }
    }

    /// Asks for those whom the gate names.
    fn hear(&mut self) {
        loop {
            let named: Vec<Ticket> = self.gate.changed().map(|(ticket, _)| ticket).collect();
            if named.is_empty() {
                return;
            }
            for ticket in named {
                if let Some(&id) = self.by_ticket.get(&ticket) {
                    self.ask(id);
                }
            }
        }
    }

    fn send(&mut self, request: usize, pass: Pass) {
        self.fates[request].sent = Some(self.now);
        let (is_over, headers) = self.count_request();
        let told = Told::read(&headers, std::time::SystemTime::now());
        let is_full = self.working.len() >= self.upstream.slots;
        let is_rejected = is_over || is_full && self.queue.len() >= self.upstream.most_waiting;
        let signal = if is_rejected { Signal::Overloaded } else { Signal::Fine };
        self.gate.head(self.epoch + self.now, &pass, &told, signal);
        if is_rejected {
            self.fates[request].rejected = Some(self.now);
            self.gate.leave(self.epoch + self.now, pass);
            return;
        }
        self.passes.insert(request, pass);
        if is_full {
            self.queue.push_back(request);
        } else {
            self.work(request);
        }
    }

    fn work(&mut self, request: usize) {
        self.working.push(request);
        let first = self.scattered(self.upstream.first);
        self.plan(first, Event::First(request));
    }

    fn leave(&mut self, request: usize) {
        let pass = self.passes.remove(&request).unwrap();
        self.gate.leave(self.epoch + self.now, pass);
        self.queue.retain(|waiting| *waiting != request);
        if let Some(place) = self.working.iter().position(|working| *working == request) {
            self.working.swap_remove(place);
            if let Some(next) = self.queue.pop_front() {
                self.work(next);
            }
        }
    }

    /// Counts a request by the upstream's own limit. Says whether it is one too many, and how the limit stands.
    fn count_request(&mut self) -> (bool, HeaderMap) {
        let mut headers = HeaderMap::new();
        let Some(Limit { most, window, is_even }) = self.upstream.limit.clone() else {
            return (false, headers);
        };
        let (is_over, left, reset) = if is_even {
            let rate = most as f64 / window.as_secs_f64();
            let level = (self.level.0 + (self.now - self.level.1).as_secs_f64() * rate).min(most as f64);
            let is_over = level < 1.0 - 1e-9;
            let level = if is_over { level } else { level - 1.0 };
            self.level = (level, self.now);
            (is_over, level as u64, Duration::from_secs_f64((most as f64 - level) / rate))
        } else {
            let start = window * u32::try_from(self.now.as_nanos() / window.as_nanos()).unwrap();
            while self.taken.front().is_some_and(|at| *at < start) {
                self.taken.pop_front();
            }
            let is_over = self.taken.len() as u64 >= most;
            if !is_over {
                self.taken.push_back(self.now);
            }
            (is_over, most - self.taken.len() as u64, start + window - self.now)
        };
        let millis = reset.as_nanos().div_ceil(1_000_000);
        headers.insert("x-ratelimit-limit-requests", most.into());
        headers.insert("x-ratelimit-remaining-requests", left.into());
        headers.insert("x-ratelimit-reset-requests", format!("{millis}ms").parse().unwrap());
        (is_over, headers)
    }

    fn scattered(&mut self, mean: Duration) -> Duration {
        let unit = self.unit();
        mean.mul_f64(match self.upstream.scatter {
            Scatter::Little => (2.0 + 2.0 * unit) / 3.0,
            Scatter::Much => -(1.0 - unit).ln(),
            Scatter::Twofold if unit < 0.05 => 10.0 / 1.45,
            Scatter::Twofold => 1.0 / 1.45,
        })
    }

    /// Between 0 and 1, by splitmix64.
    fn unit(&mut self) -> f64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// The part of some times below which a share of them is.
pub(crate) fn quantile(times: impl IntoIterator<Item = Duration>, share: f64) -> Duration {
    let mut times: Vec<_> = times.into_iter().collect();
    times.sort();
    let place = ((times.len() as f64 - 1.0) * share).round();
    times[place as usize]
}

/// An upstream that answers in 0.3 s and ends 1.7 s later.
pub(crate) fn upstream(slots: usize) -> Upstream {
    Upstream {
        slots,
        most_waiting: usize::MAX,
        first: Duration::from_millis(300),
        rest: Duration::from_millis(1_700),
        scatter: Scatter::Little,
        limit: None,
    }
}
