use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::{Instant, SystemTime};

use super::taken::Taken;
use tollway_core::{Attempt, Caller, Charge, Dialect, Exchange, Money, Outcome};
use tollway_usage::{AttemptRecord, Fingerprint, Record};

/// What is known of a request beside its exchange.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) route: Arc<str>,
    pub(super) dialect: Dialect,
    pub(super) fingerprint: Option<Fingerprint>,
    /// The status that the client got.
    pub(super) status: Option<u16>,
    /// How it ended for the client.
    pub(super) outcome: Outcome,
    /// When it did.
    pub(super) ended: Instant,
}

/// The record of a request whose attempts are priced.
pub(super) fn record(exchange: &Exchange, attempts: &[Arc<Attempt>], known: Known) -> Record {
    let now = (Instant::now(), SystemTime::now());
    let time = |moment: Instant| now.1.checked_sub(now.0.saturating_duration_since(moment)).unwrap_or(now.1);
    let caller = exchange.caller();
    let name = |of: fn(&Caller) -> &Option<Arc<str>>| caller.and_then(|caller| of(caller).clone());
    let first = attempts.last().and_then(|last| last.first_byte());
    Record {
        time: time(exchange.started()),
        request_id: exchange.request_id().as_str().into(),
        key: name(|caller| &caller.key),
        user: name(|caller| &caller.user),
        team: name(|caller| &caller.team),
        tags: caller
            .map(|caller| &caller.tags)
            .filter(|tags| !tags.is_empty())
            .map_or_else(no_tags, |tags| Arc::new(tags.clone())),
        route: known.route,
        dialect: known.dialect.as_str(),
        operation: exchange.endpoint().map(tollway_core::Endpoint::as_str),
        model: exchange.request_model().filter(|model| !model.is_empty()).map(Arc::from),
        stream: exchange.stream(),
        status: known.status,
        outcome: known.outcome.as_str(),
        cache: "off",
        saved: Money::ZERO,
        latency: known.ended.saturating_duration_since(exchange.started()),
        first_token: first.map(|first| first.saturating_duration_since(exchange.started())),
        max_output: exchange.expected().and_then(|expected| expected.output),
        fingerprint: known.fingerprint,
        attempts: attempts.iter().map(|attempt| of_attempt(exchange, attempt, &time)).collect(),
    }
}

fn of_attempt(
    exchange: &Exchange,
    attempt: &Attempt,
    time: &impl Fn(Instant) -> SystemTime,
) -> AttemptRecord {
    let began = attempt.started();
    AttemptRecord {
        time: time(began),
        upstream: attempt.upstream().clone(),
        told: attempt.told(),
        status: attempt.status().map(|status| status.as_u16()),
        outcome: attempt.outcome().unwrap_or(Outcome::Cancelled).as_str(),
        usage: Taken::by(exchange, attempt).usage(),
        charge: attempt.charge().unwrap_or(Charge::Unpriced("open")),
        latency: attempt.ended().unwrap_or_else(Instant::now).saturating_duration_since(began),
        first_token: attempt.first_byte().map(|first| first.saturating_duration_since(began)),
    }
}

/// Most callers have none.
fn no_tags() -> Arc<BTreeMap<Arc<str>, Arc<str>>> {
    static NONE: LazyLock<Arc<BTreeMap<Arc<str>, Arc<str>>>> = LazyLock::new(Arc::default);
    NONE.clone()
}
