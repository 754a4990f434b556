use tollway_cost::Day;
use tollway_usage::{Dimension, StoreError, UsageQuery, UsageStore};

use super::amounts::grouped;
use super::table::harmless;
use crate::advice::retires;
use crate::config::{Retirement, Settings};
use crate::cost::section;

/// A model that was asked, and goes away soon or has gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retiring {
    /// Whose it is.
    pub provider: String,
    /// As its provider calls it: the one that served.
    pub model: String,
    /// From when on it is not served any more, as in `2026-12-11`; none where that was long ago.
    pub retires: Option<String>,
    /// Whether that day has come.
    pub is_over: bool,
    /// How many requests asked it lately: in the last month that the report tells of.
    pub requests: u64,
}

impl Retiring {
    /// For people.
    pub(super) fn to_line(&self) -> String {
        let Self { provider, model, retires, is_over, requests } = self;
        let verb = if *is_over { "retired" } else { "retires" };
        let when =
            retires.as_ref().map_or_else(|| "has retired".to_owned(), |day| format!("{verb} on {day}"));
        let (name, requests) = (harmless(&format!("{provider}/{model}")), grouped(*requests));
        format!("{name} {when}, requests to it lately: {requests}; `tollway advise` says what follows it")
    }
}

/// The models of a query's last days that retire within some weeks of a day, those that are asked most first.
pub(super) async fn retiring(
    store: &dyn UsageStore,
    query: &UsageQuery,
    settings: &Settings,
    today: Day,
) -> Result<Vec<Retiring>, StoreError> {
    let by = vec![Dimension::Provider, Dimension::ModelServed];
    // Who has stopped asking it need not be told.
    let from = query.from.max(query.to.plus(-LATELY));
    let rows = store.query(&UsageQuery { by, from, top: None, ..query.clone() }).await?;
    let mut found: Vec<_> = rows
        .into_iter()
        .filter_map(|row| {
            let requests = row.sums.requests;
            let [provider, model] = <[Option<String>; 2]>::try_from(row.dimensions).ok()?;
            let (provider, model) = (provider?, model?);
            let day = retirement(settings, &provider, &model)?;
            let is_soon = day.number() <= today.number().saturating_add(Retirement::SOON);
            let retires = (day != Day::EPOCH).then(|| day.to_string());
            let is_over = day <= today;
            is_soon.then_some(Retiring { provider, model, retires, is_over, requests })
        })
        .collect();
    found.sort_by(|a, b| b.requests.cmp(&a.requests).then_with(|| a.model.cmp(&b.model)));
    Ok(found)
}

/// When a model goes away, by the catalogue or the price list.
fn retirement(settings: &Settings, provider: &str, model: &str) -> Option<Day> {
    let known = settings.catalogue.get(&format!("{provider}/{model}"));
    let known = known.and_then(|known| known.retirement).map(retires);
    known.or_else(|| {
        let book = settings.prices.book();
        let kind = settings.providers.iter().find(|known| &*known.name == provider).map(|known| known.kind);
        let section = kind.map_or(provider, |kind| section(&book, provider, kind));
        book.model(section, model)?.retires()
    })
}

/// How many of the days of a report are looked at.
const LATELY: i32 = 30;
