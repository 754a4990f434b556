use comfy_table::{CellAlignment, ContentArrangement, Table, presets::UTF8_BORDERS_ONLY};

use super::amounts::{Amounts, grouped};
use super::{Figures, Report};

/// A report as a table. Columns in which everything is zero are left out. A row of everything is the total.
pub(super) fn of(report: &Report) -> Table {
    let shown: Vec<&Column> = COLUMNS.iter().filter(|column| column.is_shown(&report.total)).collect();
    let amounts = Amounts::like(report.total.cost.max(report.total.saved));
    let cells =
        |figures: &Figures| shown.iter().map(|column| column.cell(figures, amounts)).collect::<Vec<_>>();

    let mut table = Table::new();
    table.load_preset(UTF8_BORDERS_ONLY).set_content_arrangement(ContentArrangement::Disabled);
    let heads = report.by.iter().map(|name| name.replace('_', " "));
    table.set_header(heads.chain(shown.iter().map(|column| column.name.to_owned())));
    for row in &report.rows {
        table
            .add_row(row.dimensions.iter().map(|value| dimension(value.as_ref())).chain(cells(&row.figures)));
    }
    let mut labelled = |label: &str, figures: &Figures| {
        let label = std::iter::once(label).chain(std::iter::repeat("")).take(report.by.len());
        table.add_row(label.map(str::to_owned).chain(cells(figures)));
    };
    if !report.by.is_empty() {
        let others = report.others();
        if others != Figures::default() {
            labelled("others", &others);
        }
        labelled("total", &report.total);
    }
    for place in report.by.len()..report.by.len() + shown.len() {
        if let Some(column) = table.column_mut(place) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn dimension(value: Option<&String>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| harmless(value))
}

/// A name of a user or a tag may hold anything, and a terminal obeys some of it.
pub(super) fn harmless(name: &str) -> String {
    name.replace(char::is_control, "\u{fffd}")
}

/// A column of numbers.
struct Column {
    name: &'static str,
    value: Value,
    /// Whether it is there when all of it is zero.
    always: bool,
}

enum Value {
    Count(fn(&Figures) -> u64),
    Amount(fn(&Figures) -> tollway_core::Money),
}

impl Column {
    fn is_shown(&self, total: &Figures) -> bool {
        let is_zero = match self.value {
            Value::Count(count) => count(total) == 0,
            Value::Amount(amount) => amount(total).nanos() == 0,
        };
        self.always || !is_zero
    }

    fn cell(&self, figures: &Figures, amounts: Amounts) -> String {
        match self.value {
            Value::Count(count) => grouped(count(figures)),
            Value::Amount(amount) => amounts.show(amount(figures)),
        }
    }
}

const fn count(name: &'static str, value: fn(&Figures) -> u64, always: bool) -> Column {
    Column { name, value: Value::Count(value), always }
}

const COLUMNS: [Column; 10] = [
    count("requests", |figures| figures.requests, true),
    count("errors", |figures| figures.errors, false),
    count("from cache", |figures| figures.cached, false),
    count("input", |figures| figures.usage.input, true),
    count("of it cached", |figures| figures.usage.cached_input, false),
    count("output", |figures| figures.usage.output, true),
    count("unpriced", |figures| figures.unpriced, false),
    count("estimated", |figures| figures.estimated, false),
    Column { name: "saved $", value: Value::Amount(|figures| figures.saved), always: false },
    Column { name: "cost $", value: Value::Amount(|figures| figures.cost), always: true },
];
