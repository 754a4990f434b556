//! Budgets of one process.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tollway_core::{Allowed, Money};
use tollway_cost::budget::{
    AtLimit, Budget, BudgetError, Budgets, Crossed, Denied, Facet, Lease, OnFailure, Payer, Per, Period,
    Refused, Reservation, Settings, UnpricedPolicy, Verdict, Wanted, Watch, Zone,
};

const HOUR: u64 = 3600;
/// 2026-11-23T00:00:00Z, a Monday.
const MONDAY: u64 = 1_795_392_000;

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(MONDAY + seconds)
}

fn dollars(text: &str) -> Money {
    text.parse().unwrap()
}

fn daily(amount: &str) -> Budget {
    Budget::new("daily", dollars(amount), Period::day(Zone::default()))
}

fn budgets(budgets: impl IntoIterator<Item = Budget>) -> Budgets {
    Budgets::new(budgets, Settings::default()).unwrap()
}

fn reserve(
    budgets: &Budgets,
    now: SystemTime,
    payer: &Payer<'_>,
    wanted: impl Into<Wanted>,
) -> Result<Reservation, Denied> {
    match budgets.reserve(now, payer, wanted) {
        Verdict::Reserved(reservation) => Ok(reservation),
        Verdict::Denied(denied) => Err(denied),
        Verdict::Asking(asking) => panic!("nobody is there to be asked: {asking:?}"),
    }
}

fn spent(budgets: &Budgets, now: SystemTime, budget: &str) -> Money {
    budgets.spent(now).filter(|spent| &*spent.budget.name == budget).map(|spent| spent.spent).sum()
}

fn key(key: &str) -> Payer<'_> {
    Payer { key: Some(key), ..Payer::default() }
}

#[test]
fn what_is_reserved_is_replaced_by_what_it_came_to() {
    let budgets = budgets([daily("10")]);
    let payer = Payer::default();
    let first = reserve(&budgets, at(0), &payer, dollars("8")).unwrap();
    let Err(Denied::Refused(refused)) = reserve(&budgets, at(1), &payer, dollars("3")) else {
        panic!("passed")
    };
    assert_eq!(
        refused.to_string(),
        "budget spent: daily allows 10.00 dollars, 2.00 are left and the request may cost 3.00, it resets at \
         2026-11-24T00:00:00Z"
    );
    let Refused::Spent { spent: taken, left, resets, per, .. } = refused else { panic!("{refused:?}") };
    assert_eq!((taken, left, resets), (dollars("8"), dollars("2"), Some(at(24 * HOUR))));
    assert_eq!(per, Per::Global);

    first.settle(at(2), dollars("1.5"));
    let standing: Vec<_> = budgets.spent(at(2)).collect();
    assert_eq!((standing[0].spent, standing[0].left()), (dollars("1.5"), dollars("8.5")));
    reserve(&budgets, at(3), &payer, dollars("8.5")).unwrap().settle(at(4), dollars("9"));
    // More than was reserved is spent, beyond the amount too.
    assert_eq!(spent(&budgets, at(5), "daily"), dollars("10.5"));
    assert!(reserve(&budgets, at(5), &payer, Money::from_nanos(1)).is_err());
    // What costs nothing takes nothing.
    assert!(reserve(&budgets, at(5), &payer, Money::ZERO).is_ok());
    assert!(reserve(&budgets, at(24 * HOUR), &payer, dollars("10")).is_ok());
}

#[test]
fn nobody_settles_and_all_that_was_reserved_is_spent() {
    let budgets = budgets([daily("10")]);
    drop(reserve(&budgets, at(0), &Payer::default(), dollars("4")).unwrap());
    assert_eq!(spent(&budgets, at(1), "daily"), dollars("4"));
    let mut noted = reserve(&budgets, at(1), &Payer::default(), dollars("6")).unwrap();
    noted.note(at(2), dollars("1"));
    drop(noted);
    assert_eq!(spent(&budgets, at(3), "daily"), dollars("5"));
}

