use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tollway_core::Usage;

/// Anthropic's `usage`, as one event or one answer tells it. A missing or `null` field is `None`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireUsage {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
    cache_creation: Option<CacheCreation>,
    output_tokens_details: Option<OutputDetails>,
    server_tool_use: Option<ServerToolUse>,
    iterations: Option<Vec<Iteration>>,
    service_tier: Option<String>,
    inference_geo: Option<String>,
    speed: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
struct CacheCreation {
    ephemeral_5m_input_tokens: u64,
    ephemeral_1h_input_tokens: u64,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct OutputDetails {
    thinking_tokens: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct ServerToolUse {
    web_search_requests: Option<u64>,
    web_fetch_requests: Option<u64>,
}

/// One sampling pass of an answer: a message, a compaction, or a call of an advisor model.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct Iteration {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
    cache_creation: Option<CacheCreation>,
}

/// Counts of tokens, cache reads and writes apart, as Anthropic counts them.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    fresh: u64,
    read: u64,
    write_5m: u64,
    write_1h: u64,
    output: u64,
}

impl WireUsage {
    /// Lays a later `usage` of the same stream over this one, field by field.
    ///
    /// The counts are cumulative: a later one replaces the earlier and is never added to it, and a
    /// field that is missing keeps what was known. A zero never takes back input that was already
    /// counted: compatible servers send `"input_tokens":0` in the delta after the true count.
    pub(super) fn merge(&mut self, later: Self) {
        replace_input(&mut self.input_tokens, later.input_tokens);
        replace_input(&mut self.cache_read_input_tokens, later.cache_read_input_tokens);
        replace_input(&mut self.cache_creation_input_tokens, later.cache_creation_input_tokens);
        if later.cache_creation.is_some_and(|split| split != CacheCreation::default()) {
            self.cache_creation = later.cache_creation;
        }
        self.output_tokens = later.output_tokens.or(self.output_tokens);
        self.output_tokens_details = later.output_tokens_details.or(self.output_tokens_details);
        self.server_tool_use = later.server_tool_use.or(self.server_tool_use);
        self.iterations = later.iterations.or(self.iterations.take());
        self.service_tier = later.service_tier.or(self.service_tier.take());
        self.inference_geo = later.inference_geo.or(self.inference_geo.take());
        self.speed = later.speed.or(self.speed.take());
    }

    /// Whether it counts anything.
    pub(super) const fn counts(&self) -> bool {
        self.input_tokens.is_some() || self.output_tokens.is_some() || self.iterations.is_some()
    }

    /// The canonical count: input includes cache reads and writes.
    ///
    /// `iterations` names every pass that is billed. The top level leaves out compaction and advisor
    /// passes (seen in recordings), so the sum of the passes is taken where it is larger.
    pub(super) fn to_canonical(&self) -> Usage {
        let top = Counts::new(
            self.input_tokens,
            self.cache_read_input_tokens,
            self.cache_creation_input_tokens,
            self.cache_creation,
            self.output_tokens,
        );
        let passes = self.iterations.iter().flatten().fold(Counts::default(), |sum, pass| {
            sum.plus(Counts::new(
                pass.input_tokens,
                pass.cache_read_input_tokens,
                pass.cache_creation_input_tokens,
                pass.cache_creation,
                pass.output_tokens,
            ))
        });
        let all = top.at_least(passes);
        Usage {
            input: all
                .fresh
                .saturating_add(all.read)
                .saturating_add(all.write_5m)
                .saturating_add(all.write_1h),
            cached_input: all.read,
            cache_write_5m: all.write_5m,
            cache_write_1h: all.write_1h,
            output: all.output,
            reasoning: self.output_tokens_details.and_then(|details| details.thinking_tokens).unwrap_or(0),
            web_searches: self.server_tool_use.and_then(|tools| tools.web_search_requests).unwrap_or(0),
            ..Usage::default()
        }
    }

    pub(super) fn region(&self) -> Option<&str> {
        self.inference_geo.as_deref()
    }

    pub(super) fn speed(&self) -> Option<&str> {
        self.speed.as_deref()
    }

    /// The tier in OpenAI's words, which are the canonical ones.
    pub(super) fn canonical_tier(&self) -> Option<String> {
        self.service_tier.as_deref().map(|tier| if tier == "standard" { "default" } else { tier }.to_owned())
    }

