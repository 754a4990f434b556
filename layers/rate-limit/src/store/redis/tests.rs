//! The scripts on a real server, by a clock of the test's, against the cells of [`crate::cell`].

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use tokio::runtime::Runtime;

use super::script::Scripts;
use super::{RedisSettings, RedisStore};
use crate::cell::{Any, AnyTerms, Cell, Lack};
use crate::store::{Ask, Correction, Grant, Held, Shortage, Store as _, Taken};
use crate::{Measure, Rule};

mod quick;

#[path = "../../../tests/redis/server.rs"]
#[expect(dead_code, reason = "the tests of faults need the rest")]
mod server;

use server::Server;

#[derive(Clone, Debug)]
enum Step {
    /// In microseconds.
    Wait(u64),
    /// So much, and so much more if it is there.
    Take(u64, u64),
    /// Of which grant, and how much of it comes back.
    Back(usize, u64),
    More(u64),
    /// As long as a refusal said, and not a microsecond less.
    WaitAsTold,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => prop_oneof![0..50_000u64, 0..5_000_000u64, 0..40_000_000u64].prop_map(Step::Wait),
        6 => (0..=60u64, 0..=30u64).prop_map(|(need, more)| Step::Take(need, more)),
        3 => (0..9usize, 0..=60u64).prop_map(|(which, amount)| Step::Back(which, amount)),
        1 => (1..=40u64).prop_map(Step::More),
        2 => Just(Step::WaitAsTold),
    ]
}

/// A rule, and how it counts in one process.
struct Reference {
    rule: Arc<Rule>,
    terms: AnyTerms,
    cell: Any,
    now: u64,
    grants: Vec<Grant>,
    /// What was refused last, and for how long.
    refused: Option<(u64, Duration)>,
}

impl Reference {
    fn new(rule: Rule) -> Self {
        let terms = AnyTerms::new(&rule);
        let cell = Any::new(&terms);
        Self {
            rule: Arc::new(rule),
            terms,
            cell,
            now: 1_790_000_000_000_000,
            grants: Vec::new(),
            refused: None,
        }
    }

    fn ticks(&self) -> u64 {
        self.now * 1000
    }

    fn take(&mut self, need: u64, want: u64) -> Taken {
        let (ticks, terms) = (self.ticks(), self.terms);
        let lack = self.cell.check(&terms, ticks, need);
        let before = self.cell.standing(&terms, ticks);
        if let Err(lack) = lack {
            let retry_after = match lack {
                Lack::For(time) => time,
                Lack::Ever => Duration::MAX,
            };
            let (remaining, reset) = (before.remaining, before.reset);
            return Taken::Refused(vec![Shortage { index: 0, retry_after, remaining, reset }]);
        }
        let amount = before.remaining.clamp(need, want);
        let mark = self.cell.take(&terms, ticks, amount);
        let after = self.cell.standing(&terms, ticks);
        Taken::Granted(vec![Grant { amount, mark, remaining: after.remaining, reset: after.reset }])
    }
}

#[test]
fn a_sliding_window_counts_as_in_one_process() {
    // A multiple of fifteen, so that slots are exact.
    counts_as_the_cell(|| Rule::new("tokens", Measure::InputTokens, 100, Duration::from_mins(1)), true);
}

#[test]
fn an_even_flow_counts_as_in_one_process() {
    // Neither divides the other: what is rounded shows.
    let rule = || Rule::new("tokens", Measure::InputTokens, 77, Duration::from_millis(60_013)).gcra(90);
    counts_as_the_cell(rule, false);
}

#[test]
fn what_goes_on_counts_as_in_one_process() {
    counts_as_the_cell(|| Rule::concurrent("requests", Measure::ConcurrentRequests, 100), true);
}

