//! Too much to do, or not: the limit, the latency and the goodput.

use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use tollway_rate_limit::adaptive::Settings;

use super::simulated::{Fate, Load, Scatter, Upstream, World, quantile, upstream};

fn run(upstream: Upstream, loads: &[Load], seed: u64) -> World {
    let mut world = World::new(Settings::default(), upstream, loads, seed);
    world.run();
    world
}

/// The mean limit in some seconds.
fn limit(world: &World, from: u64, to: u64) -> f64 {
    let seconds = Duration::from_secs(from)..Duration::from_secs(to);
    let limits = world.seen.iter().filter(|(at, _)| seconds.contains(at)).map(|(_, seen)| seen.limit);
    let limits: Vec<_> = limits.collect();
    limits.iter().sum::<usize>() as f64 / limits.len() as f64
}

/// From when it was sent to its first byte.
fn at_upstream(fate: &Fate) -> Option<Duration> {
    Some(fate.first? - fate.sent?)
}

proptest! {
    // Always the same cases: what holds of chance holds almost always, and a test has to.
    #![proptest_config(ProptestConfig { cases: 24, rng_seed: RngSeed::Fixed(4), ..ProptestConfig::default() })]

    #[test]
    fn an_overloaded_upstream_is_kept_at_what_it_can_do(
        slots in 20..150_usize,
        over in 1.5..6.0_f64,
        seed: u64,
        much: bool,
    ) {
        let mut upstream = upstream(slots);
        if much {
            upstream.scatter = Scatter::Much;
        }
        let rate = slots as f64 / 2.0 * over;
        let world = run(upstream, &[Load::new(rate, 90)], seed);

        let goodput = world.goodput(20, 90) / world.capacity();
        // Where times scatter much, so does what can be done in a time.
        prop_assert!(goodput >= if much { 0.85 } else { 0.95 }, "goodput {goodput}");
        let limit = limit(&world, 20, 90) / slots as f64;
        prop_assert!((0.85..1.75).contains(&limit), "limit {limit}");
        let times = || world.during(20, 89).filter_map(at_upstream);
        let (half, most) = (quantile(times(), 0.5), quantile(times(), 0.99));
        prop_assert!(half < Duration::from_millis(1_700), "half take {half:?}");
        prop_assert!(most < Duration::from_millis(4_500), "most take {most:?}");
        // Nobody waits for longer than he may, here and there.
        let longest = world.during(0, 90).filter_map(|fate| Some(fate.sent? - fate.came)).max();
        prop_assert!(longest <= Some(Duration::from_secs(5)), "{longest:?}");
    }

    #[test]
    fn an_upstream_with_little_to_do_is_not_limited(
        slots in 30..200_usize,
        load in 0.1..0.6_f64,
        seed: u64,
        scatter in prop::sample::select(vec![Scatter::Little, Scatter::Much, Scatter::Twofold]),
    ) {
        let mut upstream = upstream(slots);
        upstream.scatter = scatter;
        let world = run(upstream, &[Load::new(slots as f64 / 2.0 * load, 60)], seed);
        if matches!(scatter, Scatter::Little) {
            prop_assert!(world.seen.iter().all(|(_, seen)| !seen.is_limiting));
            prop_assert!(world.fates.iter().all(|fate| fate.done.is_some()));
        }
        // By chance so many may be slow at once that it looks like overload. It does little harm.
        let waited = world.fates.iter().filter(|fate| fate.sent > Some(fate.came)).count();
        prop_assert!(waited * 5 <= world.fates.len(), "{waited} of {} wait", world.fates.len());
        let refused = world.fates.iter().filter(|fate| fate.done.is_none()).count();
        prop_assert!(refused * 50 <= world.fates.len(), "{refused} of {} go", world.fates.len());
    }
}

/// What the two properties say of one upstream, in closer bounds.
#[test]
fn threefold_overload_costs_nothing_but_what_is_too_much() {
    for seed in 0..5 {
        let world = run(upstream(50), &[Load::new(75.0, 120)], seed);
        let goodput = world.goodput(20, 120) / world.capacity();
        assert!(goodput >= 0.95, "goodput {goodput}");
        let limit = limit(&world, 20, 120);
        assert!((45.0..65.0).contains(&limit), "limit {limit}");
        let times = || world.during(20, 119).filter_map(at_upstream);
        let (half, most) = (quantile(times(), 0.5), quantile(times(), 0.99));
        assert!(half < Duration::from_millis(750), "half take {half:?}");
        assert!(most < Duration::from_millis(1_500), "most take {most:?}");
        // Those who are served are served fast, the wait before included.
        let all = quantile(world.during(20, 119).filter_map(Fate::latency), 0.5);
        assert!(all < Duration::from_millis(900), "half take {all:?} in all");
    }
}

