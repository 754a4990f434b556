//! Statements that gather what advice is made of, from the records of some time.

/// Tells what both stores do alike: the macro of a store that has a `pool`.
macro_rules! facts {
    ($store:ident, $row:ty) => {
        impl $store {
            async fn gather(&self, from: SystemTime, to: SystemTime) -> Result<Facts, StoreError> {
                let (from, to) = (millis(from), millis(to));
                let fetch = async |text: &'static str| {
                    sqlx::query(text).bind(from).bind(to).fetch_all(&self.pool).await
                };
                let models: Result<_, StoreError> = fetch(facts::MODELS).await?.iter().map(model).collect();
                let hours: Result<_, StoreError> = fetch(facts::HOURS).await?.iter().map(hour).collect();
                let prompts: Result<_, StoreError> =
                    fetch(facts::PROMPTS).await?.iter().map(prompt).collect();
                let prefixes: Result<_, StoreError> =
                    fetch(facts::PREFIXES).await?.iter().map(prefix).collect();
                let since: Option<i64> =
                    sqlx::query_scalar(facts::SINCE).bind(from).bind(to).fetch_one(&self.pool).await?;
                let since = since.map(crate::time::moment);
                Ok(Facts { since, models: models?, hours: hours?, prompts: prompts?, prefixes: prefixes? })
            }
        }

        fn number(row: &$row, name: &str) -> Result<u64, StoreError> {
            let number: Option<i64> = row.try_get(name)?;
            Ok(u64::try_from(number.unwrap_or_default()).unwrap_or_default())
        }

        fn money(row: &$row, name: &str) -> Result<Money, StoreError> {
            Ok(Money::from_nanos(row.try_get::<Option<i64>, _>(name)?.unwrap_or_default()))
        }

        fn model(row: &$row) -> Result<ModelFacts, StoreError> {
            let usage = Usage {
                input: number(row, "input")?,
                cached_input: number(row, "cached_input")?,
                cache_write_5m: number(row, "cache_write_5m")?,
                cache_write_1h: number(row, "cache_write_1h")?,
                output: number(row, "output")?,
                reasoning: number(row, "reasoning")?,
                input_audio: number(row, "input_audio")?,
                cached_input_audio: number(row, "cached_input_audio")?,
                input_audio_ms: number(row, "input_audio_ms")?,
                output_audio: number(row, "output_audio")?,
                input_image: number(row, "input_image")?,
                web_searches: number(row, "web_searches")?,
                ..Usage::default()
            };
            Ok(ModelFacts {
                provider: row.try_get("provider")?,
                model: row.try_get("model")?,
                tier: Some(row.try_get::<String, _>("tier")?).filter(|tier| !tier.is_empty()),
                stream: number(row, "stream")? != 0,
                longest_input: number(row, "longest_input")?,
                attempts: number(row, "attempts")?,
                usage,
                cost: money(row, "cost")?,
                capped: number(row, "capped")?,
                asked_output: number(row, "asked_output")?,
                capped_output: number(row, "capped_output")?,
                longest_output: number(row, "longest_output")?,
            })
        }

        fn hour(row: &$row) -> Result<HourFacts, StoreError> {
            Ok(HourFacts {
                provider: row.try_get("provider")?,
                model: row.try_get("model")?,
                hour: u32::try_from(number(row, "hour")?).unwrap_or_default(),
                attempts: number(row, "attempts")?,
                streams: number(row, "streams")?,
                cost: money(row, "cost")?,
            })
        }

        fn prompt(row: &$row) -> Result<PromptFacts, StoreError> {
            Ok(PromptFacts {
                provider: row.try_get("provider")?,
                model: row.try_get("model")?,
                prompts: number(row, "groups")?,
                attempts: number(row, "attempts")?,
                cost: money(row, "cost")?,
                repeated_cost: money(row, "repeated_cost")?,
            })
        }

        fn prefix(row: &$row) -> Result<PrefixFacts, StoreError> {
            Ok(PrefixFacts {
                provider: row.try_get("provider")?,
                model: row.try_get("model")?,
                prefixes: number(row, "groups")?,
                attempts: number(row, "attempts")?,
                repeated_tokens: number(row, "repeated_tokens")?,
                cached_input: number(row, "cached_input")?,
                input: number(row, "input")?,
                cost: money(row, "cost")?,
            })
        }
    };
}
pub(super) use facts;

