//! How well months are forecast, against what people do by hand. The table is the README's.

use tollway_core::Money;
use tollway_usage::forecast::{Period, forecast};

use crate::series::{Kind, Random};

/// What was wrong, of all months of a kind at a day together.
#[derive(Clone, Copy, Default)]
struct Score {
    actual: f64,
    wrong: f64,
    run_rate: f64,
    last_week: f64,
    likely: u32,
    nearly_sure: u32,
    months: u32,
}

impl Score {
    fn part(&self, wrong: f64) -> f64 {
        100.0 * wrong / self.actual
    }

    fn held(&self, held: u32) -> f64 {
        100.0 * f64::from(held) / f64::from(self.months)
    }

    fn add(&mut self, more: &Self) {
        self.actual += more.actual;
        self.wrong += more.wrong;
        self.run_rate += more.run_rate;
        self.last_week += more.last_week;
        self.likely += more.likely;
        self.nearly_sure += more.nearly_sure;
        self.months += more.months;
    }
}

const MONTH: usize = 30;
const BEFORE: usize = 63;
/// 2026-09-07, a Monday.
const MONDAY: u32 = 20_703;

/// Forecasts months of a kind at the end of a day of theirs.
fn score(kind: Kind, day: usize, months: u64) -> Score {
    let mut score = Score::default();
    for seed in 0..months {
        let mut random = Random(seed * 7_919 + 1);
        // The month begins on any weekday.
        let start = BEFORE + (seed as usize % 7);
        let series = kind.series(start + MONTH, start, &mut random);
        let money = |cost: f64| Money::from_nanos((cost * 1e9) as i64);
        let day_of = |place: usize| MONDAY + u32::try_from(place).unwrap();
        let days: Vec<_> = series[..start + day]
            .iter()
            .enumerate()
            .map(|(place, cost)| (day_of(place), money(*cost)))
            .collect();
        let (first, last) = (day_of(start), day_of(start + MONTH - 1));
        let told = forecast(&days, &Period { first, last, today: day_of(start + day), elapsed: 0.0 });

        let total: f64 = series[start..].iter().sum();
        let so_far: f64 = series[start..start + day].iter().sum();
        let week = &series[start + day - 7..start + day];
        let last_week: f64 = so_far + (0..MONTH - day).map(|after| week[after % 7]).sum::<f64>();
        let in_dollars = |money: Money| money.nanos() as f64 / 1e9;
        let holds =
            |(low, high): (Money, Money)| u32::from((in_dollars(low)..=in_dollars(high)).contains(&total));
        // Each month counts alike, however much it cost.
        score.add(&Score {
            actual: 1.0,
            wrong: (in_dollars(told.total) - total).abs() / total,
            run_rate: (so_far / day as f64 * MONTH as f64 - total).abs() / total,
            last_week: (last_week - total).abs() / total,
            likely: holds(told.likely),
            nearly_sure: holds(told.nearly_sure),
            months: 1,
        });
    }
    score
}

#[test]
#[expect(clippy::print_stderr, reason = "the table is what it is for")]
fn months_are_forecast_better_than_by_hand_and_as_surely_as_is_said() {
    let (mut all, mut scores) = (Score::default(), Vec::new());
    eprintln!("| series | day | forecast | run rate | last week again | in 80 % | in 95 % |");
    eprintln!("|---|--:|--:|--:|--:|--:|--:|");
    for kind in Kind::ALL {
        for day in [7, 14, 21] {
            let score = score(kind, day, 200);
            all.add(&score);
            eprintln!("{}", row(&format!("{kind:?}").to_lowercase(), &day.to_string(), &score));
            scores.push((kind, day, score));
        }
    }
    eprintln!("{}", row("all", "", &all));
    for (kind, day, score) in scores {
        let (likely, nearly_sure) = (score.held(score.likely), score.held(score.nearly_sure));
        // In the first week many of the shifts are still to come: nobody can know of them.
        let least = if kind == Kind::Shift && day == 7 { (65.0, 75.0) } else { (60.0, 80.0) };
        assert!(likely > least.0 && nearly_sure > least.1, "{kind:?} {day}: {likely} {nearly_sure}");
        if matches!(kind, Kind::Flat | Kind::Weekly | Kind::Trend | Kind::Growth) {
            assert!(score.wrong <= 1.02 * score.run_rate, "{kind:?} {day}");
        }
        if kind == Kind::Weekly {
            assert!(score.wrong < 0.85 * score.run_rate && score.wrong < 0.85 * score.last_week, "{day}");
        }
    }
    assert!(all.wrong < 0.85 * all.run_rate && all.wrong < 0.85 * all.last_week);
    assert!((77.0..85.0).contains(&all.held(all.likely)), "{}", all.held(all.likely));
    assert!((91.0..98.0).contains(&all.held(all.nearly_sure)), "{}", all.held(all.nearly_sure));
}

fn row(name: &str, day: &str, score: &Score) -> String {
    let Score { wrong, run_rate, last_week, likely, nearly_sure, .. } = *score;
    let wrong = [wrong, run_rate, last_week].map(|wrong| format!("{:.1} %", score.part(wrong)));
    let held = [likely, nearly_sure].map(|held| format!("{:.0} %", score.held(held)));
    format!("| {name} | {day} | {} | {} |", wrong.join(" | "), held.join(" | "))
}
