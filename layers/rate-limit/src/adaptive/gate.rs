use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

use tollway_core::Priority;

use super::baseline::Lesson;
use super::model::{self, Model, Sent};
use super::pace::{InFlight, Pace};
use super::queue::{Place, Queue, Waiter};
use super::snapshot::{Learned, Snapshot, Standing};
use super::told::Told;
use super::{Demand, Order, Refused, Settings, Shed, Signal};

/// Decides who may be sent to an upstream, and when: the pure core, to which the time is told.
///
/// Every request that [`arrive`](Self::arrive)s enters, waits, or is refused. One that enters holds a
/// [`Pass`], of which the gate is told the [`head`](Self::head), the [`first_byte`](Self::first_byte) and
/// the end ([`leave`](Self::leave)). One that waits asks with its [`Ticket`] by [`poll`](Self::poll) when
/// it is named in [`changed`](Self::changed), and at the time it was told; or it
/// [`abandon`](Self::abandon)s.
#[derive(Debug)]
pub struct Gate {
    settings: Settings,
    pace: Pace,
    /// The first stands for all that are too many.
    models: Vec<Model>,
    by_name: HashMap<Arc<str>, usize>,
    /// Whose usual times have something to learn at the end of the window.
    touched: Vec<(usize, usize)>,
    queue: Queue,
    changed: Vec<(Ticket, Option<Waker>)>,
    next: u64,
    sent: u64,
    shed: [u64; 3],
    exhausted: [u64; 3],
    abandoned: u64,
    refusals: u64,
}

/// What becomes of a request that comes.
#[derive(Debug)]
pub enum Arrival {
    /// It may be sent.
    Enter(Pass),
    /// It waits.
    Wait(Ticket),
    /// It is sent away.
    Refuse(Refused),
}

/// How a request that waits stands.
#[derive(Debug)]
pub enum Poll {
    /// It may be sent. The ticket is used up.
    Enter(Pass),
    /// It waits, and asks again at this time at the latest.
    Wait(Instant),
    /// It is sent away. The ticket is used up.
    Refuse(Refused),
}

/// Names a request that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket(u64);

/// Of a request in flight. To be given back by [`Gate::leave`].
#[derive(Debug)]
pub struct Pass {
    id: u64,
    model: usize,
    size: usize,
    is_measured: bool,
    /// Whether it is one of the first of its kind, from which it is learned what is usual.
    is_first: bool,
    sent: Sent,
    in_flight: InFlight,
}

impl Pass {
    /// Whether the first byte is waited for.
    pub(super) const fn is_measured(&self) -> bool {
        self.is_measured
    }
}

impl Gate {
    /// A gate through which nobody has come yet.
    pub fn new(settings: Settings, now: Instant) -> Self {
        let settings = settings.sane();
        Self {
            settings,
            pace: Pace::new(settings, now),
            models: vec![Model::new(Arc::from("*"), settings.longest_hold, now)],
            by_name: HashMap::new(),
            touched: Vec::new(),
            queue: Queue::default(),
            changed: Vec::new(),
            next: 0,
            sent: 0,
            shed: [0; 3],
            exhausted: [0; 3],
            abandoned: 0,
            refusals: 0,
        }
    }

    /// A request comes.
    pub fn arrive(&mut self, now: Instant, demand: &Demand) -> Arrival {
        self.tick(now);
        let id = self.next;
        self.next += 1;
        let index = self.model_of(now, &demand.model);
        let Some(model) = self.models.get(index) else { return self.refuse_full(demand) };
        let ready_at = model.ready_at(now, &demand.estimate);
        // Nobody is passed by who matters as much, or he would wait for ever for a larger part of a limit.
        let is_first = model.waiting.first().is_none_or(|(Reverse(first), _)| *first < demand.priority);
        let has_room = self.pace.has_room();
        if has_room && is_first && ready_at.is_none() {
            return Arrival::Enter(self.admit(now, id, index, demand));
        }
        if !has_room {
            self.pace.reached(now);
        }
        if ready_at.is_some()
            && let Some(model) = self.models.get_mut(index)
        {
            model.lacked = Some(now);
        }
        let deadline = now + self.settings.max_wait;
        if let Some(ready_at) = ready_at.filter(|at| *at > deadline) {
            return Arrival::Refuse(self.refuse(demand, exhausted(ready_at - now)));
        }
        if self.queue.len() >= self.settings.max_waiting {
            let Some(other) = self.displaced_by(demand.priority, index) else {
                let Some(at) = ready_at else { return self.refuse_full(demand) };
                return Arrival::Refuse(self.refuse(demand, exhausted(at - now)));
            };
            self.send_away(now, other, Shed::Displaced);
        }
        let waiter = Waiter { demand: demand.clone(), model: index, deadline, waker: None, verdict: None };
        self.queue.push(id, waiter);
        if let Some(model) = self.models.get_mut(index) {
            model.waiting.insert((Reverse(demand.priority), id));
        }
        Arrival::Wait(Ticket(id))
    }

