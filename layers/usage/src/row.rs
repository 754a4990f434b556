//! Records as they are kept: flat, with numbers that every database can hold.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tollway_core::{Charge, Money, Usage};

use crate::time::{micros, millis};
use crate::words::Words;
use crate::{AttemptRecord, Record, UserHash};

/// A request and its attempts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RequestRow {
    pub(crate) time: i64,
    pub(crate) request_id: Arc<str>,
    pub(crate) key: Option<Arc<str>>,
    pub(crate) user: Option<Arc<str>>,
    pub(crate) team: Option<Arc<str>>,
    pub(crate) tags: Arc<BTreeMap<Arc<str>, Arc<str>>>,
    pub(crate) route: Arc<str>,
    pub(crate) dialect: Arc<str>,
    pub(crate) operation: Option<Arc<str>>,
    pub(crate) model: Option<Arc<str>>,
    pub(crate) stream: bool,
    pub(crate) status: Option<i64>,
    pub(crate) outcome: Arc<str>,
    pub(crate) cache: Arc<str>,
    pub(crate) saved: i64,
    pub(crate) latency: i64,
    pub(crate) first_token: Option<i64>,
    pub(crate) max_output: Option<i64>,
    /// Hashes are kept with their bits as they are, in the numbers that databases have.
    pub(crate) prompt: Option<i64>,
    pub(crate) prefix: Option<i64>,
    pub(crate) prefix_tokens: Option<i64>,
    pub(crate) attempts: Vec<AttemptRow>,
}

/// An attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct AttemptRow {
    pub(crate) time: i64,
    pub(crate) provider: Arc<str>,
    pub(crate) dialect: Arc<str>,
    /// The model that the provider was asked for.
    pub(crate) model: Arc<str>,
    /// The model that served, as the provider tells.
    pub(crate) served: Option<Arc<str>>,
    pub(crate) tier: Option<Arc<str>>,
    pub(crate) region: Option<Arc<str>>,
    pub(crate) speed: Option<Arc<str>>,
    pub(crate) finish: Option<Arc<str>>,
    pub(crate) status: Option<i64>,
    pub(crate) outcome: Arc<str>,
    /// In nano-dollars; none where there is no price.
    pub(crate) cost: Option<i64>,
    pub(crate) estimated: bool,
    /// Why there is no price.
    pub(crate) unpriced: Option<Arc<str>>,
    pub(crate) latency: i64,
    pub(crate) first_token: Option<i64>,
    /// In the order of [`TOKENS`].
    pub(crate) usage: [i64; TOKENS.len()],
}

impl RequestRow {
    pub(crate) fn new(record: &Record, users: Option<&UserHash>, words: &mut Words) -> Self {
        let user = record.user.as_ref().map(|user| users.map_or_else(|| clip(user), |hash| hash.hash(user)));
        let (prompt, prefix, prefix_tokens) = record.fingerprint.map_or((None, None, None), |print| {
            (
                Some(print.prompt.cast_signed()),
                Some(print.prefix.cast_signed()),
                Some(print.prefix_tokens.into()),
            )
        });
        Self {
            time: millis(record.time),
            request_id: clip(&record.request_id),
            key: record.key.as_ref().map(clip),
            user,
            team: record.team.as_ref().map(clip),
            tags: clip_all(&record.tags),
            route: clip(&record.route),
            dialect: words.of(record.dialect),
            operation: record.operation.map(|operation| words.of(operation)),
            model: record.model.as_ref().map(clip),
            stream: record.stream,
            status: record.status.map(i64::from),
            outcome: words.of(record.outcome),
            cache: words.of(record.cache),
            saved: amount(record.saved),
            latency: micros(record.latency),
            first_token: record.first_token.map(micros),
            max_output: record.max_output.map(count),
            prompt,
            prefix,
            prefix_tokens,
            attempts: record.attempts.iter().map(|attempt| AttemptRow::new(attempt, words)).collect(),
        }
    }

    /// Whether the client got no answer that it could use.
    pub(crate) fn is_error(&self) -> bool {
        !matches!(&*self.outcome, "complete" | "cancelled") || self.status.is_some_and(|status| status >= 400)
    }

    /// Whether the answer came out of the cache.
    pub(crate) fn is_cached(&self) -> bool {
        self.cache.starts_with("hit")
    }
}

