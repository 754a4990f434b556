use std::time::{Duration, SystemTime};

use http::header::{DATE, RETRY_AFTER};
use http::{HeaderMap, HeaderName};
use smallvec::SmallVec;

use crate::Measure;

/// What a provider says of its limits in the headers of an answer.
///
/// - `x-ratelimit-{limit,remaining,reset}-{requests,tokens}`, as OpenAI, Groq and Azure have them: resets as
///   Go writes durations, `6m0s`, in seconds, or as a time since 1970. Azure leaves most of them out.
///   <https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers>,
///   <https://console.groq.com/docs/rate-limits#rate-limit-headers>
/// - `anthropic-ratelimit-{requests,tokens,input-tokens,output-tokens}-{limit,remaining,reset}`, resets as
///   times of RFC 3339. <https://docs.claude.com/en/api/rate-limits#response-headers>
/// - `retry-after` in seconds or as a date (RFC 9110 §10.2.3), `retry-after-ms`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    readings: SmallVec<[Reading; 4]>,
    retry_after: Option<Duration>,
}

/// How one of a provider's limits stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// What it counts.
    pub measure: Measure,
    /// How much in all.
    pub limit: Option<u64>,
    /// How much was left.
    pub remaining: u64,
    /// In what time all of it is there again.
    pub reset: Option<Duration>,
}

impl Told {
    /// Only after what time to come again.
    pub fn retry(retry_after: Option<Duration>) -> Self {
        Self { readings: SmallVec::new(), retry_after }
    }

    /// Reads the headers of an answer. `now` serves where a provider tells times and not what time it is.
    pub fn read(headers: &HeaderMap, now: SystemTime) -> Self {
        let mut told = Self::retry(retry_after(headers, now));
        for (measure, [limit, remaining, reset]) in &LIMITS {
            let Some(remaining) = number(headers, remaining) else { continue };
            let reset = text(headers, reset).and_then(|text| reset_in(text, headers, now));
            let limit = number(headers, limit);
            told.readings.push(Reading { measure: *measure, limit, remaining, reset });
        }
        told
    }

    /// How the limits stood.
    pub fn readings(&self) -> &[Reading] {
        &self.readings
    }

    /// After what time to come again.
    pub const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Whether nothing is told.
    pub fn is_nothing(&self) -> bool {
        self.readings.is_empty() && self.retry_after.is_none()
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// A number that is not negative; some write it with a fraction.
fn number(headers: &HeaderMap, name: &HeaderName) -> Option<u64> {
    let text = text(headers, name)?;
    let whole = text.split_once('.').map_or(text, |(whole, _)| whole);
    // Who is over the limit has nothing left.
    if whole.starts_with('-') { Some(0) } else { whole.parse().ok() }
}

fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    if let Some(millis) = text(headers, &RETRY_AFTER_MS).and_then(|text| text.parse::<f64>().ok()) {
        return Duration::try_from_secs_f64(millis / 1_000.0).ok();
    }
    let text = text(headers, &RETRY_AFTER)?;
    match text.parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).ok(),
        Err(_) => Some(until(httpdate::parse_http_date(text).ok()?, headers, now)),
    }
}

fn reset_in(text: &str, headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    if let Ok(number) = text.parse::<f64>() {
        return match number {
            // No duration is that long; times in milliseconds and in seconds since 1970 are.
            1e12.. => since_1970(number / 1_000.0, headers, now),
            1e9.. => since_1970(number, headers, now),
            _ => Duration::try_from_secs_f64(number).ok(),
        };
    }
    if text.contains('T') {
        let then = humantime::parse_rfc3339_weak(text.trim_end_matches("+00:00")).ok()?;
        return Some(until(then, headers, now));
    }
    go_duration(text)
}

fn since_1970(seconds: f64, headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let since = Duration::try_from_secs_f64(seconds).ok()?;
    Some(until(SystemTime::UNIX_EPOCH.checked_add(since)?, headers, now))
}

