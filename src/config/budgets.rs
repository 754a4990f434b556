//! Budgets, from their file form to rules.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use tollway_core::{Allowed, Money};
use tollway_cost::budget::{
    AtLimit, Budget, BudgetError, Facet, Lease, OnFailure, Per, Period, Place, Unit, UnpricedPolicy, Zone,
};

use super::{
    KeyDeclaration, Path,
    document::{Short, Words},
    error::Problem,
    keys::patterns,
    nearest::did_you_mean,
    units::{Dollars, Span, span_of},
};

/// A budget, as written.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct BudgetFile {
    /// The most that may be spent, in US dollars.
    dollars: Option<Dollars>,
    /// In what time: `day`, `week` (from Monday on) or `month` of the calendar, or any time of a length, as
    /// in `24h` or `30d`. Default: month.
    every: Option<String>,
    /// The time zone whose midnight begins a day, week or month: `Europe/Berlin`. Default: UTC.
    zone: Option<String>,
    /// Whose spending is counted apart: `key`, `user`, `team`, or `tag:NAME`. Left out, all is counted
    /// together.
    per: Option<String>,
    /// The requests that are under the budget, by `key`, `user`, `team`, `tag:NAME` or `model` (as asked for, as
    /// its provider calls it, or as `provider/model`; what is relayed unread has none): `{model: gpt-*}`; a key by its name in `keys`, or by its id. Default: all.
    only: BTreeMap<String, Words>,
    /// At how many percent it is logged, counted, and told to `notify.webhook`. Default: 80.
    thresholds: Option<Vec<u8>>,
    /// What becomes of a request that may cost more than is left: `refuse`, `degrade` (it is served by the
    /// model that `degrade_to` names), or `warn` (it passes). Default: refuse.
    at_limit: Option<String>,
    /// The model or alias that serves where the budget says `degrade`.
    degrade_to: Option<String>,
    /// Whether a request passes whose model has no price: `allow` or `refuse`. Default: refuse.
    unpriced: Option<String>,
    /// Whether all replicas share the budget, by Redis: true, false, or a section. Default: true where
    /// `state.redis` is given.
    shared: Option<Short<SharingFile>>,
}

/// How replicas share a budget, in full.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct SharingFile {
    /// How many dollars a replica may take in advance, to decide without asking Redis. They count as spent
    /// for all others meanwhile. Default: 0.
    lease: Option<Dollars>,
    /// After what time without a request what is left of them goes back. Default: 10s.
    lease_idle: Option<Span>,
    /// What holds while Redis does not answer: `closed` (nothing passes but what is leased), `local` (each
    /// replica may spend its share of what was left when it last heard of it) or `open` (everything passes). Default:
    /// closed.
    on_failure: Option<String>,
}

/// Reads all budgets, in the order of their names. `knows` tells whether a model's name leads somewhere.
pub(super) fn budgets(
    files: BTreeMap<String, BudgetFile>,
    has_store: bool,
    keys: &[KeyDeclaration],
    knows: impl Fn(&str) -> bool,
) -> Result<Vec<Budget>, Problem> {
    files.into_iter().map(|(name, file)| file.budget(&name, has_store, keys, &knows)).collect()
}

impl BudgetFile {
    fn budget(
        &self,
        name: &str,
        has_store: bool,
        keys: &[KeyDeclaration],
        knows: impl Fn(&str) -> bool,
    ) -> Result<Budget, Problem> {
        let path = Path::of(&["budgets", name]);
        let Some(Dollars(amount)) = self.dollars else {
            return Err(Problem::plain(path.key("dollars"), "missing").hint("say how much may be spent"));
        };
        let only = self.only.iter().map(|(word, values)| {
            let facet = facet(word, &path.key("only"))?;
            let patterns = patterns(word, values, keys, &path.key("only"))?;
            Ok((facet, Allowed::new(patterns.iter().map(String::as_str))))
        });
        let budget = Budget {
            name: name.into(),
            per: self.per.as_deref().map_or(Ok(Per::Global), |word| per(word, &path.key("per")))?,
            only: only.collect::<Result<_, Problem>>()?,
            amount,
            period: self.period(&path)?,
            thresholds: self.thresholds.clone().unwrap_or_else(|| vec![USUAL_THRESHOLD]),
            at_limit: self.at_limit(&path, knows)?,
            unpriced: match self.unpriced.as_deref() {
                None | Some("refuse") => UnpricedPolicy::Refuse,
                Some("allow") => UnpricedPolicy::Allow,
                Some(word) => return Err(unknown(word, &["allow", "refuse"], path.key("unpriced"))),
            },
            place: self.place(&path, has_store)?,
        };
        budget.check().map_err(|error| wrong(&path, &error))?;
        Ok(budget)
    }

    fn period(&self, path: &Path) -> Result<Period, Problem> {
        let unit = match self.every.as_deref() {
            None | Some("month") => Unit::Month,
            Some("week") => Unit::Week,
            Some("day") => Unit::Day,
            Some(text) => {
                let length = span_of(text).map_err(|_| {
                    Problem::value(path.key("every"), "neither `day`, `week` or `month` nor a length of time")
                        .hint("as in 24h or 30d")
                })?;
                if self.zone.is_some() {
                    return Err(Problem::plain(path.key("zone"), "a length of time has no time zone")
                        .hint("leave it out, or say `every: day`, `week` or `month`"));
                }
                return Ok(Period::Rolling(length));
            }
        };
        let zone = self.zone.as_deref().map_or(Ok(Zone::default()), str::parse);
        let zone = zone.map_err(|_| {
            Problem::value(path.key("zone"), "no time zone of that name").hint("as in Europe/Berlin")
        })?;
        Ok(Period::Calendar { unit, zone })
    }

