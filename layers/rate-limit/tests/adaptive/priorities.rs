//! Who goes first, and who goes without.

use std::time::{Duration, Instant};

use tollway_core::Priority::{self, High, Low, Normal};
use tollway_rate_limit::adaptive::{
    Arrival, Demand, Gate, Order, Poll, Refused, Settings, Shed, Signal, Told,
};

use super::simulated::{Fate, Load, World, quantile, upstream};

#[test]
fn under_overload_the_low_go_first_and_the_high_do_not_notice() {
    for seed in 0..3 {
        // It can do 25 a second, and is asked for 75, of which 10 are high and 10 normal.
        let of = |priority, rate| Load { priority, ..Load::new(rate, 90) };
        let loads = [of(Low, 55.0), of(Normal, 10.0), of(High, 10.0)];
        let mut world = World::new(Settings::default(), upstream(50), &loads, seed);
        world.run();
        let share = |load| {
            let all = world.during(20, 89).filter(|fate| fate.load == load);
            let (mut count, mut done) = (0, 0);
            all.for_each(|fate| (count, done) = (count + 1, done + usize::from(fate.done.is_some())));
            f64::from(done as u32) / f64::from(count)
        };
        let most = |load| {
            let fates = world.during(20, 89).filter(|fate| fate.load == load);
            quantile(fates.filter_map(Fate::latency), 0.99)
        };
        assert!(share(2) == 1.0, "{} of the high are served", share(2));
        assert!(share(1) > 0.98, "{} of the normal are served", share(1));
        assert!((0.02..0.25).contains(&share(0)), "{} of the low are served", share(0));
        assert!(most(2) < Duration::from_millis(1_700), "the high take {:?}", most(2));
        // Nothing is lost by it.
        assert!(world.goodput(20, 90) / world.capacity() >= 0.95);
    }
}

#[test]
fn one_model_does_not_starve_another() {
    let of = |model, rate| Load { model, ..Load::new(rate, 90) };
    let mut world = World::new(Settings::default(), upstream(50), &[of("busy", 75.0), of("quiet", 2.0)], 2);
    world.run();
    let quiet = || world.during(20, 89).filter(|fate| fate.load == 1);
    let done = quiet().filter(|fate| fate.done.is_some()).count();
    assert!(done as f64 > 0.9 * quiet().count() as f64, "{done} of {}", quiet().count());
}

fn settings(max_waiting: usize) -> Settings {
    Settings { ceiling: 1, max_waiting, order: Order::Oldest, ..Settings::default() }
}

fn demand(model: &str, priority: Priority) -> Demand {
    Demand::new(model).priority(priority)
}

/// A gate behind which one request is in flight, and the priorities of those who come then.
#[test]
fn the_queue_is_bounded_and_the_lowest_go() {
    let now = Instant::now();
    let mut gate = Gate::new(settings(2), now);
    let Arrival::Enter(pass) = gate.arrive(now, &demand("m", Low)) else { panic!("has room") };
    let wait = |gate: &mut Gate, priority| match gate.arrive(now, &demand("m", priority)) {
        Arrival::Wait(ticket) => ticket,
        other => panic!("{other:?}"),
    };
    let low = wait(&mut gate, Low);
    let normal = wait(&mut gate, Normal);
    let full = gate.arrive(now, &demand("m", Low));
    assert!(matches!(full, Arrival::Refuse(Refused::Overloaded { reason: Shed::Full, .. })), "{full:?}");
    let high = wait(&mut gate, High);
    let displaced = gate.poll(now, low, None);
    let Poll::Refuse(refused) = displaced else { panic!("{displaced:?}") };
    assert!(matches!(refused, Refused::Overloaded { reason: Shed::Displaced, .. }));
    assert_eq!(gate.snapshot(now).waiting, [0, 1, 1]);

    assert!(matches!(gate.poll(now, high, None), Poll::Wait(_)));
    gate.leave(now, pass);
    assert!(matches!(gate.poll(now, normal, None), Poll::Wait(_)));
    let Poll::Enter(pass) = gate.poll(now, high, None) else { panic!("it is his turn") };

    let late = now + Settings::default().max_wait;
    let Poll::Refuse(refused) = gate.poll(late, normal, None) else { panic!("it is too late") };
    assert!(matches!(refused, Refused::Overloaded { reason: Shed::Late, .. }));
    gate.leave(late, pass);
    let seen = gate.snapshot(late);
    assert_eq!((seen.in_flight, seen.waiting, seen.shed), (0, [0; 3], [2, 1, 0]));
}

#[test]
fn a_model_that_is_held_leaves_places_to_others() {
    let now = Instant::now();
    let mut gate = Gate::new(Settings { ceiling: 2, ..settings(4) }, now);
    let Arrival::Enter(pass) = gate.arrive(now, &demand("held", Normal)) else { panic!("has room") };
    gate.head(now, &pass, &Told::retry(Some(Duration::from_secs(3))), Signal::Overloaded);
    gate.leave(now, pass);
    let mut held = Vec::new();
    for _ in 0..4 {
        let Arrival::Wait(ticket) = gate.arrive(now, &demand("held", Normal)) else { panic!("is held") };
        held.push(ticket);
    }
    // It takes nothing but a place in flight, and of these there are some.
    let Arrival::Enter(pass) = gate.arrive(now, &demand("other", Normal)) else { panic!("has room") };
    // And a place among those who wait, of which the other model has too many.
    let Arrival::Wait(ticket) = gate.arrive(now, &demand("other", Normal)) else { panic!("has no room") };
    assert!(matches!(gate.poll(now, held[3], None), Poll::Refuse(_)));
    gate.leave(now, pass);
    assert!(matches!(gate.poll(now, ticket, None), Poll::Enter(_)));
    // When it is no longer held, it is its turn.
    let Poll::Wait(at) = gate.poll(now, held[0], None) else { panic!("is held") };
    assert!(at > now && at <= now + Duration::from_secs(3));
}

#[test]
fn who_came_last_is_served_first_where_others_waited_for_long() {
    let start = Instant::now();
    for (order, newest_first) in [(Order::Oldest, false), (Order::NewestUnderLoad, true)] {
        let mut gate = Gate::new(Settings { order, ..settings(10) }, start);
        let Arrival::Enter(pass) = gate.arrive(start, &demand("m", Normal)) else { panic!("has room") };
        let Arrival::Wait(old) = gate.arrive(start, &demand("m", Normal)) else { panic!("has no room") };
        let now = start + Duration::from_secs(3);
        let Arrival::Wait(new) = gate.arrive(now, &demand("m", Normal)) else { panic!("has no room") };
        gate.leave(now, pass);
        assert_eq!(matches!(gate.poll(now, new, None), Poll::Enter(_)), newest_first);
        assert_eq!(matches!(gate.poll(now, old, None), Poll::Enter(_)), !newest_first);
    }
}