/// How long until then, by the clock of who said it where that is known: ours may be wrong.
fn until(then: SystemTime, headers: &HeaderMap, now: SystemTime) -> Duration {
    let their = text(headers, &DATE).and_then(|text| httpdate::parse_http_date(text).ok());
    then.duration_since(their.unwrap_or(now)).unwrap_or_default()
}

/// A duration as Go writes it: `6m0s`, `1.5s`, `20ms`.
fn go_duration(text: &str) -> Option<Duration> {
    let mut sum = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at_checked(end)?;
        let end = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at_checked(end)?;
        let seconds = match unit {
            "d" => 86_400.0,
            "h" => 3_600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        let more = Duration::try_from_secs_f64(number.parse::<f64>().ok()? * seconds).ok()?;
        sum = sum.checked_add(more)?;
        rest = after;
    }
    (!text.is_empty()).then_some(sum)
}

static RETRY_AFTER_MS: HeaderName = HeaderName::from_static("retry-after-ms");

/// Limit, remaining and reset by measure. What Anthropic calls tokens is the tightest of its limits of
/// tokens, of whatever kind: it is taken for that of all.
static LIMITS: [(Measure, [HeaderName; 3]); 6] = [
    (
        Measure::Requests,
        [
            HeaderName::from_static("x-ratelimit-limit-requests"),
            HeaderName::from_static("x-ratelimit-remaining-requests"),
            HeaderName::from_static("x-ratelimit-reset-requests"),
        ],
    ),
    (
        Measure::TotalTokens,
        [
            HeaderName::from_static("x-ratelimit-limit-tokens"),
            HeaderName::from_static("x-ratelimit-remaining-tokens"),
            HeaderName::from_static("x-ratelimit-reset-tokens"),
        ],
    ),
    (
        Measure::Requests,
        [
            HeaderName::from_static("anthropic-ratelimit-requests-limit"),
            HeaderName::from_static("anthropic-ratelimit-requests-remaining"),
            HeaderName::from_static("anthropic-ratelimit-requests-reset"),
        ],
    ),
    (
        Measure::TotalTokens,
        [
            HeaderName::from_static("anthropic-ratelimit-tokens-limit"),
            HeaderName::from_static("anthropic-ratelimit-tokens-remaining"),
            HeaderName::from_static("anthropic-ratelimit-tokens-reset"),
        ],
    ),
    (
        Measure::InputTokens,
        [
            HeaderName::from_static("anthropic-ratelimit-input-tokens-limit"),
            HeaderName::from_static("anthropic-ratelimit-input-tokens-remaining"),
            HeaderName::from_static("anthropic-ratelimit-input-tokens-reset"),
        ],
    ),
    (
        Measure::OutputTokens,
        [
            HeaderName::from_static("anthropic-ratelimit-output-tokens-limit"),
            HeaderName::from_static("anthropic-ratelimit-output-tokens-remaining"),
            HeaderName::from_static("anthropic-ratelimit-output-tokens-reset"),
        ],
    ),
];

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn read(headers: &[(&'static str, &str)]) -> Told {
        let pairs = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()));
        Told::read(&pairs.collect(), at("2025-06-01T12:00:00Z"))
    }

    fn at(text: &str) -> SystemTime {
        humantime::parse_rfc3339(text).unwrap()
    }

    #[test]
    fn openai_groq_and_azure_are_understood() {
        let told = read(&[
            ("x-ratelimit-limit-requests", "60"),
            ("x-ratelimit-remaining-requests", "59"),
            ("x-ratelimit-reset-requests", "1s"),
            ("x-ratelimit-limit-tokens", "150000"),
            ("x-ratelimit-remaining-tokens", "149984"),
            ("x-ratelimit-reset-tokens", "6m0s"),
        ]);
        let requests = Reading {
            measure: Measure::Requests,
            limit: Some(60),
            remaining: 59,
            reset: Some(Duration::from_secs(1)),
        };
        let tokens = Reading {
            measure: Measure::TotalTokens,
            limit: Some(150_000),
            remaining: 149_984,
            reset: Some(Duration::from_mins(6)),
        };
        assert_eq!(told.readings(), [requests, tokens]);
        assert_eq!(told.retry_after(), None);

        let told = read(&[("x-ratelimit-remaining-requests", "-1"), ("retry-after", "2")]);
        let azure = Reading { measure: Measure::Requests, limit: None, remaining: 0, reset: None };
        assert_eq!(told.readings(), [azure]);
        assert_eq!(told.retry_after(), Some(Duration::from_secs(2)));
    }

    #[test]
    fn anthropics_times_are_by_its_own_clock() {
        let limits = [
            ("anthropic-ratelimit-input-tokens-limit", "2000000"),
            ("anthropic-ratelimit-input-tokens-remaining", "1999000"),
            ("anthropic-ratelimit-input-tokens-reset", "2025-06-01T12:00:09Z"),
        ];
        let reset = |told: Told| told.readings()[0].reset.unwrap().as_secs();
        assert_eq!(reset(read(&limits)), 9);
        let mut dated = limits.to_vec();
        dated.push(("date", "Sun, 01 Jun 2025 12:00:07 GMT"));
        assert_eq!(reset(read(&dated)), 2);
        assert_eq!(read(&limits).readings()[0].measure, Measure::InputTokens);
    }

    #[test]
    fn durations_and_times_are_told_in_many_ways() {
        for (text, millis) in [
            ("6m0s", Some(360_000)),
            ("20ms", Some(20)),
            ("2m59.56s", Some(179_560)),
            ("1h0m1.5s", Some(3_601_500)),
            ("12.5", Some(12_500)),
            ("0", Some(0)),
            ("1748779203", Some(3_000)),
            ("1748779203500", Some(3_500)),
            ("2025-06-01T12:00:04Z", Some(4_000)),
            ("2025-06-01T12:00:04+00:00", Some(4_000)),
            ("2025-06-01T11:00:00Z", Some(0)),
            ("", None),
            ("-3", None),
            ("soon", None),
            ("5", Some(5_000)),
            ("5x", None),
            ("nan", None),
            ("1e300s", None),
        ] {
            let reset = reset_in(text, &HeaderMap::new(), at("2025-06-01T12:00:00Z"));
            assert_eq!(reset.map(|reset| reset.as_millis()), millis, "{text}");
        }
    }

    #[test]
    fn retry_after_is_told_in_many_ways() {
        for (name, value, millis) in [
            ("retry-after", "7", Some(7_000)),
            ("retry-after", "0.5", Some(500)),
            ("retry-after", "Sun, 01 Jun 2025 12:00:30 GMT", Some(30_000)),
            ("retry-after", "Sun, 01 Jun 2025 11:00:30 GMT", Some(0)),
            ("retry-after-ms", "250", Some(250)),
            ("retry-after", "later", None),
            ("retry-after", "-1", None),
            ("retry-after", "inf", None),
        ] {
            let wait = read(&[(name, value)]).retry_after();
            assert_eq!(wait.map(|wait| wait.as_millis()), millis, "{value}");
        }
    }

    proptest! {
        #[test]
        fn nothing_that_is_told_does_harm(value in "[ -~]{0,24}", name in 0..18_usize) {
            let mut headers = HeaderMap::new();
            let value = HeaderValue::from_str(&value).unwrap();
            let (_, names) = &LIMITS[name / 3];
            for name in names {
                headers.insert(name, HeaderValue::from_static("1"));
            }
            headers.insert(&names[name % 3], value.clone());
            headers.insert(RETRY_AFTER, value);
            Told::read(&headers, at("2025-06-01T12:00:00Z"));
        }
    }
}