    /// What has no canonical place but is needed to price the answer, for
    /// [`Reply::extra`](crate::chat::Reply::extra) under [`USAGE_EXTRA`].
    pub(super) fn extra(&self) -> Option<Value> {
        let mut extra = Map::new();
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                extra.insert(name.to_owned(), value);
            }
        };
        put("inference_geo", self.inference_geo.clone().map(Value::from));
        put("speed", self.speed.clone().map(Value::from));
        let fetches = self.server_tool_use.and_then(|tools| tools.web_fetch_requests);
        put("web_fetch_requests", fetches.filter(|fetches| *fetches > 0).map(Value::from));
        (!extra.is_empty()).then_some(Value::Object(extra))
    }
}

/// The key in `extra` under which usage without a canonical place is kept.
pub(crate) const USAGE_EXTRA: &str = "usage_extra";

fn replace_input(kept: &mut Option<u64>, later: Option<u64>) {
    if later.is_some_and(|count| count > 0) || kept.is_none() {
        *kept = later;
    }
}

impl Counts {
    fn new(
        fresh: Option<u64>,
        read: Option<u64>,
        written: Option<u64>,
        split: Option<CacheCreation>,
        output: Option<u64>,
    ) -> Self {
        let split = split.unwrap_or_default();
        // Without a split, or beyond it, a write is of the five-minute class, the default one.
        let write_5m = written.map_or(split.ephemeral_5m_input_tokens, |written| {
            written.saturating_sub(split.ephemeral_1h_input_tokens).max(split.ephemeral_5m_input_tokens)
        });
        Self {
            fresh: fresh.unwrap_or(0),
            read: read.unwrap_or(0),
            write_5m,
            write_1h: split.ephemeral_1h_input_tokens,
            output: output.unwrap_or(0),
        }
    }

    fn plus(self, other: Self) -> Self {
        self.zip(other, u64::saturating_add)
    }

    fn at_least(self, other: Self) -> Self {
        self.zip(other, u64::max)
    }

    fn zip(self, other: Self, with: impl Fn(u64, u64) -> u64) -> Self {
        Self {
            fresh: with(self.fresh, other.fresh),
            read: with(self.read, other.read),
            write_5m: with(self.write_5m, other.write_5m),
            write_1h: with(self.write_1h, other.write_1h),
            output: with(self.output, other.output),
        }
    }
}

/// `usage` as it is written to a client.
#[derive(Debug, Default, Serialize)]
pub(super) struct UsageOut<'a> {
    input_tokens: u64,
    cache_creation_input_tokens: u64,
    cache_read_input_tokens: u64,
    cache_creation: CacheCreation,
    output_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_tokens_details: Option<OutputDetailsOut>,
    #[serde(skip_serializing_if = "Option::is_none")]
    server_tool_use: Option<ServerToolUseOut>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inference_geo: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    speed: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct OutputDetailsOut {
    thinking_tokens: u64,
}

#[derive(Debug, Serialize)]
struct ServerToolUseOut {
    web_search_requests: u64,
    web_fetch_requests: u64,
}

impl<'a> UsageOut<'a> {
    /// Anthropic's view of a canonical count. `tier` is canonical; `extra` is the answer's.
    pub(super) fn new(usage: &Usage, tier: Option<&'a str>, extra: &'a Map<String, Value>) -> Self {
        let extra = extra.get(USAGE_EXTRA);
        let text = |name: &str| extra.and_then(|extra| extra.get(name)).and_then(Value::as_str);
        let fetches =
            extra.and_then(|extra| extra.get("web_fetch_requests")).and_then(Value::as_u64).unwrap_or(0);
        // OpenRouter counts tokens as read and as written at once; here each is counted in one place, so
        // that all of them are the input.
        let read = usage.cached_input.min(usage.input);
        let unread = usage.input.saturating_sub(read);
        let hour = usage.cache_write_1h.min(unread);
        let minutes = usage.cache_write_5m.min(unread.saturating_sub(hour));
        let written = hour.saturating_add(minutes);
        Self {
            input_tokens: unread.saturating_sub(written),
            cache_creation_input_tokens: written,
            cache_read_input_tokens: read,
            cache_creation: CacheCreation {
                ephemeral_5m_input_tokens: minutes,
                ephemeral_1h_input_tokens: hour,
            },
            output_tokens: usage.output,
            output_tokens_details: (usage.reasoning > 0)
                .then_some(OutputDetailsOut { thinking_tokens: usage.reasoning }),
            server_tool_use: (usage.web_searches > 0 || fetches > 0).then_some(ServerToolUseOut {
                web_search_requests: usage.web_searches,
                web_fetch_requests: fetches,
            }),
            service_tier: tier.and_then(wire_tier),
            inference_geo: text("inference_geo"),
            speed: text("speed"),
        }
    }
}

