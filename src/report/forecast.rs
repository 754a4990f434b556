use comfy_table::{CellAlignment, ContentArrangement, Table, presets::UTF8_BORDERS_ONLY};
use serde_json::{Value, json};
use tollway_core::Money;
use tollway_usage::forecast::{Basis, Forecast};

use super::amounts::Amounts;

/// A forecast as a table for a terminal. `last` is the period's last day, as in `2026-11-30`.
pub fn forecast_text(forecast: &Forecast, last: &str) -> String {
    let amounts = Amounts::like(forecast.total);
    let between = |(low, high): (Money, Money)| format!("{} – {}", amounts.show(low), amounts.show(high));
    let mut table = Table::new();
    table
        .load_preset(UTF8_BORDERS_ONLY)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header([format!("forecast to {last}"), "US dollars".to_owned()]);
    table.add_row(["spent so far", &amounts.show(forecast.so_far)]);
    table.add_row(["expected in all", &amounts.show(forecast.total)]);
    table.add_row(["in four cases of five", &between(forecast.likely)]);
    table.add_row(["in nineteen of twenty", &between(forecast.nearly_sure)]);
    if let Some(column) = table.column_mut(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    format!("{table}\nrests on {}", basis(forecast))
}

fn basis(forecast: &Forecast) -> String {
    let days = forecast.history;
    match forecast.basis {
        Basis::Nothing => "nothing: nothing was spent yet".to_owned(),
        Basis::Today => "the pace of today alone, the first day".to_owned(),
        Basis::Mean | Basis::Level => format!("the mean of {days} days; weekdays are known after two weeks"),
        _ => format!("{days} days, by weekdays"),
    }
}

/// A forecast as JSON, for programs. Amounts are texts.
pub fn forecast_json(forecast: &Forecast, last: &str) -> Value {
    let between = |(low, high): (Money, Money)| json!({ "low": low.to_string(), "high": high.to_string() });
    json!({
        "until": last,
        "so_far_usd": forecast.so_far.to_string(),
        "total_usd": forecast.total.to_string(),
        "interval_80_usd": between(forecast.likely),
        "interval_95_usd": between(forecast.nearly_sure),
        "days_usd": forecast.days.iter().map(Money::to_string).collect::<Vec<_>>(),
        "basis": forecast.basis.as_str(),
        "history_days": forecast.history,
    })
}
