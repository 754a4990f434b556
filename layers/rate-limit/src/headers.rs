use std::fmt::{self, Write as _};
use std::time::{Duration, SystemTime};

use bytes::BytesMut;
use http::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};

use crate::{Decision, Measure, Quota, Refused};

/// How a client is told how it stands with its limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Headers {
    /// `x-ratelimit-{limit,remaining,reset}-{requests,tokens}`, resets as OpenAI writes durations: `6m0s`.
    /// Where several rules count tokens, the tightest.
    ///
    /// Source: <https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers>.
    #[default]
    OpenAi,
    /// `anthropic-ratelimit-{requests,tokens,input-tokens,output-tokens}-{limit,remaining,reset}`,
    /// resets as times of RFC 3339.
    ///
    /// Source: <https://docs.claude.com/en/api/rate-limits#response-headers>.
    Anthropic,
    /// Not at all.
    None,
}

impl Headers {
    /// Writes how the caller stands, in place of what an upstream said of its own limits.
    pub fn write(self, headers: &mut HeaderMap, decision: &Decision, now: SystemTime) {
        // All values stand in one piece of memory.
        let mut text = BytesMut::new();
        match self {
            Self::OpenAi => {
                text.reserve(ROOM);
                for (names, quota) in [
                    (&OPENAI_REQUESTS, decision.quota(Measure::Requests)),
                    (&OPENAI_TOKENS, decision.tokens()),
                ] {
                    put(headers, names, quota, &mut text, openai_duration);
                }
            }
            Self::Anthropic => {
                text.reserve(ROOM);
                for (names, quota) in [
                    (&ANTHROPIC_REQUESTS, decision.quota(Measure::Requests)),
                    (&ANTHROPIC_TOKENS, decision.tokens()),
                    (&ANTHROPIC_INPUT, decision.quota(Measure::InputTokens)),
                    (&ANTHROPIC_OUTPUT, decision.quota(Measure::OutputTokens)),
                ] {
                    put(headers, names, quota, &mut text, |text, reset| rfc3339(text, now, reset));
                }
            }
            Self::None => {}
        }
    }

    /// Writes what a refused client has to know, but for a `retry-after` that is there already.
    pub fn write_refusal(self, headers: &mut HeaderMap, refused: &Refused, now: SystemTime) {
        if let Some(decision) = refused.decision() {
            self.write(headers, decision, now);
        }
        if let Some(wait) = refused.retry_after()
            && !headers.contains_key(RETRY_AFTER)
        {
            headers.insert(RETRY_AFTER, whole_seconds(wait).into());
        }
    }
}

/// Rounded up: a client that comes back early is refused again.
pub(crate) fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

/// Limit, remaining and reset.
type Names = [HeaderName; 3];

fn put(
    headers: &mut HeaderMap,
    names: &Names,
    quota: Option<Quota>,
    text: &mut BytesMut,
    reset: impl Fn(&mut BytesMut, Duration) -> fmt::Result,
) {
    let Some(quota) = quota else { return };
    let [limit, remaining, resets] = names;
    let mut insert = |name: &HeaderName, write: &dyn Fn(&mut BytesMut) -> fmt::Result| {
        let written = write(text);
        if let (Ok(()), Ok(value)) = (written, HeaderValue::from_maybe_shared(text.split().freeze())) {
            headers.insert(name, value);
        }
    };
    insert(limit, &|text| write!(text, "{}", quota.limit));
    insert(remaining, &|text| write!(text, "{}", quota.remaining));
    insert(resets, &|text| reset(text, quota.reset));
}