    /// Who waits asks how it stands, and whom to wake when that changes.
    pub fn poll(&mut self, now: Instant, ticket: Ticket, waker: Option<&Waker>) -> Poll {
        self.tick(now);
        // It may be the time that somebody waited for.
        self.dispatch(now);
        let Some(waiter) = self.queue.peek_mut(ticket.0) else { return Poll::Refuse(self.late()) };
        if waiter.verdict.is_none() {
            if now < waiter.deadline {
                if let Some(waker) = waker {
                    match &mut waiter.waker {
                        Some(known) => known.clone_from(waker),
                        unknown => *unknown = Some(waker.clone()),
                    }
                }
                return Poll::Wait(self.ask_again_at(now, ticket.0));
            }
            self.send_away(now, ticket.0, Shed::Late);
            self.dispatch(now);
        }
        match self.queue.remove(ticket.0).and_then(|waiter| waiter.verdict) {
            Some(Ok(pass)) => Poll::Enter(pass),
            Some(Err(refused)) => Poll::Refuse(refused),
            None => Poll::Refuse(self.late()),
        }
    }

    /// Who waits leaves.
    pub fn abandon(&mut self, now: Instant, ticket: Ticket) {
        let Some(waiter) = self.queue.remove(ticket.0) else { return };
        match waiter.verdict {
            // It was its turn, and it has not noticed.
            Some(Ok(pass)) => self.leave(now, pass),
            Some(Err(_)) => {}
            None => {
                self.abandoned += 1;
                self.vacate(now, waiter.model, (Reverse(waiter.demand.priority), ticket.0));
                self.tick(now);
            }
        }
    }

    /// The head of an answer has come, or the failure to get one.
    pub fn head(&mut self, now: Instant, pass: &Pass, told: &Told, signal: Signal) {
        self.tick(now);
        if signal == Signal::Overloaded {
            self.refusals += 1;
            self.pace.refused(now, &pass.in_flight);
        }
        let longest = self.settings.longest_hold;
        if let Some(model) = self.models.get_mut(pass.model) {
            model.learn(now, told, pass.id, &pass.sent);
            if signal == Signal::Overloaded
                && let Some(wait) = told.retry_after()
            {
                model.held_until = model.held_until.max(Some(now + wait.min(longest)));
            }
        }
        self.dispatch(now);
        self.wake_first(now, pass.model);
    }

    /// The first byte of an answer's body has come.
    pub fn first_byte(&mut self, now: Instant, pass: &mut Pass) {
        self.tick(now);
        if !std::mem::take(&mut pass.is_measured) {
            return;
        }
        let Some(model) = self.models.get_mut(pass.model) else { return };
        let Some(baseline) = model.baseline_mut(pass.size) else { return };
        let usual = baseline.usual().map(|usual| (usual, baseline.excess()));
        let seconds = now.saturating_duration_since(pass.in_flight.started).as_secs_f64();
        if baseline.note(seconds, self.settings.tolerance, pass.is_first) {
            self.touched.push((pass.model, pass.size));
        }
        self.pace.first_byte(now, &mut pass.in_flight, usual);
    }

    /// A request is over: its answer has ended, or it was given up.
    pub fn leave(&mut self, now: Instant, mut pass: Pass) {
        self.tick(now);
        self.pace.leave(&mut pass.in_flight);
        if let Some(model) = self.models.get_mut(pass.model) {
            model.in_flight = model.in_flight.saturating_sub(1);
            if pass.is_measured
                && pass.is_first
                && let Some(baseline) = model.baseline_mut(pass.size)
            {
                baseline.forgo();
            }
        }
        self.dispatch(now);
    }

