use std::fmt::Write as _;
use std::sync::Arc;
use std::time::SystemTime;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets::UTF8_BORDERS_ONLY};
use serde::Serialize;
use tollway_core::Money;
use tollway_cost::budget::{Budget, Budgets, Per, Period, Spent};

use super::table::harmless;
use crate::cost::Unknown;

/// How a subject stands with a budget, as it is shown.
#[derive(Debug, Serialize)]
pub struct Standing {
    budget: String,
    per: String,
    /// Who; left out where all is counted together.
    #[serde(skip_serializing_if = "String::is_empty")]
    subject: String,
    amount_usd: String,
    spent_usd: String,
    /// What requests under way may still spend.
    reserved_usd: String,
    /// What this replica took in advance of a shared budget.
    leased_usd: String,
    left_usd: String,
    period: Bounds,
    #[serde(skip)]
    is_rolling: bool,
}

impl Standing {
    /// The name of the budget.
    pub fn budget(&self) -> &str {
        &self.budget
    }
}

/// From when to when a period is; a rolling one has no end at which it begins anew.
#[derive(Debug, Serialize)]
struct Bounds {
    from: String,
    to: String,
}

/// How everybody stands who spent something, and all budgets that are everybody's.
pub fn standings(budgets: &Budgets, now: SystemTime) -> Vec<Standing> {
    let mut all: Vec<_> = budgets.spent(now).map(|spent| of(&spent, now)).collect();
    let untouched = budgets.budgets().filter(|budget| {
        budget.per == Per::Global && all.iter().all(|standing| *standing.budget != *budget.name)
    });
    let untouched: Vec<_> = untouched.map(|budget| of(&nothing(budget.clone()), now)).collect();
    all.extend(untouched);
    all.sort_by(|a, b| (&a.budget, &a.subject).cmp(&(&b.budget, &b.subject)));
    all
}

/// The same for a terminal.
pub fn standings_text(standings: &[Standing], unknown: &[Unknown]) -> String {
    let mut text = if standings.is_empty() && unknown.is_empty() {
        "nothing was spent of any budget, or there is none: see `budgets` in the configuration".to_owned()
    } else {
        table(standings).to_string()
    };
    for Unknown { budget, why } in unknown {
        // Writing into a string does not fail.
        let _ = write!(text, "\nnot known of {}: {why}", harmless(budget));
    }
    text
}

fn table(standings: &[Standing]) -> Table {
    let mut table = Table::new();
    table.load_preset(UTF8_BORDERS_ONLY).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["budget", "per", "who", "amount", "spent", "left", "begins anew"]);
    for standing in standings {
        let Standing { budget, per, subject, amount_usd, spent_usd, left_usd, period, .. } = standing;
        let anew = if standing.is_rolling { "rolling" } else { &period.to };
        let who = if subject.is_empty() { "–".to_owned() } else { harmless(subject) };
        table.add_row([budget, per, &who, amount_usd, spent_usd, left_usd, anew]);
    }
    for place in 3..6 {
        if let Some(column) = table.column_mut(place) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn nothing(budget: Arc<Budget>) -> Spent {
    Spent { budget, subject: "".into(), spent: Money::ZERO, reserved: Money::ZERO, leased: Money::ZERO }
}

fn of(spent: &Spent, now: SystemTime) -> Standing {
    let (from, to) = spent.budget.period.bounds(now);
    let time = |at| humantime::format_rfc3339_seconds(at).to_string();
    Standing {
        budget: spent.budget.name.to_string(),
        per: spent.budget.per.to_string(),
        subject: spent.subject.to_string(),
        amount_usd: spent.budget.amount.to_string(),
        spent_usd: spent.spent.to_string(),
        reserved_usd: spent.reserved.to_string(),
        leased_usd: spent.leased.to_string(),
        left_usd: spent.left().to_string(),
        period: Bounds { from: time(from), to: time(to) },
        is_rolling: matches!(spent.budget.period, Period::Rolling(_)),
    }
}
