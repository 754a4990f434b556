use crate::rollup::Level;
use crate::{Day, Dimension, UsageQuery};

/// Which sums answer a piece of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// As it stands in the table: that of months is [`MONTHLY`] higher.
    pub(super) level: i64,
    pub(super) from: Day,
    pub(super) to: Day,
}

/// By how much the level of months is higher.
pub(super) const MONTHLY: i64 = 5;

/// The pieces of a report: whole months that have sums of their own, and the days before and after them.
pub(super) fn parts(query: &UsageQuery, level: Level, folded: i64) -> Vec<Part> {
    let level = level as i64;
    let (from, to) = (query.from, query.to);
    let daily = |from: Day, to: Day| Part { level, from, to };
    let needs_days = query.by.iter().any(|by| matches!(by, Dimension::Day | Dimension::Week));
    // The first whole month, and the first that is not whole any more or has no sums of its own.
    let first = if Day::of_month(from.month()) == from { from.month() } else { from.month() + 1 };
    let end = to.plus(1).month().min(folded);
    if needs_days || first >= end {
        return vec![daily(from, to)];
    }
    let (start, after) = (Day::of_month(first), Day::of_month(end));
    let months = Part { level: level + MONTHLY, from: start, to: Day::of_month(end - 1) };
    let before = (from < start).then(|| daily(from, start.plus(-1)));
    let rest = (after <= to).then(|| daily(after, to));
    before.into_iter().chain([months]).chain(rest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_months_stand_for_their_days() {
        let parts = |from: &str, to: &str, folded: &str, by: &str| {
            let by = by.split_terminator(' ').map(|name| name.parse().unwrap()).collect();
            let query = UsageQuery { by, ..UsageQuery::new(from.parse().unwrap(), to.parse().unwrap()) };
            let folded = folded.parse::<Day>().unwrap().month();
            let parts = super::parts(&query, Level::Models, folded).into_iter();
            parts.map(|part| format!("{} {} {}", part.level, part.from, part.to)).collect::<Vec<_>>()
        };
        let year = ["6 2026-01-01 2026-10-01", "1 2026-11-01 2026-11-23"];
        assert_eq!(parts("2026-01-01", "2026-11-23", "2026-11-01", "team month"), year);
        let odd = ["1 2026-01-02 2026-01-31", "6 2026-02-01 2026-02-01", "1 2026-03-01 2026-03-30"];
        assert_eq!(parts("2026-01-02", "2026-03-30", "2026-11-01", ""), odd);
        assert_eq!(parts("2026-01-01", "2026-01-31", "2026-11-01", ""), ["6 2026-01-01 2026-01-01"]);
        let days = ["1 2026-01-01 2026-01-31"];
        assert_eq!(parts("2026-01-01", "2026-01-31", "2026-11-01", "day"), days);
        assert_eq!(parts("2026-01-01", "2026-01-31", "2026-01-01", ""), days);
        assert_eq!(parts("2026-01-02", "2026-01-30", "2026-11-01", ""), ["1 2026-01-02 2026-01-30"]);
        assert_eq!(parts("2026-05-02", "2026-05-01", "2026-11-01", ""), ["1 2026-05-02 2026-05-01"]);
    }
}
