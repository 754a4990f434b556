use std::borrow::Cow;

use super::{Report, json::NUMBERS};

/// A report as CSV.
pub(super) fn of(report: &Report) -> String {
    let mut csv = String::new();
    let names =
        report.by.iter().map(|name| field(name)).chain(NUMBERS.iter().map(|(name, _)| Cow::Borrowed(*name)));
    line(&mut csv, names);
    for row in &report.rows {
        let dimensions = row.dimensions.iter().map(|value| field(value.as_deref().unwrap_or_default()));
        line(
            &mut csv,
            dimensions.chain(NUMBERS.iter().map(|(_, number)| Cow::Owned(number(&row.figures).to_string()))),
        );
    }
    csv
}

fn line<'a>(csv: &mut String, fields: impl Iterator<Item = Cow<'a, str>>) {
    for (place, field) in fields.enumerate() {
        if place > 0 {
            csv.push(',');
        }
        csv.push_str(&field);
    }
    csv.push_str("\r\n");
}

/// A text as a field. Names come from tokens and clients, and a spreadsheet reckons with what begins so.
fn field(text: &str) -> Cow<'_, str> {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let needs_quotes = is_formula || text.contains([',', '"', '\n', '\r']);
    if !needs_quotes {
        return Cow::Borrowed(text);
    }
    let guard = if is_formula { "'" } else { "" };
    Cow::Owned(format!("\"{guard}{}\"", text.replace('"', "\"\"")))
}
