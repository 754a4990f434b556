//! Limits on output that are far above what comes: they reserve budgets and limits for nothing.

use tollway_core::Usage;

use super::market::Market;
use super::{Advice, Confidence, Figure, Flow, Kind, Thresholds, Traffic};
use crate::Money;

pub(super) fn find(traffic: &Traffic, market: &Market<'_>, thresholds: &Thresholds, found: &mut Vec<Advice>) {
    let limited = traffic.flows.iter().filter(|flow| flow.limited >= thresholds.requests);
    found.extend(limited.filter_map(|flow| advice(flow, market)));
}

fn advice(flow: &Flow, market: &Market<'_>) -> Option<Advice> {
    // A quarter above what nearly all needed, and no less than what one did.
    let usual = flow.output_p99.unwrap_or(flow.output_most);
    let needed = usual.saturating_add(usual / 4).max(flow.output_most).max(1);
    let enough = needed.div_ceil(STEP).saturating_mul(STEP);
    if enough.saturating_mul(FAR) > flow.limit {
        return None;
    }
    let reserved = |output| {
        let price = market.price(&flow.provider, &flow.model, flow.tier.as_deref());
        let cost = price.and_then(|price| price.cost_of(&Usage { output, ..Usage::default() }, 0, 0));
        cost.ok().map(|cost| ("reserved for each request's output", Figure::Amount(cost.total())))
    };
    let mut evidence = vec![
        ("requests with a limit", Figure::Count(flow.limited)),
        ("their limit", Figure::Count(flow.limit)),
        ("longest answer", Figure::Count(flow.output_most)),
    ];
    evidence.extend(flow.output_p99.map(|most| ("99 of 100 answered within", Figure::Count(most))));
    evidence.extend(reserved(flow.limit));
    evidence.extend(reserved(enough).map(|(_, amount)| ("with the lower limit", amount)));
    evidence.extend(flow.caller.as_ref().map(|caller| ("caller", Figure::Name(caller.to_string()))));
    Some(Advice {
        kind: Kind::LongOutputLimit,
        subject: flow.model.to_string(),
        finding: format!(
            "requests ask for {} tokens of output at most and get {} at most: budgets and limits are reserved \
             for the difference",
            flow.limit, flow.output_most
        ),
        evidence,
        saved: Money::ZERO,
        a_month: Money::ZERO,
        how: vec![format!(
            "send \"max_completion_tokens\": {enough} (\"max_tokens\" for Anthropic, \"max_output_tokens\" for \
             Responses, \"maxOutputTokens\" for Gemini)"
        )],
        confidence: Confidence::Likely,
    })
}

/// How many times too high a limit is that is worth changing.
const FAR: u64 = 4;

/// Limits are round numbers.
const STEP: u64 = 100;
