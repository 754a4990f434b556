use std::fmt;

use serde_json::{Map, Value, json};
use tollway_core::Money;

use super::{Figures, Report, Retiring};

/// A report as JSON.
pub(super) fn of(report: &Report) -> Value {
    let rows = report.rows.iter().map(|row| {
        let dimensions =
            report.by.iter().cloned().zip(row.dimensions.iter().map(|value| value.clone().into()));
        Value::Object(dimensions.chain(numbers(&row.figures)).collect())
    });
    json!({
        "from": report.from,
        "to": report.to,
        "by": report.by,
        "data": rows.collect::<Vec<_>>(),
        "total": numbers(&report.total).collect::<Map<_, _>>(),
        "retiring": report.retiring.iter().map(retiring).collect::<Vec<_>>(),
    })
}

fn retiring(Retiring { provider, model, retires, is_over, requests }: &Retiring) -> Value {
    json!({
        "provider": provider, "model": model, "retires": retires, "is_over": is_over, "requests": requests,
    })
}

fn numbers(figures: &Figures) -> impl Iterator<Item = (String, Value)> + '_ {
    NUMBERS.iter().map(|(name, number)| {
        let value = match number(figures) {
            Number::Count(count) => count.into(),
            Number::Amount(amount) => amount.to_string().into(),
        };
        ((*name).to_owned(), value)
    })
}

/// A number of a report.
pub(super) enum Number {
    Count(u64),
    Amount(Money),
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => count.fmt(f),
            Self::Amount(amount) => amount.fmt(f),
        }
    }
}

/// How a number is read.
type Read = fn(&Figures) -> Number;

/// Every number by its name, in CSV and JSON.
pub(super) const NUMBERS: [(&str, Read); 14] = [
    ("requests", |figures| Number::Count(figures.requests)),
    ("errors", |figures| Number::Count(figures.errors)),
    ("cached", |figures| Number::Count(figures.cached)),
    ("attempts", |figures| Number::Count(figures.attempts)),
    ("input_tokens", |figures| Number::Count(figures.usage.input)),
    ("cached_input_tokens", |figures| Number::Count(figures.usage.cached_input)),
    ("cache_write_5m_tokens", |figures| Number::Count(figures.usage.cache_write_5m)),
    ("cache_write_1h_tokens", |figures| Number::Count(figures.usage.cache_write_1h)),
    ("output_tokens", |figures| Number::Count(figures.usage.output)),
    ("reasoning_tokens", |figures| Number::Count(figures.usage.reasoning)),
    ("unpriced", |figures| Number::Count(figures.unpriced)),
    ("estimated", |figures| Number::Count(figures.estimated)),
    ("saved_usd", |figures| Number::Amount(figures.saved)),
    ("cost_usd", |figures| Number::Amount(figures.cost)),
];