impl AttemptRow {
    fn new(record: &AttemptRecord, words: &mut Words) -> Self {
        let unpriced = if let Charge::Unpriced(why) = record.charge { Some(words.of(why)) } else { None };
        let (dialect, outcome) = (words.of(record.upstream.dialect.as_str()), words.of(record.outcome));
        let mut told = |word: &Option<Box<str>>| word.as_deref().map(|word| clip(&words.of(word)));
        Self {
            time: millis(record.time),
            provider: clip(&record.upstream.provider),
            dialect,
            model: clip(&record.upstream.model),
            served: told(&record.told.model),
            tier: told(&record.told.tier),
            region: told(&record.told.region),
            speed: told(&record.told.speed),
            finish: told(&record.told.finish),
            status: record.status.map(i64::from),
            outcome,
            cost: record.charge.amount().map(amount),
            estimated: record.charge.is_estimated(),
            unpriced,
            latency: micros(record.latency),
            first_token: record.first_token.map(micros),
            usage: tokens(&record.usage),
        }
    }

    /// The model that served, as far as that was told.
    pub(crate) fn served(&self) -> &Arc<str> {
        self.served.as_ref().unwrap_or(&self.model)
    }
}

/// The classes of tokens, by the names of their columns.
pub(crate) const TOKENS: [&str; 14] = [
    "input",
    "cached_input",
    "cache_write_5m",
    "cache_write_1h",
    "output",
    "reasoning",
    "input_audio",
    "cached_input_audio",
    "input_audio_ms",
    "output_audio",
    "input_image",
    "accepted_prediction",
    "rejected_prediction",
    "web_searches",
];

/// Usage in the order of [`TOKENS`].
fn tokens(usage: &Usage) -> [i64; TOKENS.len()] {
    [
        usage.input,
        usage.cached_input,
        usage.cache_write_5m,
        usage.cache_write_1h,
        usage.output,
        usage.reasoning,
        usage.input_audio,
        usage.cached_input_audio,
        usage.input_audio_ms,
        usage.output_audio,
        usage.input_image,
        usage.accepted_prediction,
        usage.rejected_prediction,
        usage.web_searches,
    ]
    .map(count)
}

/// Usage of what stands in the order of [`TOKENS`].
pub(crate) fn usage(tokens: [i64; TOKENS.len()]) -> Usage {
    let [
        input,
        cached_input,
        cache_write_5m,
        cache_write_1h,
        output,
        reasoning,
        input_audio,
        cached_input_audio,
        input_audio_ms,
        output_audio,
        input_image,
        accepted_prediction,
        rejected_prediction,
        web_searches,
    ] = tokens.map(|count| u64::try_from(count).unwrap_or_default());
    Usage {
        input,
        cached_input,
        cache_write_5m,
        cache_write_1h,
        output,
        reasoning,
        input_audio,
        cached_input_audio,
        input_audio_ms,
        output_audio,
        input_image,
        accepted_prediction,
        rejected_prediction,
        web_searches,
    }
}

/// A number of something that can be added up many times. A provider that counts more than that is wrong.
fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(MOST).min(MOST)
}

/// An amount that can be added up many times.
fn amount(money: Money) -> i64 {
    money.nanos().clamp(-MOST, MOST)
}

/// The most of anything in one attempt: 2⁵⁰, which is a million dollars, or as many tokens as nobody has.
const MOST: i64 = 1 << 50;

/// A name that is not too long to be kept, and that PostgreSQL keeps: without zero bytes.
fn clip(name: &Arc<str>) -> Arc<str> {
    if name.len() <= LONGEST && !name.contains('\0') {
        return name.clone();
    }
    let end = (0..=LONGEST.min(name.len())).rev().find(|end| name.is_char_boundary(*end)).unwrap_or_default();
    name.get(..end).unwrap_or_default().replace('\0', "").into()
}

fn clip_all(tags: &Arc<BTreeMap<Arc<str>, Arc<str>>>) -> Arc<BTreeMap<Arc<str>, Arc<str>>> {
    let is_fit = |name: &Arc<str>| name.len() <= LONGEST && !name.contains('\0');
    if tags.iter().all(|(name, value)| is_fit(name) && is_fit(value)) {
        return tags.clone();
    }
    Arc::new(tags.iter().map(|(name, value)| (clip(name), clip(value))).collect())
}

/// The longest name that is kept whole, in bytes.
const LONGEST: usize = 256;
