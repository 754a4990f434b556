//! Adding up a batch: by day and series for reports, by hour and subject for budgets.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use ring::digest::{Context, SHA256};

use crate::Day;
use crate::batch::Batch;
use crate::row::{AttemptRow, RequestRow};
use crate::sums::WIDTH;
use crate::time::MILLIS_AN_HOUR;

/// What a batch adds to the sums.
#[derive(Debug, Default)]
pub(crate) struct Rollup {
    pub(crate) daily: HashMap<(Day, Series), [i64; WIDTH]>,
    pub(crate) hourly: HashMap<(i64, Arc<str>, Arc<str>), i64>,
}

/// For what sums are kept: a level and the names of its dimensions, empty where there is none.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Series {
    pub(crate) level: Level,
    /// In the order of [`DIMENSIONS`].
    pub(crate) names: [Arc<str>; DIMENSIONS.len()],
}

/// Which dimensions are kept together: the fewer, the fewer rows a report reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Level {
    /// All but tags.
    Callers = 0,
    /// Teams, providers and models.
    Models = 1,
    /// One tag, and what `Routes` has.
    Tags = 2,
    /// What `Models` has, routes and dialects.
    Routes = 3,
    /// Keys, users and teams.
    Who = 4,
}

/// The columns of a series.
pub(crate) const DIMENSIONS: [&str; 10] =
    ["key_id", "user_id", "tag", "tag_value", "team", "provider", "model", "served", "route", "dialect"];

/// What stands for names that are too many.
const OTHERS: &str = "(others)";

/// How many tags of a request are kept, the first in the order of their names.
pub(crate) const MOST_TAGS: usize = 16;

impl Rollup {
    pub(crate) fn of(batch: &Batch) -> Self {
        // What agrees in everything is added up first: it is several times less than the records.
        let names = Names::default();
        let mut finest: HashMap<Finest<'_>, [i64; WIDTH]> = HashMap::new();
        for request in &batch.requests {
            let hour = request.time.div_euclid(MILLIS_AN_HOUR);
            let key = |attempt: Option<&AttemptRow>| Finest {
                hour,
                series: names.series(request, attempt),
                tags: &request.tags,
            };
            let counts = [1, i64::from(request.is_error()), i64::from(request.is_cached()), request.saved];
            let (last, before) = match request.attempts.split_last() {
                Some((last, before)) => (Some(last), before),
                None => (None, &[][..]),
            };
            let sums = finest.entry(key(last)).or_insert([0; WIDTH]);
            add(sums, 0, &counts);
            if let Some(last) = last {
                add_attempt(sums, last);
            }
            for attempt in before {
                add_attempt(finest.entry(key(Some(attempt))).or_insert([0; WIDTH]), attempt);
            }
        }
        let mut rollup = Self::default();
        for (finest, sums) in &finest {
            rollup.add(finest, sums, &names);
        }
        rollup
    }

    /// Adds what belongs to more new series than there is room for to series without the names that whoever
    /// asks may choose: a client that makes up models must not fill the store with sums.
    pub(crate) fn limit(&mut self, room: usize, is_known: impl Fn(&Series) -> bool) {
        if self.daily.len() <= room {
            return;
        }
        let is_new = |(_, series): &&(Day, Series)| !is_known(series);
        let beyond: Vec<_> = self.daily.keys().filter(is_new).skip(room).cloned().collect();
        for key in beyond {
            if let Some(sums) = self.daily.remove(&key) {
                let (day, series) = key;
                let others = self.daily.entry((day, series.of_others())).or_insert([0; WIDTH]);
                add(others, 0, &sums);
            }
        }
    }

    fn add(&mut self, finest: &Finest<'_>, sums: &[i64; WIDTH], names: &Names) {
        let day = Day::of_millis(finest.hour.saturating_mul(MILLIS_AN_HOUR));
        for series in finest.levels(names) {
            add(self.daily.entry((day, series)).or_insert([0; WIDTH]), 0, sums);
        }
        let [_, _, _, _, _, cost, ..] = *sums;
        if cost != 0 {
            self.spend(finest, cost, names);
        }
    }

    fn spend(&mut self, finest: &Finest<'_>, cost: i64, names: &Names) {
        let mut spend = |kind: Arc<str>, subject: &Arc<str>| {
            let spent = self.hourly.entry((finest.hour, kind, subject.clone())).or_insert(0);
            *spent = spent.saturating_add(cost);
        };
        spend(names.global.clone(), &names.none);
        let [key, user, _, _, team, ..] = &finest.series.names;
        for (kind, subject) in [(&names.key, key), (&names.user, user), (&names.team, team)] {
            if !subject.is_empty() {
                spend(kind.clone(), subject);
            }
        }
        for (tag, value) in finest.tags.iter().take(MOST_TAGS) {
            spend(format!("tag:{tag}").into(), value);
        }
    }
}