/// Anthropic's word for the tier that served an answer; a tier it does not know is left out.
fn wire_tier(tier: &str) -> Option<&str> {
    match tier {
        "default" | "standard" => Some("standard"),
        "priority" | "batch" => Some(tier),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(json: &str) -> WireUsage {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn input_includes_cache_reads_and_writes_once() {
        // Other gateways reported input without its cached part, or counted the cached part twice
        // (litellm#9812, #5443; agentgateway `messages.rs`): bills were off by multiples.
        let count = usage(
            r#"{"input_tokens":10,"output_tokens":5,"cache_read_input_tokens":100,
                "cache_creation_input_tokens":30,
                "cache_creation":{"ephemeral_5m_input_tokens":10,"ephemeral_1h_input_tokens":20},
                "output_tokens_details":{"thinking_tokens":3},"server_tool_use":{"web_search_requests":2}}"#,
        )
        .to_canonical();
        assert_eq!((count.input, count.cached_input), (140, 100));
        assert_eq!((count.cache_write_5m, count.cache_write_1h), (10, 20));
        assert_eq!((count.output, count.reasoning, count.web_searches), (5, 3, 2));
    }

    #[test]
    fn writes_without_a_split_live_five_minutes() {
        let count = usage(r#"{"input_tokens":1,"cache_creation_input_tokens":7}"#).to_canonical();
        assert_eq!((count.input, count.cache_write_5m, count.cache_write_1h), (8, 7, 0));
    }

    #[test]
    fn cache_tokens_in_both_events_are_counted_once() {
        // Envoy AI Gateway added the usage of `message_start` and `message_delta` (PR 2241).
        let mut sum = usage(r#"{"input_tokens":4,"cache_read_input_tokens":50,"output_tokens":1}"#);
        sum.merge(usage(r#"{"input_tokens":4,"cache_read_input_tokens":50,"output_tokens":9}"#));
        let count = sum.to_canonical();
        assert_eq!((count.input, count.cached_input, count.output), (54, 50, 9));
    }

    #[test]
    fn cache_tokens_that_come_only_in_the_delta_are_seen() {
        // Some compatible servers do so; rust-genai lost them (PR 258).
        let mut sum = usage(r#"{"input_tokens":4,"output_tokens":1}"#);
        sum.merge(usage(r#"{"output_tokens":9,"cache_read_input_tokens":50}"#));
        assert_eq!(sum.to_canonical().input, 54);
    }

    #[test]
    fn a_missing_null_or_zero_field_of_the_delta_keeps_the_input_counted_before() {
        for delta in
            [r#"{"output_tokens":9}"#, r#"{"input_tokens":null}"#, r#"{"input_tokens":0,"output_tokens":9}"#]
        {
            let mut sum = usage(r#"{"input_tokens":4,"output_tokens":1}"#);
            sum.merge(usage(delta));
            assert_eq!(sum.to_canonical().input, 4, "{delta}");
        }
    }

    #[test]
    fn passes_the_top_level_leaves_out_are_counted() {
        let count = usage(
            r#"{"input_tokens":30,"output_tokens":7,"iterations":[
                {"type":"message","input_tokens":10,"output_tokens":3},
                {"type":"advisor_message","input_tokens":25,"output_tokens":2},
                {"type":"message","input_tokens":20,"output_tokens":4}]}"#,
        )
        .to_canonical();
        assert_eq!((count.input, count.output), (55, 9));
    }

    #[test]
    fn tokens_read_and_written_at_once_are_shown_once() {
        let count = Usage { input: 10, cached_input: 8, cache_write_5m: 7, ..Usage::default() };
        let empty = Map::new();
        let json = serde_json::to_string(&UsageOut::new(&count, None, &empty)).unwrap();
        let back = usage(&json).to_canonical();
        assert_eq!((back.input, back.cached_input, back.cache_write_5m), (10, 8, 2));
    }

    #[test]
    fn a_count_survives_writing_and_reading() {
        let count = Usage {
            input: 140,
            cached_input: 100,
            cache_write_5m: 10,
            cache_write_1h: 20,
            output: 5,
            reasoning: 3,
            web_searches: 2,
            ..Usage::default()
        };
        let empty = Map::new();
        let json = serde_json::to_string(&UsageOut::new(&count, Some("default"), &empty)).unwrap();
        let back = usage(&json);
        assert_eq!(back.to_canonical(), count);
        assert_eq!(back.canonical_tier().as_deref(), Some("default"));
    }
}