/// What all of them read: the model that served, and what was answered whole.
macro_rules! answered {
    () => {
        "FROM tollway_usage_request r JOIN tollway_usage_attempt a ON a.request = r.id \
         WHERE r.time >= $1 AND r.time < $2 AND a.outcome = 'complete'"
    };
}

macro_rules! served {
    () => {
        "a.provider AS provider, COALESCE(a.served, a.model) AS model"
    };
}

pub(super) const SINCE: &str = "SELECT MIN(time) FROM tollway_usage_request WHERE time >= $1 AND time < $2";

pub(super) const MODELS: &str = concat!(
    "SELECT ",
    served!(),
    ", COALESCE(a.tier, '') AS tier, CAST(r.stream AS BIGINT) AS stream, a.input / 16384 AS band, \
     COUNT(*) AS attempts, MAX(a.input) AS longest_input, CAST(SUM(a.input) AS BIGINT) AS input, CAST(SUM(a.cached_input) AS BIGINT) AS cached_input, \
     CAST(SUM(a.cache_write_5m) AS BIGINT) AS cache_write_5m, \
     CAST(SUM(a.cache_write_1h) AS BIGINT) AS cache_write_1h, \
     CAST(SUM(a.output) AS BIGINT) AS output, CAST(SUM(a.reasoning) AS BIGINT) AS reasoning, \
     CAST(SUM(a.input_audio) AS BIGINT) AS input_audio, \
     CAST(SUM(a.cached_input_audio) AS BIGINT) AS cached_input_audio, \
     CAST(SUM(a.input_audio_ms) AS BIGINT) AS input_audio_ms, \
     CAST(SUM(a.output_audio) AS BIGINT) AS output_audio, \
     CAST(SUM(a.input_image) AS BIGINT) AS input_image, \
     CAST(SUM(a.web_searches) AS BIGINT) AS web_searches, \
     CAST(SUM(a.cost) AS BIGINT) AS cost, COUNT(r.max_output) AS capped, \
     CAST(SUM(r.max_output) AS BIGINT) AS asked_output, \
     CAST(SUM(CASE WHEN r.max_output IS NULL THEN 0 ELSE a.output END) AS BIGINT) AS capped_output, \
     MAX(CASE WHEN r.max_output IS NULL THEN 0 ELSE a.output END) AS longest_output ",
    answered!(),
    " GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5"
);

pub(super) const HOURS: &str = concat!(
    "SELECT ",
    served!(),
    ", r.time / 3600000 AS hour, COUNT(*) AS attempts, CAST(SUM(r.stream) AS BIGINT) AS streams, \
     CAST(SUM(a.cost) AS BIGINT) AS cost ",
    answered!(),
    " GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
);

pub(super) const PROMPTS: &str = concat!(
    "SELECT provider, model, COUNT(*) AS groups, CAST(SUM(attempts) AS BIGINT) AS attempts, \
     CAST(SUM(cost) AS BIGINT) AS cost, CAST(SUM(cost - cost / attempts) AS BIGINT) AS repeated_cost FROM (SELECT ",
    served!(),
    ", COUNT(*) AS attempts, CAST(COALESCE(SUM(a.cost), 0) AS BIGINT) AS cost ",
    answered!(),
    " AND r.prompt IS NOT NULL GROUP BY 1, 2, r.prompt HAVING COUNT(*) > 1) AS prompts \
     GROUP BY provider, model ORDER BY provider, model"
);

pub(super) const PREFIXES: &str = concat!(
    "SELECT provider, model, COUNT(*) AS groups, CAST(SUM(attempts) AS BIGINT) AS attempts, \
     CAST(SUM((attempts - 1) * tokens) AS BIGINT) AS repeated_tokens, \
     CAST(SUM(cached_input) AS BIGINT) AS cached_input, CAST(SUM(input) AS BIGINT) AS input, \
     CAST(SUM(cost) AS BIGINT) AS cost FROM (SELECT ",
    served!(),
    ", COUNT(*) AS attempts, MAX(r.prefix_tokens) AS tokens, \
     CAST(SUM(a.cached_input) AS BIGINT) AS cached_input, CAST(SUM(a.input) AS BIGINT) AS input, \
     CAST(COALESCE(SUM(a.cost), 0) AS BIGINT) AS cost ",
    answered!(),
    // Five minutes: the shortest life of a provider's cache.
    " AND r.prefix_tokens > 0 GROUP BY 1, 2, r.prefix, r.time / 300000 HAVING COUNT(*) > 1) AS prefixes \
     GROUP BY provider, model ORDER BY provider, model"
);