fn add_attempt(sums: &mut [i64; WIDTH], attempt: &AttemptRow) {
    let cost = attempt.cost.unwrap_or_default();
    add(sums, 4, &[1, cost, i64::from(attempt.unpriced.is_some()), i64::from(attempt.estimated)]);
    add(sums, 8, &attempt.usage);
}

/// What all sums are made of: everything that tells requests apart in any of them.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Finest<'b> {
    hour: i64,
    series: Series,
    tags: &'b BTreeMap<Arc<str>, Arc<str>>,
}

impl Finest<'_> {
    /// Where it is added: once on each level, and for each tag.
    fn levels(&self, names: &Names) -> impl Iterator<Item = Series> {
        let none = || names.none.clone();
        let callers = self.series.clone();
        let mut who = Series { level: Level::Who, names: callers.names.clone() };
        let [_, _, _, _, _, of_models @ ..] = &mut who.names;
        of_models.fill_with(none);
        let mut routes = Series { level: Level::Routes, names: callers.names.clone() };
        let [key, user, ..] = &mut routes.names;
        (*key, *user) = (none(), none());
        let mut models = Series { level: Level::Models, names: routes.names.clone() };
        let [.., route, dialect] = &mut models.names;
        (*route, *dialect) = (none(), none());
        let tagged = routes.names.clone();
        let tags = self.tags.iter().take(MOST_TAGS).map(move |(tag, value)| {
            let mut series = Series { level: Level::Tags, names: tagged.clone() };
            let [_, _, name, content, ..] = &mut series.names;
            (*name, *content) = (tag.clone(), value.clone());
            series
        });
        [callers, who, routes, models].into_iter().chain(tags)
    }
}

/// Adds numbers to those from one on.
pub(crate) fn add(sums: &mut [i64; WIDTH], from: usize, more: &[i64]) {
    for (sum, more) in sums.iter_mut().skip(from).zip(more) {
        *sum = sum.saturating_add(*more);
    }
}

/// Names that are needed again and again, made once.
#[derive(Debug)]
struct Names {
    none: Arc<str>,
    global: Arc<str>,
    key: Arc<str>,
    user: Arc<str>,
    team: Arc<str>,
}

impl Default for Names {
    fn default() -> Self {
        let name = |name: &str| Arc::from(name);
        Self {
            none: name(""),
            global: name("global"),
            key: name("key"),
            user: name("user"),
            team: name("team"),
        }
    }
}

impl Names {
    /// Of all that a request or one of its attempts has but tags.
    fn series(&self, request: &RequestRow, attempt: Option<&AttemptRow>) -> Series {
        let or_none = |name: Option<&Arc<str>>| name.unwrap_or(&self.none).clone();
        Series {
            level: Level::Callers,
            names: [
                or_none(request.key.as_ref()),
                or_none(request.user.as_ref()),
                self.none.clone(),
                self.none.clone(),
                or_none(request.team.as_ref()),
                or_none(attempt.map(|attempt| &attempt.provider)),
                or_none(request.model.as_ref()),
                or_none(attempt.map(AttemptRow::served)),
                request.route.clone(),
                request.dialect.clone(),
            ],
        }
    }
}

impl Series {
    /// The one of all others of its key, team and provider.
    fn of_others(mut self) -> Self {
        let [_, user, _, value, _, _, model, served, route, _] = &mut self.names;
        for name in [user, value, model, served, route] {
            if !name.is_empty() {
                *name = OTHERS.into();
            }
        }
        self
    }

    /// By what it is found: 128 bits of a SHA-256 over its level and its names with their lengths.
    pub(crate) fn digest(&self) -> [u8; 16] {
        let mut context = Context::new(&SHA256);
        context.update(&[self.level as u8]);
        for name in &self.names {
            context.update(&u64::try_from(name.len()).unwrap_or(u64::MAX).to_be_bytes());
            context.update(name.as_bytes());
        }
        let digest = context.finish();
        digest.as_ref().first_chunk().copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_names_are_added_up_together() {
        let series = |model: &str| {
            let mut names: [Arc<str>; DIMENSIONS.len()] = std::array::from_fn(|_| "".into());
            (names[4], names[6]) = ("blue".into(), model.into());
            (Day::from_number(1), Series { level: Level::Models, names })
        };
        let daily = (0..100).map(|number| (series(&format!("model-{number}")), [1; WIDTH])).collect();
        let mut rollup = Rollup { daily, ..Rollup::default() };
        rollup.limit(9, |series| &*series.names[6] == "model-7");
        assert_eq!(rollup.daily.len(), 11, "the known one, nine new ones, all others");
        assert_eq!(rollup.daily[&series("model-7")], [1; WIDTH]);
        assert_eq!(rollup.daily[&series("(others)")], [90; WIDTH]);
    }
}
