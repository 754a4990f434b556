//! Whatever clients do, who is in flight and who waits is known.

use std::time::Duration;

use proptest::prelude::*;
use tollway_core::Priority::{High, Low, Normal};
use tollway_rate_limit::adaptive::{Order, Settings};

use super::simulated::{Limit, Load, Scatter, World, upstream};

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// The world itself checks after each event that as many are in flight as there are passes, and in the
    /// end that nobody is left.
    #[test]
    fn everybody_is_accounted_for(
        seed: u64,
        slots in 1..40_usize,
        most_waiting in prop::sample::select(vec![0, 3, usize::MAX]),
        rates in [0.1..30.0_f64, 0.1..30.0_f64, 0.1..30.0_f64],
        impatient in 0.0..1.0_f64,
        max_waiting in 0..20_usize,
        max_models in 0..3_usize,
        newest: bool,
        limited: bool,
        is_even: bool,
    ) {
        let order = if newest { Order::NewestUnderLoad } else { Order::Oldest };
        let max_wait = Duration::from_secs(2);
        let settings = Settings { order, max_wait, max_waiting, max_models, ..Settings::default() };
        let mut upstream = upstream(slots);
        upstream.most_waiting = most_waiting;
        upstream.scatter = Scatter::Much;
        if limited {
            upstream.limit = Some(Limit { most: 50, window: Duration::from_secs(10), is_even });
        }
        let [a, b, c] = rates;
        let of = |model, priority, rate| Load { model, priority, impatient, ..Load::new(rate, 20) };
        let loads = [of("a", Low, a), of("b", Normal, b), of("a", High, c), of("c", High, a)];
        let mut world = World::new(settings, upstream, &loads, seed);
        world.run();

        let (_, last) = world.seen.last().unwrap();
        for (at, seen) in &world.seen {
            prop_assert!(seen.waiting.iter().sum::<usize>() <= max_waiting, "{at:?} {seen:?}");
            prop_assert!(seen.models.len() <= max_models);
        }
        let count = |what: fn(&super::simulated::Fate) -> bool| {
            world.fates.iter().filter(|fate| what(fate)).count()
        };
        let sent = count(|fate| fate.sent.is_some());
        let refused = count(|fate| fate.refused.is_some());
        let abandoned = count(|fate| fate.left && fate.sent.is_none());
        prop_assert_eq!(sent + refused + abandoned, world.fates.len());
        let end = world.end();
        prop_assert!(end.sent >= sent as u64 && last.sent <= end.sent);
        // Who leaves at the moment that his turn comes was sent for the gate, and not for the world.
        prop_assert_eq!(end.sent + end.abandoned, (sent + abandoned) as u64);
        prop_assert_eq!(end.shed.iter().chain(&end.exhausted).sum::<u64>(), refused as u64);
    }
}
