use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tollway_core::{Charge, Money, Told, Upstream, Usage};

/// One request, once nobody works on it any more: who asked, what came of it, and each attempt.
///
/// Sums over its attempts (usage, cost) are not kept here: they are made of the attempts.
#[derive(Clone, Debug)]
pub struct Record {
    /// When its head had been read.
    pub time: SystemTime,
    /// Its name, as in logs and headers.
    pub request_id: Arc<str>,
    /// The public id of the caller's key.
    pub key: Option<Arc<str>>,
    /// The person or the application.
    pub user: Option<Arc<str>>,
    /// The team.
    pub team: Option<Arc<str>>,
    /// The caller's words for reports, by name.
    pub tags: Arc<BTreeMap<Arc<str>, Arc<str>>>,
    /// The path that was asked, without a query.
    pub route: Arc<str>,
    /// The format the client speaks: `openai`, `anthropic`, `gemini`, …
    pub dialect: &'static str,
    /// What was asked for: `chat`, `embeddings`, …; none where the body was never read.
    pub operation: Option<&'static str>,
    /// The model as the client named it.
    pub model: Option<Arc<str>>,
    /// Whether the client asked for a stream.
    pub stream: bool,
    /// The status the client got; none where it left before.
    pub status: Option<u16>,
    /// How it ended for the client: `complete`, `refused`, `broken`, `timed_out`, `cancelled`.
    pub outcome: &'static str,
    /// What the cache did: `off`, `miss`, `hit-exact`, …
    pub cache: &'static str,
    /// What a cached answer saved.
    pub saved: Money,
    /// From the request's head to the end of the answer.
    pub latency: Duration,
    /// From the request's head to the first byte of the answer that counts.
    pub first_token: Option<Duration>,
    /// The most tokens of output that the client asked for.
    pub max_output: Option<u64>,
    /// What prompts are told apart by.
    pub fingerprint: Option<Fingerprint>,
    /// Every try at a provider, in order.
    pub attempts: Vec<AttemptRecord>,
}

/// Keyed hashes of a prompt: equal where the texts are, and of no use to anybody without the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// Of the whole request.
    pub prompt: u64,
    /// Of what stands before the last message: system prompt, tools, history's beginning.
    pub prefix: u64,
    /// About how many tokens the prefix has.
    pub prefix_tokens: u32,
}

/// One try at one provider.
#[derive(Clone, Debug)]
pub struct AttemptRecord {
    /// When it began.
    pub time: SystemTime,
    /// Which provider, and which model it was asked for.
    pub upstream: Arc<Upstream>,
    /// What the answer told of how it was served.
    pub told: Arc<Told>,
    /// The provider's status, once its head had come.
    pub status: Option<u16>,
    /// How it ended: `complete`, `refused`, `broken`, `timed_out`, `cancelled`.
    pub outcome: &'static str,
    /// What the provider counted, or what was counted in its place.
    pub usage: Usage,
    /// What it came to.
    pub charge: Charge,
    /// From its beginning to its end.
    pub latency: Duration,
    /// From its beginning to the first byte of the answer that counts.
    pub first_token: Option<Duration>,
}
