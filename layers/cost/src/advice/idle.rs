//! Keys that nobody uses.

use super::market::Market;
use super::{Advice, Confidence, Figure, Kind, Thresholds, Traffic};
use crate::Money;

pub(super) fn find(traffic: &Traffic, market: &Market<'_>, thresholds: &Thresholds, found: &mut Vec<Advice>) {
    for key in &traffic.keys {
        let since = key.used.unwrap_or(key.made.max(key.known));
        let days = market.today.number().saturating_sub(since.number());
        if days < thresholds.idle_days {
            continue;
        }
        let unused = match key.used {
            None if key.made >= key.known => "was never used since it was made",
            None => "was not used since uses are recorded",
            Some(_) => "was not used",
        };
        found.push(Advice {
            kind: Kind::IdleKey,
            subject: key.name.to_string(),
            finding: format!("the key {unused}, for {days} days: whoever finds it can spend with it"),
            evidence: vec![
                ("key", Figure::Name(key.id.to_string())),
                ("made", Figure::Date(key.made)),
                (if key.used.is_some() { "last used" } else { "idle since" }, Figure::Date(since)),
                ("cost so far", Figure::Amount(key.cost)),
            ],
            saved: Money::ZERO,
            a_month: Money::ZERO,
            how: vec![format!("tollway keys revoke {}", key.id)],
            confidence: Confidence::Certain,
        });
    }
}
