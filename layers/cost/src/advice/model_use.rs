use std::collections::BTreeMap;

use super::{Band, Traffic, market::Market};
use crate::{Money, Unpriced};

/// What was asked of a model at a tier by everybody.
#[derive(Debug, Default)]
pub(super) struct ModelUse<'a> {
    pub(super) bands: Vec<&'a Band>,
    pub(super) requests: u64,
    pub(super) cost: Money,
}

/// A model at a provider, at a tier.
pub(super) type Which<'a> = (&'a str, &'a str, Option<&'a str>);

impl<'a> ModelUse<'a> {
    /// The input tokens of the longest request.
    pub(super) fn longest(&self) -> u64 {
        self.bands.iter().map(|band| band.longest).max().unwrap_or(0)
    }

    /// All models that were asked.
    pub(super) fn all(traffic: &'a Traffic) -> BTreeMap<Which<'a>, Self> {
        let mut uses = BTreeMap::<Which<'a>, Self>::new();
        for flow in &traffic.flows {
            let found = uses.entry((&flow.provider, &flow.model, flow.tier.as_deref())).or_default();
            found.bands.extend(&flow.bands);
            found.requests = found.requests.saturating_add(flow.requests());
            found.cost = found.cost.saturating_add(flow.cost());
        }
        uses
    }
}

/// What the same would have cost elsewhere.
pub(super) fn cost_at<'a>(
    bands: impl IntoIterator<Item = &'a Band>,
    market: &Market<'_>,
    (provider, model, tier): Which<'_>,
) -> Result<Money, Unpriced> {
    let price = market.price(provider, model, tier)?;
    let mut total = Money::ZERO;
    for band in bands {
        let cost = price.cost_of(&band.usage, band.requests, band.longest)?.total();
        total = total.checked_add(cost).ok_or(Unpriced::TooLarge)?;
    }
    Ok(total)
}

/// What is left of an amount after another; nothing where there is none or the amount is below zero.
pub(super) fn saved(of: Money, instead: Money) -> Money {
    of.max(Money::ZERO).saturating_sub(instead.max(Money::ZERO)).max(Money::ZERO)
}