#[test]
fn all_budgets_or_none() {
    let small = Budget::new("team", dollars("1"), Period::month(Zone::default())).per(Per::Team);
    let budgets = budgets([daily("10"), small]);
    let payer = Payer { team: Some("red"), ..Payer::default() };
    let Err(denied) = reserve(&budgets, at(0), &payer, dollars("2")) else { panic!("passed") };
    let Denied::Refused(Refused::Spent { budget, resets, .. }) = denied else { panic!("{denied:?}") };
    // It is more than the whole: waiting does not help.
    assert_eq!((&*budget, resets), ("team", None));
    assert_eq!(budgets.spent(at(0)).count(), 0);
    let both = reserve(&budgets, at(0), &payer, dollars("1")).unwrap();
    assert_eq!(both.budgets().map(|name| &**name).collect::<Vec<_>>(), ["daily", "team"]);
}

#[test]
fn subjects_are_counted_apart_and_only_those_named() {
    let tags: BTreeMap<Arc<str>, Arc<str>> = [("project".into(), "x".into())].into();
    let budget = daily("1").per(Per::Tag("project".into())).only(Facet::Model, Allowed::new(["gpt-*"]));
    let budgets = budgets([budget, Budget { name: "keys".into(), ..daily("1").per(Per::Key) }]);
    let payer = Payer { tags: Some(&tags), ..Payer::default() }.asking("gpt-6");
    drop(reserve(&budgets, at(0), &payer, dollars("1")).unwrap());
    assert!(reserve(&budgets, at(0), &payer, dollars("1")).is_err());
    assert!(reserve(&budgets, at(0), &payer.asking("claude"), dollars("5")).is_ok());
    assert!(reserve(&budgets, at(0), &Payer::default(), dollars("5")).is_ok());
    for name in ["a", "b"] {
        drop(reserve(&budgets, at(0), &key(name), dollars("1")).unwrap());
        assert!(reserve(&budgets, at(0), &key(name), dollars("1")).is_err());
    }
}

#[test]
fn a_model_is_meant_by_any_of_its_names() {
    let of = |pattern: &str| budgets([daily("1").only(Facet::Model, Allowed::new([pattern]))]);
    let is_under = |pattern, payer: Payer<'_>| reserve(&of(pattern), at(0), &payer, dollars("2")).is_err();
    let asked = |name| Payer::default().asking(name);
    let alias = asked("smart").at("anthropic", "claude-opus-4-6");
    for pattern in ["smart", "claude-opus-*", "anthropic/*", "anthropic/claude-opus-4-6"] {
        assert!(is_under(pattern, alias), "{pattern}");
    }
    assert!(is_under("claude-opus-*", asked("anthropic/claude-opus-4-6").at("anthropic", "claude-opus-4-6")));
    let groq = asked("groq/openai/gpt-oss-120b").at("groq", "openai/gpt-oss-120b");
    assert!(is_under("groq/*", groq));
    for pattern in ["openai/*", "gpt-*"] {
        assert!(!is_under(pattern, groq), "{pattern}");
        assert!(!is_under(pattern, alias), "{pattern}");
    }
    // Of what is relayed nobody knows.
    assert!(!is_under("claude-*", Payer::default()));
}

#[test]
fn at_the_limit_as_the_budget_says() {
    let degrade = daily("1").at_limit(AtLimit::Degrade { to: Some("cheap".into()) });
    let one = budgets([degrade.clone()]);
    let Err(Denied::Degrade(to)) = reserve(&one, at(0), &Payer::default(), dollars("2")) else {
        panic!("not degraded")
    };
    assert_eq!((&**to.spent.budget(), to.to.as_deref()), ("daily", Some("cheap")));
    // Where nothing can be asked instead, it is said as by any other budget.
    let words = Denied::Degrade(to).to_string();
    assert!(
        words.starts_with(
            "budget spent: daily allows 1.00 dollars, 1.00 are left and the request may cost 2.00"
        ),
        "{words}"
    );
    let cheap = Wanted::from(dollars("0.1")).degraded();
    drop(reserve(&one, at(0), &Payer::default(), dollars("1")).unwrap());
    drop(reserve(&one, at(0), &Payer::default(), cheap).unwrap());
    assert_eq!(spent(&one, at(0), "daily"), dollars("1.1"));

    let warn = Budget { name: "warns".into(), ..daily("1").at_limit(AtLimit::Warn) };
    let hard = Budget { name: "hard".into(), ..daily("3") };
    let all = budgets([degrade, warn, hard]);
    drop(reserve(&all, at(0), &Payer::default(), Wanted::from(dollars("2")).degraded()).unwrap());
    // A refusal weighs more than what another budget would do.
    let denied = reserve(&all, at(0), &Payer::default(), dollars("2")).unwrap_err();
    assert!(matches!(&denied, Denied::Refused(refused) if &**refused.budget() == "hard"), "{denied:?}");
}

