use std::time::Duration;

use tollway_rate_limit::{Algorithm, Dimension, Lease, Measure, OnFailure, Per, Place};

use super::load;
use crate::config::{Database, Settings};

fn settings(text: &str) -> Settings {
    load(text, &[]).unwrap()
}

#[test]
fn a_limit_is_what_it_says() {
    let limits = settings(
        "limits:\n  fair: {requests: 60, per: key}\n  gpt: {tokens: 100000, window: 1h, per: [team, model], only: {model: [gpt-*, o3], team: blue}}\n  calm: {requests: 10, window: 1s, burst: 20}\n  streams: {concurrent_streams: 8, per: user}\n",
    )
    .limits;
    let names: Vec<&str> = limits.iter().map(|rule| &*rule.name).collect();
    assert_eq!(names, ["calm", "fair", "gpt", "streams"]);
    let [calm, fair, gpt, streams] = limits.as_slice() else { panic!("{limits:?}") };
    assert_eq!(calm.algorithm, Algorithm::Gcra { burst: 20 });
    assert_eq!((calm.per, calm.place), (Per::ALL_TOGETHER, Place::Local));
    assert_eq!((fair.measure, fair.limit, fair.window), (Measure::Requests, 60, Duration::from_mins(1)));
    assert_eq!(fair.per, Per::from(Dimension::Key));
    assert_eq!((gpt.measure, gpt.window), (Measure::TotalTokens, Duration::from_hours(1)));
    assert_eq!(gpt.per, [Dimension::Team, Dimension::Model].into_iter().collect());
    assert_eq!(gpt.only.len(), 2);
    assert!(gpt.only.iter().all(|(dimension, allowed)| match dimension {
        Dimension::Model => allowed.allows("gpt-5") && allowed.allows("o3") && !allowed.allows("o3-mini"),
        Dimension::Team => allowed.allows("blue") && !allowed.allows("red"),
        _ => false,
    }));
    assert_eq!((streams.measure, streams.window), (Measure::ConcurrentStreams, Duration::ZERO));
}

#[test]
fn keys_are_named_as_they_are_declared() {
    let text = |key: &str| {
        format!(
            "keys: {{alice: {{token: tw-alice}}}}\nlimits: {{of: {{requests: 1, only: {{key: {key}}}}}}}\nbudgets: {{of: {{dollars: 1, only: {{key: {key}}}}}}}\n"
        )
    };
    let named = settings(&text("alice"));
    let id = named.keys[0].id().to_string();
    assert!(named.limits[0].only.iter().all(|(_, allowed)| allowed.allows(&id) && !allowed.allows("alice")));
    assert!(named.budgets[0].only.iter().all(|(_, allowed)| allowed.allows(&id)));
    for fit in ["key_0123456789abcdef", "key_*"] {
        let known = settings(&text(fit));
        assert!(known.limits[0].only.iter().all(|(_, allowed)| allowed.allows("key_0123456789abcdef")));
    }
    let error = load(&text("alcie"), &[]).unwrap_err().to_string();
    assert!(error.contains("only.key: no key of that name is declared: alcie"), "{error}");
}

#[test]
fn replicas_share_limits_once_there_is_redis() {
    let text = "state: {redis: 'redis://localhost'}\nlimits:\n  a: {requests: 9}\n  b: {requests: 9, shared: false}\n  c: {requests: 9, shared: {lease: 3, lease_lifetime: 500ms, on_failure: closed}}\n";
    let limits = settings(text).limits;
    let places: Vec<Place> = limits.iter().map(|rule| rule.place).collect();
    let lease = |amount, lifetime| Lease { amount, lifetime: Duration::from_millis(lifetime) };
    assert_eq!(
        places,
        [
            Place::Shared { lease: lease(0, 1000), on_failure: OnFailure::Local },
            Place::Local,
            Place::Shared { lease: lease(3, 500), on_failure: OnFailure::Closed },
        ]
    );
}

#[test]
fn state_is_a_file_unless_it_is_a_server() {
    assert!(matches!(settings("{}").state.database, Database::Sqlite(file) if file.ends_with("tollway.db")));
    let secret = "0123456789abcdef0123456789abcdef";
    let postgres =
        settings(&format!("state: {{database: 'postgres://u:p@h/d', secret: {secret}}}")).state.database;
    assert!(matches!(&postgres, Database::Postgres(url) if url.expose() == "postgres://u:p@h/d"));
    assert!(!format!("{postgres:?}").contains("u:p"));
    assert!(settings("state: {redis: '${REDIS_URL:-}'}").state.redis.is_none());
}