/// A duration as Go writes it, to the millisecond, rounded up: `12ms`, `1.5s`, `6m0s`, `1h0m0s`.
fn openai_duration(text: &mut BytesMut, time: Duration) -> fmt::Result {
    let millis = u64::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX);
    let (minutes, rest) = (millis / 60_000, millis % 60_000);
    match (minutes, rest) {
        (0, 1..1_000) => return write!(text, "{rest}ms"),
        (0, _) => {}
        (1..60, _) => write!(text, "{minutes}m")?,
        _ => write!(text, "{}h{}m", minutes / 60, minutes % 60)?,
    }
    let (mut fraction, mut digits) = (rest % 1_000, 3);
    if fraction == 0 {
        return write!(text, "{}s", rest / 1_000);
    }
    while fraction.is_multiple_of(10) {
        (fraction, digits) = (fraction / 10, digits - 1);
    }
    write!(text, "{}.{fraction:0digits$}s", rest / 1_000)
}

/// A time, to the second, rounded up.
fn rfc3339(text: &mut BytesMut, now: SystemTime, reset: Duration) -> fmt::Result {
    let at = now.checked_add(reset + Duration::from_nanos(999_999_999)).unwrap_or(now);
    write!(text, "{}", humantime::format_rfc3339_seconds(at))
}

/// As many bytes as four quotas take, or nearly.
const ROOM: usize = 256;

static OPENAI_REQUESTS: Names = [
    HeaderName::from_static("x-ratelimit-limit-requests"),
    HeaderName::from_static("x-ratelimit-remaining-requests"),
    HeaderName::from_static("x-ratelimit-reset-requests"),
];

static OPENAI_TOKENS: Names = [
    HeaderName::from_static("x-ratelimit-limit-tokens"),
    HeaderName::from_static("x-ratelimit-remaining-tokens"),
    HeaderName::from_static("x-ratelimit-reset-tokens"),
];

static ANTHROPIC_REQUESTS: Names = [
    HeaderName::from_static("anthropic-ratelimit-requests-limit"),
    HeaderName::from_static("anthropic-ratelimit-requests-remaining"),
    HeaderName::from_static("anthropic-ratelimit-requests-reset"),
];

static ANTHROPIC_TOKENS: Names = [
    HeaderName::from_static("anthropic-ratelimit-tokens-limit"),
    HeaderName::from_static("anthropic-ratelimit-tokens-remaining"),
    HeaderName::from_static("anthropic-ratelimit-tokens-reset"),
];

static ANTHROPIC_INPUT: Names = [
    HeaderName::from_static("anthropic-ratelimit-input-tokens-limit"),
    HeaderName::from_static("anthropic-ratelimit-input-tokens-remaining"),
    HeaderName::from_static("anthropic-ratelimit-input-tokens-reset"),
];

static ANTHROPIC_OUTPUT: Names = [
    HeaderName::from_static("anthropic-ratelimit-output-tokens-limit"),
    HeaderName::from_static("anthropic-ratelimit-output-tokens-remaining"),
    HeaderName::from_static("anthropic-ratelimit-output-tokens-reset"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl Fn(&mut BytesMut) -> fmt::Result) -> String {
        let mut text = BytesMut::new();
        write(&mut text).unwrap();
        String::from_utf8(text.to_vec()).unwrap()
    }

    #[test]
    fn durations_read_as_openai_writes_them() {
        for (millis, text) in [
            (0, "0s"),
            (1, "1ms"),
            (999, "999ms"),
            (1_000, "1s"),
            (1_500, "1.5s"),
            (8_640, "8.64s"),
            (60_000, "1m0s"),
            (360_000, "6m0s"),
            (252_288, "4m12.288s"),
            (3_600_000, "1h0m0s"),
            (90_061_001, "25h1m1.001s"),
        ] {
            assert_eq!(written(|text| openai_duration(text, Duration::from_millis(millis))), text);
        }
        assert_eq!(written(|text| openai_duration(text, Duration::from_nanos(1))), "1ms");
    }

    #[test]
    fn times_are_rounded_up_to_the_second() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_200);
        assert_eq!(written(|text| rfc3339(text, now, Duration::ZERO)), "2023-11-14T22:13:21Z");
        assert_eq!(written(|text| rfc3339(text, now, Duration::from_secs(10))), "2023-11-14T22:13:31Z");
    }
}