#[test]
fn what_has_no_price_passes_where_it_may() {
    let refuses = budgets([daily("1")]);
    let denied = reserve(&refuses, at(0), &Payer::default(), Wanted::UNPRICED).unwrap_err();
    assert_eq!(denied.to_string(), "the model has no price, which the budget does not allow: daily");
    let allows = budgets([daily("1").unpriced(UnpricedPolicy::Allow)]);
    // Whatever it came to counts.
    reserve(&allows, at(0), &Payer::default(), Wanted::UNPRICED).unwrap().settle(at(1), dollars("0.5"));
    assert_eq!(spent(&allows, at(1), "daily"), dollars("0.5"));
}

#[test]
fn a_request_counts_where_it_began() {
    let budgets = budgets([daily("10")]);
    let over_midnight = reserve(&budgets, at(24 * HOUR - 1), &Payer::default(), dollars("5")).unwrap();
    let today = reserve(&budgets, at(24 * HOUR), &Payer::default(), dollars("1")).unwrap();
    over_midnight.settle(at(24 * HOUR + 60), dollars("7"));
    today.settle(at(24 * HOUR + 60), dollars("1"));
    assert_eq!(spent(&budgets, at(24 * HOUR + 60), "daily"), dollars("1"));
    // A clock that goes back does not open the day before.
    drop(reserve(&budgets, at(0), &Payer::default(), dollars("2")).unwrap());
    assert_eq!(spent(&budgets, at(24 * HOUR + 61), "daily"), dollars("3"));
}

#[test]
fn days_are_the_zones() {
    let berlin = Period::day("Europe/Berlin".parse().unwrap());
    let budgets = budgets([Budget::new("daily", dollars("1"), berlin)]);
    // 2026-03-29 has 23 hours there: from 23:00 to 22:00 of UTC.
    let midnight = UNIX_EPOCH + Duration::from_hours(1_774_738_800 / HOUR);
    drop(reserve(&budgets, midnight, &Payer::default(), dollars("1")).unwrap());
    let last = midnight + Duration::from_secs(23 * HOUR) - Duration::from_millis(1);
    assert!(reserve(&budgets, last, &Payer::default(), dollars("1")).is_err());
    assert!(reserve(&budgets, last + Duration::from_millis(1), &Payer::default(), dollars("1")).is_ok());
}

#[derive(Debug, Default)]
struct Heard(Mutex<Vec<(u8, String)>>);

impl Watch for Heard {
    fn crossed(&self, crossed: &Crossed) {
        self.0.lock().unwrap().push((crossed.percent, crossed.spent.to_string()));
    }
}

#[test]
fn thresholds_are_told_once_in_a_period() {
    let heard = Arc::new(Heard::default());
    let budget = daily("10").thresholds([50, 80]).at_limit(AtLimit::Warn);
    let budgets = Budgets::build([budget], Settings::default(), None, Some(heard.clone())).unwrap();
    let spend = |now, reserved, actual| {
        let reservation = reserve(&budgets, at(now), &Payer::default(), dollars(reserved)).unwrap();
        reservation.settle(at(now), dollars(actual));
        std::mem::take(&mut *heard.0.lock().unwrap())
    };
    let told = |percent, spent: &str| (percent, spent.to_owned());
    // What is only reserved is not spent.
    assert_eq!(spend(0, "9", "4.9"), []);
    assert_eq!(spend(1, "1", "0.1"), [told(50, "5.00")]);
    assert_eq!(spend(2, "1", "1"), []);
    assert_eq!(spend(3, "1", "5"), [told(80, "11.00"), told(100, "11.00")]);
    assert_eq!(spend(4, "1", "1"), []);
    assert_eq!(spend(24 * HOUR, "1", "8"), [told(50, "8.00"), told(80, "8.00")]);
}