    fn at_limit(&self, path: &Path, knows: impl Fn(&str) -> bool) -> Result<AtLimit, Problem> {
        let word = self.at_limit.as_deref();
        match (word, &self.degrade_to) {
            (None | Some("refuse"), None) => Ok(AtLimit::Refuse),
            (Some("warn"), None) => Ok(AtLimit::Warn),
            (None | Some("degrade"), Some(to)) if knows(to) => {
                Ok(AtLimit::Degrade { to: Some(to.as_str().into()) })
            }
            (None | Some("degrade"), Some(_)) => {
                Err(Problem::value(path.key("degrade_to"), "no known model and no alias")
                    .hint("name a model that a provider serves"))
            }
            (Some("degrade"), None) => Err(Problem::plain(path.key("degrade_to"), "missing")
                .hint("name the model or alias that is to serve then")),
            (Some("refuse" | "warn"), Some(_)) => Err(Problem::plain(
                path.key("degrade_to"),
                "only `at_limit: degrade` serves by another model",
            )
            .hint("leave one of the two out")),
            (Some(word), _) => Err(unknown(word, &["refuse", "degrade", "warn"], path.key("at_limit"))),
        }
    }

    fn place(&self, path: &Path, has_store: bool) -> Result<Place, Problem> {
        let path = path.key("shared");
        let sharing = match &self.shared {
            None if has_store => SharingFile::default(),
            None => return Ok(Place::Local),
            Some(Short::Text(word)) if word == "false" => return Ok(Place::Local),
            Some(Short::Text(word)) if word != "true" => {
                return Err(Problem::value(path, "neither true nor false, nor a section of fields"));
            }
            Some(_) if !has_store => {
                return Err(Problem::plain(path, "nothing to share it by")
                    .hint("give `state.redis`, or leave it out"));
            }
            Some(Short::Text(_)) => SharingFile::default(),
            Some(Short::Full(sharing)) => sharing.clone(),
        };
        let on_failure = match sharing.on_failure.as_deref() {
            // A budget that each replica could spend for itself would be no budget.
            None | Some("closed") => OnFailure::Closed,
            Some("local") => OnFailure::Local,
            Some("open") => OnFailure::Open,
            Some(word) => return Err(unknown(word, &["local", "open", "closed"], path.key("on_failure"))),
        };
        let lease = sharing.lease.map_or(Money::ZERO, |Dollars(amount)| amount);
        let idle = sharing.lease_idle.map_or(USUAL_IDLE, |Span(span)| span);
        let lease = if lease == Money::ZERO { Lease::NONE } else { Lease { amount: lease, idle } };
        Ok(Place::Shared { lease, on_failure })
    }
}

/// Time to do something about it, and not so early that nobody does.
const USUAL_THRESHOLD: u8 = 80;

/// Longer than people wait between two requests of one task.
const USUAL_IDLE: Duration = Duration::from_secs(10);

fn per(word: &str, path: &Path) -> Result<Per, Problem> {
    Ok(match facet(word, path)? {
        Facet::Key => Per::Key,
        Facet::User => Per::User,
        Facet::Team => Per::Team,
        Facet::Tag(name) => Per::Tag(name),
        Facet::Model => {
            return Err(Problem::value(path.clone(), "models do not pay")
                .hint("write a budget with `only: {model: NAME}` for each"));
        }
    })
}

fn facet(word: &str, path: &Path) -> Result<Facet, Problem> {
    Ok(match word {
        "key" => Facet::Key,
        "user" => Facet::User,
        "team" => Facet::Team,
        "model" => Facet::Model,
        _ => match word.strip_prefix("tag:") {
            Some(name) if !name.is_empty() => Facet::Tag(name.into()),
            _ => return Err(unknown(word, &["key", "user", "team", "tag:NAME", "model"], path.clone())),
        },
    })
}

fn unknown(word: &str, known: &[&str], path: Path) -> Problem {
    let hint = did_you_mean(word, known.iter().copied());
    Problem::plain(path, format!("not one of the words known here: {word}"))
        .hint(hint.unwrap_or_else(|| format!("say one of: {}", known.join(", "))))
}

/// What the budget itself finds wrong, at the field it names.
fn wrong(path: &Path, error: &BudgetError) -> Problem {
    let text = match error {
        BudgetError::Field { what, .. } => (*what).to_owned(),
        other => other.to_string(),
    };
    match text.split_once(": ") {
        Some(("lease", what)) => Problem::plain(path.key("shared").key("lease"), what),
        Some(("amount", what)) => Problem::plain(path.key("dollars"), what),
        Some(("period", what)) => Problem::plain(path.key("every"), what),
        Some((field, what)) if !field.contains(' ') => Problem::plain(path.key(field), what),
        _ => Problem::plain(path.clone(), text),
    }
}
