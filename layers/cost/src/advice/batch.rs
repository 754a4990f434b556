//! What nobody waits for, at tiers for what can wait.

use std::collections::BTreeSet;

use super::market::Market;
use super::model_use::{cost_at, saved};
use super::{Advice, Confidence, Figure, Flow, Kind, Thresholds, Traffic};
use crate::Money;

pub(super) fn find(traffic: &Traffic, market: &Market<'_>, thresholds: &Thresholds, found: &mut Vec<Advice>) {
    let whole = traffic.flows.iter().filter(|flow| !flow.streamed && flow.tier.is_none());
    found.extend(whole.filter_map(|flow| advice(flow, Pattern::of(flow, thresholds)?, market)));
}

fn advice(flow: &Flow, pattern: Pattern, market: &Market<'_>) -> Option<Advice> {
    let at =
        |tier| Some((cost_at(&flow.bands, market, (&flow.provider, &flow.model, Some(tier))).ok()?, tier));
    // Of equal prices the one that needs no other API.
    let (instead, tier) = ["flex", "batch"].into_iter().filter_map(at).min_by_key(|(cost, _)| *cost)?;
    let listed = cost_at(&flow.bands, market, (&flow.provider, &flow.model, None)).ok()?;
    let saved = saved(flow.cost().min(listed), instead);
    if saved == Money::ZERO {
        return None;
    }
    let mut evidence = vec![
        ("requests", Figure::Count(flow.requests())),
        (pattern.name(), Figure::Count(pattern.requests())),
        ("cost", Figure::Amount(flow.cost())),
        ("cost there", Figure::Amount(instead)),
        ("tier", Figure::Name(tier.to_owned())),
    ];
    evidence.extend(flow.caller.as_ref().map(|caller| ("caller", Figure::Name(caller.to_string()))));
    Some(Advice {
        kind: Kind::Batch,
        subject: flow.model.to_string(),
        finding: format!("requests are not streamed and come {}: what can wait costs less", pattern.words()),
        evidence,
        saved,
        a_month: Money::ZERO,
        how: how(&flow.provider, tier),
        // Whether somebody waits is not known here.
        confidence: Confidence::WorthTrying,
    })
}

/// When requests come that nobody waits for.
#[derive(Clone, Copy, Debug)]
enum Pattern {
    /// So many of them at night and on weekends.
    OffHours(u64),
    /// So many of them in a few hours of the day, the same each day.
    Bursts(u64),
}

impl Pattern {
    /// None where they come as people work, or where there are too few to tell.
    fn of(flow: &Flow, thresholds: &Thresholds) -> Option<Self> {
        let total = sum(flow.hours.iter().map(|(_, requests)| *requests));
        let days: BTreeSet<u32> = flow.hours.iter().map(|(hour, _)| hour / 24).collect();
        if total < thresholds.requests || days.len() < DAYS {
            return None;
        }
        let is_most = |part: u64| u128::from(part) * 10 >= u128::from(total) * MOST_OF_TEN;
        let off = sum(flow.hours.iter().filter(|(hour, _)| !is_worked(*hour)).map(|(_, requests)| *requests));
        if is_most(off) {
            return Some(Self::OffHours(off));
        }
        let mut by_hour = [0_u64; 24];
        for (hour, requests) in &flow.hours {
            if let Some(sum) = by_hour.get_mut((hour % 24) as usize) {
                *sum = sum.saturating_add(*requests);
            }
        }
        by_hour.sort_unstable_by(|a, b| b.cmp(a));
        let burst = sum(by_hour.into_iter().take(HOURS));
        is_most(burst).then_some(Self::Bursts(burst))
    }

    const fn name(self) -> &'static str {
        match self {
            Self::OffHours(_) => "at night or on weekends",
            Self::Bursts(_) => "in two hours of the day",
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::OffHours(_) => "when nobody works",
            Self::Bursts(_) => "in the same hours each day, as a job's do",
        }
    }

    const fn requests(self) -> u64 {
        match self {
            Self::OffHours(requests) | Self::Bursts(requests) => requests,
        }
    }
}

/// Whether people work in an hour: from seven to eight at night, Monday to Friday.
fn is_worked(hour: u32) -> bool {
    // 1970-01-01 was a Thursday.
    let weekday = (hour / 24 % 7 + 3) % 7;
    weekday < 5 && (7..20).contains(&(hour % 24))
}

fn sum(counts: impl Iterator<Item = u64>) -> u64 {
    counts.fold(0, u64::saturating_add)
}

fn how(provider: &str, tier: &str) -> Vec<String> {
    let line = match (tier, provider) {
        ("flex", "gemini" | "vertex") => {
            "send \"serviceTier\": \"flex\" with the requests that can wait some minutes"
        }
        ("flex", _) => "send \"service_tier\": \"flex\" with the requests that can wait some minutes",
        (_, "anthropic") => "collect the requests and send them as one: POST /v1/messages/batches",
        (_, "openai" | "azure-openai") => {
            "write the requests to a file, upload it (POST /v1/files, purpose batch), then POST /v1/batches"
        }
        _ => "collect the requests and send them by the provider's batch API",
    };
    vec![line.to_owned()]
}

/// On how many days at least requests came.
const DAYS: usize = 3;

/// How many of ten requests make a pattern.
const MOST_OF_TEN: u128 = 9;

/// How many hours of the day a job takes.
const HOURS: usize = 2;
