//! What reports must say, made of the records themselves, in the plainest way.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use tollway_core::{Charge, Money};
use tollway_usage::{
    AttemptRecord, Day, Dimension, Facts, HourFacts, ModelFacts, PrefixFacts, PromptFacts, Record, Sums,
    UsageQuery,
};

pub(crate) type Rows = BTreeMap<Vec<Option<String>>, Sums>;

/// The rows of a report, in whatever order.
pub(crate) fn report(records: &[Record], query: &UsageQuery) -> Rows {
    let mut rows = Rows::new();
    // There is always a row of everything, if only to say that it is nothing.
    if query.by.is_empty() {
        rows.insert(Vec::new(), Sums::default());
    }
    for record in records {
        let day = Day::of(record.time);
        if day < query.from || day > query.to {
            continue;
        }
        let errors = (!["complete", "cancelled"].contains(&record.outcome))
            || record.status.is_some_and(|status| status >= 400);
        let request = Sums {
            requests: 1,
            errors: errors.into(),
            cached: record.cache.starts_with("hit").into(),
            saved: record.saved,
            ..Sums::default()
        };
        add(&mut rows, record, record.attempts.last(), query, request);
        for attempt in &record.attempts {
            let sums = Sums {
                attempts: 1,
                cost: attempt.charge.amount().unwrap_or_default(),
                unpriced: matches!(attempt.charge, Charge::Unpriced(_)).into(),
                estimated: attempt.charge.is_estimated().into(),
                usage: attempt.usage,
                ..Sums::default()
            };
            add(&mut rows, record, Some(attempt), query, sums);
        }
    }
    rows
}

fn add(rows: &mut Rows, record: &Record, attempt: Option<&AttemptRecord>, query: &UsageQuery, sums: Sums) {
    let of = |dimension: &Dimension| value(record, attempt, dimension);
    let has_tags = query
        .by
        .iter()
        .chain(query.filters.iter().map(|filter| &filter.dimension))
        .all(|dimension| !matches!(dimension, Dimension::Tag(name) if !record.tags.contains_key(name)));
    let passes = query.filters.iter().all(|filter| {
        let value = of(&filter.dimension).unwrap_or_default();
        filter.values.iter().any(|wanted| **wanted == *value)
    });
    if has_tags && passes {
        *rows.entry(query.by.iter().map(of).collect()).or_default() += sums;
    }
}

fn value(record: &Record, attempt: Option<&AttemptRecord>, dimension: &Dimension) -> Option<String> {
    let day = Day::of(record.time);
    let (year, month, _) = day.date();
    let name = match dimension {
        Dimension::Day => return Some(day.to_string()),
        Dimension::Month => return Some(format!("{year:04}-{month:02}")),
        // 2026-02-23 was a Monday.
        Dimension::Week => {
            let monday = Day::from_date(2026, 2, 23).unwrap().number();
            return Some(day.plus(-((day.number() - monday) % 7).cast_signed()).to_string());
        }
        Dimension::Key => record.key.as_deref(),
        Dimension::User => record.user.as_deref(),
        Dimension::Team => record.team.as_deref(),
        Dimension::Tag(name) => record.tags.get(name).map(|value| &**value),
        Dimension::Provider => attempt.map(|attempt| &*attempt.upstream.provider),
        Dimension::Model => record.model.as_deref(),
        Dimension::ModelServed => {
            attempt.map(|attempt| attempt.told.model.as_deref().unwrap_or(&attempt.upstream.model))
        }
        Dimension::Route => Some(&*record.route),
        Dimension::Dialect => Some(record.dialect),
        other => panic!("unknown dimension: {other}"),
    };
    name.map(str::to_owned)
}

/// What each subject of a kind spent since the hour of a moment.
pub(crate) fn spent(records: &[Record], kind: &str, since: SystemTime) -> BTreeMap<String, Money> {
    let hour = |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() / 3_600;
    let mut spent = BTreeMap::new();
    for record in records.iter().filter(|record| hour(record.time) >= hour(since)) {
        let subject = match kind {
            "global" => Some(""),
            "key" => record.key.as_deref(),
            "user" => record.user.as_deref(),
            "team" => record.team.as_deref(),
            _ => record.tags.get(kind.strip_prefix("tag:").unwrap()).map(|value| &**value),
        };
        let cost: Money = record.attempts.iter().filter_map(|attempt| attempt.charge.amount()).sum();
        if let Some(subject) = subject.filter(|_| cost != Money::ZERO) {
            let sum = spent.entry(subject.to_owned()).or_insert(Money::ZERO);
            *sum = sum.saturating_add(cost);
        }
    }
    spent
}

/// Columns of an export, and what stands in them.
pub(crate) const EXPORTED: [&str; 9] = [
    "BilledCost",
    "ServiceProviderName",
    "SkuId",
    "ConsumedQuantity",
    "Tags",
    "x_UserId",
    "x_CostEstimated",
    "x_UnpricedReason",
    "x_CacheWrite1hTokens",
];

