use std::time::{Duration, SystemTime};

use tollway_usage::forecast::{Forecast, Period, forecast};
use tollway_usage::{Day, Dimension, Filter, StoreError, Sums, UsageQuery, UsageRow, UsageStore};

use super::Report;
use super::asked::month;
use super::retiring::retiring;
use crate::config::Settings;

/// Has a store answer a query, with the total of what its rows leave out, and the models that are about to go.
pub async fn report(
    store: &dyn UsageStore,
    query: &UsageQuery,
    settings: &Settings,
    now: SystemTime,
) -> Result<Report, StoreError> {
    let rows = store.query(query).await?;
    let all = UsageQuery { by: Vec::new(), top: None, ..query.clone() };
    // While requests come, two questions have two answers: rows that are all there are added up. Those by a
    // tag lack what does not have it.
    let is_whole = query.top.is_none() && !query.by.iter().any(|by| matches!(by, Dimension::Tag(_)));
    let total = if is_whole { vec![sum(&rows)] } else { store.query(&all).await? };
    let retiring = retiring(store, &all, settings, tollway_cost::Day::of(now)).await?;
    Ok(Report { retiring, ..Report::of(query, rows, &total) })
}

fn sum(rows: &[UsageRow]) -> UsageRow {
    let mut sums = Sums::default();
    for row in rows {
        sums += row.sums;
    }
    UsageRow { dimensions: Vec::new(), sums }
}

/// What this month will have cost, and its last day.
pub async fn this_month(
    store: &dyn UsageStore,
    filters: &[Filter],
    now: SystemTime,
) -> Result<(Forecast, Day), StoreError> {
    let today = Day::of(now);
    let (first, last) = month(today);
    let costs = store.daily_costs(filters, today.plus(-HISTORY), today).await?;
    let costs: Vec<_> = costs.into_iter().map(|(day, cost)| (day.number(), cost)).collect();
    let of_day = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs() % DAY.as_secs();
    let elapsed = Duration::from_secs(of_day).div_duration_f64(DAY);
    let period = Period { first: first.number(), last: last.number(), today: today.number(), elapsed };
    Ok((forecast(&costs, &period), last))
}

/// How many days a forecast looks back: thirteen weeks, and no less than a month.
const HISTORY: i32 = 91;

const DAY: Duration = Duration::from_hours(24);
