use std::sync::Arc;

use tollway_usage::{Day, Dimension, Filter, Order, UsageQuery};

/// What somebody asks a report for, in words: of a command line, or of a URL's query.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// By what usage is told apart, with commas between: `model,team,day`.
    pub by: Option<String>,
    /// The first day: `2026-11-01`, `7d` (today and the six days before), `month` (this one so far). By
    /// default this month.
    pub from: Option<String>,
    /// The last day; by default today.
    pub to: Option<String>,
    /// How many rows at most.
    pub top: Option<String>,
    /// What counts: `team=blue`. Several values of one dimension are any of them.
    pub filters: Vec<String>,
}

/// Which field is wrong, and how.
pub type Wrong = (&'static str, String);

impl Asked {
    /// What it means on a day.
    pub fn read(&self, today: Day) -> Result<UsageQuery, Wrong> {
        let (from, to) = self.days(today)?;
        let words = self.by.as_deref().unwrap_or_default().split(',').map(str::trim);
        let by = words.filter(|word| !word.is_empty()).map(str::parse::<Dimension>);
        let by = by.collect::<Result<Vec<_>, _>>().map_err(|error| ("by", error.to_string()))?;
        // Days stand in their order, and all else by what it costs.
        let order = if by.iter().any(Dimension::is_time) { Order::Dimensions } else { Order::Cost };
        let top = match self.top.as_deref().map(|text| (text, text.parse::<u32>())) {
            None => None,
            Some((_, Ok(top))) if top > 0 => Some(top),
            Some((text, _)) => return Err(("top", format!("not a number of rows: {text}"))),
        };
        let order = if top.is_some() { Order::Cost } else { order };
        Ok(UsageQuery { by, filters: self.filters()?, order, top, ..UsageQuery::new(from, to) })
    }

    /// The first day and the last.
    pub fn days(&self, today: Day) -> Result<(Day, Day), Wrong> {
        let to = match self.to.as_deref() {
            None | Some("today") => today,
            Some(text) => text.parse().map_err(|error| ("to", format!("{error}")))?,
        };
        let from = match self.from.as_deref() {
            None => month(to).0,
            Some("month") => month(today).0,
            Some("today") => today,
            Some(text) => match text.strip_suffix('d').map(str::parse::<i32>) {
                Some(Ok(days)) if (1..=MOST_DAYS).contains(&days) => today.plus(1 - days),
                Some(_) => return Err(("from", format!("not a number of days such as 7d: {text}"))),
                None => text.parse().map_err(|_| {
                    ("from", format!("neither a day such as 2026-11-23 nor 7d, 30d or month: {text}"))
                })?,
            },
        };
        if from > to {
            return Err(("from", format!("later than the last day, {to}: {from}")));
        }
        Ok((from, to))
    }

    /// What counts.
    pub fn filters(&self) -> Result<Vec<Filter>, Wrong> {
        let mut filters = Vec::<Filter>::new();
        for text in &self.filters {
            let (name, value) = text
                .split_once('=')
                .ok_or_else(|| ("filter", format!("not written as in team=blue: {text}")))?;
            let dimension: Dimension = name.parse().map_err(|error| ("filter", format!("{error}")))?;
            let value = Arc::from(value);
            match filters.iter_mut().find(|filter| filter.dimension == dimension) {
                Some(filter) => filter.values.push(value),
                None => filters.push(Filter { dimension, values: vec![value] }),
            }
        }
        Ok(filters)
    }
}

/// The first day of a day's month, and the last.
pub(super) fn month(day: Day) -> (Day, Day) {
    let (year, month, of_month) = day.date();
    let first = day.plus(1_i32.saturating_sub_unsigned(of_month));
    let (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    let last = Day::from_date(year, month, 1).map_or(day, |next| next.plus(-1));
    (first, last)
}

/// A hundred years.
const MOST_DAYS: i32 = 36_525;

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(by: &str, from: &str, to: &str) -> Asked {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Asked { by: some(by), from: some(from), to: some(to), ..Asked::default() }
    }

    #[test]
    fn days_are_read_as_people_say_them() {
        let today = "2026-12-23".parse().unwrap();
        for (from, to, expected) in [
            ("", "", "2026-12-01 2026-12-23"),
            ("", "2026-11-10", "2026-11-01 2026-11-10"),
            ("month", "", "2026-12-01 2026-12-23"),
            ("1d", "", "2026-12-23 2026-12-23"),
            ("30d", "2026-12-20", "2026-11-24 2026-12-20"),
            ("2024-02-29", "today", "2024-02-29 2026-12-23"),
        ] {
            let (from, to) = asked("", from, to).days(today).unwrap();
            assert_eq!(format!("{from} {to}"), expected);
        }
        for (from, to, field) in [
            ("0d", "", "from"),
            ("-1d", "", "from"),
            ("99999999999d", "", "from"),
            ("soon", "", "from"),
            ("2026-12-24", "", "from"),
            ("", "2026-02-30", "to"),
        ] {
            assert_eq!(asked("", from, to).days(today).unwrap_err().0, field, "{from} {to}");
        }
        assert_eq!(month(today).1.to_string(), "2026-12-31");
        assert_eq!(month("2028-02-01".parse().unwrap()).1.to_string(), "2028-02-29");
    }

    #[test]
    fn what_is_unknown_is_said_with_what_is_known() {
        let today = "2026-12-23".parse().unwrap();
        let (field, what) = asked("model,teem", "", "").read(today).unwrap_err();
        assert_eq!(field, "by");
        assert!(what.contains("known: day, week, month, key") && what.ends_with(": teem"), "{what}");
        let filters = ["team=a", "model=m=n", "team=b"].map(str::to_owned).to_vec();
        let read = Asked { filters, ..asked("team, day", "", "") }.read(today).unwrap();
        let values: Vec<_> = read.filters.iter().map(|filter| filter.values.join("|")).collect();
        assert_eq!((values, read.order), (vec!["a|b".to_owned(), "m=n".to_owned()], Order::Dimensions));
        for top in ["0", "x", "-1"] {
            assert!(Asked { top: Some(top.to_owned()), ..Asked::default() }.read(today).is_err());
        }
    }
}