#[test]
fn after_a_restart_what_was_spent_is_spent() {
    let budgets = budgets([daily("10").per(Per::Key)]);
    assert!(budgets.restore(at(0), "daily", "a", dollars("9")));
    assert!(budgets.restore(at(1), "daily", "a", dollars("9")), "told twice");
    assert!(!budgets.restore(at(1), "weekly", "a", dollars("9")));
    assert!(reserve(&budgets, at(2), &key("a"), dollars("2")).is_err());
    assert!(reserve(&budgets, at(2), &key("b"), dollars("2")).is_ok());
    assert_eq!(spent(&budgets, at(2), "daily"), dollars("11"));
}

#[test]
fn memory_is_bounded_and_nothing_that_counts_is_forgotten() {
    let mut settings = Settings::default();
    settings.most_subjects = 1_000;
    let budgets = Budgets::new([daily("1").per(Per::User)], settings).unwrap();
    let users: Vec<String> = (0..5_000).map(|user| format!("user-{user}")).collect();
    let user = |user: &'static str| Payer { user: Some(user), ..Payer::default() };
    drop(reserve(&budgets, at(0), &user("first"), dollars("1")).unwrap());
    for name in &users {
        let payer = Payer { user: Some(name), ..Payer::default() };
        // Those who find no place share one; some of them are refused for it.
        if let Ok(reservation) = reserve(&budgets, at(1), &payer, dollars("0.4")) {
            drop(reservation);
        }
    }
    assert!(budgets.spent(at(1)).count() <= 1_000 + 64);
    assert!(reserve(&budgets, at(2), &user("first"), dollars("0.1")).is_err(), "forgotten");
    // The next day all have a place again, as those of the day before count no more. (Few enough that no
    // shard of fifteen places is likely, one in fifty thousand runs, to be asked for more.)
    for name in &users[..200] {
        let payer = Payer { user: Some(name), ..Payer::default() };
        assert!(reserve(&budgets, at(24 * HOUR), &payer, dollars("1")).is_ok(), "{name}");
    }
}

#[test]
fn too_much_to_tell_is_refused() {
    let budgets = budgets([Budget::new("all", Money::MAX, Period::day(Zone::default()))]);
    let payer = Payer::default();
    reserve(&budgets, at(0), &payer, Money::MAX).unwrap().settle(at(0), Money::MAX);
    assert!(reserve(&budgets, at(0), &payer, Money::from_nanos(1)).is_err());
    reserve(&budgets, at(0), &payer, Money::from_nanos(i64::MIN)).unwrap().settle(at(0), Money::MAX);
    assert_eq!(spent(&budgets, at(0), "all"), Money::MAX);
}

#[test]
fn a_budget_that_cannot_be_kept_is_refused() {
    let lease = Lease { amount: dollars("1"), idle: Duration::from_secs(1) };
    let minutes = |minutes| Period::Rolling(Duration::from_mins(minutes));
    for (budget, what) in [
        (Budget { name: "".into(), ..daily("1") }, "budget : name: must not be empty"),
        (daily("-1"), "budget daily: amount: must not be below zero"),
        (daily("1").thresholds([80, 50]), "budget daily: thresholds: must be above 0 and rise"),
        (
            Budget { period: minutes(0), ..daily("1") },
            "budget daily: period: must be from 1 minute to 400 days",
        ),
        (
            Budget { period: minutes(5), ..daily("1") }.shared(lease, OnFailure::Closed),
            "budget daily: lease: must be none where the period is rolling",
        ),
        (
            daily("10000000").shared(Lease::NONE, OnFailure::Closed),
            "budget daily: amount: must be at most 9000000 dollars where it is shared",
        ),
        (
            daily("0.5").shared(lease, OnFailure::Closed),
            "budget daily: lease: must be from nothing to the amount",
        ),
        (daily("1").shared(lease, OnFailure::Closed), "a shared budget needs a store: daily"),
    ] {
        assert_eq!(Budgets::new([budget], Settings::default()).unwrap_err().to_string(), what);
    }
    let twice = Budgets::new([daily("1"), daily("2")], Settings::default()).unwrap_err();
    assert_eq!(twice, BudgetError::Twice("daily".into()));
    assert!("Europe/Atlantis".parse::<Zone>().unwrap_err().to_string().contains("Europe/Atlantis"));
}
