//! Models that go away.

use std::collections::BTreeMap;

use super::market::{Market, Offer};
use super::{Advice, Confidence, Figure, Kind, Thresholds, Traffic, month};
use crate::{Day, Money};

pub(super) fn find(traffic: &Traffic, market: &Market<'_>, thresholds: &Thresholds, found: &mut Vec<Advice>) {
    let until = market.today.number().saturating_add(thresholds.retiring_days);
    let mut used = BTreeMap::<(&str, &str), (u64, Money)>::new();
    for flow in &traffic.flows {
        let (requests, cost) = used.entry((&flow.provider, &flow.model)).or_default();
        *requests = requests.saturating_add(flow.requests());
        *cost = cost.saturating_add(flow.cost());
    }
    for ((provider, model), (requests, cost)) in used {
        let Some(day) = market.retires(provider, model).filter(|day| day.number() <= until) else { continue };
        let successor = successor(provider, model, until, market);
        let mut evidence = Vec::new();
        // The first of all days stands for one that nobody knows any more.
        if day != Day::EPOCH {
            evidence.push(("retires", Figure::Date(day)));
        }
        let left = day.number().saturating_sub(market.today.number());
        evidence.extend([
            ("days left", Figure::Count(left.into())),
            ("requests", Figure::Count(requests)),
            ("cost a month", Figure::Amount(month::of(cost, traffic.days))),
        ]);
        found.push(advice(model, left, evidence, successor));
    }
}

/// The newest model of its line that stays.
fn successor<'a>(provider: &str, model: &str, until: u32, market: &Market<'a>) -> Option<&'a Offer> {
    let stays =
        |offer: &&Offer| market.retires(&offer.provider, &offer.model).is_none_or(|day| day.number() > until);
    market.successors(market.offer(provider, model)?).filter(stays).last()
}

fn advice(
    model: &str,
    left: u32,
    mut evidence: Vec<(&'static str, Figure)>,
    successor: Option<&Offer>,
) -> Advice {
    let when = match left {
        0 => format!("its provider has taken {model} away, or may any time"),
        left => format!("its provider takes {model} away in {left} days"),
    };
    evidence.extend(successor.map(|offer| ("successor", Figure::Name(offer.name.to_string()))));
    let how = match successor {
        Some(offer) => vec![
            format!("try `{}`, the newest of its line", offer.name),
            format!("then in tollway.yaml: aliases: {{ \"{model}\": \"{}\" }}", offer.name),
        ],
        None => vec![
            "choose another model, `GET /v1/models` lists those that stay; none is known to follow it"
                .to_owned(),
        ],
    };
    Advice {
        kind: Kind::RetiringModel,
        subject: model.to_owned(),
        finding: when,
        evidence,
        saved: Money::ZERO,
        a_month: Money::ZERO,
        how,
        confidence: Confidence::Certain,
    }
}