#[test]
fn without_the_gate_the_same_load_takes_ever_longer() {
    let open = Settings { ceiling: usize::MAX, tolerance: 100.0, ..Settings::default() };
    let mut world = World::new(open, upstream(50), &[Load::new(75.0, 60)], 1);
    world.run();
    let half = quantile(world.during(50, 60).filter_map(Fate::latency), 0.5);
    assert!(half > Duration::from_mins(1), "{half:?}");
}

#[test]
fn an_overload_that_grows_slowly_does_not_become_usual() {
    let loads = (0..40).map(|step| Load { from: Duration::from_secs(5 * step), ..Load::new(1.0, 300) });
    let loads: Vec<_> = loads.collect();
    let world = run(upstream(50), &loads, 3);
    let half = quantile(world.during(200, 299).filter_map(at_upstream), 0.5);
    assert!(half < Duration::from_secs(1), "{half:?}");
    assert!(world.goodput(200, 299) / world.capacity() >= 0.95);
}

#[test]
fn when_the_load_is_gone_so_is_the_limit() {
    let after = Load { from: Duration::from_secs(30), ..Load::new(5.0, 140) };
    let world = run(upstream(50), &[Load::new(75.0, 30), after], 4);
    assert!(world.seen.iter().any(|(_, seen)| seen.is_limiting));
    let (_, last) = world.seen.last().unwrap();
    assert!(!last.is_limiting, "{last:?}");
    assert!(world.during(45, 140).all(|fate| fate.done.is_some()));
}

#[test]
fn an_upstream_that_has_become_slower_for_good_is_not_limited_for_ever() {
    let mut world = World::new(Settings::default(), upstream(500), &[Load::new(40.0, 300)], 5);
    world.run_until(Duration::from_mins(1));
    // A larger model behind the same name.
    world.upstream.first = Duration::from_secs(2);
    world.run();
    let goodput = world.goodput(150, 300);
    assert!(goodput > 37.0, "goodput {goodput}");
    assert!(world.during(200, 300).all(|fate| fate.refused.is_none()));
}

#[test]
fn a_storm_of_refusals_passes() {
    // It refuses what is too much, and for ten seconds nearly everything.
    let mut upstream = upstream(60);
    upstream.most_waiting = 10;
    let mut world = World::new(Settings::default(), upstream, &[Load::new(20.0, 120)], 6);
    world.run_until(Duration::from_secs(30));
    assert!(world.fates.iter().all(|fate| fate.rejected.is_none()));
    (world.upstream.slots, world.upstream.most_waiting) = (1, 0);
    world.run_until(Duration::from_secs(40));
    (world.upstream.slots, world.upstream.most_waiting) = (60, 10);
    world.run();
    let rejected = |from, to| world.during(from, to).filter(|fate| fate.rejected.is_some()).count();
    let sent = |from, to| world.during(from, to).filter(|fate| fate.sent.is_some()).count();
    // It is asked for less, and finds out when it can do more.
    assert!(sent(32, 40) < 100, "{}", sent(32, 40));
    assert!(rejected(60, 120) == 0, "{}", rejected(60, 120));
    let goodput = world.goodput(60, 120);
    assert!(goodput > 18.0, "goodput {goodput}");
}

#[test]
fn refusals_keep_the_limit_where_the_upstream_shows_no_latency() {
    // It does not queue: what is too much is refused at once.
    let mut upstream = upstream(50);
    upstream.most_waiting = 0;
    let world = run(upstream, &[Load::new(75.0, 120)], 8);
    let goodput = world.goodput(20, 120) / world.capacity();
    assert!(goodput >= 0.8, "goodput {goodput}");
    let rejected = world.during(20, 120).filter(|fate| fate.rejected.is_some()).count();
    let sent = world.during(20, 120).filter(|fate| fate.sent.is_some()).count();
    assert!(rejected * 10 < sent, "{rejected} of {sent} are refused by the upstream");
}