pub(crate) fn exported(record: &Record, attempt: &AttemptRecord) -> [String; EXPORTED.len()] {
    let tags = &*record.tags;
    let tags = if tags.is_empty() { String::new() } else { serde_json::to_string(tags).unwrap() };
    [
        attempt.charge.amount().map(|amount| amount.to_string()).unwrap_or_default(),
        attempt.upstream.provider.to_string(),
        served(attempt),
        attempt.usage.total().to_string(),
        tags,
        record.user.as_deref().unwrap_or_default().to_owned(),
        attempt.charge.is_estimated().to_string(),
        if let Charge::Unpriced(why) = attempt.charge { why.to_owned() } else { String::new() },
        attempt.usage.cache_write_1h.to_string(),
    ]
}

fn served(attempt: &AttemptRecord) -> String {
    attempt.told.model.as_deref().unwrap_or(&attempt.upstream.model).to_owned()
}

pub(crate) fn facts(records: &[Record], from: SystemTime, to: SystemTime) -> Facts {
    type Model = (String, String);
    let mut models = BTreeMap::<(Model, Option<String>, bool, u64), ModelFacts>::new();
    let mut hours = BTreeMap::<(Model, u32), HourFacts>::new();
    let mut prompts = BTreeMap::<(Model, u64), Vec<Money>>::new();
    let mut prefixes = BTreeMap::<(Model, u64, u64), Vec<(u64, tollway_core::Usage, Money)>>::new();
    let asked = || records.iter().filter(|record| (from..to).contains(&record.time));
    // To the millisecond, as it is kept.
    let kept = |time: SystemTime| {
        let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap();
        SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(since.as_millis()).unwrap())
    };
    let since = asked().map(|record| kept(record.time)).min();
    for record in asked() {
        let seconds = record.time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        for attempt in record.attempts.iter().filter(|attempt| attempt.outcome == "complete") {
            let key = (attempt.upstream.provider.to_string(), served(attempt));
            let cost = attempt.charge.amount().unwrap_or_default();
            let tier = attempt.told.tier.as_deref().map(str::to_owned);
            let band = attempt.usage.input / 16_384;
            let facts = models.entry((key.clone(), tier.clone(), record.stream, band)).or_default();
            (facts.provider, facts.model) = key.clone();
            (facts.tier, facts.stream) = (tier, record.stream);
            facts.longest_input = facts.longest_input.max(attempt.usage.input);
            facts.attempts += 1;
            facts.usage +=
                tollway_core::Usage { accepted_prediction: 0, rejected_prediction: 0, ..attempt.usage };
            facts.cost = facts.cost.saturating_add(cost);
            if let Some(max) = record.max_output {
                facts.capped += 1;
                facts.asked_output += max;
                facts.capped_output += attempt.usage.output;
                facts.longest_output = facts.longest_output.max(attempt.usage.output);
            }
            let hour = (seconds / 3_600).try_into().unwrap();
            let facts = hours.entry((key.clone(), hour)).or_default();
            (facts.provider, facts.model) = key.clone();
            facts.hour = hour;
            facts.attempts += 1;
            facts.streams += u64::from(record.stream);
            facts.cost = facts.cost.saturating_add(cost);
            if let Some(print) = record.fingerprint {
                prompts.entry((key.clone(), print.prompt)).or_default().push(cost);
                if print.prefix_tokens > 0 {
                    let prefix = prefixes.entry((key.clone(), print.prefix, seconds / 300)).or_default();
                    prefix.push((print.prefix_tokens.into(), attempt.usage, cost));
                }
            }
        }
    }
    let mut repeated = BTreeMap::<Model, PromptFacts>::new();
    for ((model, _), costs) in prompts.into_iter().filter(|(_, costs)| costs.len() > 1) {
        let facts = repeated.entry(model.clone()).or_default();
        (facts.provider, facts.model) = model;
        let cost: i64 = costs.iter().map(|cost| cost.nanos()).sum();
        facts.prompts += 1;
        facts.attempts += costs.len() as u64;
        facts.cost = facts.cost.saturating_add(Money::from_nanos(cost));
        let mean = cost / i64::try_from(costs.len()).unwrap();
        facts.repeated_cost = facts.repeated_cost.saturating_add(Money::from_nanos(cost - mean));
    }
    let mut sent = BTreeMap::<Model, PrefixFacts>::new();
    for ((model, ..), seen) in prefixes.into_iter().filter(|(_, seen)| seen.len() > 1) {
        let facts = sent.entry(model.clone()).or_default();
        (facts.provider, facts.model) = model;
        facts.prefixes += 1;
        facts.attempts += seen.len() as u64;
        let tokens = seen.iter().map(|(tokens, ..)| tokens).max().unwrap();
        facts.repeated_tokens += tokens * (seen.len() as u64 - 1);
        for (_, usage, cost) in &seen {
            facts.cached_input += usage.cached_input;
            facts.input += usage.input;
            facts.cost = facts.cost.saturating_add(*cost);
        }
    }
    Facts {
        since,
        models: models.into_values().collect(),
        hours: hours.into_values().collect(),
        prompts: repeated.into_values().collect(),
        prefixes: sent.into_values().collect(),
    }
}

pub(crate) fn last_use(records: &[Record], since: Day) -> Vec<(String, Day)> {
    let mut last = BTreeMap::new();
    for record in records.iter().filter(|record| Day::of(record.time) >= since) {
        if let Some(key) = &record.key {
            let day = last.entry(key.to_string()).or_insert(since);
            *day = Day::of(record.time).max(*day);
        }
    }
    last.into_iter().collect()
}