    /// Who has to ask, and whom to wake for that.
    pub fn changed(&mut self) -> impl Iterator<Item = (Ticket, Option<Waker>)> + '_ {
        self.changed.drain(..)
    }

    /// How all stands.
    pub fn snapshot(&self, now: Instant) -> Snapshot {
        let learned = |model: &Model| Learned {
            model: model.name.clone(),
            held: model.held_until.and_then(|until| until.checked_duration_since(now)),
            limits: model
                .quotas
                .iter()
                .map(|quota| {
                    let (limit, remaining, reset) = quota.standing(now);
                    Standing { measure: quota.measure(), limit, remaining, reset }
                })
                .collect(),
        };
        Snapshot {
            limit: self.pace.limit(),
            is_limiting: self.pace.is_limiting(),
            in_flight: self.pace.in_flight(),
            overdue: self.pace.overdue(),
            waiting: self.queue.by_priority(),
            sent: self.sent,
            shed: self.shed,
            exhausted: self.exhausted,
            abandoned: self.abandoned,
            refusals: self.refusals,
            models: self.models.iter().skip(1).map(learned).collect(),
        }
    }

    pub(super) fn tick(&mut self, now: Instant) {
        let Some(lesson) = self.pace.tick(now) else { return };
        for (model, size) in self.touched.drain(..) {
            if let Some(baseline) = self.models.get_mut(model).and_then(|model| model.baseline_mut(size)) {
                baseline.close(lesson);
            }
        }
        if lesson == Lesson::Changed {
            self.models.iter_mut().for_each(Model::unlearn);
        }
        if lesson != Lesson::Nothing {
            self.dispatch(now);
        }
    }

    fn admit(&mut self, now: Instant, id: u64, index: usize, demand: &Demand) -> Pass {
        let size = model::size_class(&demand.estimate);
        let (mut sent, mut overdue_after, mut is_first) = (Sent::default(), None, false);
        if let Some(model) = self.models.get_mut(index) {
            sent = model.send(now, &demand.estimate);
            if let Some(baseline) = model.baseline_mut(size).filter(|_| demand.is_measured) {
                overdue_after = baseline.overdue_after(self.settings.tolerance);
                is_first = baseline.begin();
            }
        }
        self.sent += 1;
        let in_flight = self.pace.enter(now, id, overdue_after);
        Pass { id, model: index, size, is_measured: demand.is_measured, is_first, sent, in_flight }
    }

    /// Sends as many as may be of those who wait.
    fn dispatch(&mut self, now: Instant) {
        while self.queue.len() > 0 && self.pace.has_room() {
            let firsts = self.models.iter().enumerate();
            let ready = firsts.filter_map(|(index, model)| {
                let place = self.first(now, model)?;
                let waiter = self.queue.peek(place.1)?;
                // Who is too late is sent away, whatever else he would have to wait for.
                let is_ready =
                    waiter.deadline <= now || model.ready_at(now, &waiter.demand.estimate).is_none();
                is_ready.then_some((place, index))
            });
            let Some(((_, id), index)) = ready.min() else { return };
            let Some(waiter) = self.queue.peek(id) else { return };
            if waiter.deadline <= now {
                self.send_away(now, id, Shed::Late);
                continue;
            }
            let demand = waiter.demand.clone();
            let pass = self.admit(now, id, index, &demand);
            let waker = self.queue.decide(id, Ok(pass));
            self.changed.push((Ticket(id), waker));
            self.vacate(now, index, (Reverse(demand.priority), id));
        }
    }

    /// Who has to go for a request when as many wait as may: who matters less, and of those who matter as
    /// much one who waits for another model, where more wait for that; so none keeps all places.
    fn displaced_by(&self, priority: Priority, index: usize) -> Option<u64> {
        let own = self.models.get(index)?.waiting.len();
        let lasts = self.models.iter().filter_map(|model| {
            let (Reverse(lowest), id) = *model.waiting.last()?;
            Some(((lowest, Reverse(model.waiting.len())), id))
        });
        let ((lowest, Reverse(others)), id) = lasts.min()?;
        (lowest < priority || (lowest == priority && others > own + 1)).then_some(id)
    }

    /// Who is next for a model.
    fn first(&self, now: Instant, model: &Model) -> Option<Place> {
        let first = *model.waiting.first()?;
        let max_wait = self.settings.max_wait;
        // What waits for a provider's limit is no overload, and who needs a large part of it would starve.
        if self.settings.order == Order::NewestUnderLoad
            && model.lacked.is_none_or(|lacked| lacked + max_wait < now)
            && self.queue.peek(first.1)?.deadline < now + max_wait.mul_f32(0.75)
        {
            return model.waiting.range(..=(first.0, u64::MAX)).next_back().copied();
        }
        Some(first)
    }

    /// When who waits has to ask again, if he is not told before.
    fn ask_again_at(&self, now: Instant, id: u64) -> Instant {
        let Some(waiter) = self.queue.peek(id) else { return now };
        let Some(model) = self.models.get(waiter.model) else { return waiter.deadline };
        if self.first(now, model).is_none_or(|first| first.1 != id) {
            return waiter.deadline;
        }
        // Where it is not the model that he waits for, he is woken.
        let ready_at = model.ready_at(now, &waiter.demand.estimate);
        ready_at.map_or(waiter.deadline, |at| at.min(waiter.deadline))
    }

    fn send_away(&mut self, now: Instant, id: u64, reason: Shed) {
        let Some(waiter) = self.queue.peek(id) else { return };
        let (index, demand) = (waiter.model, waiter.demand.clone());
        let ready_at = self.models.get(index).and_then(|model| model.ready_at(now, &demand.estimate));
        let refused = match ready_at {
            Some(at) if reason == Shed::Late => exhausted(at.saturating_duration_since(now)),
            _ => self.overloaded(reason),
        };
        let refused = self.refuse(&demand, refused);
        let waker = self.queue.decide(id, Err(refused));
        self.changed.push((Ticket(id), waker));
        self.vacate(now, index, (Reverse(demand.priority), id));
    }

    fn vacate(&mut self, now: Instant, index: usize, place: Place) {
        if let Some(model) = self.models.get_mut(index) {
            model.waiting.remove(&place);
        }
        self.wake_first(now, index);
    }

    /// Who has become the next, or waits for another time than before, sets his timer anew.
    fn wake_first(&mut self, now: Instant, index: usize) {
        let Some(model) = self.models.get(index) else { return };
        let Some((_, id)) = self.first(now, model) else { return };
        let Some(waiter) = self.queue.peek(id) else { return };
        // Where it is not the model that he waits for, he is woken when there is room.
        if model.ready_at(now, &waiter.demand.estimate).is_some()
            && let Some(waiter) = self.queue.peek_mut(id)
        {
            self.changed.push((Ticket(id), waiter.waker.take()));
        }
    }

    fn refuse_full(&mut self, demand: &Demand) -> Arrival {
        let refused = self.overloaded(Shed::Full);
        Arrival::Refuse(self.refuse(demand, refused))
    }

    fn refuse(&mut self, demand: &Demand, refused: Refused) -> Refused {
        let counts = match refused {
            Refused::Overloaded { .. } => &mut self.shed,
            Refused::Exhausted { .. } => &mut self.exhausted,
        };
        if let Some(count) = counts.get_mut(demand.priority as usize) {
            *count += 1;
        }
        refused
    }

    fn late(&self) -> Refused {
        self.overloaded(Shed::Late)
    }

    /// Who waited in vain may try again after as long a time; nobody's load can be read from that.
    fn overloaded(&self, reason: Shed) -> Refused {
        Refused::Overloaded { reason, retry_after: self.settings.max_wait.max(Duration::from_secs(1)) }
    }

    /// Where a model stands. Where there are too many, it is given the place of another that is not used;
    /// if there is none, that of all that are too many.
    fn model_of(&mut self, now: Instant, name: &Arc<str>) -> usize {
        if let Some(&index) = self.by_name.get(name) {
            return index;
        }
        let fresh = Model::new(name.clone(), self.settings.longest_hold, now);
        let index = if self.models.len() <= self.settings.max_models {
            self.models.push(fresh);
            self.models.len() - 1
        } else {
            let idle = self.models.iter().enumerate().skip(1).filter(|(_, model)| model.is_idle(now));
            let Some((index, _)) = idle.min_by_key(|(_, model)| model.last_used) else { return 0 };
            if let Some(old) = self.models.get_mut(index).map(|model| std::mem::replace(model, fresh)) {
                self.by_name.remove(&old.name);
            }
            self.touched.retain(|(model, _)| *model != index);
            index
        };
        self.by_name.insert(name.clone(), index);
        index
    }
}

const fn exhausted(retry_after: Duration) -> Refused {
    Refused::Exhausted { retry_after }
}
