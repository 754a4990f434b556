//! What was used and what it cost, as people and programs read it: tables, CSV and JSON of usage, forecasts
//! and advice. The command line prints them, and the API answers with them.

mod advice;
mod amounts;
mod asked;
mod csv;
mod forecast;
mod json;
mod made;
mod retiring;
mod row;
mod standing;
mod table;

use tollway_usage::{UsageQuery, UsageRow};

pub use self::{
    advice::{advice_json, advice_text},
    asked::{Asked, Wrong},
    forecast::{forecast_json, forecast_text},
    made::{report, this_month},
    retiring::Retiring,
    row::{Figures, Row},
    standing::{Standing, standings, standings_text},
};

/// Usage of some days, told apart by some dimensions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The first day, as in `2026-11-01`.
    pub from: String,
    /// The last day.
    pub to: String,
    /// By what rows are told apart: `model`, `team`, `day`.
    pub by: Vec<String>,
    /// The rows, in order.
    pub rows: Vec<Row>,
    /// What everything comes to, rows that are left out too.
    pub total: Figures,
    /// Models that were asked and are about to go, whatever rows are told apart by.
    pub retiring: Vec<Retiring>,
}

impl Report {
    /// What a store answers to a query. `total` is its answer to the same without dimensions and without a
    /// top: one row.
    pub fn of(query: &UsageQuery, rows: Vec<UsageRow>, total: &[UsageRow]) -> Self {
        Self {
            from: query.from.to_string(),
            to: query.to.to_string(),
            by: query.by.iter().map(ToString::to_string).collect(),
            rows: rows.into_iter().map(Row::from).collect(),
            total: total.first().map(|row| Figures::from(row.sums)).unwrap_or_default(),
            retiring: Vec::new(),
        }
    }

    /// A table for a terminal, with the total as its last row. Amounts are rounded to the digits that the
    /// total's size calls for; CSV and JSON tell them exactly. Below it stands what is about to change.
    pub fn to_table(&self) -> String {
        let lines = self.retiring.iter().map(Retiring::to_line);
        std::iter::once(table::of(self).to_string()).chain(lines).collect::<Vec<_>>().join("\n")
    }

    /// One line a row, after a line of names, without the total (RFC 4180). Whatever a spreadsheet would take
    /// for a formula begins with an apostrophe.
    pub fn to_csv(&self) -> String {
        csv::of(self)
    }

    /// An object with the rows under `data`. Amounts are texts, as numbers of JSON are often read inexactly.
    pub fn to_json(&self) -> serde_json::Value {
        json::of(self)
    }

    /// What the rows leave out of the total.
    fn others(&self) -> Figures {
        let mut others = self.total;
        for row in &self.rows {
            others = others.less(&row.figures);
        }
        others
    }
}