fn counts_as_the_cell(rule: impl Fn() -> Rule, marks_are_equal: bool) {
    let Some(server) = Server::start(&[]) else { return };
    let runtime = Runtime::new().unwrap();
    let run = std::cell::Cell::new(0);
    let mut runner = TestRunner::new(ProptestConfig {
        cases: 150,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    runner
        .run(&prop::collection::vec(step(), 1..80), |steps| {
            run.set(run.get() + 1);
            let store = store(&server, &format!("run{}", run.get()));
            let mut reference = Reference::new(rule());
            for step in steps {
                runtime.block_on(compare(&store, &mut reference, step, marks_are_equal))?;
            }
            Ok(())
        })
        .unwrap();
}

async fn compare(
    store: &RedisStore,
    reference: &mut Reference,
    step: Step,
    marks_are_equal: bool,
) -> Result<(), TestCaseError> {
    let concurrent = reference.rule.measure.is_concurrent();
    match step {
        Step::Wait(time) => {
            // What goes on ends with the replica, if it is not heard of.
            reference.now += if concurrent { time / 100_000 } else { time };
            reference.refused = None;
        }
        Step::Take(need, more) => {
            take(store, reference, need, need + more, marks_are_equal).await?;
        }
        Step::Back(which, amount) if !reference.grants.is_empty() => {
            let which = which % reference.grants.len();
            let grant = &mut reference.grants[which];
            let back = amount.min(grant.amount);
            grant.amount -= back;
            let mark = grant.mark;
            let (ticks, terms) = (reference.ticks(), reference.terms);
            // The cell's marks of an even flow are finer than the store's.
            let cells_mark = if marks_are_equal { mark } else { mark * 1000 };
            reference.cell.settle(&terms, ticks, cells_mark, back, 0);
            correct(store, reference, mark, back, 0).await;
            reference.refused = None;
        }
        Step::More(amount) => {
            let (ticks, terms) = (reference.ticks(), reference.terms);
            reference.cell.settle(&terms, ticks, 0, 0, amount);
            correct(store, reference, 0, 0, amount).await;
            reference.refused = None;
        }
        Step::WaitAsTold if !concurrent => {
            if let Some((need, time)) =
                reference.refused.take().filter(|(_, time)| *time < Duration::from_hours(1))
            {
                reference.now += u64::try_from(time.as_micros()).unwrap() - 1;
                let early = take(store, reference, need, need, marks_are_equal).await?;
                prop_assert!(matches!(early, Taken::Refused(_)), "passed early");
                reference.now += 1;
                let timely = take(store, reference, need, need, marks_are_equal).await?;
                prop_assert!(matches!(timely, Taken::Granted(_)), "refused after waiting as told");
            }
        }
        Step::Back(..) | Step::WaitAsTold => {}
    }
    Ok(())
}

/// Takes from both, who must answer the same.
async fn take(
    store: &RedisStore,
    reference: &mut Reference,
    need: u64,
    want: u64,
    marks_are_equal: bool,
) -> Result<Taken, TestCaseError> {
    set_clock(store, reference.now).await;
    let ask = Ask { rule: reference.rule.clone(), subject: "1:a".into(), need, want };
    let answer = store.take(vec![ask]).await.unwrap();
    match (&answer, reference.take(need, want)) {
        (Taken::Granted(ours), Taken::Granted(theirs)) => {
            let (ours, theirs) = (&ours[0], &theirs[0]);
            prop_assert_eq!((ours.amount, ours.remaining), (theirs.amount, theirs.remaining));
            prop_assert_eq!(ours.reset, in_micros(theirs.reset));
            if marks_are_equal {
                prop_assert_eq!(ours.mark, theirs.mark);
            }
            reference.grants.push(*ours);
            reference.refused = None;
        }
        (Taken::Refused(ours), Taken::Refused(theirs)) => {
            let (ours, theirs) = (&ours[0], &theirs[0]);
            prop_assert_eq!((ours.index, ours.remaining), (theirs.index, theirs.remaining));
            prop_assert_eq!(ours.reset, in_micros(theirs.reset));
            // What can never pass has no time.
            if theirs.retry_after < Duration::MAX {
                prop_assert_eq!(ours.retry_after, in_micros(theirs.retry_after));
                reference.refused = Some((need, ours.retry_after));
            }
        }
        (ours, theirs) => prop_assert!(false, "{ours:?}, not {theirs:?}"),
    }
    Ok(answer)
}

async fn correct(store: &RedisStore, reference: &Reference, mark: u64, back: u64, more: u64) {
    set_clock(store, reference.now).await;
    let (rule, subject) = (reference.rule.clone(), "1:a".into());
    store.settle(vec![Correction { rule, subject, mark, back, more }]).await.unwrap();
}

/// As the server's clock counts, no shorter.
fn in_micros(time: Duration) -> Duration {
    Duration::from_micros(u64::try_from(time.as_nanos().div_ceil(1000)).unwrap())
}

/// A store whose scripts read the clock from a key.
fn store(server: &Server, prefix: &str) -> RedisStore {
    store_with(server, prefix, str::to_owned)
}

/// With something done to its scripts besides.
fn store_with(server: &Server, prefix: &str, change: impl Fn(&str) -> String) -> RedisStore {
    let mut settings = RedisSettings::new(server.url());
    settings.prefix = prefix.to_owned();
    let scripts = Scripts::with(|code| {
        let code = change(code);
        let changed = code.replace("call('TIME')", "call('HMGET', 'clock', 's', 'us')");
        // Keys expire by the server's own clock, which stands still for the test's.
        changed.replace("'PX', string.format('%d', ceil(time / 1000) + 1)", "'PX', '3600000'")
    });
    RedisStore::with_scripts(&settings, scripts).unwrap()
}

async fn set_clock(store: &RedisStore, now: u64) {
    // A script, as those answer by a text; what else is answered is a fault of the connection.
    let mut command = redis::cmd("EVAL");
    command.arg("redis.call('HSET', 'clock', 's', ARGV[1], 'us', ARGV[2]) return ''").arg(0);
    command.arg(now / 1_000_000).arg(now % 1_000_000);
    store.caller.link().ask(&command).await.unwrap();
}

#[test]
fn a_beat_says_how_many_permits_are_held() {
    let Some(server) = Server::start(&[]) else { return };
    Runtime::new().unwrap().block_on(async {
        let (one, other) = (store(&server, "t"), store(&server, "t"));
        set_clock(&one, 1_000_000_000).await;
        let rule = Arc::new(Rule::concurrent("c", Measure::ConcurrentRequests, 10));
        let ask = |need| vec![Ask { rule: rule.clone(), subject: "1:a".into(), need, want: need }];
        let say = async |permits, asked| {
            let held = Held { rule: rule.clone(), subject: "1:a".into(), permits, asked };
            one.beat(&mut || vec![held.clone()]).await.unwrap();
            remaining(&other, &rule).await
        };
        one.take(ask(3)).await.unwrap();
        other.take(ask(2)).await.unwrap();
        // What was asked for may be granted or not.
        for (permits, asked) in [(0, 3), (3, 0), (2, 5)] {
            assert_eq!(say(permits, asked).await, 5);
        }
        for (permits, asked, left) in [(7, 0, 1), (4, 2, 2), (0, 1, 7), (0, 0, 8), (4, 9, 4)] {
            assert_eq!(say(permits, asked).await, left);
        }
        // What is asked for while the list is made does not stand in it, and may be granted.
        let mut taking = None;
        let runtime = tokio::runtime::Handle::current();
        let held = Held { rule: rule.clone(), subject: "1:a".into(), permits: 4, asked: 0 };
        let beat = one.beat(&mut || {
            let (one, ask) = (one.clone(), ask(1));
            let taken = std::thread::scope(|scope| {
                scope.spawn(|| runtime.block_on(async { one.take(ask).await.unwrap() })).join().unwrap()
            });
            taking = Some(taken);
            vec![held.clone()]
        });
        beat.await.unwrap();
        assert!(matches!(taking, Some(Taken::Granted(_))));
        assert_eq!(remaining(&other, &rule).await, 3);
    });
}

#[test]
fn permits_are_free_when_their_replica_is_silent() {
    let Some(server) = Server::start(&[]) else { return };
    Runtime::new().unwrap().block_on(async {
        let (one, other) = (store(&server, "t"), store(&server, "t"));
        let rule = Arc::new(Rule::concurrent("c", Measure::ConcurrentRequests, 10));
        let ask = |need| vec![Ask { rule: rule.clone(), subject: "1:a".into(), need, want: need }];
        let beat = async |store: &RedisStore, permits| {
            let held = Held { rule: rule.clone(), subject: "1:a".into(), permits, asked: 0 };
            store.beat(&mut || vec![held.clone()]).await.unwrap().replicas
        };
        set_clock(&one, 1_000_000_000).await;
        one.take(ask(3)).await.unwrap();
        other.take(ask(4)).await.unwrap();

        assert_eq!(beat(&one, 3).await, 1);
        assert_eq!(beat(&other, 4).await, 2);
        set_clock(&one, 1_009_000_000).await;
        assert_eq!(beat(&other, 4).await, 2);
        assert_eq!(remaining(&other, &rule).await, 3);
        set_clock(&one, 1_010_000_001).await;
        assert_eq!(remaining(&other, &rule).await, 6);
        assert_eq!(beat(&other, 4).await, 1);
        // It lives after all, and holds them still.
        beat(&one, 3).await;
        assert_eq!(remaining(&other, &rule).await, 3);
    });
}

#[test]
fn a_clock_that_goes_back_takes_along_what_was_counted() {
    let Some(server) = Server::start(&[]) else { return };
    Runtime::new().unwrap().block_on(async {
        let store = store(&server, "t");
        let window = Rule::new("w", Measure::Requests, 10, Duration::from_secs(15));
        let flow = Rule::new("g", Measure::Requests, 10, Duration::from_secs(15)).gcra(10);
        for rule in [window, flow] {
            let rule = Arc::new(rule);
            let start = 10_000_000_000;
            set_clock(&store, start).await;
            let ask = |need| vec![Ask { rule: rule.clone(), subject: "1:a".into(), need, want: need }];
            assert!(matches!(store.take(ask(10)).await.unwrap(), Taken::Granted(_)));
            let earlier = start - 3_600_000_000;
            set_clock(&store, earlier).await;
            // Written by the earlier clock.
            assert!(matches!(store.take(ask(0)).await.unwrap(), Taken::Granted(_)));
            assert_eq!(remaining(&store, &rule).await, 0);
            set_clock(&store, earlier + 16_000_000).await;
            assert_eq!(remaining(&store, &rule).await, 10);
        }
    });
}

async fn remaining(store: &RedisStore, rule: &Arc<Rule>) -> u64 {
    let ask = Ask { rule: rule.clone(), subject: "1:a".into(), need: 0, want: 0 };
    match store.take(vec![ask]).await.unwrap() {
        Taken::Granted(grants) => grants[0].remaining,
        Taken::Refused(shortages) => shortages[0].remaining,
    }
}
