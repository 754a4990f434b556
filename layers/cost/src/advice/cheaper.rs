//! The same for less: the model at another provider, or a newer one of its line.

use super::market::{Market, Offer};
use super::model_use::{ModelUse, Which, cost_at, saved};
use super::{Advice, Confidence, Figure, Kind, Thresholds, Traffic};
use crate::Money;

pub(super) fn find(traffic: &Traffic, market: &Market<'_>, thresholds: &Thresholds, found: &mut Vec<Advice>) {
    for (which, used) in ModelUse::all(traffic) {
        let Some(present) = market.offer(which.0, which.1) else { continue };
        let stays = |offer: &&Offer| {
            let retires = market.retires(&offer.provider, &offer.model);
            retires.is_none_or(|day| {
                day.number() > market.today.number().saturating_add(thresholds.retiring_days)
            })
        };
        let elsewhere = market.offers.iter().filter(|offer| {
            offer.model == present.model && offer.provider != present.provider && offer.is_as_good_as(present)
        });
        let newer = market.successors(present).filter(|offer| offer.does_all_of(present, used.longest()));
        let priced = elsewhere.chain(newer).filter(stays).filter_map(|offer| {
            // At the tier that is paid for now; whoever lacks it is no equal.
            let cost =
                cost_at(used.bands.iter().copied(), market, (&offer.provider, &offer.model, which.2)).ok()?;
            Some((cost, offer))
        });
        // Of those that cost the same the newest, which comes last.
        let best = priced.min_by(|(a, _), (b, _)| a.cmp(b).then(std::cmp::Ordering::Greater));
        if let Some((instead, offer)) = best
            && let Ok(listed) = cost_at(used.bands.iter().copied(), market, which)
        {
            // What was paid may be more, in a region or at a speed that the other has too.
            let saved = saved(used.cost.min(listed), instead);
            found.extend(advice(which, &used, (present, offer), (instead, saved)));
        }
    }
}

fn advice(
    (_, model, tier): Which<'_>,
    used: &ModelUse<'_>,
    (present, offer): (&Offer, &Offer),
    (instead, saved): (Money, Money),
) -> Option<Advice> {
    if saved == Money::ZERO {
        return None;
    }
    let is_same = offer.model == present.model;
    let what = if is_same { "the same model" } else { "a newer model of its line that does all it does" };
    let mut how = vec![
        format!("ask for `{}` in place of `{}`", offer.name, present.name),
        format!("or in tollway.yaml: aliases: {{ \"{}\": \"{}\" }}", present.model, offer.name),
    ];
    let misses = offer.misses(present);
    if !misses.is_empty() {
        how.push(format!("it does not take what the old one does: {}", misses.join(", ")));
    }
    let mut evidence = vec![
        ("requests", Figure::Count(used.requests)),
        ("cost", Figure::Amount(used.cost)),
        ("cost there", Figure::Amount(instead)),
        ("model", Figure::Name(offer.name.to_string())),
    ];
    evidence.extend(tier.map(|tier| ("tier", Figure::Name(tier.to_owned()))));
    Some(Advice {
        kind: Kind::CheaperModel,
        subject: model.to_owned(),
        finding: format!("{} is {what} and costs less for the tokens of this traffic", offer.name),
        evidence,
        saved,
        a_month: Money::ZERO,
        how,
        confidence: if is_same && misses.is_empty() { Confidence::Certain } else { Confidence::Likely },
    })
}
