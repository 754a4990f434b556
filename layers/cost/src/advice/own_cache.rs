//! Answers that were paid for again.

use super::market::Market;
use super::{Advice, Confidence, Figure, Kind, Traffic};
use crate::Money;

pub(super) fn find(traffic: &Traffic, market: &Market<'_>, found: &mut Vec<Advice>) {
    for repeats in &traffic.repeats {
        let again = repeats.requests.saturating_sub(repeats.prompts);
        if again == 0 || repeats.cost <= Money::ZERO {
            continue;
        }
        let mut how = vec!["keep the answers where the application has them at hand".to_owned()];
        if !market.own_cache.is_empty() {
            how = market.own_cache.iter().map(|line| (*line).to_owned()).collect();
        }
        let mut evidence = vec![
            ("requests", Figure::Count(repeats.requests)),
            ("different ones", Figure::Count(repeats.prompts)),
            ("cost of the others", Figure::Amount(repeats.cost)),
        ];
        evidence.extend(repeats.caller.as_ref().map(|caller| ("caller", Figure::Name(caller.to_string()))));
        found.push(Advice {
            kind: Kind::OwnCache,
            subject: repeats.model.to_string(),
            finding: format!("{again} of {} requests had been made before, to the letter", repeats.requests),
            evidence,
            saved: repeats.cost,
            a_month: Money::ZERO,
            how,
            // Whoever asks again may want another answer.
            confidence: Confidence::WorthTrying,
        });
    }
}
